# SPDX-License-Identifier: Apache-2.0
"""The official domain in what comes from the Internet becomes the internal one.

So that an answer to all, or to a copy, stays inside where it can. Only To and Cc: the author's own
fields are the author's, and what was signed and judged before stays readable as it was.

Trust: anybody wrote the fields; they are changed where the domain stands and nowhere else, so
that nothing is lost of what can't be read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from eepost.mail.header import Field

_FIELDS: Final = frozenset((b"to", b"cc"))


@dataclass(frozen=True, slots=True)
class Internalised:
    """Puts `internal` in place of each domain of `official`."""

    official: tuple[str, ...]
    internal: str
    _pattern: re.Pattern[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = "|".join(re.escape(each) for each in self.official)
        pattern = rf"(?i)(@[ \t]*+)(?:{names})(?![a-z0-9_-]|\.[a-z0-9_-])".encode("ascii")
        object.__setattr__(self, "_pattern", re.compile(pattern))

    def fields(self, fields: Iterable[Field]) -> list[Field]:
        """Return `fields` with the internal domain in To and Cc."""
        if not self.official:
            return list(fields)
        name = self.internal.encode("ascii")
        return [
            (each[0], each[1], self._pattern.sub(rb"\g<1>" + name, each[2]))
            if each[0].lower() in _FIELDS
            else each
            for each in fields
        ]
