# SPDX-License-Identifier: Apache-2.0
"""Asking and answering, over streams in memory; deadlines here are hundredths of seconds."""

import asyncio
import hashlib

import pytest

from eepost.mail.violation import Misuse
from eepost.net.exchanges.answerer import Asked, Responses
from eepost.net.exchanges.asker import Asker
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkCut
from eepost.wire.transfer.codec import Encoder
from eepost.wire.transfer.messages import (
    Abandon,
    AnyMessage,
    AskRecipient,
    Content,
    Declined,
    EndOfContent,
    Fate,
    Incoming,
    Outcome,
    Question,
    RecipientStanding,
    Relay,
    Reported,
    Standing,
    StillHere,
    StillThere,
    Taken,
)
from tests.net.exchanges.pair import ID, Pipe, incoming, knock, links, pair, pipes, relay

LETTER = bytes(range(256)) * 300


async def deliver_all(asked: Asked) -> None:
    content = bytes(await asked.content())
    assert isinstance(asked.question, Relay)
    for at in range(len(asked.question.recipients)):
        status = "2.0.0" if content == LETTER else "5.0.0"
        await asked.answer(Outcome(0, at, Fate.DELIVERED, status, 250))
    await asked.answer(Reported(0))


async def welcome(asked: Asked) -> None:
    await asked.answer(RecipientStanding(0, Standing.WELCOME))


async def hear(asker: Asker, question: Question, far_end: Pipe, octets: bytes) -> None:
    """Ask, let the far side send octets of its own, and read all answers."""
    async with asyncio.timeout(5), asker.ask(question) as answers:
        far_end.put(octets)
        async for _ in answers:
            pass


async def never(_: Asked) -> None:
    await asyncio.Event().wait()


RESPONSES: Responses = {Relay: deliver_all, AskRecipient: welcome}


async def test_each_outcome_comes_and_then_the_end() -> None:
    async with pair(RESPONSES) as seats, seats.asker.ask(relay(76_800, 3), [LETTER]) as answers:
        got = [answer async for answer in answers]
    number = got[0].exchange
    delivered = [Outcome(number, at, Fate.DELIVERED, "2.0.0", 250) for at in range(3)]
    assert got == [*delivered, Reported(number)]


async def test_content_in_many_small_pieces_comes_whole() -> None:
    pieces = [LETTER[at : at + 7] for at in range(0, len(LETTER), 7)]
    async with pair(RESPONSES) as seats, seats.asker.ask(relay(76_800), pieces) as answers:
        first = await anext(answers)
    assert isinstance(first, Outcome)
    assert first.status == "2.0.0"


async def test_many_exchanges_at_once_over_a_real_link_each_get_their_own_answer() -> None:
    async def echo_digest(asked: Asked) -> None:
        content = await asked.content()
        code = int.from_bytes(hashlib.sha256(content).digest()[:2]) % 900
        await asked.answer(Outcome(0, 0, Fate.DELIVERED, "2.0.0", code))
        await asked.answer(Reported(0))

    async def one(asker: Asker, at: int) -> bool:
        content = bytes([at % 256]) * (at * 397)
        async with asker.ask(relay(len(content)), [content]) as answers:
            outcome = await anext(answers)
        assert isinstance(outcome, Outcome)
        return outcome.code == int.from_bytes(hashlib.sha256(content).digest()[:2]) % 900

    async with links() as ends, pair({Relay: echo_digest}, ends=ends) as seats:
        assert all(await asyncio.gather(*(one(seats.asker, at) for at in range(1, 300))))


async def test_a_large_content_does_not_hold_up_a_small_question() -> None:
    async with pair({**RESPONSES, Incoming: never}, room_octets=60_000_000) as seats:

        async def send_large() -> None:
            content = [bytes(100_000)] * 500
            async with seats.asker.ask(incoming(50_000_000), content) as answers:
                await anext(answers)

        large = asyncio.create_task(send_large())
        await asyncio.sleep(0)
        async with seats.asker.ask(knock()) as answers:
            assert isinstance(await anext(answers), RecipientStanding)
        assert seats.room.octets == 50_000_000, "the large one is still under way"
        large.cancel()
        await asyncio.wait({large})


