# SPDX-License-Identifier: Apache-2.0
"""Splits a message's octets into header fields and body; never decodes, never loses an octet.

Trust: anybody may have written these octets.

The header ends at the first empty line, or at the first line that is neither a field nor the
continuation of one; the body begins there. A message without any header is all body. Only CR LF
ends a line (RFC 5322 2.2); names may have white space before the colon (4.5), since old programs
write it and a parser further on would take the field for what it says.
"""

import re
from dataclasses import dataclass

from eepost.mail.violation import PeerViolation

# Octets of header fields in one message or part. Real mail stays under 16 kB; To with a thousand
# recipients and their names needs about 60 kB. What comes from the Internet is held to less.
MAX_HEADER_OCTETS = 262_144
# Fields in one header: real mail that went through many hands has about 150.
MAX_FIELDS = 1_000

# Possessive throughout: a failed match costs one pass over the octets, whatever they are. But for
# the group of all fields: Python before 3.11.5 (Debian 12 has 3.11.2) loses its place where a
# possessive group fails half-way through. Nothing follows it, so it is never gone back into.
_FIELD = rb"([!-9;-~]++)([ \t]*+:)([^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+(?:\r\n|\Z))"
_FIELDS = re.compile(_FIELD)
_BLOCK = re.compile(
    rb"(>?From [^\r\n]*+\r\n)?((?:" + re.sub(rb"\((?!\?)", b"(?:", _FIELD) + rb")*)"
)


# Name, colon with the white space before it, value still folded and with its line end: joined
# these are the field's octets. A bare tuple, since making anything else doubles the time.
Field = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Header:
    """The fields in order, and where they end.

    `mbox_line`, the fields' pieces, the empty line if there is one and `octets[body_start:]`
    joined give the message back.
    """

    mbox_line: bytes  # "From ..." of a mailbox file, which is no field (RFC 4155)
    fields: list[Field]
    body_start: int


def split_header(
    message: bytes | bytearray | memoryview, limit_octets: int = MAX_HEADER_OCTETS
) -> Header:
    """Return the fields of `message` and where its body begins.

    Raises PeerViolation where the header is longer than `limit_octets` or has too many fields.
    """
    # One octet more than may be is looked at, so that a body of any size costs nothing.
    found = _BLOCK.match(message, 0, limit_octets + 1)
    if found is None or found.end() > limit_octets:  # it is never None: it may match nothing
        raise PeerViolation("message header too long")
    end = found.end()
    fields: list[Field] = _FIELDS.findall(found[2])
    if len(fields) > MAX_FIELDS:
        raise PeerViolation("too many header fields")
    return Header(
        bytes(found[1] or b""), fields, end + 2 if message[end : end + 2] == b"\r\n" else end
    )
