# SPDX-License-Identifier: Apache-2.0
"""Draws what `eepost sanitise` shows of golden messages, for docs/sanitiser.md (`make docs`).

`python -m tests.docs.pictures` writes docs/pictures/sanitiser; a test compares.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from eepost.app.comparison import show_comparison, show_report
from eepost.sanitise.outcome import Refused
from eepost.sanitise.report import Report, Tally
from eepost.sanitise.words import ALWAYS
from tests.sanitise.golden import Case, cases

FOLDER = Path(__file__).parents[2] / "docs" / "pictures" / "sanitiser"
WIDTH = 140
# Readable on light and dark pages alike.
THEME = TerminalTheme(
    (250, 250, 247),
    (40, 40, 40),
    [(40, 40, 40), (176, 32, 32), (18, 116, 52), (140, 96, 0), (40, 80, 160)] + [(90, 90, 90)] * 3,
)
# The library's own frame fetches a font from the web; everybody has one of equal widths.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
 line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def pictures() -> dict[str, str]:
    """Return all pictures by file name."""
    by_name = {f"{case.folder.name}/{case.name}": case for case in cases()}
    return {
        "outlook.svg": _of("outlook", by_name["03-outlook/from_user"]),
        "telephone.svg": _of("telephone", by_name["06-ios-mail/from_user"]),
        "documents.svg": _of("documents", by_name["97-office-documents/from_user"]),
        "arriving.svg": _of("arriving", by_name["105-html/from_internet"]),
        "programs.svg": _drawn("programs", _programs),
    }


def _of(name: str, case: Case) -> str:
    def draw(console: Console) -> None:
        outcome = case.outcome()
        assert not isinstance(outcome, Refused)
        show_comparison(console, case.message, b"".join(outcome.pieces))
        show_report(console, outcome.report, ALWAYS if case.policy == "from_user" else "")

    return _drawn(name, draw)


def _programs(console: Console) -> None:
    """Draw the report on one message of each family of mail programs."""
    tally = Tally()
    families = [case for case in cases() if int(case.folder.name.partition("-")[0]) < 50]
    for case in families:
        for kind, count in case.outcome().report.counts.items():
            tally.add(kind, count)
    console.print(f"{len(families)} passed, 0 refused.", highlight=False)
    show_report(console, Report(tally.report().counts))


def _drawn(name: str, draw: Callable[[Console], None]) -> str:
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    draw(console)
    title = f"eepost sanitise {name}.eml"
    return console.export_svg(title=title, theme=THEME, code_format=FRAME, unique_id=name)


def main() -> int:
    """Write all pictures; return 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, drawing in pictures().items():
        (FOLDER / name).write_text(drawing, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
