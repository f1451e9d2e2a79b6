# SPDX-License-Identifier: Apache-2.0
"""A gateway asks its core over the link, and knows the core's key while the core is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from eepost.app.gateway_core import CoreKey, LinkedCore
from eepost.net.exchanges.standing import StandingLink
from eepost.net.link import LinkCut
from eepost.seal.keypair import PrivateKey
from eepost.services.gateway.reception.core import CoreDeclined, CoreUnreachable
from eepost.wire.transfer.messages import (
    Answer,
    Declined,
    Incoming,
    RecipientStanding,
    SealingKey,
    Standing,
    Taken,
)

PUBLIC = PrivateKey(bytes(range(96))).public_key.octets
OTHER = PrivateKey(bytes(range(1, 97))).public_key.octets


class FakeLink:
    """Answers every question with the same answer, or is cut."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        self.is_up = True
        self.asked: list[Any] = []

    @asynccontextmanager
    async def ask(self, question: Any, _content: Any = ()) -> AsyncIterator[AsyncIterator[Answer]]:
        self.asked.append(question)
        if self.answer is None:
            raise LinkCut
        yield self._answers(self.answer)

    async def _answers(self, answer: Answer) -> AsyncIterator[Answer]:
        yield answer


def linked(answer: Answer | None) -> tuple[FakeLink, LinkedCore]:
    link = FakeLink(answer)
    return link, LinkedCore(cast(StandingLink, link))


async def test_answers_come_as_values() -> None:
    _, core = linked(RecipientStanding(1, Standing.LATER))
    assert await core.standing("a@b", "c@d", b"p") is Standing.LATER
    taken = Taken(1, (Standing.WELCOME,))
    _, core = linked(taken)
    assert await core.take(Incoming(0, bytes(16), "", ("a@b",), 1), [b"x"]) == taken


async def test_core_that_is_away_or_declines_is_told_apart() -> None:
    with pytest.raises(CoreUnreachable):
        await linked(None)[1].standing("a@b", "", b"")
    with pytest.raises(CoreDeclined):
        await linked(Declined(1))[1].standing("a@b", "", b"")


async def until(key: CoreKey, core: LinkedCore, claim: Any) -> None:
    task = asyncio.create_task(key.keep_up_to_date(core))
    try:
        async with asyncio.timeout(5):
            while not claim():  # noqa: ASYNC110 - files change without telling
                await asyncio.sleep(0)
    finally:
        task.cancel()


async def test_key_is_asked_for_kept_and_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "core.key"
    key = CoreKey(file)
    key.load()
    assert key.key is None
    link, core = linked(SealingKey(1, PUBLIC))
    await until(key, core, lambda: key.key is not None)
    assert len(link.asked) == 1
    again = CoreKey(file)
    again.load()
    assert again.key is not None
    assert again.key.octets == PUBLIC
    _, core = linked(SealingKey(1, OTHER))
    await until(again, core, lambda: file.read_bytes() == OTHER)


@pytest.mark.parametrize("answer", [None, Declined(1)])
async def test_key_that_was_not_given_is_asked_for_again(
    tmp_path: Path, answer: Answer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eepost.app.gateway_core.LOOK_SECONDS", 0)
    link, core = linked(answer)
    key = CoreKey(tmp_path / "core.key")
    await until(key, core, lambda: len(link.asked) > 2)
    assert key.key is None


def test_damaged_file_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "core.key"
    file.write_bytes(b"short")
    key = CoreKey(file)
    key.load()
    assert key.key is None
