# SPDX-License-Identifier: Apache-2.0
"""What the mail exchanger answers: constant public words, one reply for each reason."""

from typing import Final

from eepost.mail.reply import Reply


def greeting(host: str) -> Reply:
    """Return the greeting of the exchanger called `host` in the DNS (RFC 5321 4.2)."""
    return Reply(220, "", f"{host} ESMTP ready")


TURNED_AWAY: Final = Reply(421, "4.3.2", "Too many connections right now, try again later")
EXPIRED: Final = Reply(421, "4.4.2", "Nothing was heard for too long, good-bye")
SHUTDOWN: Final = Reply(421, "4.3.2", "The service is stopping, try again later")
FAULT: Final = Reply(451, "4.3.0", "Could not do that right now, try again later")

SENDER_ACCEPTED: Final = Reply(250, "2.1.0", "Sender accepted")
RECIPIENT_ACCEPTED: Final = Reply(250, "2.1.5", "Recipient accepted")
NO_RELAY: Final = Reply(550, "5.7.1", "Mail for this domain is not taken here")
NO_SUCH_RECIPIENT: Final = Reply(550, "5.1.1", "There is no such address here")
RECIPIENT_LATER: Final = Reply(451, "4.2.0", "The recipient takes no mail now, try again later")
CORE_AWAY: Final = Reply(451, "4.4.1", "The recipient can't be looked up now, try again later")

BAD_NAME: Final = Reply(
    550, "5.7.1", "EHLO needs the full name of the sending host, or its address"
)
OUR_NAME: Final = Reply(550, "5.7.1", "EHLO names this host or its domain: that is not the sender")
LISTED: Final = Reply(554, "5.7.1", "The sending host is listed as a source of abuse")
CLEANING_FAILED: Final = Reply(
    451, "4.3.0", "The message can't be looked into right now, try again later"
)
TOO_FAST: Final = Reply(451, "4.7.1", "Too much mail from this network at once, try again later")
GREYLISTED: Final = Reply(451, "4.7.1", "First contact: try again in some minutes")

LOOP: Final = Reply(554, "5.4.6", "The message passed too many hosts: it goes round in a circle")
FORGED: Final = Reply(
    550, "5.7.26", "The author's domain asks that unauthenticated mail is refused"
)
SPF_FAILED: Final = Reply(
    550, "5.7.23", "The sender's domain denies that this host may send for it"
)
UNCERTAIN: Final = Reply(
    451, "4.7.24", "The author's domain could not be asked about its mail, try again later"
)
CHECKS_BUSY: Final = Reply(
    451, "4.3.2", "The sender can't be looked into right now, try again later"
)
CONTENT_REFUSED: Final = Reply(
    554, "5.7.1", "The message can't be taken: it is harmful or malformed"
)
ACCEPTED: Final = Reply(250, "2.0.0", "Accepted and safely stored")
TRANSIT_FULL: Final = Reply(452, "4.3.1", "Too much mail at once right now, try again later")
QUEUE_FULL: Final = Reply(452, "4.3.1", "No room to keep the message, try again later")