async def test_what_there_is_no_room_for_is_declined_and_its_content_is_dropped() -> None:
    async with pair(RESPONSES, room_octets=80_000) as seats:
        async with seats.asker.ask(relay(500_000), [bytes(500_000)]) as answers:
            assert isinstance(await anext(answers), Declined)
        async with seats.asker.ask(relay(76_800), [LETTER]) as answers:
            assert isinstance(await anext(answers), Outcome)


async def test_content_over_the_largest_is_told_to_whoever_answers_and_never_kept() -> None:
    async def refuse(asked: Asked) -> None:
        assert asked.is_too_large
        with pytest.raises(Misuse):
            await asked.content()
        await asked.answer(Outcome(0, 0, Fate.FAILED, "5.3.4", 552))
        await asked.answer(Reported(0))

    bounds = Bounds(content_octets=1_000)
    async with (
        pair({Relay: refuse}, bounds) as seats,
        seats.asker.ask(relay(200_000), [bytes(200_000)]) as answers,
    ):
        got = [type(answer) async for answer in answers]
        assert got == [Outcome, Reported]
        assert not seats.faults


async def test_a_question_over_the_number_waits_for_a_place() -> None:
    release = asyncio.Event()
    running = 0

    async def slow(asked: Asked) -> None:
        nonlocal running
        running += 1
        await release.wait()
        await welcome(asked)

    async with pair({AskRecipient: slow}, Bounds(exchanges=3)) as seats:

        async def one() -> bool:
            async with seats.asker.ask(knock()) as answers:
                return isinstance(await anext(answers), RecipientStanding)

        asking = [asyncio.create_task(one()) for _ in range(10)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert (running, seats.answerer.open_exchanges) == (3, 3)
        release.set()
        assert all(await asyncio.gather(*asking))
        assert running == 10


async def test_a_fault_while_answering_declines_this_question_alone() -> None:
    async def fail(asked: Asked) -> None:
        raise RuntimeError("secret")

    async with pair({**RESPONSES, AskRecipient: fail}) as seats:
        async with seats.asker.ask(knock()) as answers:
            assert isinstance(await anext(answers), Declined)
        async with seats.asker.ask(relay(76_800), [LETTER]) as answers:
            assert isinstance(await anext(answers), Outcome)
        assert [type(fault) for fault in seats.faults] == [RuntimeError]


async def test_a_question_that_is_left_is_taken_back() -> None:
    cancelled = asyncio.Event()

    async def wait(asked: Asked) -> None:
        try:
            await never(asked)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with pair({AskRecipient: wait}) as seats:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02), seats.asker.ask(knock()) as answers:
                await anext(answers)
        await asyncio.wait_for(cancelled.wait(), 5)
        assert seats.answerer.open_exchanges == 0


async def test_late_answers_to_a_question_that_was_taken_back_are_dropped() -> None:
    async def answer_anyway(asked: Asked) -> None:
        try:
            await never(asked)
        except asyncio.CancelledError:
            await welcome(asked)

    async with pair({AskRecipient: answer_anyway}) as seats:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), seats.asker.ask(knock()) as answers:
                    await anext(answers)
        assert not seats.asker.is_lost


async def test_loss_of_the_stream_fails_all_that_is_open_at_once_and_what_is_asked_later() -> None:
    async with pair({AskRecipient: never, Incoming: never}) as seats:

        async def one() -> str:
            try:
                async with seats.asker.ask(knock()) as answers:
                    await anext(answers)
            except LinkCut:
                return "cut"
            return "answered"

        async def large() -> str:
            try:
                async with seats.asker.ask(incoming(9_000_000), [bytes(9_000_000)]) as answers:
                    await anext(answers)
            except LinkCut:
                return "cut"
            return "answered"

        asking = [asyncio.create_task(each) for each in (one(), large(), one(), large())]
        async with asyncio.timeout(5):
            while seats.answerer.open_exchanges < 3:  # noqa: ASYNC110 - there is room for no more
                await asyncio.sleep(0)
        await seats.answerer.drain(0)
        first, _, third, _ = await asyncio.wait_for(asyncio.gather(*asking), 5)
        assert (first, third) == ("cut", "cut")
        await seats.ended()
        assert seats.asker.is_lost
        with pytest.raises(LinkCut):
            async with seats.asker.ask(knock()):
                pass


