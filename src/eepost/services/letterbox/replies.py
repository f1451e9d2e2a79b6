# SPDX-License-Identifier: Apache-2.0
"""What the letterbox answers to mail programs: constant public words, one for each reason."""

from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.pop3.events import Refused, ResponseCode

GREETING: Final = Reply(220, "", "localhost ESMTP letterbox ready")
AUTHENTICATED: Final = Reply(235, "2.7.0", "Authentication succeeded")
TURNED_AWAY: Final = Reply(421, "4.3.2", "Too many connections right now, try again later")
EXPIRED: Final = Reply(421, "4.4.2", "Nothing was heard for too long, good-bye")
SHUTDOWN: Final = Reply(421, "4.3.2", "The letterbox is stopping, try again later")
FAULT: Final = Reply(451, "4.3.0", "Could not do that right now, try again later")
SENDER_ACCEPTED: Final = Reply(250, "2.1.0", "Sender accepted")
RECIPIENT_ACCEPTED: Final = Reply(250, "2.1.5", "Recipient accepted")
ACCEPTED: Final = Reply(250, "2.0.0", "Cleaned and kept safely; it is sent when the route is there")
TRANSIT_FULL: Final = Reply(452, "4.3.1", "Too much mail at once right now, try again later")
DISK_FULL: Final = Reply(
    452, "4.3.1", "The disk is full: nothing was kept, make room and try again"
)

_WRONG: Final = "Wrong name or password"
_OLD_NEEDED: Final = (
    "The password was changed at the service: sign in to the letterbox's web page once,"
    " it asks for the old one"
)
_FIRST: Final = (
    "The service can't be asked right now, and the first sign-in needs it: try again in a minute"
)
_GUESSED: Final = "Too many wrong passwords came: try again in a minute"
_LOCKED: Final = "The letters can't be opened: is the disk full, damaged, or in use elsewhere?"

WRONG_PASSWORD: Final = Reply(535, "5.7.8", _WRONG)
OLD_PASSWORD_NEEDED: Final = Reply(535, "5.7.8", _OLD_NEEDED)
UNREACHABLE: Final = Reply(454, "4.7.0", _FIRST)
GUESSED: Final = Reply(454, "4.7.0", _GUESSED)
NOT_OPENED: Final = Reply(454, "4.7.0", _LOCKED)

POP3_TURNED_AWAY: Final = Refused(TURNED_AWAY.text, ResponseCode.SYS_TEMP, closes=True)
POP3_WRONG_PASSWORD: Final = Refused(_WRONG, ResponseCode.AUTH)
POP3_OLD_PASSWORD_NEEDED: Final = Refused(_OLD_NEEDED, ResponseCode.AUTH)
POP3_UNREACHABLE: Final = Refused(_FIRST, ResponseCode.SYS_TEMP)
POP3_GUESSED: Final = Refused(_GUESSED, ResponseCode.SYS_TEMP)
POP3_NOT_OPENED: Final = Refused(_LOCKED, ResponseCode.SYS_TEMP)
POP3_GONE: Final = Refused("This message was removed meanwhile", ResponseCode.SYS_TEMP)
POP3_FAULT: Final = Refused("Could not do that right now, try again later", ResponseCode.SYS_TEMP)
POP3_NOT_UPDATED: Final = Refused("The disk is full: nothing was removed", ResponseCode.SYS_TEMP)
POP3_EXPIRED: Final = ""
POP3_SHUTDOWN: Final = "The letterbox is stopping, try again later"
