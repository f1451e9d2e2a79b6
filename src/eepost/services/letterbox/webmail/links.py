# SPDX-License-Identifier: Apache-2.0
"""Links in messages: numbered, and shown as they really lead before anybody follows them.

Trust: anybody may have written the words and the address.
"""

import re
from dataclasses import dataclass, field
from typing import Final

# Newsletters have some hundred. What comes after them is shown as text.
MAX_LINKS = 500
# Longer addresses exist to hide what is in them, or to carry a file.
MAX_ADDRESS_CHARACTERS = 4_000

_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"\u00ab\u00bb\u201c\u201d]{3,4000}", re.IGNORECASE)
# As browsers read it: a backslash is a slash to them, and the last @ ends the user's name.
_HOST: Final = re.compile(r"(?i)https?://(?:[^/\\?#]*@)?(\[[0-9a-f:.]+\]|[^/\\?#:@]+)")
# What ends a sentence and not an address.
_TRAILING: Final = ".,;:!?'\u2019"
_PAIRS: Final = (("(", ")"), ("[", "]"))


@dataclass(frozen=True, slots=True, repr=False)
class Link:
    """An address that a message leads to."""

    number: int
    address: str
    words: str = ""  # what stands in its place in HTML

    @property
    def is_followable(self) -> bool:
        """A browser can open it as a page."""
        return _HOST.match(self.address) is not None

    @property
    def host(self) -> str:
        """The name of the site that it leads to, in ASCII as the network knows it."""
        found = _HOST.match(self.address)
        return _in_ascii(found[1]) if found else ""

    @property
    def is_inside(self) -> bool:
        """It leads into I2P."""
        return self.host.endswith(".i2p")

    @property
    def warnings(self) -> list[str]:
        """Say what should make its reader think."""
        return [text for text, is_so in _WARNINGS if is_so(self)]


def _promises_another(link: Link) -> bool:
    promised = _NAMED.search(link.words.strip())
    return promised is not None and _in_ascii(promised[1]) not in {
        link.host,
        link.host.removeprefix("www."),
        "www." + link.host,
    }


_NAMED: Final = re.compile(
    r"(?i)^(?:https?://)?((?:[\w-]{1,63}\.)+[a-z][a-z0-9]{1,20})(?=$|[/?#:])"
)
_AUTHORITY: Final = re.compile(r"[/\\?#]")
_WARNINGS: Final = (
    ("The words in the message name another site.", _promises_another),
    (
        "It has letters that look like others.",
        lambda link: any(label.startswith("xn--") for label in link.host.split(".")),
    ),
    (
        "What stands before the @ sign is a name, not the site.",
        lambda link: "@" in _AUTHORITY.split(link.address.partition("//")[2], maxsplit=1)[0],
    ),
    (
        "It leads out of I2P.",
        lambda link: link.is_followable and not link.is_inside,
    ),
)


def _in_ascii(host: str) -> str:
    host = host.lower().rstrip(".")
    if host.isascii():
        return host
    try:
        return host[:253].encode("idna").decode("ascii")
    except UnicodeError:
        return host


@dataclass(slots=True)
class Links:
    """Collects the links of one message; an address that stands twice has one number."""

    found: list[Link] = field(default_factory=list)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def number(self, address: str, words: str = "") -> int:
        """Return the number of a link, 0 where there are too many or it is too long."""
        known = self._numbers.get((address, words))
        if known is not None:
            return known
        if len(self.found) >= MAX_LINKS or len(address) > MAX_ADDRESS_CHARACTERS:
            return 0
        link = Link(len(self.found) + 1, address, words)
        self.found.append(link)
        self._numbers[address, words] = link.number
        return link.number

    def in_text(self, text: str) -> list[tuple[str, int]]:
        """Return `text` in pieces, each with the number of the link that it is, 0 for none."""
        pieces: list[tuple[str, int]] = []
        at = 0
        for found in _IN_TEXT.finditer(text):
            address = _without_end(found[0])
            number = self.number(address)
            if number:
                pieces += [(text[at : found.start()], 0), (address, number)]
                at = found.start() + len(address)
        return [*pieces, (text[at:], 0)]


def _without_end(address: str) -> str:
    address = address.rstrip(_TRAILING)
    for opening, closing in _PAIRS:
        while address.endswith(closing) and address.count(closing) > address.count(opening):
            address = address[:-1].rstrip(_TRAILING)
    return address
