# SPDX-License-Identifier: Apache-2.0
"""The tunnels that a user's router needs: for each identity two to its service.

Their keys are of a kind that the router makes anew at each start, one destination for each
identity: no service can tell by the destination who came yesterday, or which other identity he has.
"""

from eepost.app.letterbox_config import OneIdentity, way
from eepost.net.connect import LocalPort
from eepost.net.i2p.tunnels import TRANSIENT, ClientTunnel, Tunnel

SMTP_PORT = 25
POP3_PORT = 110


def tunnels(identity: OneIdentity, smtp: str, pop3: str) -> tuple[Tunnel, ...]:
    """Return the tunnels of an identity whose service has these names in I2P.

    What goes through a SOCKS5 port needs none.
    """
    service = identity.settings.service
    ways = (("smtp", service.smtp, smtp, SMTP_PORT), ("pop3", service.pop3, pop3, POP3_PORT))
    made = []
    for kind, text, destination, port in ways:
        place = way(text, bytes)
        if isinstance(place, LocalPort):
            name = f"letterbox-{identity.name}-{kind}"
            keys = f"{TRANSIENT}-letterbox-{identity.name}"
            made.append(ClientTunnel(name, place.endpoint, destination, port, keys))
    return tuple(made)
