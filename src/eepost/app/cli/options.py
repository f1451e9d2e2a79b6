# SPDX-License-Identifier: Apache-2.0
"""Options and questions that several commands share."""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from eepost.accounts.model import PasswordCost
from eepost.accounts.registry import Registry
from eepost.app.office import Office, open_office
from eepost.net.clock import random_octets
from eepost.store.sqlite.store import SqliteStore

Data = Annotated[
    Path,
    typer.Option("--data", help="The post office's data directory.", envvar="EEPOST_DATA"),
]
Name = Annotated[str, typer.Argument(help="The account's name, the left side of its address.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from a line of standard input instead of asking for it.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask whether this is really meant.")]

# A line of a password can't be longer; what is refused is refused with a reason later.
MAX_PASSWORD_LINE_OCTETS = 1_024


def ask_password(password_stdin: bool) -> str:
    """Return a new password from standard input or, twice the same, from the terminal."""
    if password_stdin or not sys.stdin.isatty():
        return sys.stdin.readline(MAX_PASSWORD_LINE_OCTETS).rstrip("\r\n")
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def open_registry(data: Path) -> tuple[Office, SqliteStore, Registry]:
    """Open a post office for work on its accounts; close the store when done."""
    office = open_office(data)
    store = office.open_store(office.start_key())
    return office, store, Registry(store.accounts, random_octets, PasswordCost())


def show_recovery_code(code: str) -> None:
    """Print a recovery code, which is kept nowhere."""
    typer.echo(
        "Recovery code (shown this once; it opens the mail if the password is lost):"
        f"\n\n    {code}\n"
    )


def confirm(question: str, yes: bool) -> None:
    """Ask, or leave the program."""
    if not yes:
        typer.confirm(question, abort=True)


def show_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print what waits in columns; lines are never cut, so that other programs can read them."""
    if not rows:
        typer.echo("Nothing waits.")
        return
    widths = [max(map(len, column)) for column in zip_longest(heads, *rows, fillvalue="")]
    for row in (heads, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        typer.echo("  ".join(cells).rstrip())
