# SPDX-License-Identifier: Apache-2.0
"""Tunnels as values, and as the text that i2pd and Java I2P read. Pure.

One destination serves SMTP 25, POP3 110 and the portal's 80. The gateway link has a destination,
keys, port and access list of its own: a router delivers a stream to a port that nobody serves to
the destination's first tunnel, so on a shared destination a port would keep nobody out.
"""

from dataclasses import dataclass, field

from eepost.net.listeners import Endpoint

# A keys file whose name begins so is none: i2pd makes another destination at each start, one for
# all tunnels with the same name.
TRANSIENT = "transient"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a destination's tunnels through other routers are built."""

    # Three hops are what the network's anonymity is reckoned with.
    hops: int = 3
    # Three at once each way: a public service must survive one that breaks.
    quantity: int = 3
    # More lines of i2pd's own, for a network that is not the public one.
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerTunnel:
    """Streams from I2P to a port on this machine."""

    name: str
    target: Endpoint
    inport: int  # the port that clients in I2P ask for
    keys: str  # file name in the router's folder; tunnels with one file share a destination
    is_http: bool = False  # the router then sets X-I2P-DestB32 itself and drops forged ones
    only_from: tuple[str, ...] = ()  # b32 addresses without .b32.i2p; others never reach the port
    # One key a client, in I2P's base 64: without one the destination is not found. i2pd only.
    lease_keys: tuple[str, ...] = field(default=(), repr=False)
    shape: Shape = field(default_factory=Shape)


@dataclass(frozen=True, slots=True)
class ClientTunnel:
    """Streams from a port on this machine to a destination in I2P."""

    name: str
    listen: Endpoint
    destination: str
    destination_port: int
    keys: str
    shape: Shape = field(default_factory=Shape)
    lease_key: str = field(default="", repr=False)  # opens the destination's encrypted lease set


@dataclass(frozen=True, slots=True)
class SocksTunnel:
    """A SOCKS5 port on this machine whose streams all come from one destination of ours."""

    name: str
    listen: Endpoint
    keys: str
    shape: Shape = field(default_factory=Shape)


Tunnel = ServerTunnel | ClientTunnel | SocksTunnel


def i2pd_text(tunnels: tuple[Tunnel, ...]) -> str:
    """Return a file for i2pd's tunnels.d folder."""
    return "\n".join(_i2pd_section(tunnel) for tunnel in tunnels)


def _i2pd_section(tunnel: Tunnel) -> str:
    options = [*_i2pd_ends(tunnel), ("keys", tunnel.keys), *_i2pd_shape(tunnel.shape)]
    # Encryption wins over the shape's further options; i2pd refuses a key that stands there twice.
    lines = [f"{key} = {value}" for key, value in {**dict(options), **_encryption(tunnel)}.items()]
    return "\n".join([f"[{tunnel.name}]", *lines, ""])


def _i2pd_ends(tunnel: Tunnel) -> list[tuple[str, str]]:
    match tunnel:
        case ServerTunnel():
            options = [
                ("type", "http" if tunnel.is_http else "server"),
                ("host", tunnel.target.host),
                ("port", str(tunnel.target.port)),
                ("inport", str(tunnel.inport)),
                # Each destination gets a loopback address of its own: what limits are kept by.
                ("enableuniquelocal", "true"),
                # Mail is sealed or compressed already, and sizes would tell about content.
                ("gzip", "false"),
            ]
            if tunnel.only_from:
                options.append(("accesslist", ",".join(tunnel.only_from)))
            return options
        case ClientTunnel():
            return [
                ("type", "client"),
                ("address", tunnel.listen.host),
                ("port", str(tunnel.listen.port)),
                ("destination", tunnel.destination),
                ("destinationport", str(tunnel.destination_port)),
                ("gzip", "false"),
            ]
        case SocksTunnel():
            return [
                ("type", "socks"),
                ("address", tunnel.listen.host),
                ("port", str(tunnel.listen.port)),
                ("gzip", "false"),
            ]


