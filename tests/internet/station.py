# SPDX-License-Identifier: Apache-2.0
"""A core and its gateways on the tests' Internet, and peers that bring mail to them by hand."""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.internet.gateway import Gateway, gateway_port, pair
from tests.internet.world.place import GATEWAY, SECOND_GATEWAY, host
from tests.internet.world.world import World
from tests.office import PostOffice
from tests.role import Role

NOTICE_SECONDS = 20.0
HOSTS = (("mx.example.org", GATEWAY), ("mx2.example.org", SECOND_GATEWAY))
CLIENT_SECONDS = 60


@dataclass
class Station:
    """All of ours, running, in a world."""

    net: World
    core: PostOffice
    gateways: list[Gateway] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        """The first one."""
        return self.gateways[0]

    def wait_for_link(self) -> None:
        """Wait until every gateway reaches the core."""
        for each in self.gateways:
            wait_until(partial(_is_linked, each))

    def wait_for_key(self) -> None:
        """Wait until every gateway can seal mail to the core."""
        for each in self.gateways:
            wait_until((each.directory / "core.key").exists)

    def mail(self, name: str, count: int = 1) -> list[bytes]:
        """Return what `name` has, once it is `count` messages."""
        wait_until(lambda: len(self.core.fetch(name)) >= count)
        return self.core.fetch(name)

    def journal(self) -> str:
        """Return what all of them logged."""
        return "".join(str(line) for each in (self.core, *self.gateways) for line in each.lines)


def _is_linked(gateway: Gateway) -> bool:
    return newest(gateway, "core_is_up") == 1


def wait_until(claim: Callable[[], bool], seconds: float = NOTICE_SECONDS) -> None:
    """Wait until `claim` is true."""
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def newest(role: Role, counter: str) -> int:
    """Return the last count that `role` told, 0 if none."""
    for line in reversed(role.lines):
        if line["event"] == "counts":
            return int(line.get(counter, 0))
    return 0


@contextmanager
def station(
    net: World,
    folder: Path,
    gateways: int = 1,
    mx: dict[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    outgoing: dict[str, Any] | None = None,
) -> Iterator[Station]:
    """Run a core and its gateways; `mx` and `environment` are the gateways', `outgoing` the core's.

    Their domain's records are published, the keys that each gateway signs with among them.
    """
    core_settings: dict[str, dict[str, Any]] = {
        "mail": {"message_id_domain": "example.org"},
        "log": {"counts_seconds": 1},
        "gateways": {"retry_seconds": 0.2},
        "outgoing": outgoing or {},
    }
    with PostOffice(folder / "office", core_settings).create() as core:
        gateway_port(core)
        running = Station(net, core)
        try:
            for number in range(gateways):
                made = _gateway(net, folder, core, number, mx or {})
                made.environment = {**made.environment, **(environment or {})}
                running.gateways.append(made)
            net.ours(*{record: None for each in running.gateways for record in each.records()})
            core.start()
            for each in running.gateways:
                each.start()
            running.wait_for_link()
            running.wait_for_key()
            yield running
        finally:
            for each in running.gateways:
                each.kill()


def _gateway(
    net: World, folder: Path, core: PostOffice, number: int, mx: dict[str, Any]
) -> Gateway:
    name, address = HOSTS[number]
    settings: dict[str, dict[str, Any]] = {
        "gateway": {"host": name},
        "log": {"counts_seconds": 1},
        "link": {"retry_seconds": 0.2},
        "mx": {
            "listen": [f"{address}:25"],
            "certificate": str(net.known.chain_file(name)),
            "forward_seconds": 0.3,
            **mx,
        },
    }
    environment = {"SSL_CERT_FILE": str(net.known.file)}
    made = Gateway(folder / f"gateway{number}", settings, environment, name=f"gw{number}").create()
    pair(core, made)
    return made


class Peer(smtplib.SMTP):
    """A mail server of the Internet, spoken by hand, from the address of host `number`."""

    def __init__(
        self, number: int, gateway: str = GATEWAY, name: str = "mail.peer.example"
    ) -> None:
        super().__init__(
            gateway,
            25,
            local_hostname=name,
            timeout=CLIENT_SECONDS,
            source_address=(host(number), 0),
        )
        self.ehlo()

    def bring(
        self,
        message: bytes,
        recipients: str | Sequence[str] = "alice@example.org",
        sender: str = "bob@peer.example",
    ) -> tuple[int, str]:
        """Say all that brings a message; return the first refusal, or the answer to the dot."""
        code, text = self.mail(sender)
        names = [recipients] if isinstance(recipients, str) else recipients
        for each in names:
            if code < 300:
                code, text = self.rcpt(each)
        if code < 300:
            code, text = self.data(message)
        if code >= 300:
            self.rset()
        return code, text.decode()

    def secure(self, net: World, name: str = "mx.example.org") -> None:
        """Go over to TLS and look at the certificate."""
        self._host = name
        code, _ = self.starttls(context=ssl.create_default_context(cafile=str(net.known.file)))
        assert code == 220
        self.ehlo()


class Raw:
    """A peer that says exactly what it is told, octet for octet."""

    def __init__(self, number: int = 20, gateway: str = GATEWAY) -> None:
        self.socket = socket.create_connection(
            (gateway, 25), CLIENT_SECONDS, source_address=(host(number), 0)
        )
        self.greeting = self.hear()

    def hear(self) -> bytes:
        """Return what comes next, b"" at the end."""
        return self.socket.recv(65_536)

    def say(self, octets: bytes) -> bytes:
        """Send and return the first that comes back."""
        self.socket.sendall(octets)
        return self.hear()

    def rest(self) -> bytes:
        """Return all that comes until the other side closes."""
        heard = b""
        while more := self.hear():
            heard += more
        return heard

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
