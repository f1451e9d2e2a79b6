# SPDX-License-Identifier: Apache-2.0
"""Checks of incoming mail run beside the event loop, and no network keeps all their places."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from eepost.app.gateway_lookups import CHECKS_AT_ONCE, CHECKS_OF_A_NETWORK, Checks
from eepost.mail.address import Address
from eepost.mail.header import split_header
from eepost.net.dns import Dns, NoSuchName
from eepost.services.gateway.authentication.check import ChecksBusy, Sender, Verdict

LETTER = b"From: <bob@slow.example>\r\n\r\nx\r\n"
SENDER = Sender("192.0.2.1", "mx.slow.example", Address("bob", "slow.example"))


class SlowNames:
    """A resolver that asks name servers which answer when they are told to."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.asked = 0

    async def ask(self, _name: str, _kind: str) -> Any:
        self.asked += 1
        await self.answer.wait()
        raise NoSuchName


@asynccontextmanager
async def slow_checks() -> AsyncIterator[tuple[SlowNames, Checks]]:
    names = SlowNames()
    clock = asyncio.get_running_loop().time
    with ThreadPoolExecutor(CHECKS_AT_ONCE) as threads:
        try:
            yield names, Checks(cast(Dns, names), clock, threads)
        finally:
            names.answer.set()
            await asyncio.sleep(0)


def check(checks: Checks, network: bytes | None) -> "asyncio.Task[Verdict]":
    work = checks.authenticate(LETTER, split_header(LETTER), SENDER, network)
    return asyncio.get_running_loop().create_task(work)


async def test_network_whose_names_answer_slowly_leaves_the_others_their_places() -> None:
    async with slow_checks() as (names, checks):
        slow = [check(checks, b"slow") for _ in range(CHECKS_OF_A_NETWORK)]
        for _ in range(CHECKS_AT_ONCE):
            with pytest.raises(ChecksBusy):
                await check(checks, b"slow")
        other = check(checks, b"other")
        async with asyncio.timeout(5):
            while names.asked < len(slow) + 1:  # noqa: ASYNC110 - asked from other threads
                await asyncio.sleep(0.005)
        names.answer.set()
        assert {each.spf.result for each in await asyncio.gather(*slow, other)} == {"none"}
        assert (await check(checks, b"slow")).spf.result == "none", "its places are free again"


async def test_check_that_is_given_up_gives_its_place_back() -> None:
    async with slow_checks() as (names, checks):
        for _ in range(2 * CHECKS_OF_A_NETWORK):
            given_up = check(checks, b"slow")
            await asyncio.sleep(0)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
        names.answer.set()
        assert (await check(checks, b"slow")).spf.result == "none"
