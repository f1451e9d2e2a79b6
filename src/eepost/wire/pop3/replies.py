# SPDX-License-Identifier: Apache-2.0
"""Every reply of the POP3 engine that does not depend on the maildrop, ready to be sent.

None tells the software, its version, a host name or anything of the peer. None is without text,
since a status indicator alone confuses some clients.
"""

from typing import Final

from eepost.wire.lines import BadLine
from eepost.wire.pop3.events import Refused, ResponseCode

GREETING = b"+OK POP3 ready\r\n"
USER_TAKEN = b"+OK now the password\r\n"  # the same for any name: nobody learns who has an account
ADMITTED = b"+OK maildrop open\r\n"
TOP_FOLLOWS = b"+OK top of message follows\r\n"
UNIQUE_IDS_FOLLOW = b"+OK unique-ids follow\r\n"
DELETED = b"+OK message will be deleted at QUIT\r\n"
UNDELETED = b"+OK nothing will be deleted\r\n"
NOTHING_DONE = b"+OK nothing done\r\n"
BYE = b"+OK bye\r\n"

UNKNOWN_COMMAND = b"-ERR unknown command\r\n"
NOT_NOW = b"-ERR not in this state\r\n"
USER_AND_PASS_ONLY = b"-ERR not offered, log in with USER and PASS\r\n"
USER_FIRST = b"-ERR USER must come first\r\n"
NO_ARGUMENT = b"-ERR an argument is missing\r\n"
NEEDLESS_ARGUMENT = b"-ERR this command takes no argument\r\n"
BAD_NUMBER = b"-ERR that is no message number\r\n"
BAD_TOP = b"-ERR TOP takes a message number and a number of lines\r\n"
NO_SUCH_MESSAGE = b"-ERR no such message\r\n"
TOO_MANY_ERRORS = b"-ERR too many errors\r\n"
NOT_THE_WEB = b"-ERR this is a mail server\r\n"
TOO_MANY_COMMANDS = "too many commands"
BAD_LINES = {bad: f"-ERR {bad.value}\r\n".encode("ascii") for bad in BadLine}

WRONG_CREDENTIALS: Final[Refused] = Refused("wrong login or password", ResponseCode.AUTH)


def failure(text: str, code: ResponseCode | None = None) -> bytes:
    """Return the -ERR line for `text`, with its response code if there is one (RFC 2449 8)."""
    return (f"-ERR [{code.value}] {text}\r\n" if code else f"-ERR {text}\r\n").encode("ascii")


def capabilities(expire_days: int | None) -> bytes:
    """Return the answer to CAPA, the same before and after login (RFC 2449 5).

    No SASL: with it curl and Thunderbird leave USER and PASS, and Alpine warns of a server
    without TLS. No IMPLEMENTATION: nobody needs to know it.
    """
    expire = "NEVER" if expire_days is None else str(expire_days)
    return (
        "+OK capabilities follow\r\n"
        "USER\r\nUIDL\r\nTOP\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
        f"EXPIRE {expire}\r\n.\r\n"
    ).encode("ascii")
