# SPDX-License-Identifier: Apache-2.0
"""A gateway as a core sees it, without an Internet behind: it answers as the test says."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from eepost.net.exchanges.answerer import Asked
from eepost.net.exchanges.listening import Desk, LinkListener
from eepost.net.exchanges.stream import Bounds
from eepost.net.listeners import parse_endpoint
from eepost.wire.link.pairing import Pairing, Role, Side
from eepost.wire.transfer.messages import UNNUMBERED, Fate, Outcome, Relay, Reported
from eepost.wire.transit import Transit

T = TypeVar("T")
Answer = tuple[Fate, str, int]
DELIVERED: Answer = (Fate.DELIVERED, "2.0.0", 250)


@dataclass
class Arrived:
    """A message that the core handed over."""

    order: Relay
    content: bytes


@dataclass
class FarGateway:
    """Listens on loopback in a thread of its own; `answer` says what becomes of a recipient."""

    name: str = "amber"
    answer: Callable[[str], Answer] = lambda _: DELIVERED
    arrived: list[Arrived] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    port: int = 0
    _core: bytes = field(default_factory=lambda: os.urandom(32))
    _own: bytes = field(default_factory=lambda: os.urandom(32))
    _secret: bytes = field(default_factory=lambda: os.urandom(32))
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _listener: LinkListener | None = None

    def __enter__(self) -> "FarGateway":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def up(self) -> None:
        """Take links, always at the same port."""
        pairing = Pairing(
            own=Side(Role.GATEWAY, self._own),
            other=Side(Role.CORE, self._core),
            secret=self._secret,
        )
        room = Transit(100_000_000)
        self._listener = LinkListener(
            Desk(
                pairings=lambda: [pairing],
                responses=lambda _: {Relay: self._relay},
                room=lambda _: room,
                bounds=Bounds(),
                fault=self.faults.append,
                random_octets=os.urandom,
            )
        )
        endpoint = self._run(self._listener.start(parse_endpoint(f"127.0.0.1:{self.port}")))
        self.port = endpoint.port

    def down(self) -> None:
        """Drop all links."""
        if self._listener is not None:
            self._run(self._listener.stop(0))
            self._listener = None

    def introduce_to(self, directory: Path) -> None:
        """Write the file that makes a core know this gateway, which may never be there."""
        folder = directory / "gateways"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{self.name}.toml").write_text(
            f'way = "port 127.0.0.1:{self.port or 9}"\nport = 7661\ngateway = "{self._own.hex()}"\n'
            f'core = "{self._core.hex()}"\nsecret = "{self._secret.hex()}"\n',
            encoding="utf-8",
        )
        (folder / f"{self.name}.toml").chmod(0o600)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _relay(self, asked: Asked) -> None:
        order = asked.question
        assert isinstance(order, Relay)
        self.arrived.append(Arrived(order, bytes(await asked.content())))
        for at, recipient in enumerate(order.recipients):
            await asked.answer(Outcome(UNNUMBERED, at, *self.answer(recipient)))
        await asked.answer(Reported(UNNUMBERED))
