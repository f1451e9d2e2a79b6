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

# Cost of parsing: browsers' rules search all open elements at each tag, and open again every
# unclosed formatting element in each new block. 200,000 nested <div> take nh3 minutes. Tags times
# open elements of real mail stay under a million.
# Each tag and each character reference cuts text in pieces that the parser joins again one by one,
# copying all it has: two million references take it 40 seconds. Real mail has some thousands.
MAX_MARKS = 150_000
MAX_TAGS_TIMES_DEPTH = 20_000_000
MAX_TAGS_TIMES_FORMATTING = 1_000_000

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


OUTBOUND = HtmlRules(frozenset(("head", "script", "style", "template", "title")), None, _as_it_is)
# A reader sees no form, so what stands in one is no text for him.
INBOUND = HtmlRules(
    OUTBOUND.removed_with_content | {"textarea", "select", "noscript"},
    "noopener noreferrer",
    _without_tracking,
)

_START = '<!DOCTYPE html>\r\n<html><head><meta charset="utf-8"></head><body>\r\n'
_END = "\r\n</body></html>\r\n"

_OPEN_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]{0,30})")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "wbr")
)
# Closed by the parser where the next one begins, so that leaving them open nests nothing.
_SELF_CLOSING = frozenset(
    ("p", "li", "dd", "dt", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "colgroup")
)
_FORMATTING = frozenset(
    {
        *("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong"),
        *("tt", "u"),
    }
)
_TOKEN = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>|[^<]+|<')
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LINE_END = re.compile(r"\r\n?")
_META_CHARSET = re.compile(
    rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:-]{1,40})", re.IGNORECASE
)
_NOSCRIPT = re.compile(r"(?i)</?noscript\b[^<>]*>")
_HIDDEN = re.compile(
    r"(?is)<(script|style|title|template|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)"
)


def declared_charset(octets: bytes) -> str:
    """Return the character set that a meta tag names near the beginning, or ""."""
    found = _META_CHARSET.search(octets, 0, 2_048)
    return found[1].decode("ascii") if found else ""


def rebuild_html(
    text: str, picture: Callable[[str], str | None], rules: HtmlRules = OUTBOUND
) -> str:
    """Return a whole document that shows what `text` shows, with CRLF lines.

    `picture` gives the new source of an img for its old one, None where it may not stay: only
    pictures that come with the message are shown, since a remote one tells who reads and when, and
    in what is quoted or forwarded tells whose copy it was.
    """
    if "noscript" not in rules.removed_with_content:
        text = _NOSCRIPT.sub("", text)  # readers of mail run no scripts, so they show what it holds
    if is_too_costly(text):
        return _START + "<pre>" + html.escape(extract_text(text)) + "</pre>" + _END

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return picture(value)
        if name == "href":
            return rules.clean_link(value)
        return value

    cleaned = nh3.clean(
        _LINE_END.sub("\n", text.replace("\0", "")),
        tags=set(_BLOCKS | _INLINE),
        attributes=_ATTRIBUTES,
        tag_attribute_values=_DIRECTED,
        clean_content_tags=set(rules.removed_with_content),
        attribute_filter=attribute,
        url_schemes=_SCHEMES,
        link_rel=rules.link_rel,
    )
    return _START + _evened(cleaned) + _END


def is_too_costly(text: str) -> bool:
    """Say whether parsing could take out of proportion to the size."""
    if text.count("<") + text.count("&") > MAX_MARKS:
        return True
    tags = depth = formatting = deepest = most = 0
    for is_end, written in _OPEN_TAG.findall(text):
        tags += 1
        name = written.lower()
        step = -1 if is_end else 1
        if name in _FORMATTING:
            formatting = max(0, formatting + step)
            most = max(most, formatting)
        elif name not in _VOID and name not in _SELF_CLOSING:
            depth = max(0, depth + step)
            deepest = max(deepest, depth)
    return tags * deepest > MAX_TAGS_TIMES_DEPTH or tags * most > MAX_TAGS_TIMES_FORMATTING


def _evened(cleaned: str) -> str:
    """Return `cleaned`, as nh3 writes it, with one tag for each meaning and one kind of space."""
    pieces: list[str] = []
    in_pre = 0
    after_break = True  # a space would stand at the beginning of a line, where none is shown
    for token in _TOKEN.finditer(cleaned):
        slash, name, attributes = token[1], token[2], token[3]
        if name is None:
            text = token[0] if in_pre else _BLANKS.sub(" ", token[0])
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
            pieces += [words] if words else []
            continue
        ends_line = not in_pre and ((is_block and slash) or name in _LINES)
        line_end = "\n" if ends_line else ""
        if attributes.count('="') > 1:
            attributes = "".join(sorted(_ATTRIBUTE.findall(attributes)))
        pieces.append(f"<{slash}{_EQUALS.get(name, name)}{attributes}>{line_end}")
    _strip_end(pieces)
    return "\r\n".join("".join(pieces).strip().split("\n"))


_LINES = frozenset(("br", "hr"))
_ATTRIBUTE = re.compile(r' [a-z-]+="[^"]*"')
_ALT = re.compile(r' alt="([^"]*)"')


def _strip_end(pieces: list[str]) -> None:
    if pieces and pieces[-1].endswith(" "):
        pieces[-1] = pieces[-1][:-1]


_ENDS_LINE = re.compile(
    r"(?i)<(?:br|/?(?:p|div|li|tr|h[1-6]|blockquote|pre|table|ul|ol|dt|dd|hr|center|form))\b[^<>]*>"
)
_CELL = re.compile(r"(?i)<t[dh]\b[^<>]*>")
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")


def extract_text(text: str) -> str:
    """Return what HTML says in words, with LF lines: for people who want no HTML. Linear."""
    text = _HIDDEN.sub(" ", text)
    text = _BLANKS.sub(" ", text)
    text = _ENDS_LINE.sub("\n", text)
    text = html.unescape(_TAG.sub("", _CELL.sub(" ", text)))
    lines = [line.strip() for line in text.replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
