# SPDX-License-Identifier: Apache-2.0
"""`eepost init`, `serve` and `trial`: make a post office, run it, look around."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eepost.app.cli.options import (
    Data,
    PasswordStdin,
    ask_password,
    open_registry,
    show_recovery_code,
)
from eepost.app.office import KEY_FILE_NAME, Office, create_office, open_office
from eepost.net.clock import utc_stamp
from eepost.observe.journal import Journal

ROLES = ("postmaster", "abuse")

Domain = Annotated[
    str,
    typer.Option("--domain", help="The internal domain, what users see: for example mail.i2p."),
]
Official = Annotated[
    list[str] | None,
    typer.Option(
        "--official",
        help="A domain that the same mailboxes have on the Internet; may be given several times,"
        " the current one first.",
    ),
]
Smtp = Annotated[str, typer.Option("--smtp", help="Where to take mail: HOST:PORT, loopback.")]
Pop3 = Annotated[str, typer.Option("--pop3", help="Where to give mail: HOST:PORT, loopback.")]
Postmaster = Annotated[
    str | None,
    typer.Option(
        "--postmaster",
        help="Make this account now and give it the mail to postmaster and abuse.",
    ),
]


def init(
    data: Data,
    domain: Domain,
    official: Official = None,
    smtp: Smtp = "127.0.0.1:7659",
    pop3: Pop3 = "127.0.0.1:7660",
    postmaster: Postmaster = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Make a post office: a commented eepost.toml, a start key and an empty store.

    Asks which account shall answer for postmaster and abuse, where a terminal is there to answer.
    """
    office = create_office(data, _given(domain, tuple(official or ()), smtp, pop3))
    typer.echo(f"Made a post office for {domain} in {data}.")
    typer.echo(
        f"The start key is {data / KEY_FILE_NAME}. It opens account names and the queue: before"
        " this is more than a trial, keep it elsewhere (start_key in eepost.toml says how)."
    )
    if postmaster is None and sys.stdin.isatty():
        postmaster = typer.prompt(
            "Account for postmaster and abuse (made now; empty for none)", default=""
        )
    if postmaster:
        _make_postmaster(office, data, postmaster, password_stdin)
    else:
        typer.echo(
            "Nobody answers for postmaster and abuse yet: eepost account add NAME, then"
            " eepost role assign postmaster NAME."
        )
    typer.echo(f"Next: eepost account add NAME --data {data}; eepost serve --data {data}")


def _given(
    domain: str, official: tuple[str, ...], smtp: str, pop3: str
) -> dict[str, dict[str, Any]]:
    mail: dict[str, Any] = {"domain": domain.lower()}
    if official:
        mail |= {"official_domains": tuple(each.lower() for each in official)}
    mail["message_id_domain"] = (official[0] if official else domain).lower()
    return {"mail": mail, "smtp": {"listen": smtp}, "pop3": {"listen": pop3}}


def _make_postmaster(office: Office, data: Path, name: str, password_stdin: bool) -> None:
    _, store, registry = open_registry(data)
    try:
        created = registry.create(name, ask_password(password_stdin))
        for role in ROLES:
            registry.assign_role(role, created.account.name)
    finally:
        store.close()
    typer.echo(
        f"Added {created.account.name}@{office.settings.mail.domain}; postmaster and abuse are its."
    )
    show_recovery_code(created.recovery_code)


def serve(data: Data) -> None:
    """Run the post office in the foreground until SIGTERM or Ctrl-C."""
    # Only this command needs the engines and services: adding an account must not wait for them.
    import uvloop  # noqa: PLC0415

    from eepost.app.core import Core  # noqa: PLC0415
    from eepost.app.running import serve as run_role  # noqa: PLC0415
    from eepost.app.workers import make_starter, warn_where_less_confined  # noqa: PLC0415

    office = open_office(data)
    journal = Journal(now=utc_stamp if office.settings.log.stamps else None)

    async def announce(running: Core) -> None:
        if "postmaster" not in await asyncio.to_thread(running.roles):
            journal.notice("no postmaster", "give postmaster an account: eepost role assign")
        ports = {name: endpoint.port for name, endpoint in running.listening().items()}
        journal.event("serving", **ports)

    with make_starter(office.settings.workers) as starter:
        core = Core(office, office.start_key(), journal, starter)
        warn(office, journal)
        warn_where_less_confined(journal)
        uvloop.run(run_role(core, announce))


def warn(office: Office, journal: Journal) -> None:
    """Tell the operator what this configuration costs."""
    if office.keeps_key_beside_data:
        journal.notice(
            "start key beside the data",
            "whoever takes this disk can read account names and the queue; keep the start key"
            " elsewhere (start_key in eepost.toml says how)",
        )
    if not office.settings.scanner.clamd:
        journal.notice(
            "nothing is scanned",
            "no mail is scanned for viruses; scanner.clamd in eepost.toml names a scanner, and"
            " docs/scanner.md says how to run one",
        )


def trial(data: Data = Path("post-office")) -> None:
    """Make a post office with two sample accounts, send a first mail, keep serving.

    Run again, it goes on with the same data.
    """
    from eepost.app.trial import run_trial  # noqa: PLC0415 - only this command needs it

    run_trial(data)
