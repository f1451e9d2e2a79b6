# SPDX-License-Identifier: Apache-2.0
"""`eepost gateway` on the core: which gateways there are. A running core notices within seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from eepost.app.cli.options import Data
from eepost.app.cli.placing import place
from eepost.app.config import ConfigError
from eepost.app.i2p import (
    LINK_KEYS,
    LINK_OUT,
    LINK_PORT,
    Reach,
    admit,
    expel,
    lease_key,
    link_secrecy,
    open_reach,
)
from eepost.app.invitation import Invitation, check_words, write_invitation
from eepost.app.known_gateways import (
    KnownGateway,
    file_of,
    gateway_names,
    read_gateway,
    remove_gateway,
    write_gateway,
)
from eepost.app.office import Office, open_office
from eepost.net.clock import random_octets
from eepost.net.peers import b32_address, destination_hash
from eepost.wire.link.pairing import DESTINATION_OCTETS, SECRET_OCTETS

Name = Annotated[
    str, typer.Argument(help="Your own word for the gateway: letters, digits, hyphen.")
]


def add(
    name: Name,
    address: Annotated[str, typer.Argument(help="The gateway's b32 address.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Where to write the gateway's invitation.")],
    way: Annotated[
        str | None,
        typer.Option(
            "--way",
            help="How to reach it: `socks5 HOST:PORT` (by default our router's tunnel for the"
            " link) or `port HOST:PORT`, a client tunnel of yours or a gateway on this machine.",
        ),
    ] = None,
) -> None:
    """On a core: make a gateway known and write its invitation, with a new secret for both."""
    office = open_office(data)
    digest = destination_hash(address.encode("utf-8"))
    if digest is None:
        raise typer.BadParameter("is not a b32 address: 52 characters and .b32.i2p")
    try:
        if file_of(data, name).exists():
            raise typer.BadParameter(f"there is a gateway {name} already: remove it first")
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="NAME") from None
    if out.exists():
        raise typer.BadParameter(f"{out} is there already", param_hint="--out")
    secret = random_octets(SECRET_OCTETS)
    reach = _reach(office)
    core = _own_destination(reach)
    known = KnownGateway(
        way=way or f"socks5 {LINK_OUT}",
        port=LINK_PORT,
        gateway=digest.hex(),
        core=core.hex(),
        secret=secret.hex(),
    )
    try:
        known.route(name, bytes)
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="--way") from None
    if reach is not None:
        reach = admit(reach, address)
    write_invitation(
        out,
        Invitation(
            core=core.hex(),
            gateway=digest.hex(),
            secret=secret.hex(),
            address=_address(reach, core),
            port=LINK_PORT,
            internal_domain=office.settings.mail.domain,
            official_domains=office.settings.mail.official_domains,
            lease_key=lease_key(reach, address) if reach is not None else "",
        ),
    )
    write_gateway(data, name, known)
    if reach is not None:
        place(reach)
        typer.echo(f"The link's destination is {link_secrecy(reach)}.")
    typer.echo(f"Added {name}. Its invitation is {out}: bring it to the gateway over a safe way,")
    typer.echo("run eepost gateway pair there, and delete the file here.")
    typer.echo(f"Compare with the gateway: {check_words(secret)}")


def _reach(office: Office) -> Reach | None:
    """Return how the core is reached over I2P, None where it is not: a trial on one machine."""
    try:
        return open_reach(office)
    except ConfigError:
        return None


def _own_destination(reach: Reach | None) -> bytes:
    if reach is None:
        return random_octets(DESTINATION_OCTETS)  # a pairing needs two sides all the same
    return reach.keys(LINK_KEYS).destination_hash


def _address(reach: Reach | None, core: bytes) -> str:
    if reach is not None and reach.setup.hides_link:
        return reach.keys(LINK_KEYS).b33
    return b32_address(core)


def drain(name: Name, data: Data) -> None:
    """On a core: give a gateway no more mail; what it brings is still taken."""
    _set_drained(data, name, is_drained=True)
    typer.echo(f"{name} gets no more mail. eepost gateway resume {name} takes that back.")


def resume(name: Name, data: Data) -> None:
    """On a core: let a drained gateway have mail again."""
    _set_drained(data, name, is_drained=False)
    typer.echo(f"{name} gets mail again.")


def _set_drained(data: Path, name: str, *, is_drained: bool) -> None:
    open_office(data)
    record = msgspec.structs.replace(_read(data, name), is_drained=is_drained)
    write_gateway(data, name, record)


def _read(data: Path, name: str) -> KnownGateway:
    try:
        return read_gateway(data, name)
    except ValueError as reason:
        raise typer.BadParameter(str(reason), param_hint="NAME") from None


def remove(name: Name, data: Data) -> None:
    """On a core: forget a gateway; its key opens nothing from now on."""
    reach = _reach(open_office(data))
    record = _read(data, name)
    remove_gateway(data, name)
    if reach is not None:
        place(expel(reach, b32_address(bytes.fromhex(record.gateway))))
    typer.echo(f"Removed {name}.")


def list_gateways(data: Data) -> None:
    """On a core: list the gateways."""
    open_office(data)
    names = gateway_names(data)
    for name in names:
        record = read_gateway(data, name)
        state = "drained" if record.is_drained else "in use"
        address = b32_address(bytes.fromhex(record.gateway))
        typer.echo(f"{name}\t{state}\t{record.way}\t{address}")
    if not names:
        typer.echo("No gateways yet: eepost gateway add NAME ADDRESS --out FILE --data DIR")


COMMANDS: dict[str, Callable[..., Any]] = {
    "add": add,
    "drain": drain,
    "resume": resume,
    "remove": remove,
    "list": list_gateways,
}