async def test_answers_that_came_before_the_loss_are_still_given() -> None:
    async def half(asked: Asked) -> None:
        await asked.answer(Outcome(0, 1, Fate.DELIVERED, "2.0.0", 250))
        await never(asked)

    async with (
        pair({Relay: half}) as seats,
        seats.asker.ask(relay(1, 2), [b"x"]) as answers,
    ):
        await asyncio.sleep(0.01)
        seats.asker.close()
        assert isinstance(await anext(answers), Outcome)
        for _ in range(2):
            with pytest.raises(LinkCut):
                await anext(answers)


async def test_answers_on_their_way_are_still_given_where_a_question_could_not_be_put() -> None:
    here, there = pipes()
    lost = asyncio.Event()

    async def respond(asked: Asked) -> None:
        await asked.content()
        await lost.wait()
        await asked.answer(Outcome(0, 0, Fate.DELIVERED, "2.0.0", 250))
        await asked.answer(Reported(0))

    async def fail(_: bytes) -> None:
        raise ConnectionResetError

    async with pair({Relay: respond}, ends=(here, there)) as both:
        async with both.asker.ask(relay(1), [b"x"]) as answers:
            here.send = fail  # type: ignore[method-assign, assignment] # this way is lost, the other not yet
            with pytest.raises(LinkCut):
                async with both.asker.ask(relay(1), [b"x"]):
                    raise AssertionError("it could not be put")
            lost.set()
            assert [type(each) async for each in answers] == [Outcome, Reported]
        with pytest.raises(LinkCut):
            async with both.asker.ask(relay(1), [b"x"]):
                raise AssertionError("nothing is asked any more")


async def test_an_asker_that_finishes_waits_for_what_is_open_and_both_ends_end() -> None:
    release = asyncio.Event()

    async def slow(asked: Asked) -> None:
        await release.wait()
        await welcome(asked)

    async with pair({AskRecipient: slow}) as seats:

        async def one() -> bool:
            async with seats.asker.ask(knock()) as answers:
                return isinstance(await anext(answers), RecipientStanding)

        asking = asyncio.create_task(one())
        await asyncio.sleep(0)
        finishing = asyncio.create_task(seats.asker.finish())
        await asyncio.sleep(0.01)
        with pytest.raises(LinkCut):
            async with seats.asker.ask(knock()):
                pass
        assert not finishing.done()
        release.set()
        assert await asking
        await finishing
        await seats.ended()


async def test_an_answerer_that_drains_declines_what_is_new_and_finishes_what_is_open() -> None:
    release = asyncio.Event()

    async def slow(asked: Asked) -> None:
        await release.wait()
        await welcome(asked)

    async with pair({AskRecipient: slow}) as seats:

        async def one() -> AnyMessage:
            async with seats.asker.ask(knock()) as answers:
                return await anext(answers)

        asking = asyncio.create_task(one())
        await asyncio.sleep(0.01)
        draining = asyncio.create_task(seats.answerer.drain(5))
        await asyncio.sleep(0)
        assert isinstance(await one(), Declined)
        release.set()
        assert isinstance(await asking, RecipientStanding)
        await draining
        await seats.ended()


async def test_quiet_stream_is_asked_whether_anybody_is_there_and_stays() -> None:
    async with pair(RESPONSES, Bounds(quiet_seconds=0.01, silence_seconds=0.2)) as seats:
        await asyncio.sleep(0.5)
        assert not seats.asker.is_lost
        async with seats.asker.ask(knock()) as answers:
            assert isinstance(await anext(answers), RecipientStanding)


async def test_stream_that_died_without_a_word_is_lost_at_both_ends() -> None:
    here, there = pipes()
    bounds = Bounds(quiet_seconds=0.01, silence_seconds=0.05)
    async with pair({AskRecipient: never}, bounds, ends=(here, there)) as seats:
        here.stands_still = there.stands_still = True
        with pytest.raises(LinkCut):
            async with seats.asker.ask(knock()) as answers:
                await asyncio.wait_for(anext(answers), 5)
        await seats.ended()


