# SPDX-License-Identifier: Apache-2.0
"""What HTML may cost: bounded before any of it is parsed, for all parts of a message together.

Trust: anybody may have written the HTML.
"""

import re
from dataclasses import dataclass

# Each tag and each character reference stops the parser for two microseconds. Real mail has some
# thousands.
MAX_MARKS = 150_000
# Character references cut a text between tags in pieces that are joined again one by one, each time
# copying all there is: 150,000 of them in ten megabytes take ten seconds.
MAX_REFERENCES_TIMES_TEXT = 20_000_000_000
# Browsers' rules search all open elements at each tag, and open again every unclosed formatting
# element in each new block. 200,000 nested <div> take nh3 minutes. Tags times open elements of real
# mail stay under a million.
MAX_TAGS_TIMES_DEPTH = 20_000_000
MAX_TAGS_TIMES_FORMATTING = 1_000_000
# Taking the tags out of HTML costs less than parsing it, but half a microsecond each all the same.
MAX_MARKS_IN_WORDS = 500_000

_MARK = re.compile(r"[<&]")
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


@dataclass(slots=True)
class HtmlAllowance:
    """What the HTML of one message may still cost; parts take from it one after the other."""

    marks: int = MAX_MARKS
    references_times_text: int = MAX_REFERENCES_TIMES_TEXT
    tags_times_depth: int = MAX_TAGS_TIMES_DEPTH
    tags_times_formatting: int = MAX_TAGS_TIMES_FORMATTING
    marks_in_words: int = MAX_MARKS_IN_WORDS
    is_exceeded: bool = False  # some HTML was cut, or is gone

    def take_parsing(self, text: str) -> bool:
        """Say whether `text` may be parsed, and take its cost from what is left."""
        marks = _marks(text)
        if marks > self.marks:
            return False
        references = _references_times_text(text)
        if references > self.references_times_text:
            return False
        tags, depth, formatting = _nesting(text)
        if tags * depth > self.tags_times_depth or tags * formatting > self.tags_times_formatting:
            return False
        self.marks -= marks
        self.references_times_text -= references
        self.tags_times_depth -= tags * depth
        self.tags_times_formatting -= tags * formatting
        return True

    def take_words(self, text: str) -> str:
        """Return as much of `text` as may be read for its words, and take its cost."""
        marks = _marks(text)
        if marks > self.marks_in_words:
            self.is_exceeded = True
            text = text[: _end_of_marks(text, self.marks_in_words)]
        self.marks_in_words = max(0, self.marks_in_words - marks)
        return text


def _marks(text: str) -> int:
    # The parser stops at each line end too, an eighth as long.
    return text.count("<") + text.count("&") + text.count("\n") // 8


def _references_times_text(text: str) -> int:
    return sum(run.count("&") * len(run) for run in text.split("<")) if "&" in text else 0


def _end_of_marks(text: str, count: int) -> int:
    """Return where the mark after `count` others stands, or the end."""
    marks = _MARK.finditer(text)
    for _ in range(count):
        next(marks, None)
    end = next(marks, None)
    return len(text) if end is None else end.start()


def _nesting(text: str) -> tuple[int, int, int]:
    """Return how many tags there are, and at most open elements and formatting elements."""
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
    return tags, deepest, most
