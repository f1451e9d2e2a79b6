# SPDX-License-Identifier: Apache-2.0
"""The letterbox's real pages over its real store, with a service in memory: no mail is cleaned.

So tests can put any octets before the pages, as if every sanitiser on the way had failed.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eepost.app.letterbox_pages import open_pages
from eepost.letters.model import Folder
from eepost.net.listeners import Endpoint
from eepost.observe.journal import Journal
from eepost.services.letterbox.entrance import Entrance
from eepost.services.letterbox.mailbox import OpenMailbox
from tests.letterbox.fakes import PASSWORD, MemoryService, Thread, letterbox

T = TypeVar("T")
WAIT_SECONDS = 30


@dataclass
class Inside:
    """Pages that run in a thread of this process; `service` is by identity."""

    port: int
    services: dict[str, MemoryService]
    entrance: Entrance
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the letterbox's own loop do something."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_SECONDS)

    def mailbox(self, name: str = "alice", identity: str = "me") -> OpenMailbox:
        """Open an account as its user does."""
        return self.run(self.entrance.sign_in(identity, name, PASSWORD))

    def put(self, message: bytes, name: str = "alice", identity: str = "me") -> int:
        """Put any octets into an inbox, and return their number."""
        return self.run(self.mailbox(name, identity).file(Folder.INBOX, message))


@contextmanager
def inside(directory: Path, *identities: str) -> Iterator[Inside]:
    """Serve the pages while a test runs."""
    services = {name: MemoryService() for name in identities or ("me",)}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(WAIT_SECONDS)

    async def begin() -> tuple[Entrance, Endpoint, Any]:
        entrance = letterbox(directory, services)
        bound, end = await open_pages(entrance, Thread(), Journal(), Endpoint("127.0.0.1", 0))
        return entrance, bound, end

    entrance, bound, end = run(begin())
    try:
        yield Inside(bound.port, services, entrance, loop)
    finally:
        run(end())
        run(entrance.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_SECONDS)
        loop.close()
