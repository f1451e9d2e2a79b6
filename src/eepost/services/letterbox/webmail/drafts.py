# SPDX-License-Identifier: Apache-2.0
"""What stands in the form for writing: kept in a draft as it was typed, so that nothing is lost.

A draft is a message like any other, with its files in it; what was typed stands in a field of its
own, since a line of addresses need not be finished. It never leaves the machine.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Final

import msgspec
from msgspec import Struct

from eepost.mail.unstructured import fold
from eepost.services.letterbox.webmail.reading import Reading

_FIELD: Final = b"X-Letterbox-Draft"
_LINE_OCTETS: Final = 70
# The field must leave room in a header for all others.
MAX_TYPED_OCTETS: Final = 100_000


class Typed(Struct, frozen=True):
    """The fields of the form; numbers are 0 where there is none."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    encrypt: bool = False
    answers: int = 0  # the message that it answers
    forwards: int = 0  # the message that it forwards

    def __repr__(self) -> str:
        return "Typed()"


def draft_field(typed: Typed) -> bytes:
    """Return the field that keeps all but the text, b"" where it would be too long."""
    octets = urlsafe_b64encode(msgspec.json.encode(msgspec.structs.replace(typed, text="")))
    if len(octets) > MAX_TYPED_OCTETS:
        return b""
    words = [octets[at : at + _LINE_OCTETS] for at in range(0, len(octets), _LINE_OCTETS)]
    return fold(_FIELD, words)


def read_draft(reading: Reading) -> Typed | None:
    """Return what was typed, None for a message that is no draft of ours."""
    value = next((each[2] for each in reading.fields if each[0].lower() == _FIELD.lower()), None)
    if value is None:
        return None
    try:
        octets = urlsafe_b64decode(b"".join(value.split()))
        typed = msgspec.json.decode(octets, type=Typed)
    except (NotBase64, ValueError, msgspec.MsgspecError):
        return None
    return msgspec.structs.replace(typed, text=reading.text)
