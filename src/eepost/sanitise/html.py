# SPDX-License-Identifier: Apache-2.0
"""HTML bodies: parsed, cut down to an allow-list and written anew in one shape.

Trust: anybody may have written the HTML.

nh3 parses as browsers do and writes what is well-formed; its own defaults let `lang`, `title` and
remote pictures through, so tags and attributes are named here. What it writes still shows how a
program indents and wraps, and which of two equal tags it likes: the second pass evens that out.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

import nh3

from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.html_lines import in_lines
from eepost.sanitise.html_words import extract_text, with_single_blanks

_BLOCKS = frozenset(
    {
        *("blockquote", "br", "caption", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "hr", "li", "ol", "p", "pre", "table", "tbody", "td", "tfoot", "th", "thead"),
        *("tr", "ul"),
    }
)
_INLINE = frozenset(
    {
        *("a", "b", "center", "code", "del", "em", "i", "img", "ins", "s", "strike", "strong"),
        *("sub", "sup", "tt", "u"),
    }
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "p": {"class", "style"},  # see HtmlRules.paragraph
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# Left to right is what every reader does without being told, and only some programs say it.
_DIRECTED = {tag: {"dir": {"rtl"}} for tag in ("blockquote", "div", "li", "p", "td", "th")}
_SCHEMES = {"http", "https", "mailto", "cid", "ftp", "tel", "news", "xmpp", "irc", "magnet"}
_EQUALS = {
    **{"b": "strong", "i": "em", "strike": "s", "del": "s", "ins": "u", "tt": "code"},
    **{"center": "div"},
}

# Parameters that name the reader or the mailing to whoever serves the link, and do nothing else.
_TRACKING = re.compile(
    r"(?i)(?:utm_[a-z_]+|fbclid|gclid|dclid|msclkid|yclid|twclid|igshid|mc_[ce]id|mkt_tok|_hsenc"
    r"|_hsmi|vero_id|vero_conv|oly_enc_id|oly_anon_id|wickedid|ml_subscriber(?:_hash)?|s_cid)=[^&#]*"
)


@dataclass(frozen=True, slots=True)
class HtmlRules:
    """What differs between the directions."""

    removed_with_content: frozenset[str]
    link_rel: str | None
    clean_link: Callable[[str], str]
    paragraph: Callable[[str], str | None]  # what may stay of its class or style
    shape: Callable[[str], str]  # what nh3 wrote, in one shape


def _without_tracking(link: str) -> str:
    """Return `link` with the same target but without known tracking parameters."""
    address, hash_mark, fragment = link.partition("#")
    path, question_mark, query = address.partition("?")
    if not question_mark:
        return link
    kept = "&".join(each for each in query.split("&") if not _TRACKING.fullmatch(each))
    return path + ("?" + kept if kept else "") + hash_mark + fragment


def _as_it_is(link: str) -> str:
    return link


_START = '<!DOCTYPE html>\r\n<html><head><meta charset="utf-8"></head><body>\r\n'
_END = "\r\n</body></html>\r\n"

_TOKEN = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>|[^<]+|<')
_META_CHARSET = re.compile(
    rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:-]{1,40})", re.IGNORECASE
)
_LOOKS = frozenset(("class", "style"))
_WITHOUT_SPACE = re.compile(
    r"(?i)\bmargin(?:-bottom)?\s{0,9}:\s{0,9}\.?0[a-z0-9]{0,9}\s{0,9}(?:[;!]|$)"
)
_NOSCRIPT = re.compile(r"(?i)</?noscript\b[^<>]*+>")


def declared_charset(octets: bytes) -> str:
    """Return the character set that a meta tag names near the beginning, or ""."""
    found = _META_CHARSET.search(octets, 0, 2_048)
    return found[1].decode("ascii") if found else ""


def rebuild_html(
    text: str,
    picture: Callable[[str], str | None],
    rules: HtmlRules | None = None,
    allowance: HtmlAllowance | None = None,
) -> str:
    """Return a whole document that shows what `text` shows, with CRLF lines.

    `picture` gives the new source of an img for its old one, None where it may not stay: only
    pictures that come with the message are shown, since a remote one tells who reads and when, and
    in what is quoted or forwarded tells whose copy it was. HTML that would cost more than
    `allowance` has left becomes its words.
    """
    rules = rules or OUTBOUND
    if "noscript" not in rules.removed_with_content:
        text = _NOSCRIPT.sub("", text)  # readers of mail run no scripts, so they show what it holds
    allowance = allowance or HtmlAllowance()
    if not allowance.take_parsing(text):
        words = extract_text(text, allowance)
        return _START + "<pre>" + html.escape(words) + "</pre>" + _END

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return picture(value)
        if name == "href":
            return rules.clean_link(value)
        if name in _LOOKS:
            return rules.paragraph(value)
        return with_single_blanks(value).strip()

    cleaned = nh3.clean(
        text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n"),
        tags=set(_BLOCKS | _INLINE),
        attributes=_ATTRIBUTES,
        tag_attribute_values=_DIRECTED,
        clean_content_tags=set(rules.removed_with_content),
        attribute_filter=attribute,
        url_schemes=_SCHEMES,
        link_rel=rules.link_rel,
    )
    return _START + "\r\n".join(rules.shape(cleaned).split("\n")) + _END


def _evened(cleaned: str) -> str:
    """Return `cleaned`, as nh3 writes it, with one tag for each meaning and one kind of space."""
    pieces: list[str] = []
    in_pre = 0
    after_break = True  # a space would stand at the beginning of a line, where none is shown
    for token in _TOKEN.finditer(cleaned):
        slash, name, attributes = token[1], token[2], token[3]
        if name is None:
            text = token[0] if in_pre else with_single_blanks(token[0])
            if not in_pre and (after_break or (pieces and pieces[-1].endswith(" "))):
                text = text.removeprefix(" ")
            if text:
                pieces.append(text)
                after_break = False
            continue
        is_block = name in _BLOCKS or name == "center"
        if is_block and not in_pre:
            _strip_end(pieces)
            after_break = True
        if name == "pre":
            in_pre = max(0, in_pre + (-1 if slash else 1))
        if name == "img" and ' src="' not in attributes:
            alternative = _ALT.search(attributes)  # a picture that may not be shown: its words
            words = alternative[1].replace("&quot;", '"') if alternative else ""
            words = words.replace("<", "&lt;")  # which no attribute needs escaped
            pieces += [words] if words else []
            continue
        ends_line = not in_pre and ((is_block and slash) or name in _LINES)
        line_end = "\n" if ends_line else ""
        if attributes.count('="') > 1:
            attributes = "".join(sorted(_ATTRIBUTE.findall(attributes)))
        pieces.append(f"<{slash}{_EQUALS.get(name, name)}{attributes}>{line_end}")
    _strip_end(pieces)
    return "".join(pieces).strip()


_LINES = frozenset(("br", "hr"))
_ATTRIBUTE = re.compile(r' [a-z-]+="[^"]*"')
_ALT = re.compile(r' alt="([^"]*)"')


def _strip_end(pieces: list[str]) -> None:
    if pieces and pieces[-1].endswith(" "):
        pieces[-1] = pieces[-1][:-1]


def _close(look: str) -> str | None:
    """Return "close" for a paragraph without space around it, as Word and Qt make all of them."""
    return "close" if look.startswith("Mso") or _WITHOUT_SPACE.search(look) else None


def _of_nothing(_: str) -> None:
    return None


OUTBOUND = HtmlRules(
    frozenset(("head", "script", "style", "template", "title")),
    None,
    _as_it_is,
    _close,
    in_lines,
)
# A reader sees no form, so what stands in one is no text for him. What he gets keeps its shape.
INBOUND = HtmlRules(
    OUTBOUND.removed_with_content | {"textarea", "select", "noscript"},
    "noopener noreferrer",
    _without_tracking,
    _of_nothing,
    _evened,
)
