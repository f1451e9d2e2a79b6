# SPDX-License-Identifier: Apache-2.0
"""Shows a message before and after the sanitiser, line by line, for people who want to look."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from eepost.app.outline import outline
from eepost.sanitise.report import Report
from eepost.sanitise.words import Group, grouped

# Two messages stand beside each other where each gets as many columns as most lines have.
MIN_COLUMNS_SIDE_BY_SIDE = 130
# Comparing takes the square of the number of lines.
MAX_COMPARED_LINES = 1_500

_GONE, _NEW, _SAME = "red", "green", ""
_GROUP_STYLES = {Group.LEFT: "yellow", Group.FAULTS: "red", Group.REMOVED: "red"}

Row = tuple[str, str, bool]  # before, after, and whether both are the same


def show_comparison(console: Console, before: bytes, after: bytes) -> None:
    """Print both: what went in red, what is new in green, what stayed as it was in neither."""
    rows = list(_rows(outline(before)[:MAX_COMPARED_LINES], outline(after)[:MAX_COMPARED_LINES]))
    wide = console.width >= MIN_COLUMNS_SIDE_BY_SIDE
    console.print(_side_by_side(rows) if wide else _below_each_other(rows))


def _rows(before: list[str], after: list[str]) -> Iterator[Row]:
    old_end, new_end = (each.index("") if "" in each else 0 for each in (before, after))
    yield from _header_rows(before[:old_end], after[:new_end])
    yield from _body_rows(before[old_end:], after[new_end:])


def _header_rows(before: list[str], after: list[str]) -> Iterator[Row]:
    """Yield each field beside the one that came of it, then those of which none did."""
    left = list(before)
    for line in after:
        name = line.partition(":")[0].lower()
        old = next((each for each in left if each.partition(":")[0].lower() == name), "")
        if old:
            left.remove(old)
        yield old, line, old == line
    yield from ((old, "", False) for old in left)


def _body_rows(before: list[str], after: list[str]) -> Iterator[Row]:
    matcher = SequenceMatcher(None, [*map(_gist, before)], [*map(_gist, after)], autojunk=False)
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        for old, new in zip_longest(before[start:end], after[new_start:new_end], fillvalue=""):
            yield old, new, old == new


def _gist(line: str) -> str:
    """Return what makes two lines the same line in other clothes: its words, or its place."""
    if _DELIMITER.match(line):
        return "--"
    if line.lower().startswith("content-"):
        return line.partition(";")[0].lower()
    return " ".join(_WORDS.findall(_TAGS.sub(" ", line))).lower() or line


_DELIMITER = re.compile(r"--[^ ]{8,}")
_TAGS = re.compile(r"<[^<>]*>?")
_WORDS = re.compile(r"\w+")


def _side_by_side(rows: list[Row]) -> RenderableType:
    table = Table(expand=True, box=None, padding=(0, 1), show_edge=False)
    table.add_column("before", ratio=1, style="", header_style="bold", overflow="fold")
    table.add_column("after", ratio=1, style="", header_style="bold", overflow="fold")
    for left, right, is_same in rows:
        table.add_row(
            Text(left, style=_SAME if is_same else _GONE),
            Text(right, style=_SAME if is_same else _NEW),
        )
    return Panel(table, border_style="dim")


def _below_each_other(rows: list[Row]) -> RenderableType:
    text = Text()
    gone: list[str] = []
    new: list[str] = []

    def flush() -> None:
        for mark, style, lines in (("- ", _GONE, gone), ("+ ", _NEW, new)):
            for line in lines:
                text.append(f"{mark}{line}\n", style=style)
            lines.clear()

    for left, right, is_same in rows:
        if is_same:
            flush()
            text.append(f"  {left}\n", style=_SAME)
        else:
            gone += [left] if left else []
            new += [right] if right else []
    flush()
    text.rstrip()
    return Panel(text, title="- before, + after", border_style="dim")


def show_report(console: Console, report: Report, closing: str = "") -> None:
    """Print what was changed, in words and counts."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    for group, lines in grouped(report):
        table.add_row("", Text(group.value, style=_GROUP_STYLES.get(group, "green")))
        for words, count in lines:
            table.add_row(f"{count:,}", words)
    if closing:
        table.add_row("", Text(closing, style="dim"))
    if not table.row_count:
        return
    console.print(Panel(table, title="report", border_style="dim"))