async def test_content_that_does_not_come_gives_its_room_back() -> None:
    async with (
        pair(RESPONSES, Bounds(content_seconds=0.02)) as seats,
        seats.asker.ask(relay(10), []) as answers,
    ):
        pass  # nothing follows, although ten octets were announced: the stream is lost
    here, there = pipes()
    async with pair(RESPONSES, Bounds(content_seconds=0.02), ends=(here, there)) as seats:
        here.put(Encoder().encode(Relay(1, ID, "", ("a@b",), 10)))
        await asyncio.sleep(0.1)
        assert seats.room.octets == 0
        assert any(b"declined" in octets for octets in there.sent)
    assert not answers.is_complete


def said(*messages: AnyMessage) -> bytes:
    return b"".join(map(Encoder().encode, messages))


QUESTION = Relay(3, ID, "", ("a@b",), 2)
BREACHES = {
    "an answer": said(Reported(1)),
    "a kind that nobody answers": said(Incoming(1, ID, "", ("a@b",), 0)),
    "a number again": said(QUESTION, QUESTION),
    "a lower number": said(QUESTION, StillThere(2)),
    "content of nothing": said(Content(1, b"x")),
    "content of what is to come": said(QUESTION, Content(4, b"x")),
    "too much content": said(QUESTION, Content(3, b"xxx")),
    "too little content": said(QUESTION, Content(3, b"x"), EndOfContent(3)),
    "content after its end": said(QUESTION, Content(3, b"xx"), EndOfContent(3), Content(3, b"x")),
    "content of a question without": said(AskRecipient(1, "a", "b", b""), Content(1, b"x")),
    "taking back what was not asked": said(Abandon(1)),
    "noise": b"\xff" * 20,
}


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_side_that_asks_against_the_rules_loses_the_stream(breach: str) -> None:
    here, there = pipes()
    responses: Responses = {Relay: never, AskRecipient: never}
    async with pair(responses, ends=(here, there)) as seats:
        here.put(BREACHES[breach])
        await seats.ended()
        assert here.is_cut
        assert seats.answerer.open_exchanges == 0


ANSWER_BREACHES = {
    "of another kind": said(Reported(1)),
    "to nothing": said(StillHere(2)),
    "a question": said(StillThere(1)),
}


@pytest.mark.parametrize("breach", ANSWER_BREACHES)
async def test_a_side_that_answers_against_the_rules_loses_the_stream(breach: str) -> None:
    here, there = pipes()
    async with pair({AskRecipient: never}, ends=(here, there)) as seats:
        with pytest.raises(LinkCut):
            await hear(seats.asker, knock(), there, ANSWER_BREACHES[breach])


@pytest.mark.parametrize(
    "outcomes",
    [
        said(Outcome(1, 2, Fate.DELIVERED, "2.0.0", 250)),
        said(Outcome(1, 0, Fate.DELIVERED, "2.0.0", 250)) * 3,
        said(Taken(1, ())),
    ],
)
async def test_more_outcomes_than_recipients_lose_the_stream(outcomes: bytes) -> None:
    here, there = pipes()
    async with pair({Relay: never}, ends=(here, there)) as seats:
        with pytest.raises(LinkCut):
            await hear(seats.asker, relay(0, 2), there, outcomes)


@pytest.mark.parametrize(
    "answer", [Reported(0), RecipientStanding(0, Standing.LATER), Taken(0, ()), StillHere(0)]
)
async def test_our_own_answer_that_does_not_fit_is_our_fault(answer: object) -> None:
    async def answer_wrongly(asked: Asked) -> None:
        await asked.answer(answer)  # type: ignore[arg-type]
        await asked.answer(answer)  # type: ignore[arg-type]

    responses: Responses = {Incoming: answer_wrongly}
    async with pair(responses) as seats:
        async with seats.asker.ask(incoming(1), [b"x"]) as answers:
            assert isinstance(await anext(answers), Declined)
        assert [type(fault) for fault in seats.faults] == [Misuse]
