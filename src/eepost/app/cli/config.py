# SPDX-License-Identifier: Apache-2.0
"""`eepost config`: is the configuration right, and what can stand in it."""

import typer

from eepost.app.cli.options import Data
from eepost.app.config_text import reference
from eepost.app.office import open_office

app = typer.Typer(help="Check the configuration, or show every setting.", no_args_is_help=True)


@app.command("check")
def check(data: Data) -> None:
    """Say whether eepost.toml can be used, and what is wrong with it."""
    office = open_office(data)
    typer.echo(f"{office.config_file} is fine.")


@app.command("reference")
def show_reference() -> None:
    """Show every setting with its default and meaning (Markdown)."""
    typer.echo(reference(), nl=False)
