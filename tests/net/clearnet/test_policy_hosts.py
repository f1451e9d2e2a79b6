# SPDX-License-Identifier: Apache-2.0
"""A host of policies can't keep the gateway waiting, nor send it more than it takes."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import httpx
import pytest

from eepost.net.clearnet.policy_hosts import HttpsPolicyHosts
from eepost.net.dns import Dns


class World:
    """A DNS that knows one address."""

    async def validated_addresses(self, _host: str) -> tuple[tuple[str, ...], bool]:
        return ("9.66.1.1",), False


class Drip(httpx.AsyncByteStream):
    """An octet now and then."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"x"


def hosts(monkeypatch: pytest.MonkeyPatch, answer: Any, seconds: float) -> HttpsPolicyHosts:
    client = partial(httpx.AsyncClient, transport=httpx.MockTransport(answer))
    monkeypatch.setattr("eepost.net.clearnet.policy_hosts.httpx.AsyncClient", client)
    return HttpsPolicyHosts(cast(Dns, World()), seconds)


async def test_policy_that_drips_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    dripping = hosts(monkeypatch, lambda _: httpx.Response(200, stream=Drip()), 0.1)
    async with asyncio.timeout(5):
        assert await dripping.fetch("peer.example") is None


async def test_nothing_packed_is_asked_for_or_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        packed = b"\x1f\x8b nothing that unpacks"
        stream = httpx.ByteStream(packed)
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)

    found = await hosts(monkeypatch, answer, 5).fetch("peer.example")
    assert found == b"\x1f\x8b nothing that unpacks"
    assert asked[0].headers["Accept-Encoding"] == "identity"
    assert asked[0].headers["Host"] == "mta-sts.peer.example"
