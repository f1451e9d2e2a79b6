# SPDX-License-Identifier: Apache-2.0
"""`eepost gateway` on the gateway itself; see `cli.gateways` for the core's part.

Nothing that knows accounts may be imported here, however indirectly.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from eepost.app.gateway_config import (
    I2P_FOLDER,
    LINK_KEYS,
    GatewayOffice,
    accept_invitation,
    create_gateway,
    open_gateway,
)
from eepost.app.gateway_keys import published, read_keys, zone_lines
from eepost.app.gateway_rotation import RETIRED_DAYS, begin, finish, next_keys, retired
from eepost.app.gateway_tunnels import tunnels
from eepost.app.invitation import check_words
from eepost.net.clock import utc_stamp, wall_seconds
from eepost.net.findings import State
from eepost.net.i2p.tunnels import i2pd_text, java_text
from eepost.observe.journal import Journal

HELP = "Mail to and from the Internet: the gateway role, and a core's list of gateways."

Data = Annotated[
    Path, typer.Option("--data", help="The gateway's data directory.", envvar="EEPOST_DATA")
]


def init(
    data: Data,
    host: Annotated[
        str, typer.Option("--host", help="This machine's name in the DNS, for example mx.eee.org.")
    ],
    official: Annotated[
        list[str],
        typer.Option("--official", help="A domain on the Internet; repeat it, current one first."),
    ],
    internal: Annotated[
        str, typer.Option("--internal", help="The post office's domain inside I2P.")
    ],
) -> None:
    """On a gateway: make one, with a commented gateway.toml and its keys."""
    names = {
        "host": host.lower(),
        "official_domains": tuple(each.lower() for each in official),
        "internal_domain": internal.lower(),
    }
    office = create_gateway(data, {"gateway": names})
    typer.echo(f"Made a gateway in {data}.")
    typer.echo(f"Its address in I2P is {office.link_keys().b32}")
    typer.echo("Put these records into the DNS (docs/gateway.md says what each is for):\n")
    _show_records(office)
    typer.echo(
        "\nNext: on the core, eepost gateway add NAME ADDRESS --out invitation; bring that file"
        f" here over a safe way; then eepost gateway pair invitation --data {data}"
    )


def _show_records(office: GatewayOffice) -> None:
    names = office.settings.gateway
    directory = office.directory
    keys = map(published, (*read_keys(directory), *next_keys(directory)))
    all_keys = (*keys, *retired(directory, int(wall_seconds())))
    for line in zone_lines(all_keys, names.host, names.official_domains):
        typer.echo(line)


def pair(
    invitation: Annotated[Path, typer.Argument(help="The file that the core wrote.")], data: Data
) -> None:
    """On a gateway: pair with the core whose invitation this is."""
    accepted = accept_invitation(open_gateway(data), invitation)
    typer.echo(f"Paired. Compare with the core: {check_words(accepted.pairing().secret)}")
    typer.echo(f"Delete {invitation} now; its secret stands in {data} and nowhere else.")
    typer.echo(
        f"Next: eepost gateway tunnels --data {data} for this machine's router, then"
        f" eepost gateway serve --data {data}"
    )


def show_tunnels(
    data: Data,
    router: Annotated[str, typer.Option("--router", help="i2pd or java.")] = "i2pd",
) -> None:
    """On a gateway: print the tunnels that this machine's I2P router needs, once it is paired."""
    texts = {"i2pd": i2pd_text, "java": java_text}
    if router not in texts:
        raise typer.BadParameter("is i2pd or java", param_hint="--router")
    office = open_gateway(data)
    keys = data / I2P_FOLDER / LINK_KEYS
    typer.echo(f"# Copy {keys} into the router's folder of keys, readable for the router alone.")
    typer.echo(texts[router](tunnels(office, office.core())), nl=False)


def serve(data: Data) -> None:
    """On a gateway: run it in the foreground until SIGTERM or Ctrl-C."""
    import uvloop  # noqa: PLC0415 - only this command needs it, and the two below

    from eepost.app.gateway import Gateway  # noqa: PLC0415
    from eepost.app.running import serve as run_role  # noqa: PLC0415
    from eepost.app.workers import make_starter, warn_where_less_confined  # noqa: PLC0415

    office = open_gateway(data)
    journal = Journal(now=utc_stamp if office.settings.log.stamps else None)

    async def announce(running: Gateway) -> None:
        ports = {name: endpoint.port for name, endpoint in running.listening.items()}
        journal.event("serving", **ports)

    with make_starter(office.settings.workers) as starter:
        warn_where_less_confined(journal)
        uvloop.run(run_role(Gateway(office, journal, starter), announce))


def check(
    data: Data,
    wait: Annotated[
        float, typer.Option("--wait", min=1, help="Seconds to wait for the core.")
    ] = 60.0,
) -> None:
    """On a gateway: look at its settings, the DNS and the link; exit code 1 if anything is wrong.

    It may run meanwhile.
    """
    from eepost.app.gateway_doctor import examine  # noqa: PLC0415 - only this command needs it

    office = open_gateway(data)
    typer.echo(f"{office.config_file} is fine. Its address in I2P is {office.link_keys().b32}")
    if office.core_file.exists():
        words = check_words(office.core().pairing().secret)
        typer.echo(f"It is paired with a core. Compare there: {words}")
    findings = asyncio.run(examine(office, wait))
    for finding in findings:
        typer.echo(f"{finding.state.value:<12} {finding.subject}: {finding.text}")
        if finding.mend:
            typer.echo(f"{'':<12} -> {finding.mend}")
    if any(finding.state is State.WRONG for finding in findings):
        sys.exit(1)


def records(data: Data) -> None:
    """On a gateway: show what has to stand in the DNS, as lines of a zone file."""
    _show_records(open_gateway(data))


def rotate_keys(data: Data) -> None:
    """On a gateway: take new signing keys into use. Run it again when the DNS has their records.

    First it makes them. Once every official domain's records are there it lets them sign.
    """
    from eepost.app.gateway_doctor import examine_keys  # noqa: PLC0415 - only this command needs it

    office = open_gateway(data)
    if not next_keys(data):
        begin(data)
        typer.echo("Made new keys, which sign nothing yet. The DNS has to say all of this now:\n")
        _show_records(office)
        typer.echo("\nThen run this again: it looks whether they are there.")
        return
    findings = asyncio.run(examine_keys(office, [published(key) for key in next_keys(data)]))
    missing = [finding for finding in findings if finding.state is not State.FINE]
    for finding in missing:
        typer.echo(f"{finding.subject}: {finding.text}")
    if missing:
        typer.echo("The old keys sign on. eepost gateway records shows what has to be published.")
        sys.exit(1)
    finish(data, int(wall_seconds()))
    typer.echo("The new keys sign from the next start on: restart the gateway now.")
    typer.echo(
        f"Leave the old keys' records in the DNS for {RETIRED_DAYS} days, for mail that is under"
        " way; eepost gateway records shows them for that long."
    )


COMMANDS: dict[str, Callable[..., Any]] = {
    "init": init,
    "serve": serve,
    "pair": pair,
    "check": check,
    "records": records,
    "dkim-rotate": rotate_keys,
    "tunnels": show_tunnels,
}

standalone = typer.Typer(
    name="eepost", add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True
)
_group = typer.Typer(help=HELP, no_args_is_help=True)
for _name, _command in COMMANDS.items():
    _group.command(_name)(_command)
standalone.add_typer(_group, name="gateway")
