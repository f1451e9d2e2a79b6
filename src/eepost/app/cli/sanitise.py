# SPDX-License-Identifier: Apache-2.0
"""`eepost sanitise`: what the sanitiser makes of messages in files, without a post office."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eepost.app.comparison import show_comparison
from eepost.mail.address import Address, parse_address
from eepost.sanitise.outcome import Refused, Sanitised

Source = Annotated[Path, typer.Argument(help="A message, or a folder of .eml files.")]
Target = Annotated[
    Path | None,
    typer.Argument(
        help="Where a folder's results go, under the same names; NAME.refused holds the reason."
    ),
]
Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        help="from_user (what a user submits), to_internet (what a gateway lets out),"
        " from_internet (what a gateway lets in) or to_user (what a user gets).",
    ),
]
Account = Annotated[
    str, typer.Option("--account", help="The user's address; From has to be this one.")
]
Official = Annotated[
    str | None,
    typer.Option(
        "--official",
        help="The official domain: from_user then gives what would leave for the Internet.",
    ),
]


def sanitise(
    source: Source,
    target: Target = None,
    policy: Policy = "from_user",
    account: Account = "alice@mail.i2p",
    official: Official = None,
) -> None:
    """Show before, after and a report of one message, or sanitise a whole folder.

    This is the whole rebuild of a message. Submission uses its header rules today and passes
    bodies as they are.
    """
    # Only this command needs them: nh3 and pikepdf take a moment to load.
    from eepost.app import sanitise_folder as folder  # noqa: PLC0415

    try:
        chosen = folder.Policy(policy)
    except ValueError:
        names = ", ".join(each.value for each in folder.Policy)
        raise typer.BadParameter(f"one of {names}", param_hint="--policy") from None
    rule = folder.make_policy(chosen, _address(account), official)
    if source.is_dir():
        if target is None:
            raise typer.BadParameter("a folder needs one to write to", param_hint="TARGET")
        report = folder.sanitise_folder(source, target, rule)
        typer.echo(f"{report.passed} passed, {report.refused} refused.")
        _show_counts(report.counts)
    else:
        _show_file(source, rule)


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise typer.BadParameter("is no address", param_hint="--account")
    return address


def _show_file(file: Path, rule: Callable[[bytes], Sanitised | Refused]) -> None:
    from eepost.app.sanitise_folder import sanitise_octets  # noqa: PLC0415 - as above

    octets = file.read_bytes()
    outcome = sanitise_octets(octets, rule)
    if isinstance(outcome, Refused):
        typer.echo(f"Refused: {outcome.reply.octets.decode('ascii').strip()}")
    else:
        after = b"".join(outcome.pieces).decode("utf-8", "replace").replace("\r\n", "\n")
        before = octets.decode("utf-8", "replace").replace("\r\n", "\n")
        show_comparison(Console(), before, after)
    _show_counts(outcome.report.counts)


def _show_counts(counts: Mapping[str, int]) -> None:
    table = Table("what was changed", "times", box=None)
    for kind, count in sorted(counts.items()):
        table.add_row(kind, str(count))
    Console().print(table)
