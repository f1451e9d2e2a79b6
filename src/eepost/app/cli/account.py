# SPDX-License-Identifier: Apache-2.0
"""`eepost account`: who may log in. Works while the post office runs."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eepost.accounts.invitations import INVITATIONS, Invitations
from eepost.accounts.model import State
from eepost.app.cli.options import (
    Data,
    Name,
    PasswordStdin,
    Yes,
    ask_password,
    confirm,
    open_registry,
    show_recovery_code,
)
from eepost.app.office import open_office
from eepost.net.clock import random_octets, wall_seconds

app = typer.Typer(
    help="Add, list, change and delete accounts, also while the post office runs.",
    no_args_is_help=True,
)


@app.command("add")
def add(name: Name, data: Data, password_stdin: PasswordStdin = False) -> None:
    """Add an account and show its recovery code, once."""
    office, store, registry = open_registry(data)
    try:
        created = registry.create(name, ask_password(password_stdin))
    finally:
        store.close()
    typer.echo(f"Added {created.account.name}@{office.settings.mail.domain}.")
    show_recovery_code(created.recovery_code)


@app.command("invite")
def invite(
    data: Data,
    count: Annotated[int, typer.Option("--count", min=1, max=1_000, help="How many codes.")] = 1,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Good for so long.")] = 30,
) -> None:
    """Print invitation codes, each good for one account made in the portal.

    The portal asks for them where `portal.gates` in eepost.toml names `invitation`.
    """
    office = open_office(data)
    invitations = Invitations(office.start_key().subkey(INVITATIONS))
    last_day = int(wall_seconds()) // 86_400 + days
    for _ in range(count):
        typer.echo(invitations.make(last_day, random_octets))


@app.command("list")
def list_accounts(data: Data) -> None:
    """List the accounts with their state."""
    _, store, _ = open_registry(data)
    try:
        accounts = sorted(store.accounts.accounts(), key=lambda each: each.name)
    finally:
        store.close()
    table = Table("account", "state", "key generation", box=None)
    for each in accounts:
        table.add_row(each.name, each.state.value, str(each.current_key.generation))
    Console().print(table if accounts else "No accounts yet: eepost account add NAME --data DIR")


@app.command("passwd")
def passwd(name: Name, data: Data, password_stdin: PasswordStdin = False, yes: Yes = False) -> None:
    """Give an account a new password, without knowing the old one.

    Only the password opens the mail that is there, so it stays shut after this until the user
    gives the recovery code. New mail is sealed to a new key pair.
    """
    confirm(
        f"Mail that lies in {name}'s maildrop will open only with the old recovery code. Go on?",
        yes or password_stdin,
    )
    _, store, registry = open_registry(data)
    try:
        code = registry.reset_password(name, ask_password(password_stdin))
    finally:
        store.close()
    typer.echo(
        "The password is changed. Mail from before now opens only with the recovery code that the"
        " user was shown then: eepost account recover."
    )
    show_recovery_code(code)


@app.command("recover")
def recover(name: Name, data: Data, password_stdin: PasswordStdin = False) -> None:
    """Open old mail again with a recovery code, and set a new password.

    With --password-stdin the first line is the recovery code and the second the new password.
    """
    _, store, registry = open_registry(data)
    try:
        if password_stdin:
            code = ask_password(password_stdin)
        else:
            code = typer.prompt("Recovery code", hide_input=True)
        registry.recover(name, code, ask_password(password_stdin))
    finally:
        store.close()
    typer.echo("The new password holds; mail that this code opens can be read again.")


@app.command("disable")
def disable(name: Name, data: Data) -> None:
    """Let an account neither log in nor get mail; what it has stays."""
    _set_state(name, data, State.DISABLED)


@app.command("enable")
def enable(name: Name, data: Data) -> None:
    """Let a disabled account log in and get mail again."""
    _set_state(name, data, State.ENABLED)


def _set_state(name: Name, data: Data, state: State) -> None:
    _, store, registry = open_registry(data)
    try:
        registry.set_state(name, state)
    finally:
        store.close()
    typer.echo(f"{name} is {state.value}.")


@app.command("delete")
def delete(name: Name, data: Data, yes: Yes = False) -> None:
    """Delete an account, its keys and its mail. Its name is never given out again."""
    confirm(f"Delete {name} with all its mail? This can't be undone.", yes)
    _, store, registry = open_registry(data)
    try:
        registry.delete(name)
    finally:
        store.close()
    typer.echo(f"{name} is deleted; its keys and mail are destroyed.")


@app.command("empty")
def empty(name: Name, data: Data, yes: Yes = False) -> None:
    """Delete all mail of an account and keep the account."""
    confirm(f"Delete all mail of {name}? This can't be undone.", yes)

    async def remove() -> int:
        _, store, registry = open_registry(data)
        maildrops = store.start(asyncio.get_running_loop())
        try:
            removed: int = await maildrops.empty(registry.find(name).number)
            return removed
        finally:
            await store.stop()

    typer.echo(f"{asyncio.run(remove())} messages deleted.")
