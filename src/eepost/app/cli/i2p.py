# SPDX-License-Identifier: Apache-2.0
"""`eepost i2p`: make the post office reachable over I2P, and see whether it is."""

import asyncio
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from eepost.app.cli.findings import show_findings
from eepost.app.cli.options import Data
from eepost.app.cli.placing import place
from eepost.app.config import ConfigError
from eepost.app.i2p import (
    LINK_KEYS,
    MAIL_KEYS,
    Reach,
    choose,
    link_secrecy,
    open_reach,
    paired_names,
    save,
)
from eepost.app.i2p_doctor import examine
from eepost.app.office import open_office
from eepost.net.clock import monotonic_seconds
from eepost.net.connect import Patience
from eepost.net.i2p.checks import Stranger
from eepost.net.i2p.found import find_binary, find_certificates
from eepost.net.i2p.own import (
    Network,
    OwnRouter,
    PrivateNetwork,
    Program,
    PublicNetwork,
    write_folder,
)
from eepost.net.i2p.tunnels import ServerTunnel, Tunnel, i2pd_text, java_text
from eepost.net.listeners import parse_endpoint
from eepost.observe.journal import Journal

ROOT = Path("/")

app = typer.Typer(
    help="Be reachable over I2P: keys, tunnels, an own router, and whether all of it works.",
    no_args_is_help=True,
)

Router = Annotated[
    str,
    typer.Option(
        "--router",
        help="auto, i2pd, java or own. `auto` takes a router that runs, else one of our own.",
    ),
]
Paired = Annotated[
    list[str] | None,
    typer.Option("--paired", help="b32 address of a gateway that may reach the link."),
]
Private = Annotated[
    str | None,
    typer.Option(
        "--private",
        help="NETID@ADDRESS:PORT of a private network for trials; nothing outside is ever asked.",
    ),
]


@app.command("setup")
def setup(
    data: Data,
    router: Router = "auto",
    paired: Paired = None,
    hops: Annotated[int, typer.Option(min=0, max=7, help="Routers in each tunnel.")] = 3,
    quantity: Annotated[int, typer.Option(min=1, max=16, help="Tunnels each way.")] = 3,
    option: Annotated[
        list[str] | None,
        typer.Option("--tunnel-option", help="KEY=VALUE for every tunnel, as i2pd knows it."),
    ] = None,
) -> None:
    """Make destination keys, write the tunnels into the router's folder, show the address.

    Run it again after a change of listeners: keys and addresses stay.
    """
    if router not in {"auto", "i2pd", "java", "own"}:
        raise typer.BadParameter("is auto, i2pd, java or own", param_hint="--router")
    office = open_office(data)
    try:
        names = paired_names(paired or ())
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="--paired") from None
    chosen = msgspec.structs.replace(
        choose(office, router, ROOT, Path.home()),
        hops=hops,
        quantity=quantity,
        extra=tuple(_pair_of(text) for text in option or ()),
    )
    try:
        known = open_reach(office).setup.paired
    except ConfigError:
        known = ()
    chosen = msgspec.structs.replace(chosen, paired=tuple(dict.fromkeys((*known, *names))))
    reach = save(office, chosen)
    place(reach)
    typer.echo(f"The post office's address in I2P is {reach.keys(MAIL_KEYS).b32}")


def _pair_of(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("is KEY=VALUE", param_hint="--tunnel-option")
    return key, value


@app.command("tunnels")
def tunnels(
    data: Data,
    side: Annotated[
        str,
        typer.Option("--side", help="client: for users; gateway: for a paired one; server: ours."),
    ],
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", help="Which gateway's, by its b32 address, if more are paired."),
    ] = None,
    router: Annotated[str, typer.Option("--router", help="i2pd or java.")] = "i2pd",
) -> None:
    """Print tunnels: what users or a gateway put into their router, or what stands in ours.

    Where the link is hidden, a gateway's text and ours hold the keys to find it: pass a gateway's
    on over a safe way.
    """
    reach = open_reach(open_office(data))
    sides: dict[str, Callable[[], tuple[Tunnel, ...]]] = {
        "client": reach.client_tunnels,
        "gateway": lambda: reach.gateway_tunnels(_paired_gateway(reach, gateway)),
        "server": reach.tunnels,
    }
    texts = {"i2pd": i2pd_text, "java": java_text}
    if side not in sides or router not in texts:
        raise typer.BadParameter("--side is client, gateway or server, --router is i2pd or java")
    if side == "gateway" and router == "java" and reach.setup.hides_link:
        raise typer.BadParameter("a hidden link is reached by i2pd only", param_hint="--router")
    typer.echo(texts[router](sides[side]()), nl=False)


