# SPDX-License-Identifier: Apache-2.0
"""Answers the questions of checks that run in threads, from the event loop's own resolver."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from typing import Any, Final

from eepost.mail.header import Header
from eepost.net.dns import Dns, NoSuchName
from eepost.services.gateway.authentication.check import (
    ChecksBusy,
    Sender,
    Verdict,
    authenticate,
)
from eepost.services.gateway.authentication.questions import DnsUnavailable, Found, Kind
from eepost.wire.outward.route import DnsFailed

# What one message's checks may take together; RFC 7208 4.6.4 asks for at least 20 seconds.
CHECK_SECONDS = 40.0
# Checks at once; each waits for name servers most of its time.
CHECKS_AT_ONCE = 32
# Of them for one network: whoever owns domains whose name servers answer slowly on purpose must not
# keep all the places for as long as he likes.
CHECKS_OF_A_NETWORK = 4

_VALUES: Final[dict[Kind, Callable[[Any], bytes | str]]] = {
    Kind.A: lambda record: str(record.address),
    Kind.AAAA: lambda record: str(record.address),
    Kind.MX: lambda record: str(record.exchange.to_text(omit_final_dot=True)),
    Kind.PTR: lambda record: str(record.target.to_text(omit_final_dot=True)),
    Kind.TXT: lambda record: b"".join(record.strings),
}


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs the checks of messages beside the event loop, each within bounds of time."""

    dns: Dns
    clock: Callable[[], float]
    threads: ThreadPoolExecutor
    _running: "Counter[bytes]" = field(default_factory=Counter)  # of each network

    async def authenticate(
        self, message: bytes, header: Header, sender: Sender, network: bytes | None
    ) -> Verdict:
        """Return the verdict on `message`. Raises ChecksBusy.

        `network` is the bucket for limits that the sender is in.
        """
        bucket = network or b""
        if self._running[bucket] >= CHECKS_OF_A_NETWORK:
            raise ChecksBusy
        self._running[bucket] += 1
        try:
            return await self._authenticate(message, header, sender)
        except TimeoutError:
            raise ChecksBusy from None
        finally:
            self._running[bucket] -= 1
            if not self._running[bucket]:
                del self._running[bucket]

    async def _authenticate(self, message: bytes, header: Header, sender: Sender) -> Verdict:
        loop = asyncio.get_running_loop()
        deadline = self.clock() + CHECK_SECONDS

        def look_up(name: str, kind: Kind) -> Found:
            left = deadline - self.clock()
            if left <= 0:
                raise DnsUnavailable
            asked = asyncio.run_coroutine_threadsafe(self._ask(name, kind), loop)
            try:
                return asked.result(left)
            except Late:
                asked.cancel()
                raise DnsUnavailable from None

        async with asyncio.timeout(CHECK_SECONDS * 1.5):
            return await loop.run_in_executor(
                self.threads, lambda: authenticate(message, header, sender, look_up)
            )

    async def addresses(self, name: str) -> tuple[str, ...]:
        """Return the addresses that a block list answers with; none where it does not answer."""
        try:
            return (await self._ask(name, Kind.A)).texts
        except DnsUnavailable:
            return ()

    async def _ask(self, name: str, kind: Kind) -> Found:
        try:
            answer = await self.dns.ask(name, kind.value)
        except NoSuchName:
            return Found(exists=False)
        except DnsFailed:
            raise DnsUnavailable from None
        records = answer.records
        if kind is Kind.MX:
            records = tuple(sorted(records, key=lambda record: record.preference))
        values = tuple(map(_VALUES[kind], records))
        return Found(values)  # type: ignore[arg-type] # each kind gives one type
