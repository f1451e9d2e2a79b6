# SPDX-License-Identifier: Apache-2.0
"""Puts our tunnels where the router reads them, or tells the operator to."""

import typer

from eepost.app.i2p import Reach, write_tunnels
from eepost.net.i2p.tunnels import i2pd_text, java_text


def place(reach: Reach) -> None:
    """Write the tunnels, or print them where this user can't; say what is left to do."""
    if reach.setup.router == "java":
        typer.echo(f"Copy the keys files from {reach.folder} into the router's folder, and make")
        typer.echo("these tunnels, each a file in its i2ptunnel.config.d, while it is stopped:\n")
        typer.echo(java_text(reach.tunnels()))
        return
    try:
        write_tunnels(reach)
    except PermissionError:
        typer.echo(f"{reach.tunnels_file} can't be written by this user. Put this there:\n")
        typer.echo(i2pd_text(reach.tunnels()))
        return
    typer.echo(f"Wrote {reach.tunnels_file}.")
    typer.echo(
        "Start the router with eepost i2p run."
        if reach.setup.router == "own"
        else "Let the router read it: systemctl reload i2pd, or kill -HUP to its process."
    )
