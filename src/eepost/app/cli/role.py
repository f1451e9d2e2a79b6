# SPDX-License-Identifier: Apache-2.0
"""`eepost role`: which account answers for postmaster and abuse."""

from typing import Annotated

import typer

from eepost.app.cli.options import Data, Name, open_registry

app = typer.Typer(
    help="Say which account gets the mail to postmaster and abuse (RFC 2142).",
    no_args_is_help=True,
)
Role = Annotated[str, typer.Argument(help="postmaster or abuse.")]


@app.command("assign")
def assign(role: Role, name: Name, data: Data) -> None:
    """Let mail to a role go to an account."""
    _, store, registry = open_registry(data)
    try:
        registry.assign_role(role, name)
    finally:
        store.close()
    typer.echo(f"Mail to {role} goes to {name}.")


@app.command("list")
def list_roles(data: Data) -> None:
    """List the roles and who has them."""
    _, store, _ = open_registry(data)
    try:
        roles = store.accounts.roles()
    finally:
        store.close()
    for role, name in sorted(roles.items()):
        typer.echo(f"{role}\t{name}")
    if not roles:
        typer.echo("No roles yet: eepost role assign postmaster NAME --data DIR")
