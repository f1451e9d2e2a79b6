# SPDX-License-Identifier: Apache-2.0
"""What fetching answers when it can't: constant public words, one answer for each reason.

Many mail programs show any -ERR at PASS as a wrong password; the response codes of RFC 3206 let
those that look tell the two apart.
"""

from typing import Final

from eepost.wire.pop3 import replies
from eepost.wire.pop3.events import Refused, ResponseCode

WRONG_CREDENTIALS: Final[Refused] = replies.WRONG_CREDENTIALS
LOGIN_BUSY: Final[Refused] = Refused(
    "Too many logins right now, try again in a minute", ResponseCode.SYS_TEMP
)
LOGIN_ELSEWHERE: Final[Refused] = Refused(
    "This account has too many connections already, try again later", ResponseCode.IN_USE
)
LOGIN_ENDED: Final[Refused] = Refused(
    "The account was changed meanwhile, log in again", closes=True
)
FAULT: Final[Refused] = Refused(
    "Could not do that right now, try again later", ResponseCode.SYS_TEMP
)
# Closes: a client that has sent RETR, DELE and QUIT in one burst would delete what it did not get.
NOT_READ: Final[Refused] = Refused(
    "Could not read the message right now, try again later", ResponseCode.SYS_TEMP, closes=True
)
DAMAGED: Final[Refused] = Refused(
    "This message is damaged, please tell the postmaster", ResponseCode.SYS_PERM
)
NOT_UPDATED: Final[Refused] = Refused("Nothing was deleted, try again later", ResponseCode.SYS_TEMP)
GONE: Final[Refused] = Refused("This message was deleted by another session meanwhile")
TURNED_AWAY: Final[Refused] = Refused(
    "Too many connections right now, try again later", ResponseCode.SYS_TEMP, closes=True
)
EXPIRED: Final = "Nothing was heard for too long, good-bye"
SHUTDOWN: Final = "The service is stopping, try again later"
