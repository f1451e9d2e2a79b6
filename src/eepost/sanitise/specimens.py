# SPDX-License-Identifier: Apache-2.0
"""What of a message a virus scanner is to look at: the whole of it, and every part decoded.

Scanners read MIME too, but not as mail programs do. ClamAV 1.4 told a message by its first octets,
so that a first field `GIF89a:` hid everything; and in a multipart/signed whose second part is text
it did not look at the first. What we decode ourselves can't be hidden that way.

Trust: anybody may have written the message.
"""

from collections.abc import Sequence

from eepost.mail.message import Bounds, Part, split_message
from eepost.mail.transfer import decode_transfer

# In front of what is a message, so that its own first field decides nothing.
AS_MAIL = b"Received: by scanner\r\n"

# Twice as deep and wide as what a sanitiser lets through, which may have nested it once more.
_BOUNDS = Bounds(depth=60, parts=2_000)


def specimens(message: Sequence[bytes | memoryview]) -> list[bytes]:
    """Return the message (pieces in order) as one mail, and then the content of each of its parts.

    A mail that is one text as it stands gives itself only. Raises PeerViolation where it has more
    parts than any that a sanitiser has passed.
    """
    mail = b"".join((AS_MAIL, *message))
    root = split_message(mail, _BOUNDS)
    return [mail, *(_content(mail, part) for part in root.walk() if _hides(part, root))]


def _hides(part: Part, root: Part) -> bool:
    """Say whether a part holds something that has to be taken out of its mail to be seen."""
    if part.children:
        return False
    return part is not root or part.main_type != "text" or part.transfer_encoding not in _PLAIN


_PLAIN = frozenset((b"", b"7bit", b"8bit", b"binary"))


def _content(mail: bytes, part: Part) -> bytes:
    octets = decode_transfer(mail[part.body_start : part.end], part.transfer_encoding)
    # A message that came encoded was not split.
    return AS_MAIL + octets if part.main_type == "message" else octets
