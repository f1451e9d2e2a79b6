# SPDX-License-Identifier: Apache-2.0
"""Signed mail, which can't be made harmless without breaking it: looked through instead.

Trust: anybody may have written the message, and nobody has looked at the signature.
"""

import re
from dataclasses import dataclass, replace

from eepost.mail.message import MAX_PARTS, Bounds, Part, split_message
from eepost.mail.transfer import decode_transfer
from eepost.mail.violation import PeerViolation
from eepost.sanitise.edges import Edges
from eepost.sanitise.events import TYPES as EVENTS
from eepost.sanitise.events import without_pages
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.html_words import extract_text
from eepost.sanitise.leaves import (
    DEPTH_WHEN_PACKED,
    HTML,
    LINE_END,
    MAX_PACKINGS,
    REPORTS,
    content_of,
    is_opaque,
    is_page,
    may_run,
    text_of,
)
from eepost.sanitise.one_reading import hides_fields, is_one_reading
from eepost.sanitise.opaque import signed_content
from eepost.sanitise.parts import is_file

_ACTIVE = re.compile(
    r"(?i)<\s*+(?:script|iframe|frame|object|embed|applet|form|input|link|base|svg|math|video|audio"
    r"|source|meta[^<>]*http-equiv|style|portal|img[^<>]*\ssrc\s*+=\s*+[\"']?\s*(?!cid:|[\"'\s]))"
    r"|\son[a-z]++\s*+=|javascript:|vbscript:|url\s*+\(|@import|background\s*+="
)
_ENCODED = (b"base64", b"quoted-printable")


# Octets of a part whose header readers may take in different ways: looked through in three ways,
# ten megabytes take seconds. Real ones are notes.
MAX_DOUBTFUL_OCTETS = 1_000_000


@dataclass(frozen=True, slots=True)
class SignedMail:
    """Looks through signed parts of `message`; with `lets_run`, files in it may run something."""

    message: bytes | bytearray
    lets_run: bool
    packings: int = 1  # how many signed messages it stands in

    def does_nothing(self, part: Part, around: Edges) -> bool:
        """Say whether `part` may pass as it is, between parts that have the edges `around`."""
        leaves = (each for each in part.walk() if not each.children)
        return self._has_its_edges(part, around) and not any(map(self._may_act, leaves))

    def words(self, part: Part, allowance: HtmlAllowance) -> str:
        """Return what HTML in `part` says, or what plain texts say where there is none."""
        leaves = [each for each in part.walk() if not each.children]
        pages = [each for each in leaves if each.content_type.value in HTML]
        if pages:
            return "\n\n".join(extract_text(self._text(each), allowance) for each in pages)
        texts = [each for each in leaves if each.main_type == "text" and not is_file(each)]
        return "\n\n".join(map(self._text, texts))

    def _text(self, part: Part) -> str:
        return text_of(part, content_of(self.message, part))

    def _may_act(self, leaf: Part) -> bool:
        """Say whether a part may do something, or is what nobody can look into."""
        kind = leaf.content_type.value
        if leaf.main_type == "multipart" or (leaf.main_type == "message" and kind not in REPORTS):
            return True
        if hides_fields(leaf, self.message) or (is_opaque(leaf) and self._is_open(leaf)):
            return True
        if kind in EVENTS and without_pages(content_of(self.message, leaf)) is not None:
            return True
        if is_page(leaf):
            return _ACTIVE.search(self._text(leaf)) is not None
        if not is_one_reading(leaf) and self._is_active_somehow(leaf):
            return True
        return not self.lets_run and may_run(leaf, content_of(self.message, leaf))

    def split(self, parts: int = MAX_PARTS) -> Part:
        """Return the tree of the message, where it was packed. Raises PeerViolation."""
        return split_message(self.message, Bounds(depth=DEPTH_WHEN_PACKED, parts=parts))

    def _is_open(self, leaf: Part) -> bool:
        """Say whether a reader shows without a key what S/MIME holds, and that may do something."""
        try:
            inner = signed_content(content_of(self.message, leaf))
            if inner is None:
                return False
            if self.packings == MAX_PACKINGS:
                return True
            message = LINE_END.sub(b"\r\n", inner)
            signed = replace(self, message=message, packings=self.packings + 1)
            return not signed.does_nothing(signed.split(), Edges())
        except PeerViolation:
            return True

    def _is_active_somehow(self, leaf: Part) -> bool:
        """Say whether a part would be active HTML if a reader took it for that."""
        octets = bytes(memoryview(self.message)[leaf.body_start : leaf.end])
        if len(octets) > MAX_DOUBTFUL_OCTETS:
            return True
        ways = (octets, *(decode_transfer(octets, each) for each in _ENCODED))
        return any(_ACTIVE.search(each.decode("latin-1")) is not None for each in ways)

    def _has_its_edges(self, part: Part, around: Edges) -> bool:
        """Say whether all readers find the same parts in `part`."""
        if not part.children:
            return not around.stand_in(self.message, part.start, part.end)
        if hides_fields(part, self.message) or not is_one_reading(part):
            return False
        if part.main_type != "multipart":
            return all(self._has_its_edges(each, around) for each in part.children)
        inside, at = around.inside(part), part.body_start
        for child in part.children:
            if inside.gap(self.message, at, child.start, is_last=False) is not None:
                return False
            if not self._has_its_edges(child, inside):
                return False
            at = child.end
        return inside.gap(self.message, at, part.end, is_last=True) is None
