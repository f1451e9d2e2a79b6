# SPDX-License-Identifier: Apache-2.0
"""Finds the end of a message that came by DATA and takes its dot-stuffing away (RFC 5321 4.5.2).

Trust: a logged-in user sends this, who may want to hide a second message in the first.

Only CRLF "." CRLF ends a message. Bare CR and LF are left as they are: whoever reads the content
has to refuse it, since another program may see a line end, and so an end of data, in them.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"
# What the end of a chunk may be: the longer part first, since each begins the next.
_BEGUN: Final = tuple(_END[:count] for count in range(len(_END) - 1, 0, -1))


class DotDecoder:
    """One message. `rest` is what came after its end, once `is_complete`."""

    __slots__ = ("_held", "_is_begun", "is_complete", "rest")

    def __init__(self) -> None:
        self._held = b"\r\n"  # the line end of DATA itself: a first line may be the dot
        self._is_begun = False
        self.is_complete = False
        self.rest = b""

    def decode(self, octets: bytes) -> bytes:
        """Return the content that is certain by now; it is never cut between CR and LF."""
        octets = self._held + octets
        end = octets.find(_END)
        if end >= 0:
            self.is_complete = True
            self.rest = octets[end + len(_END) :]
            content = octets[: end + 2]
        else:
            self._held = next((part for part in _BEGUN if octets.endswith(part)), b"")
            content = octets[: len(octets) - len(self._held)]
        return self._unstuff(content)

    def _unstuff(self, content: bytes) -> bytes:
        unstuffed = content.replace(b"\r\n.", b"\r\n")
        if self._is_begun or not unstuffed:
            return unstuffed
        self._is_begun = True
        return unstuffed[2:]  # DATA's own line end, which was put in front
