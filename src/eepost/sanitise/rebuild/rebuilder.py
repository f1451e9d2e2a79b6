# SPDX-License-Identifier: Apache-2.0
"""One message's body while it is made anew: what the rules for its parts share.

The rules come in from outside (`rules.py`), since rules for multiparts and for nested messages
need this again.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.mail.message import MAX_PARTS, Part
from eepost.mail.transfer import decode_transfer
from eepost.sanitise.choices import Choices
from eepost.sanitise.files.strip import Unpacking
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.openpgp.signatures import IsOwn
from eepost.sanitise.parts import html_to_read
from eepost.sanitise.pictures import Pictures
from eepost.sanitise.rebuild.built import TEXT_PLAIN, Built, body_fields
from eepost.sanitise.report import Tally

BOUNDARY_OCTETS = 20  # 160 random bits: none is ever met in a body


@dataclass(slots=True)
class Allowance:
    """What making one message anew may still cost; messages inside it take from the same."""

    parts: int = MAX_PARTS  # of messages that had to be decoded before anybody could count them
    html: HtmlAllowance = field(default_factory=HtmlAllowance)
    files: Unpacking = field(default_factory=Unpacking)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What making parts needs from outside."""

    domain: str
    choices: Choices
    randomness: Callable[[int], bytes]
    # Header fields of a nested message, made anew from what it held, with the empty line left out.
    nested_header: Callable[[Part], bytes]
    is_own_user_id: IsOwn  # of an OpenPGP key
    tally: Tally
    allowance: Allowance = field(default_factory=Allowance)


@dataclass(slots=True)
class Rebuilder:
    """Makes one message's body anew; `message` is the octets that `Part` speaks of."""

    message: bytes | bytearray
    around: Surroundings
    rule_for: Callable[[Part], "Rule"]
    is_nested: bool = False
    encodings: int = 0  # how many encoded messages it stands in
    root: Part = field(init=False)
    view: memoryview = field(init=False)
    pictures: Pictures = field(init=False)
    _made: dict[int, Built | None] = field(default_factory=dict)  # HTML, by where it starts

    def __post_init__(self) -> None:
        self.view = memoryview(self.message)
        self.pictures = Pictures(self.around.domain)

    def build_root(self, root: Part) -> Built:
        """Return the body of a whole message; an empty text where nothing of it is left."""
        self.root = root
        self.pictures.collect(root)
        for part in html_to_read(root):  # first, since it numbers the pictures
            self._made[part.start] = self.rule_for(part)(self, part)
        return self.build(root) or Built(body_fields(TEXT_PLAIN, b"7bit"), [b"\r\n"])

    def build(self, part: Part) -> Built | None:
        """Return a part made anew, None where it is left out."""
        if part.start in self._made:
            return self._made[part.start]
        return self.rule_for(part)(self, part)

    def inside(self, message: bytes | bytearray | None = None) -> "Rebuilder":
        """Return what makes the body of a nested message anew, with pictures of its own.

        `message` is one that was decoded, None where it stands in this one as it is.
        """
        if message is None:
            return Rebuilder(self.message, self.around, self.rule_for, True, self.encodings)
        return Rebuilder(message, self.around, self.rule_for, True, self.encodings + 1)

    @property
    def allowance(self) -> Allowance:
        """What the whole message may still cost."""
        return self.around.allowance

    def content(self, part: Part) -> bytes:
        """Return the decoded body of a part."""
        octets = bytes(self.view[part.body_start : part.end])
        return decode_transfer(octets, part.transfer_encoding)

    def place(self, part: Part) -> str:
        """Return which part it is, for its sender: names of files may stand in no reply."""
        leaves = [each for each in self.root.walk() if not each.children]
        if self.is_nested or part not in leaves:
            return "A part"
        return f"Part {leaves.index(part) + 1} of {len(leaves)}"

    def boundary(self) -> str:
        """Return a boundary that nothing can hold."""
        return base64.b32encode(self.around.randomness(BOUNDARY_OCTETS)).decode("ascii").lower()

    @property
    def tally(self) -> Tally:
        """Where changes are counted."""
        return self.around.tally


Rule = Callable[[Rebuilder, Part], Built | None]
