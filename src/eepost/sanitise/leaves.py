# SPDX-License-Identifier: Apache-2.0
"""Parts that hold no others: what is in them, and what opening them may do.

Trust: anybody may have written the message.
"""

import re

from eepost.mail.charset import decode_text
from eepost.mail.message import Part
from eepost.mail.transfer import decode_transfer
from eepost.sanitise.danger import ACTIVE_TYPES, is_dangerous
from eepost.sanitise.html import declared_charset
from eepost.sanitise.opaque import TYPES
from eepost.sanitise.parts import disposition_of, is_file, names_of

HTML = frozenset(("text/html", "application/xhtml+xml", "text/x-amp-html"))
# Messages in name alone: fields that say what became of another.
REPORTS = frozenset(
    {
        *("message/delivery-status", "message/global-delivery-status", "message/feedback-report"),
        *("message/disposition-notification", "message/global-disposition-notification"),
        *("message/global-headers",),
    }
)
# Messages that stand packed in each other, and the depth of each.
MAX_PACKINGS = 4
DEPTH_WHEN_PACKED = 10
LINE_END = re.compile(rb"\r\n|\r|\n")  # of a message that was packed
# Behind the name of a dangerous file: an extension that no system opens with anything.
UNSAFE = ".unsafe"


def content_of(message: bytes | bytearray, part: Part) -> bytes:
    """Return the decoded body of `part`, which stands in `message`."""
    octets = bytes(memoryview(message)[part.body_start : part.end])
    return decode_transfer(octets, part.transfer_encoding)


def text_of(part: Part, content: bytes) -> str:
    """Return the text or HTML that the `content` of a part is."""
    return decode_text(content, part.content_type.get("charset") or declared_charset(content))


def is_page(part: Part) -> bool:
    """Say whether readers show a part as HTML; many do so whatever name it has."""
    return part.content_type.value in HTML and disposition_of(part) != "attachment"


def is_opaque(part: Part) -> bool:
    """Say whether a part is S/MIME that mail programs open by themselves, by its type or name."""
    return part.content_type.value in TYPES or any(
        each.lower().endswith((".p7m", ".p7z")) for each in names_of(part)
    )


def may_run(part: Part, content: bytes) -> bool:
    """Say whether a part is a file that may run something, by a name, its type or its octets."""
    kind = part.content_type.value
    names = names_of(part)
    if kind == "application/octet-stream" and _is_renamed(names):
        return False
    if kind in HTML or kind in ACTIVE_TYPES:
        return True
    is_told = is_file(part) or part.main_type != "text"
    return is_told and any(is_dangerous(each, content) for each in names)


def _is_renamed(names: frozenset[str]) -> bool:
    return names != {""} and all(each.endswith(UNSAFE) for each in names - {""})
