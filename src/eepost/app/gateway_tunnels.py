# SPDX-License-Identifier: Apache-2.0
"""The tunnels that a gateway's router needs: one to the core, one for the core's streams.

Both belong to one destination, that of the gateway's link, which the core admits by its address.
"""

from eepost.app.gateway_config import LINK_KEYS, GatewayOffice
from eepost.app.invitation import Invitation
from eepost.net.connect import LocalPort
from eepost.net.i2p.tunnels import ClientTunnel, ServerTunnel, Tunnel
from eepost.net.listeners import Endpoint, parse_endpoint
from eepost.net.peers import b32_address

LINK_PORT = 7662


def tunnels(office: GatewayOffice, invitation: Invitation) -> tuple[Tunnel, ...]:
    """Return the tunnels; the one to the core is left out where a SOCKS5 port is used instead."""
    core = b32_address(bytes.fromhex(invitation.core)).removesuffix(".b32.i2p")
    server = ServerTunnel(
        "eepost-link",
        parse_endpoint(office.settings.link.listen),
        LINK_PORT,
        LINK_KEYS,
        only_from=(core,),
    )
    local = _local(office)
    if local is None:
        return (server,)
    # The server comes first: the router makes their common destination as the first one says.
    return (
        server,
        ClientTunnel(
            "eepost-core",
            local,
            invitation.address,
            invitation.port,
            LINK_KEYS,
            lease_key=invitation.lease_key,
        ),
    )


def _local(office: GatewayOffice) -> Endpoint | None:
    way = office.core_way()
    return way.endpoint if isinstance(way, LocalPort) else None