def _paired_gateway(reach: Reach, wanted: str | None) -> str:
    paired = reach.setup.paired
    try:
        names = paired_names([wanted]) if wanted else paired
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="--gateway") from None
    if len(names) != 1 or names[0] not in paired:
        known = " ".join(paired) or "none"
        raise typer.BadParameter(f"is one of the paired ones: {known}", param_hint="--gateway")
    return names[0]


@app.command("show")
def show(data: Data) -> None:
    """Show addresses, tunnels and where they are kept."""
    reach = open_reach(open_office(data))
    link = reach.keys(LINK_KEYS)
    rows = [
        ("router", f"{reach.setup.router} {reach.setup.version}".rstrip()),
        ("mail destination", reach.keys(MAIL_KEYS).b32),
        ("link destination", link.b32),
        *([("gateways find it as", link.b33)] if reach.setup.hides_link else []),
        ("link's lease set", link_secrecy(reach)),
        ("paired gateways", " ".join(reach.setup.paired) or "none"),
        ("keys", str(reach.keys_folder)),
        ("tunnels", str(reach.tunnels_file)),
        *((tunnel.name, _ends(tunnel)) for tunnel in reach.tunnels()),
    ]
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        typer.echo(f"{label:<{width}}  {value}")


def _ends(tunnel: Tunnel) -> str:
    if isinstance(tunnel, ServerTunnel):
        return f"I2P port {tunnel.inport} -> {tunnel.target}"
    return f"{tunnel.listen} -> I2P"


@app.command("doctor")
def doctor(
    data: Data,
    socks: Annotated[
        str | None, typer.Option("--socks", help="HOST:PORT of a SOCKS5 port into I2P.")
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=1, help="Seconds to wait for each answer from I2P.")
    ] = 60.0,
) -> None:
    """Look at the whole way from I2P to our listeners; exit code 1 if anything is wrong."""
    reach = open_reach(open_office(data))
    chosen = socks or reach.setup.socks
    try:
        endpoint = parse_endpoint(chosen) if chosen else None
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="--socks") from None
    patience = Patience(connect_seconds=wait, first_octet_seconds=wait)
    stranger = Stranger(endpoint, patience) if endpoint else None
    show_findings(asyncio.run(examine(reach, stranger, ROOT, Path.home())))


@app.command("run")
def run(data: Data, private: Private = None) -> None:
    """Run an I2P router of our own, an installed i2pd with only our tunnels, until Ctrl-C.

    It is started again when it ends, with a growing pause.
    """
    reach = open_reach(open_office(data))
    if reach.setup.router != "own":
        raise ConfigError(
            reach.folder,
            "router",
            f"this post office uses {reach.setup.router}, which somebody else runs",
            "eepost i2p setup --router own changes that",
        )
    write_folder(reach.keys_folder, _network(private), reach.tunnels())
    router = OwnRouter(_program(), reach.keys_folder, Journal(), monotonic_seconds)
    asyncio.run(_keep_running(router))


def _network(private: str | None) -> Network:
    if private is None:
        return PublicNetwork()
    netid, _, place = private.partition("@")
    try:
        endpoint = parse_endpoint(place)
        return PrivateNetwork(int(netid), endpoint.host, endpoint.port)
    except ValueError:
        raise typer.BadParameter("is NETID@ADDRESS:PORT", param_hint="--private") from None


def _program() -> Program:
    binary = find_binary(ROOT)
    if binary is None:
        raise ConfigError(ROOT, "", "no i2pd is installed", "apt install i2pd")
    # A router must not outlive us: its ports would be taken when we start again.
    setpriv = shutil.which("setpriv")
    prefix = (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
    return Program(binary, find_certificates(ROOT), prefix)


async def _keep_running(router: OwnRouter) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, router.stop)
    await router.run()
