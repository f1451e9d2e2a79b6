# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.services.gateway.conversations import (
    DOWN_SECONDS,
    IDLE_SECONDS,
    MAX_DOWN,
    MAX_LETTERS,
    Conversations,
)
from eepost.wire.outward.hop import Hop, HopFailed, Letter, Need
from eepost.wire.outward.verdict import UNREACHABLE
from tests.services.gateway.outward import Clock, FakeCouriers, FakeHost

HOP = Hop("mx.far.example", "9.1.1.1")
LETTER = Letter("a@own.example", ("b@far.example",), b"x")


@pytest.fixture
def couriers() -> FakeCouriers:
    return FakeCouriers()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def under_test(couriers: FakeCouriers, clock: Clock) -> Conversations:
    return Conversations(couriers, clock)


async def send(conversations: Conversations, hop: Hop = HOP) -> None:
    async with conversations.with_host(hop) as conversation:
        async for _ in conversation.send(LETTER):
            pass


async def test_next_letter_goes_over_the_same_conversation(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    for _ in range(5):
        await send(under_test)
    assert len(couriers.opened) == 1
    assert len(couriers.letters) == 5


async def test_letters_at_the_same_time_have_conversations_of_their_own(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    async with under_test.with_host(HOP), under_test.with_host(HOP):
        pass
    await send(under_test)
    assert len(couriers.opened) == 2


async def test_what_has_to_be_safer_never_goes_over_a_conversation_that_is_less_so(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    await send(under_test)
    await send(under_test, Hop("mx.far.example", "9.1.1.1", Need.NAME))
    assert [hop.need for hop in couriers.opened] == [Need.NOTHING, Need.NAME]


async def test_conversation_that_waited_too_long_is_closed(
    under_test: Conversations, couriers: FakeCouriers, clock: Clock
) -> None:
    await send(under_test)
    await under_test.sweep()
    assert not couriers.conversations[0].is_closed
    clock.now += IDLE_SECONDS
    await under_test.sweep()
    assert couriers.conversations[0].is_closed
    await send(under_test)
    assert len(couriers.opened) == 2


async def test_conversation_that_ended_is_not_used_again(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    couriers.hosts["mx.far.example"] = FakeHost(is_open_after=False)
    await send(under_test)
    await send(under_test)
    assert len(couriers.opened) == 2
    assert couriers.conversations[0].is_closed


async def test_conversation_ends_after_so_many_letters(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    for _ in range(MAX_LETTERS + 1):
        await send(under_test)
    assert len(couriers.opened) == 2


async def test_host_that_failed_is_passed_over_for_a_while_and_says_the_same(
    under_test: Conversations, couriers: FakeCouriers, clock: Clock
) -> None:
    couriers.hosts["mx.far.example"] = FakeHost(refusal=UNREACHABLE)
    for _ in range(3):
        with pytest.raises(HopFailed) as failure:
            await send(under_test)
        assert failure.value.verdict == UNREACHABLE
    assert len(couriers.opened) == 1
    clock.now += DOWN_SECONDS
    couriers.hosts["mx.far.example"].refusal = None
    await send(under_test)
    assert len(couriers.letters) == 1


async def test_no_more_failed_hosts_than_the_most_are_remembered(
    under_test: Conversations, couriers: FakeCouriers
) -> None:
    for at in range(MAX_DOWN + 5):
        couriers.hosts[f"h{at}"] = FakeHost(refusal=UNREACHABLE)
        with pytest.raises(HopFailed):
            await send(under_test, Hop(f"h{at}", "9.1.1.1"))
    assert len(under_test._down) == MAX_DOWN


async def test_closing_ends_all(under_test: Conversations, couriers: FakeCouriers) -> None:
    async with under_test.with_host(HOP):
        await send(under_test)
    await under_test.close()
    assert [each.is_closed for each in couriers.conversations] == [True, True]