def _encryption(tunnel: Tunnel) -> dict[str, str]:
    """Return the options of an encrypted lease set as i2pd's documentation gives them."""
    match tunnel:
        case ServerTunnel(lease_keys=keys) if keys:
            numbered = enumerate(keys)
            return {
                "signaturetype": "11",
                "i2cp.leaseSetType": "5",
                "i2cp.leaseSetAuthType": "2",  # a shared key for each client
                **{f"i2cp.leaseSetClient.psk.{n}": f"gateway{n}:{key}" for n, key in numbered},
            }
        case ClientTunnel(lease_key=key) if key:
            return {"i2cp.leaseSetPrivKey": key}
        case _:
            return {}


def _i2pd_shape(shape: Shape) -> list[tuple[str, str]]:
    return [
        ("inbound.length", str(shape.hops)),
        ("outbound.length", str(shape.hops)),
        ("inbound.quantity", str(shape.quantity)),
        ("outbound.quantity", str(shape.quantity)),
        *shape.extra,
    ]


def java_text(tunnels: tuple[Tunnel, ...]) -> str:
    """Return tunnels as Java I2P's properties, one block for each file in i2ptunnel.config.d.

    Java I2P allows one tunnel for a destination and sorts its streams by port, so server tunnels
    that share keys become one block. An http tunnel reads every stream as HTTP: it gets keys, and
    so a destination, of its own.
    """
    blocks: dict[str, dict[str, str]] = {}
    for tunnel in tunnels:
        is_http = isinstance(tunnel, ServerTunnel) and tunnel.is_http
        keys = f"http-{tunnel.keys}" if is_http else tunnel.keys
        options = {"name": tunnel.name, "startOnLoad": "true", **_java_ends(tunnel)}
        if not keys.startswith(TRANSIENT):
            options["privKeyFile"] = keys
        options |= {f"option.{key}": value for key, value in _i2pd_shape(tunnel.shape)}
        name = keys if isinstance(tunnel, ServerTunnel) else tunnel.name
        blocks[name] = {**options, **blocks.get(name, {}), **_java_port(tunnel)}
    return "\n".join(_java_block(block) for block in blocks.values())


def _java_block(options: dict[str, str]) -> str:
    return "\n".join([*(f"{key}={value}" for key, value in options.items()), ""])


def _java_ends(tunnel: Tunnel) -> dict[str, str]:
    match tunnel:
        case ServerTunnel():
            options = {
                "type": "httpserver" if tunnel.is_http else "server",
                "targetHost": tunnel.target.host,
                "targetPort": str(tunnel.target.port),
                "option.enableUniqueLocal": "true",
            }
            if tunnel.only_from:
                options["option.i2cp.enableAccessList"] = "true"
                hashes = (f"{b32}.b32.i2p" for b32 in tunnel.only_from)
                options["option.i2cp.accessList"] = ",".join(hashes)
            return options
        case ClientTunnel():
            return {
                "type": "client",
                "interface": tunnel.listen.host,
                "listenPort": str(tunnel.listen.port),
                "targetDestination": f"{tunnel.destination}:{tunnel.destination_port}",
                "option.persistentClientKey": _java_truth(not tunnel.keys.startswith(TRANSIENT)),
            }
        case SocksTunnel():
            return {
                "type": "sockstunnel",
                "interface": tunnel.listen.host,
                "listenPort": str(tunnel.listen.port),
                "option.persistentClientKey": _java_truth(not tunnel.keys.startswith(TRANSIENT)),
            }


def _java_truth(claim: bool) -> str:
    return "true" if claim else "false"


def _java_port(tunnel: Tunnel) -> dict[str, str]:
    if not isinstance(tunnel, ServerTunnel):
        return {}
    return {f"option.targetForPort.{tunnel.inport}": str(tunnel.target)}
