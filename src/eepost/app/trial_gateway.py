# SPDX-License-Identifier: Apache-2.0
"""A trial's gateway as the core's side makes and starts it; `stage` is what runs then.

Must not load what reaches the Internet: a trial's core is a core like any other.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eepost.app.config import endpoints
from eepost.app.gateway_config import create_gateway
from eepost.app.invitation import Invitation, write_invitation
from eepost.app.known_gateways import KnownGateway, write_gateway
from eepost.app.office import Office
from eepost.net.clock import random_octets
from eepost.wire.link.pairing import DESTINATION_OCTETS, SECRET_OCTETS

ROBOT = "robot@far.example"
OFFICIAL = "post.example"
FOLDER = "gateway"
# Not the ports of a real gateway on this machine.
LINK, NAMES, MAIL_IN = "127.0.0.1:7664", "127.0.0.1:7665", "127.0.0.1:7666"
_INVITATION = "invitation"
_LINK_PORT = 7664
_STOP_SECONDS = 40


def add_gateway(office: Office) -> None:
    """Make a gateway in the trial's directory, and make both sides known to each other."""
    folder = office.directory / FOLDER
    gateway = create_gateway(folder, _settings(office))
    core, secret = random_octets(DESTINATION_OCTETS), random_octets(SECRET_OCTETS)
    digest = gateway.link_keys().destination_hash
    known = KnownGateway(
        way=f"port {LINK}",
        port=_LINK_PORT,
        gateway=digest.hex(),
        core=core.hex(),
        secret=secret.hex(),
    )
    invitation = Invitation(
        core=core.hex(),
        gateway=digest.hex(),
        secret=secret.hex(),
        address="core.i2p",  # loopback leads there, no router
        port=_LINK_PORT,
        internal_domain=office.settings.mail.domain,
        official_domains=office.settings.mail.official_domains,
    )
    write_invitation(office.directory / _INVITATION, invitation)
    write_gateway(office.directory, "trial", known)


def _settings(office: Office) -> dict[str, dict[str, Any]]:
    core = endpoints(office.settings)["gateways.listen"]
    return {
        "gateway": {
            "host": f"mx.{OFFICIAL}",
            "official_domains": office.settings.mail.official_domains,
            "internal_domain": office.settings.mail.domain,
        },
        "link": {"listen": LINK, "core": f"port {core}", "retry_seconds": 0.5},
        "mx": {"listen": (MAIL_IN,)},
        "dns": {"resolver": NAMES},
        "log": {"counts_seconds": 0},
    }


@contextmanager
def running_gateway(office: Office) -> Iterator["subprocess.Popen[bytes] | None"]:
    """Run the trial's gateway, if it has one."""
    folder = office.directory / FOLDER
    if not folder.exists():
        yield None
        return
    places = (str(folder), str(office.directory / _INVITATION))
    command = [sys.executable, "-m", "eepost.app.stage", *places]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
