# SPDX-License-Identifier: Apache-2.0
"""Shows a message before and after the sanitiser, for people who want to look."""

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

_WIDTH = 88
# A screen or two; attachments in base64 say nothing to anybody.
MAX_SHOWN_CHARACTERS = 8_000


def show_comparison(console: Console, before: str, after: str) -> None:
    """Print both side by side or below each other; lines that did not pass as they are in red."""
    kept = set(after.splitlines())
    marked = Text()
    for line in _cut(before).splitlines():
        marked.append(line + "\n", style="" if line in kept else "red")
    console.print(
        Columns(
            [
                Panel(marked, title="before the sanitiser", width=_WIDTH),
                Panel(Text(_cut(after)), title="after", width=_WIDTH),
            ]
        )
    )


def _cut(text: str) -> str:
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    return text[:MAX_SHOWN_CHARACTERS] + "\n[...]"
