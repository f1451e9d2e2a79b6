# SPDX-License-Identifier: Apache-2.0
"""The command `eepost`."""

import sys

import typer

from eepost.app.cli import account, config, i2p, office, role, sanitise
from eepost.app.cli.failure import explain
from eepost.app.hardening import keep_memory_private

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
app.add_typer(role.app, name="role")
app.add_typer(config.app, name="config")
app.add_typer(i2p.app, name="i2p")


def main() -> None:
    """Run the command line; expected failures are a sentence and exit code 1, never a traceback."""
    try:
        keep_memory_private()
        app()
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        sys.stderr.write(f"eepost: {sentence}\n")
        sys.exit(1)
