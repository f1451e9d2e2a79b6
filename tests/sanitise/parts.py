# SPDX-License-Identifier: Apache-2.0
"""The standard library's view of a message, with types: what the checkers share."""

from email.message import Message
from typing import cast


def children(part: Message) -> list[Message]:
    """Return the parts of a multipart, or the message in a message."""
    return cast(list[Message], part.get_payload()) if part.is_multipart() else []


def content(part: Message) -> bytes:
    """Return the decoded content of a leaf."""
    return cast(bytes, part.get_payload(decode=True) or b"")
