# SPDX-License-Identifier: Apache-2.0
"""The HTML of a message as it may stand in a frame: harmless, and its links led home.

Duty: let nothing be loaded and nothing be followed. Links lead to the page around the frame, where
their whole addresses stand; pictures that came with the message stand in the page as octets. What
the sanitiser lets through is the base; the frame's headers forbid all the rest once more.

Trust: anybody may have written the HTML.
"""

import html
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from eepost.mail.message import Part
from eepost.sanitise.html import INBOUND, rebuild_html
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.parts import readable
from eepost.services.letterbox.webmail.links import Links
from eepost.services.letterbox.webmail.reading import Reading, content_of, html_of

# Octets of all pictures in one frame: they stand in it as text, a third longer.
MAX_PICTURES_OCTETS = 6_000_000
# Only what browsers show without running anything: never SVG. By their first octets, since what a
# part says of itself is its author's word.
_SIGNATURES: Final[Mapping[bytes, str]] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_STYLE: Final = (
    ":root{color-scheme:light dark}body{margin:.5rem;font:1rem/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}img{max-width:100%;height:auto}pre{white-space:pre-wrap}"
    "blockquote{margin-inline:.5rem;padding-inline-start:.5rem;border-inline-start:2px solid gray}"
)
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode("ascii")

# An origin of its own, no script, no form, nothing loaded but pictures that stand in it. A link may
# lead the whole window, by a click alone: to the place on the page around it that names the link.
HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}';"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'self';"
        " sandbox allow-top-navigation-by-user-activation"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}

# As the sanitiser writes them: lower case, double quotes, quotes inside escaped.
_TAG: Final = re.compile(r'<(a|img)((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE: Final = re.compile(r' ([a-z-]+)="([^"]*)"')
_WORDS: Final = re.compile(r"([^<]{0,200})</a>")


def frame_links(reading: Reading, links: Links) -> None:
    """Let `links` learn what the frame of a message will lead to, without making its pictures."""
    _Frame(reading, links, page="", pictures={}).render()


def render_frame(reading: Reading, links: Links, page: str) -> bytes:
    """Return the document for the frame on `page`, a path of this site."""
    frame = _Frame(reading, links, page, _pictures(reading))
    start = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Message</title>'
    head = f"{start}<style>{_STYLE}</style></head><body>\n"
    return (head + frame.render() + "\n</body></html>\n").encode("utf-8", "replace")


class _Frame:
    def __init__(
        self, reading: Reading, links: Links, page: str, pictures: Mapping[str, str]
    ) -> None:
        self._reading = reading
        self._links = links
        self._page = page
        self._pictures = pictures

    def render(self) -> str:
        """Return what stands in the body."""
        allowance = HtmlAllowance()
        return "\n<hr>\n".join(self._part(part, allowance) for part in self._reading.html)

    def _part(self, part: Part, allowance: HtmlAllowance) -> str:
        text = html_of(self._reading.octets, part)
        document = rebuild_html(text, _own_picture, INBOUND, allowance)
        body = document[document.index("<body>") + 6 : document.rindex("</body>")]
        pieces: list[str] = []
        at = 0
        for tag in _TAG.finditer(body):
            pieces += [body[at : tag.start()], self._tag(tag, body)]
            at = tag.end()
        return "".join([*pieces, body[at:]])

    def _tag(self, tag: re.Match[str], body: str) -> str:
        said = dict(_ATTRIBUTE.findall(tag[2]))
        if tag[1] == "img":
            return self._picture(said)
        address = html.unescape(said.get("href", ""))
        words = _WORDS.match(body, tag.end())
        shown = html.unescape(words[1]).strip() if words else ""
        number = self._links.number(address, shown) if address else 0
        return f'<a href="{self._page}#link-{number}" target="_top">' if number else "<a>"

    def _picture(self, said: Mapping[str, str]) -> str:
        source = self._pictures.get(_name(html.unescape(said.get("src", ""))))
        if source is None:
            return html.escape(html.unescape(said.get("alt", "")))
        sizes = "".join(
            f' {name}="{said[name]}"'
            for name in ("width", "height")
            if said.get(name, "").isdigit()
        )
        return f'<img src="{source}" alt="{said.get("alt", "")}"{sizes}>'


def _own_picture(reference: str) -> str | None:
    return reference if reference[:4].lower() == "cid:" else None


def _name(reference: str) -> str:
    return _PERCENT.sub(lambda pair: chr(int(pair[1], 16)), reference[4:].strip())


_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})")


def _pictures(reading: Reading) -> dict[str, str]:
    """Return data: addresses of a message's pictures, by the names that its HTML knows."""
    found: dict[str, str] = {}
    left = MAX_PICTURES_OCTETS
    for part in readable(reading.root) if reading.root is not None else ():
        name = (part.raw(b"content-id") or b"").strip().strip(b"<>").decode("latin-1").strip()
        if not name or name in found or part.end - part.body_start > left * 2:
            continue
        content = content_of(reading.octets, part)
        kind = _picture_kind(content)
        if kind and len(content) <= left:
            left -= len(content)
            found[name] = f"data:{kind};base64,{b64encode(content).decode('ascii')}"
    return found


def _picture_kind(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES.items() if content.startswith(start)), "")
