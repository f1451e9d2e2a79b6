# SPDX-License-Identifier: Apache-2.0
"""`eepost quarantine`: infected mail that a gateway had accepted already. Works beside `serve`.

Its senders could not be told any more and its readers were not, so it is kept for the operator.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from eepost.app.cli.options import Data, Yes, confirm, show_rows
from eepost.app.office import open_office
from eepost.net.i2p.keys import write_private
from eepost.store.quarantine import Kept, Quarantine

app = typer.Typer(
    help=(
        "Look at infected mail from the Internet that was accepted before anybody could scan it."
        " It was delivered to nobody. The oldest goes by itself when there is too much of it."
    ),
    no_args_is_help=True,
)
Name = Annotated[
    str, typer.Argument(help="As `eepost quarantine list` shows it, or how it begins.")
]


@app.command("list")
def list_kept(data: Data) -> None:
    """List what is kept, the oldest first: its name, since when, how large. No addresses."""
    rows = [
        [
            each.name,
            f"{datetime.fromtimestamp(each.kept_utc, UTC):%Y-%m-%d %H:%M}",
            str(each.octets),
        ]
        for each in _quarantine(data).kept()
    ]
    if not rows:
        typer.echo("Nothing is kept.")
        return
    show_rows(["name", "since (UTC)", "octets"], rows)


@app.command("save")
def save(
    name: Name,
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="A new file, for its owner alone.")],
) -> None:
    """Write a message to a file as it came: opened carelessly it does harm."""
    quarantine = _quarantine(data)
    message = quarantine.read(_one(quarantine, name).name)
    try:
        write_private(out, message)
    except FileExistsError:
        raise typer.BadParameter(f"{out} is there already", param_hint="--out") from None
    typer.echo(f"Wrote {out}. It holds what the scanner took for a virus.")


@app.command("drop")
def drop(
    data: Data,
    name: Annotated[str | None, typer.Argument(help="One message; without it, all.")] = None,
    yes: Yes = False,
) -> None:
    """Delete a message, or all of them."""
    quarantine = _quarantine(data)
    found = quarantine.kept() if name is None else [_one(quarantine, name)]
    confirm(f"Delete {len(found)} from the quarantine?", yes)
    for each in found:
        quarantine.drop(each.name)
    typer.echo(f"{len(found)} dropped.")


def _quarantine(data: Path) -> Quarantine:
    office = open_office(data)
    return office.quarantine(office.start_key())


def _one(quarantine: Quarantine, name: str) -> Kept:
    found = [each for each in quarantine.kept() if each.name.startswith(name.lower())]
    if len(found) != 1:
        raise typer.BadParameter("no message, or several, are called so", param_hint="NAME")
    return found[0]
