# SPDX-License-Identifier: Apache-2.0
"""HTML in lines: one shape for what programs write as paragraphs, divisions and breaks.

One program makes a line of <p>, the next of <div>, another of <br>, and an empty line of <br> in a
<div> or of a no-break space in a <p>: by nothing else could two of them be told apart so well. Here
lines end in <br>, and an empty line is one more of them. Lists, tables, quotes, headings and
preformatted text stay what they are.

Input is what nh3 writes: well-formed, tags in lower case, names of attributes and their order its
own.
"""

import re
from dataclasses import dataclass, field

from eepost.sanitise.html_words import with_single_blanks

# On a paragraph that stands without space around it: a program's that makes one of each line.
_CLOSE = re.compile(r' (?:class|style)="close"')

_TOKEN = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>|[^<]+|<')
_EQUALS = {
    **{"b": "strong", "i": "em", "strike": "s", "del": "s", "ins": "u", "tt": "code"},
    **{"center": "div"},
}
# Blocks that mean more than lines. Others are taken apart.
_CONTAINERS = frozenset(
    {
        *("blockquote", "caption", "dd", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "li"),
        *("ol", "pre", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    }
)
# They stand close to the text before them, so that an empty line has to be written.
_WITHOUT_SPACE = frozenset(("table", "div"))
_ATTRIBUTE = re.compile(r' [a-z-]+="[^"]*"')
_ALT = re.compile(r' alt="([^"]*)"')
_BLANKS = re.compile(r"(?:&nbsp;| )+")
_NO_BREAK = "&nbsp;"
_BREAK = "<br>\n"


def in_lines(cleaned: str) -> str:
    """Return `cleaned` in that shape, LF between its lines."""
    writer = _Writer()
    for token in _TOKEN.finditer(cleaned):
        if token[2] is None:
            writer.text(token[0])
        elif writer.in_pre:
            writer.preformatted(token[1], token[2], token[3])
        else:
            writer.tag(token[1] != "", _EQUALS.get(token[2], token[2]), token[3])
    return writer.whole()


@dataclass(slots=True)
class _Writer:
    pieces: list[str] = field(default_factory=list)
    opening: list[str] = field(default_factory=list)  # inline tags whose content is yet to come
    links: list[bool] = field(default_factory=list)  # whether each open link leads somewhere
    divisions: list[bool] = field(default_factory=list)  # whether each open one has a direction
    breaks: int = 0  # before the next content: 1 ends a line, 2 leaves one empty
    space: int = 0  # what the open paragraph leaves around itself
    indent: str = ""
    is_filled: bool = False  # something stands on this line
    is_held: bool = False  # by a no-break space, as Word holds an empty line open
    is_start: bool = True  # of a block: there is nothing to break from
    in_pre: int = 0

    def whole(self) -> str:
        """Return all that was written."""
        self._strip_end()
        return "".join(self.pieces).strip("\n ")

    def text(self, text: str) -> None:
        """Write words, and remember blanks that may mean something."""
        if self.in_pre:
            is_dropped = text.startswith("\n") and self.pieces[-1] == "<pre>"  # by whoever reads
            self.pieces.append("\n" + text if is_dropped else text)
            return
        self.is_held = self.is_held or _NO_BREAK in text
        text = with_single_blanks(text)
        text = _BLANKS.sub(_blanks, text if self.is_filled else text.removeprefix(" "))
        words = _without_end(text) and text.lstrip(" ")
        if not self.is_filled:
            indent = _BLANKS.match(words)
            if indent is not None:
                self.indent, words = indent[0], words[indent.end() :]
        elif len(words) < len(text) and not self.pieces[-1].endswith((" ", "\n")):
            self.pieces.append(" ")
        if words:
            self._begin()
            self.pieces.append(words)

    def _begin(self) -> None:
        """Write what has to stand before the next content."""
        if self.breaks and not self.is_start:
            self._strip_end()
            self.pieces.append(_BREAK * self.breaks)
        self.pieces += [*self.opening, self.indent]
        self.opening.clear()
        self.breaks, self.indent, self.is_start, self.is_filled = 0, "", False, True

    def _strip_end(self) -> None:
        while self.pieces and not self.pieces[-1].strip(" "):
            self.pieces.pop()
        if self.pieces:
            self.pieces[-1] = _without_end(self.pieces[-1])

    def tag(self, is_end: bool, name: str, attributes: str) -> None:
        """Write or take apart one tag."""
        if name == "p":
            self._paragraph(is_end, attributes)
        elif name == "div":
            self._division(is_end, attributes)
        elif name == "br":
            self._break()
        elif name == "hr":
            self._open("hr", "")
            self._closed()
        elif name == "img":
            self._picture(attributes)
        elif name in _CONTAINERS:
            if is_end:
                self._close(name)
            else:
                self._open(name, attributes)
        else:
            self._inline(is_end, name, attributes)

    def _break(self) -> None:
        # At the end of a line it ends the line; on an empty one it is the line.
        self._line_ends(1 if self.is_filled else 2)

    def _line_ends(self, breaks: int) -> None:
        if self.is_held and not self.is_filled:
            breaks = 2
        self.breaks = max(self.breaks, breaks)
        self.is_filled, self.is_held, self.indent = False, False, ""

    def _paragraph(self, is_end: bool, attributes: str) -> None:
        if is_end:
            self._line_ends(self.space)
            if self.divisions.pop():
                self._close("div")
            return
        self.space = 1 if _CLOSE.search(attributes) else 2
        self._line_ends(self.space)
        self._direct(_CLOSE.sub("", attributes))

    def _division(self, is_end: bool, attributes: str) -> None:
        self._line_ends(1)
        if not is_end:
            self._direct(attributes)
        elif self.divisions.pop():
            self._close("div")

    def _direct(self, attributes: str) -> None:
        """Open a division that says in which direction it is read; others are taken apart."""
        self.divisions.append(attributes != "")
        if attributes:
            self._open("div", attributes)

    def _open(self, name: str, attributes: str) -> None:
        self._strip_end()
        if self.breaks == 2 and name in _WITHOUT_SPACE and not self.is_start:
            self.pieces.append(_BREAK * 2)
        self.pieces += self.opening
        self.opening.clear()
        if self.pieces and not self.pieces[-1].endswith("\n"):
            self.pieces.append("\n")
        self.pieces.append(f"<{name}{_sorted(attributes)}>")
        self.in_pre += name == "pre"
        self._begin_block()

    def _close(self, name: str) -> None:
        self._strip_end()
        self.opening.clear()
        self.pieces.append(f"</{name}>")
        self._closed()

    def _closed(self) -> None:
        self.pieces.append("\n")
        self._begin_block()

    def _begin_block(self) -> None:
        self.breaks, self.indent, self.is_start = 0, "", True
        self.is_filled, self.is_held = False, False

    def _picture(self, attributes: str) -> None:
        if ' src="' in attributes:
            self._begin()
            self.pieces.append(f"<img{_sorted(attributes)}>")
            return
        alternative = _ALT.search(attributes)  # a picture that may not be shown: its words
        self.text(alternative[1].replace("&quot;", '"') if alternative else "")

    def _inline(self, is_end: bool, name: str, attributes: str) -> None:
        if name == "a":
            leads = self.links.pop() if is_end else attributes != ""
            if not is_end:
                self.links.append(leads)
            if not leads:
                return
        tag = f"</{name}>"
        if not is_end:
            if not self.breaks and not attributes and self.pieces[-1:] == [tag]:
                self.pieces.pop()  # it goes on: Word cuts what is bold into pieces
            else:
                self.opening.append(f"<{name}{attributes}>")
        elif self.opening:
            self.opening.pop()  # nothing stands in it
        else:
            words = _without_end(self.pieces[-1])
            self.pieces[-1:] = [words, tag, " "] if words != self.pieces[-1] else [words, tag]

    def preformatted(self, slash: str, name: str, attributes: str) -> None:
        """Write a tag in preformatted text as it is."""
        if name == "img" and ' src="' not in attributes:
            self._picture(attributes)
            return
        if name == "pre":
            self.in_pre += -1 if slash else 1
        attributes = _sorted(_CLOSE.sub("", attributes))
        self.pieces.append(f"<{slash}{_EQUALS.get(name, name)}{attributes}>")
        if not self.in_pre:
            self._closed()


def _without_end(text: str) -> str:
    """Return `text` without blanks at its end, which nobody sees."""
    end = len(text)
    while text.endswith((" ", _NO_BREAK), 0, end):
        end -= 1 if text[end - 1] == " " else len(_NO_BREAK)
    return text[:end]


def _blanks(run: re.Match[str]) -> str:
    """Return blanks in one form: one between words; more than two are columns and stay."""
    count = len(run[0].replace(_NO_BREAK, " "))
    return " " if count <= 2 else _NO_BREAK * (count - 1) + " "


def _sorted(attributes: str) -> str:
    if attributes.count('="') < 2:
        return attributes
    return "".join(sorted(_ATTRIBUTE.findall(attributes)))
