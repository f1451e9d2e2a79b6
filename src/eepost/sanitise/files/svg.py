# SPDX-License-Identifier: Apache-2.0
"""SVG of the elements and attributes that are drawn: no editor's notes, metadata, or scripts.

Parsed by expat and written anew. Names of entities (some editors abbreviate by them) are refused:
they are how XML grows without bounds.
"""

import base64
import binascii
import html
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from eepost.sanitise.files.outcome import Inner, Unclean

# Elements within elements; drawings have some dozens.
MAX_DEPTH = 500

# An element or attribute takes as long as unpacking so many octets. Drawings have one in fifty.
_OCTETS_FOR_A_MARK = 200

_MARK = re.compile(rb"<svg[\s>]|<[a-z]{1,10}:svg\s")
_SEEN_OCTETS = 4_096
_SPACE = " "
# In attributes, where a parser would make plain blanks of them.
_BLANKS = {character: f"&#{character};" for character in b"\t\r\n"}
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_PREFIXES = {_XLINK: "xlink:", _XML: "xml:"}
# Told by a program and not drawn, or run by one.
_DROPPED = frozenset(("metadata", "script", "title", "desc", "handler", "listener"))
_DROPPED_ATTRIBUTES = frozenset(("xml:lang", "xml:base", "content", "enable-background"))
_LINK = re.compile(r"(?i)\s*(?:#|https?:|mailto:)")
_DATA = re.compile(r"\s*data:image/([a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=\s]+)\Z")
_REMOTE = re.compile(r"(?i)url\s*\(\s*[\"']?(?!\s*#)[^)]{0,2000}\)?|@import[^;]{0,2000};?")


def is_svg(octets: bytes) -> bool:
    """Say whether a file is an SVG drawing."""
    start = octets[:_SEEN_OCTETS]
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and _MARK.search(start) is not None


def strip_svg(octets: bytes, inner: Inner) -> bytes:
    """Return the drawing, and pictures in it, without metadata.

    Raises Unclean where it is no well-formed XML.
    """
    inner.take((octets.count(b"<") + octets.count(b"=")) * _OCTETS_FOR_A_MARK)
    writer = _Writer(inner)
    parser = expat.ParserCreate(namespace_separator=_SPACE)
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    try:
        parser.Parse(octets, True)
    except expat.ExpatError:
        raise Unclean("SVG drawing is not well-formed") from None
    return "".join(writer.written).encode("utf-8", "replace")


def _refuse(*_: object) -> None:
    raise Unclean("SVG drawing has entities")


@dataclass(slots=True)
class _Writer:
    inner: Inner
    written: list[str] = field(default_factory=lambda: ['<?xml version="1.0" encoding="UTF-8"?>\n'])
    depth: int = 0
    dropped_at: int = 0  # the depth of the element that goes with all in it
    is_style: bool = False

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unclean("SVG drawing is too deep")
        space, _, local = name.rpartition(_SPACE)
        if self.dropped_at:
            return
        if space not in {_SVG, ""} or local in _DROPPED:
            self.dropped_at = self.depth
            return
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        self.is_style = local == "style"
        kept = "".join(self._attribute(local, key, value) for key, value in pairs)
        if self.depth == 1:
            kept = f' xmlns="{_SVG}" xmlns:xlink="{_XLINK}"' + kept
        self.written.append(f"<{local}{kept}>")

    def end(self, name: str) -> None:
        self.is_style = False
        if not self.dropped_at:
            self.written.append(f"</{name.rpartition(_SPACE)[2]}>")
        elif self.dropped_at == self.depth:
            self.dropped_at = 0
        self.depth -= 1

    def text(self, text: str) -> None:
        if not self.dropped_at:
            shown = _REMOTE.sub("none", text) if self.is_style else text
            self.written.append(html.escape(shown, quote=False))

    def _attribute(self, element: str, name: str, value: str) -> str:
        space, _, local = name.rpartition(_SPACE)
        if space not in {"", *_PREFIXES} or local.lower().startswith("on"):
            return ""
        key = _PREFIXES.get(space, "") + local
        if key in _DROPPED_ATTRIBUTES or local.startswith("data-"):
            return ""
        if local == "href":
            value = self._reference(element, value)
            if not value:
                return ""
        else:
            value = _REMOTE.sub("none", value)
        quoted = html.escape(value).translate(_BLANKS)
        return f' {key}="{quoted}"'

    def _reference(self, element: str, value: str) -> str:
        """Return a link within the drawing, of an `a`, or a picture in it; "" for all others."""
        found = _DATA.match(value)
        if found is not None:
            try:
                picture = self.inner.strip(base64.b64decode(found[2]))
            except binascii.Error:
                return ""
            return f"data:image/{found[1]};base64,{base64.b64encode(picture).decode('ascii')}"
        if value.lstrip().startswith("#") or (element == "a" and _LINK.match(value)):
            return value
        return ""
