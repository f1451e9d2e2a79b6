# SPDX-License-Identifier: Apache-2.0
"""What submission answers: constant public words, one reply for each reason."""

from dataclasses import replace
from typing import Final

from eepost.mail.reply import Reply
from eepost.queue.allowance import Lack, Limits, OverQuota


def greeting(name: str) -> Reply:
    """Return the greeting of the post office for the domain `name` (RFC 5321 4.2)."""
    return Reply(220, "", f"{name} ESMTP ready")


AUTHENTICATED: Final = Reply(235, "2.7.0", "Authentication succeeded")
WRONG_CREDENTIALS: Final = Reply(535, "5.7.8", "Wrong name or password")
LOGIN_BUSY: Final = Reply(454, "4.7.0", "Too many logins right now, try again in a minute")
LOGIN_ELSEWHERE: Final = Reply(
    454, "4.7.0", "This account has too many connections already, try again later"
)
LOGIN_ENDED: Final = Reply(421, "4.7.0", "The account was changed meanwhile: log in again")

TURNED_AWAY: Final = Reply(421, "4.3.2", "Too many connections right now, try again later")
EXPIRED: Final = Reply(421, "4.4.2", "Nothing was heard for too long, good-bye")
SHUTDOWN: Final = Reply(421, "4.3.2", "The service is stopping, try again later")
FAULT: Final = Reply(451, "4.3.0", "Could not do that right now, try again later")

SENDER_ACCEPTED: Final = Reply(250, "2.1.0", "Sender accepted")
SENDER_NOT_YOURS: Final = Reply(
    553, "5.7.1", "The sender has to be your own address: set it in your mail program's account"
)

RECIPIENT_ACCEPTED: Final = Reply(250, "2.1.5", "Recipient accepted")
NO_SUCH_RECIPIENT: Final = Reply(550, "5.1.1", "There is no such address here")
RECIPIENT_DISABLED: Final = Reply(550, "5.2.1", "This address takes no mail")
RECIPIENT_FULL: Final = Reply(452, "4.2.2", "The recipient's maildrop is full, try again later")
TOO_LARGE_FOR_RECIPIENT: Final = Reply(
    552, "5.2.3", "The message is larger than the recipient's maildrop"
)
NOT_LOCAL: Final = Reply(
    550, "5.7.1", "This post office does not send to other domains: it has no gateway yet"
)

DRY_RUN_ALONE: Final = Reply(
    550, "5.7.1", "A dry run goes to its address alone: nothing is sent to anybody"
)
DRY_RUN_DONE: Final = Reply(250, "2.0.0", "Not sent: a report on it lies in your maildrop")

ACCEPTED: Final = Reply(250, "2.0.0", "Accepted and safely stored")
TRANSIT_FULL: Final = Reply(452, "4.3.1", "Too much mail at once right now, try again later")
TOO_MANY_COPIES: Final = Reply(
    552, "5.3.4", "Too large for so many recipients: send it to fewer of them at a time"
)
RECIPIENT_GONE: Final = Reply(
    451, "4.2.1", "A recipient was closed meanwhile: nothing was delivered, try again"
)

CLEANING_FAILED: Final = Reply(
    451, "4.3.0", "The message could not be cleaned right now: nothing was delivered, try again"
)
CLEANING_BUSY: Final = Reply(
    451, "4.3.2", "Too much mail waits to be cleaned right now: nothing was delivered, try again"
)

# 451, also over limits: the operator may raise them, and a mail program that asks its user again
# shows the text either way.
SCANNER_DOWN: Final = Reply(
    451, "4.3.0", "The virus scanner can't be asked right now: nothing was delivered, try again"
)
OVER_SCANNER_LIMITS: Final = Reply(
    451,
    "4.7.1",
    "Something in the message is packed too deep or too large for the virus scanner:"
    " nothing was delivered",
)
VIRUS_FOUND: Final = Reply(
    554, "5.7.1", "A virus was found in the message, nothing was delivered: {name}"
)


def virus_found(name: str) -> Reply:
    """Return VIRUS_FOUND with `name`, as in sanitise.scan.Infected.

    The sender is told the name: an innocent one can find out which file it is, and whoever writes
    viruses has the public signatures anyway.
    """
    return replace(VIRUS_FOUND, text=VIRUS_FOUND.text.format(name=name))


NOT_ON_THE_INTERNET: Final = Reply(
    550, "5.1.2", "There is no such domain on the Internet, and no way to it from here"
)
QUEUE_FULL: Final = Reply(
    452, "4.3.1", "Too much mail waits to leave for the Internet already, try again later"
)
OPTED_OUT: Final = Reply(550, "5.7.1", "This person wants no mail from this service")

LEAVES_AT_ONCE: Final = Reply(250, "2.0.0", "Accepted and safely stored; leaves at once")
LEAVES_IN_A_BATCH: Final = Reply(
    250, "2.0.0", "Accepted and safely stored; leaves with the next batch, at 00:00 or 12:00 UTC"
)


def leaves_deferred(shortest_seconds: int, longest_seconds: int) -> Reply:
    """Return the reply to mail that leaves after a random time."""
    return Reply(
        250,
        "2.0.0",
        "Accepted and safely stored; leaves after a random time between"
        f" {shortest_seconds // 60} and {-(-longest_seconds // 60)} minutes",
    )


def over_quota(lack: OverQuota, limits: Limits) -> Reply:
    """Return the reply to a message beyond what may go to the Internet in 24 hours."""
    if lack.lack is Lack.MESSAGES:
        return Reply(
            452,
            "4.7.1",
            f"Only {limits.messages} messages to the Internet in 24 hours: there is room again in"
            f" {lack.hours} hours",
        )
    only = f"Only {limits.recipients} different Internet recipients in 24 hours"
    stamp = _stamp_words(limits)
    if lack.lack is Lack.EVER:
        return Reply(550, "5.5.3", f"{only}: send it to fewer of them at a time{stamp}")
    return Reply(452, "4.5.3", f"{only}: there may be room again in {lack.hours} hours{stamp}")


def _stamp_words(limits: Limits) -> str:
    if not limits.stamps:
        return ""
    bits, more = limits.stamps[0]
    return (
        f", or add an X-Hashcash field: hashcash -mb{bits} with your address gives {more} more"
        " for 24 hours"
    )
