# SPDX-License-Identifier: Apache-2.0
"""Pictures that HTML shows from its own message: found by old names, given new ones (RFC 2392)."""

import html
import re
from dataclasses import dataclass, field

from eepost.mail.message import Part
from eepost.sanitise.parts import readable

_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
# Characters of a reference: longer ones are data: URLs, which no part answers to.
_MAX_REFERENCE = 1_000


@dataclass(slots=True)
class Pictures:
    """The named parts of one message, and which of them its HTML shows.

    A part gets a number when HTML first refers to it, so HTML must be made before the parts are.
    """

    domain: str
    _by_name: dict[str, int] = field(default_factory=dict)  # old name -> where the part starts
    _numbers: dict[int, int] = field(default_factory=dict)  # where the part starts -> its number

    def collect(self, root: Part) -> None:
        """Learn the names of `root`'s parts, those of nested messages left out."""
        for part in readable(root):
            for field_name in (b"content-id", b"content-location"):
                name = (part.raw(field_name) or b"").strip().strip(b"<>").decode("latin-1").strip()
                if name:
                    self._by_name.setdefault(name, part.start)

    def source(self, reference: str) -> str | None:
        """Return the new source for an old one; None where no part of the message has that name."""
        start = self._find(reference)
        if start is None:
            return None
        number = self._numbers.setdefault(start, len(self._numbers) + 1)
        return f"cid:part{number}@{self.domain}"

    def _find(self, reference: str) -> int | None:
        if len(reference) > _MAX_REFERENCE:
            return None
        name = html.unescape(reference).strip()
        if name[:4].lower() == "cid:":
            name = name[4:].strip()
        unquoted = _PERCENT.sub(lambda pair: chr(int(pair[1], 16)), name)
        return self._by_name.get(name, self._by_name.get(unquoted))

    def name_of(self, part: Part) -> bytes:
        """Return the new Content-ID of a part that HTML shows, b"" for any other."""
        number = self._numbers.get(part.start)
        return b"part%d@%s" % (number, self.domain.encode("ascii")) if number else b""
