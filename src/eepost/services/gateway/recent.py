# SPDX-License-Identifier: Apache-2.0
"""Remembers for some seconds what the DNS said, so that a burst to one domain asks once.

Each letter needs four answers or more, and asking took half of the time that a letter took. Ten
seconds are less than any record is good for, and in memory only; failures are not remembered.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eepost.services.gateway.ports import Dns
from eepost.wire.outward.route import Route
from eepost.wire.outward.tlsa import Tlsa

RECENT_SECONDS = 10.0
MAX_ANSWERS = 2_000

T = TypeVar("T")


@dataclass(slots=True)
class RecentDns:
    """A resolver's client before another one; who asks the same at once shares the answer."""

    dns: Dns
    clock: Callable[[], float]
    _answers: OrderedDict[tuple[str, ...], tuple[float, "asyncio.Task[Any]"]] = field(
        default_factory=OrderedDict
    )

    async def route(self, domain: str) -> Route:
        """Return where a domain takes its mail."""
        return await self._ask(("route", domain), lambda: self.dns.route(domain))

    async def validated_addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        """Return a host's addresses and whether that was validated. Raises DnsFailed."""
        return await self._ask(("host", host), lambda: self.dns.validated_addresses(host))

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        """Return the validated TLSA records of a host's port. Raises DnsFailed."""
        return await self._ask(("tlsa", host, str(port)), lambda: self.dns.tlsa(host, port))

    async def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records at a name. Raises DnsFailed."""
        return await self._ask(("txt", name), lambda: self.dns.texts(name))

    def in_ascii(self, domain: str) -> str | None:
        """Return a domain in A-labels, None where it can't be written so."""
        return self.dns.in_ascii(domain)

    async def _ask(self, key: tuple[str, ...], ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        until, asking = self._answers.get(key, (0.0, None))
        if asking is None or self.clock() >= until:
            asking = asyncio.get_running_loop().create_task(ask())
            self._answers[key] = (self.clock() + RECENT_SECONDS, asking)
            self._answers.move_to_end(key)
            asking.add_done_callback(lambda done: self._forget_failure(key, done))
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        # Shielded: one who gives up must not take the answer from the others.
        answer: T = await asyncio.shield(asking)
        return answer

    def _forget_failure(self, key: tuple[str, ...], done: "asyncio.Task[Any]") -> None:
        is_failure = done.cancelled() or done.exception() is not None
        if is_failure and self._answers.get(key, (0.0, None))[1] is done:
            del self._answers[key]
