# SPDX-License-Identifier: Apache-2.0
"""`eepost scanner`: is the virus scanner fit for its work, and bring it new signatures."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from eepost.app.clamd_conf import read_clamd_conf
from eepost.app.cli.findings import show_findings
from eepost.app.cli.options import Data
from eepost.app.config import ConfigError
from eepost.app.office import Office, open_office
from eepost.app.scanner import make_scanner
from eepost.app.scanner_doctor import Machine, examine_configuration, examine_running
from eepost.app.signatures import import_signatures
from eepost.net import clock
from eepost.net.clamd import Clamd
from eepost.net.findings import Finding
from eepost.net.instream import ask

app = typer.Typer(
    help="Look for viruses with ClamAV: see whether clamd is fit for it, bring it signatures.\n\n"
    "docs/scanner.md says how to run it.",
    no_args_is_help=True,
)

# How long clamd may take to say that it will read its signatures again.
ANSWER_SECONDS = 15.0


@app.command("check")
def check(data: Data) -> None:
    """Look at clamd: what it was told, what it finds, how old its signatures are.

    Exit code 1 if anything is wrong. Ask as root to see everything.
    """
    office = open_office(data)
    scanner = _scanner(office)
    show_findings(asyncio.run(_examine(office, scanner)))


async def _examine(office: Office, scanner: Clamd) -> list[Finding]:
    now = datetime.fromtimestamp(clock.wall_seconds(), UTC)
    at_rest = await asyncio.to_thread(examine_configuration, office.settings, Machine())
    return [*at_rest, *await examine_running(office.settings, scanner, now)]


@app.command("import")
def import_files(
    data: Data,
    files: Annotated[
        list[Path], typer.Argument(help="Signature files, or folders with signature files.")
    ],
    unsigned: Annotated[
        bool,
        typer.Option(
            "--unsigned",
            help="Take plain signatures (.ndb, .hdb, .yar, ...) too, which nobody has signed:"
            " only what you wrote or checked yourself.",
        ),
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="clamd's folder, else its DatabaseDirectory is taken."),
    ] = None,
) -> None:
    """Bring clamd new signatures, checked, and let it read them.

    The core never asks the Internet, so get main.cvd, daily.cvd and bytecode.cvd elsewhere and
    carry them here. A .cvd is taken if the signature of ClamAV's makers holds and if it is not
    older than what is there. All files are taken or none. Needs Debian's package clamav, and the
    right to write into clamd's folder: usually root.
    """
    office = open_office(data)
    for each in import_signatures(files, into or _folder(office), takes_unsigned=unsigned):
        typer.echo(f"Imported {each}.")
    if not office.settings.scanner.clamd:
        typer.echo("No scanner is set (scanner.clamd in eepost.toml), so none was told.")
        return
    typer.echo(asyncio.run(_reload(_scanner(office))))


async def _reload(scanner: Clamd) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await ask(scanner.way, b"RELOAD")
    except OSError:
        answer = b""
    if answer == b"RELOADING":
        return "clamd reads them now; `eepost scanner check` shows when it has."
    return "clamd could not be told; it reads them when it starts."


def _scanner(office: Office) -> Clamd:
    scanner = make_scanner(office.settings, asyncio.to_thread, lambda _: None)
    if scanner is None:
        raise ConfigError(
            office.config_file,
            "scanner.clamd",
            "is empty, so nothing is scanned",
            "docs/scanner.md says how to run clamd and what to write here",
        )
    return scanner


def _folder(office: Office) -> Path:
    file = Path(office.settings.scanner.clamd_conf)
    try:
        return Path(read_clamd_conf(file).word("DatabaseDirectory"))
    except OSError as error:
        raise ConfigError(
            office.config_file,
            "scanner.clamd_conf",
            f"{file}: {error.strerror}",
            "name clamd's configuration there, or its folder by --into",
        ) from None
