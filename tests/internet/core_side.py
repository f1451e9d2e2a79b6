# SPDX-License-Identifier: Apache-2.0
"""The core's end of a link, held by a test: what a queue would hand to a gateway."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from eepost.app.known_gateways import read_gateway
from eepost.net.connect import Patience
from eepost.net.exchanges.standing import Means, StandingLink
from eepost.net.exchanges.stream import Bounds
from eepost.wire.transfer.messages import UNNUMBERED, Answer, Outcome, Relay, Reported

SECONDS = 30.0


@dataclass
class CoreSide:
    """Hands messages over as the core's relay service does."""

    link: StandingLink

    async def relay(
        self,
        content: bytes,
        *recipients: str,
        sender: str = "alice@example.org",
        transfer: bytes | None = None,
    ) -> dict[str, tuple[str, str, int]]:
        """Return fate, status and code of each recipient."""
        order = Relay(UNNUMBERED, transfer or os.urandom(16), sender, recipients, len(content))
        answers: list[Answer] = []
        async with asyncio.timeout(SECONDS), self.link.ask(order, [content], SECONDS) as arriving:
            answers = [answer async for answer in arriving]
        assert isinstance(answers[-1], Reported), answers[-1]
        outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
        return {
            recipients[each.recipient]: (each.fate.value, each.status, each.code)
            for each in outcomes
        }


@asynccontextmanager
async def core_side(directory: Path, name: str = "first") -> AsyncIterator[CoreSide]:
    """Dial the gateway that a core knows by `name`."""
    known = read_gateway(directory, name)
    loop = asyncio.get_running_loop()
    means = Means(loop.time, lambda: 0.5, os.urandom, Patience(retry_first_seconds=0.1), Bounds())
    link = StandingLink(known.route(name, os.urandom), known.pairing(), means)
    running = asyncio.create_task(link.run())
    try:
        yield CoreSide(link)
    finally:
        await link.finish(5)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
