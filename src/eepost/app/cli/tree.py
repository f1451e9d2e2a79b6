# SPDX-License-Identifier: Apache-2.0
"""The command `eepost` with everything under it."""

import typer

from eepost.app.cli import (
    account,
    config,
    gateway,
    gateways,
    i2p,
    letterbox,
    office,
    preferences,
    quarantine,
    queue,
    role,
    sanitise,
    scanner,
)

app = typer.Typer(
    name="eepost",
    help=(
        "A post office for I2P.\n\n"
        "Begin with `eepost init`, add accounts with `eepost account add`, then `eepost serve`. "
        "`eepost trial` does all of that for a look around."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, passwords among them
    rich_markup_mode="markdown",
)
app.command("init")(office.init)
app.command("serve")(office.serve)
app.command("trial")(office.trial)
app.command("sanitise")(sanitise.sanitise)
app.add_typer(account.app, name="account")
account.app.command("set")(preferences.set_preferences)
account.app.command("outgoing")(preferences.outgoing)
app.add_typer(queue.app, name="queue")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(role.app, name="role")
app.add_typer(config.app, name="config")
app.add_typer(i2p.app, name="i2p")
app.add_typer(scanner.app, name="scanner")
app.add_typer(letterbox.app, name="letterbox")

_gateway = typer.Typer(help=gateway.HELP, no_args_is_help=True)
for _name, _command in (gateway.COMMANDS | gateways.COMMANDS).items():
    _gateway.command(_name)(_command)
app.add_typer(_gateway, name="gateway")
