# SPDX-License-Identifier: Apache-2.0
"""The words in HTML: for people who want no HTML, and for HTML that is too costly to parse.

Trust: anybody may have written the HTML.
"""

import html
import re

from eepost.sanitise.html_cost import HtmlAllowance

_HIDDEN = re.compile(
    r"(?is)<(script|style|title|template|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)"
)
_TAG = re.compile(r"<(?:/?([A-Za-z][A-Za-z0-9]*+)|[/!?])[^<>]*+>")
_CUT = "\n\n[The rest of this page was too complex to be shown.]"
_LINE_ENDERS = frozenset(
    {
        *("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"),
        *("table", "ul", "ol", "dt", "dd", "hr", "center", "form"),
    }
)
_CELLS = frozenset(("td", "th"))


def extract_text(text: str, allowance: HtmlAllowance | None = None) -> str:
    """Return what HTML says in words, with LF lines. Linear; cut where the allowance ends."""
    whole = text
    text = (allowance or HtmlAllowance()).take_words(whole)
    note = "" if len(text) == len(whole) else _CUT
    text = with_single_blanks(_HIDDEN.sub(" ", text))
    text = html.unescape(_TAG.sub(_what_parts_words, text))
    lines = [line.strip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + note


def _what_parts_words(tag: re.Match[str]) -> str:
    name = (tag[1] or "").lower()
    if name in _CELLS:
        return "" if tag[0].startswith("</") else " "
    return "\n" if name in _LINE_ENDERS else ""


def with_single_blanks(text: str) -> str:
    """Return `text` with each run of blanks as one space: what a browser shows of them."""
    # No expression: ten million line ends, each a match, would take it seconds.
    for blank in "\t\r\n\f":
        text = text.replace(blank, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text
