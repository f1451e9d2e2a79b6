# SPDX-License-Identifier: Apache-2.0
"""The gateway's answers to Relay, over streams in memory and an Internet of plain values."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from eepost.app.gateway_keys import make_keys, read_keys
from eepost.mail.date import write_date
from eepost.net.exchanges.stream import Bounds
from eepost.net.link import LinkCut
from eepost.sanitise.cleaner import Cleaner, Why
from eepost.services.gateway import relay
from eepost.services.gateway.conversations import Conversations
from eepost.services.gateway.delivery import Delivery
from eepost.services.gateway.policies import Policies
from eepost.services.gateway.relay import OFFLOAD_OCTETS, Identity, RelayDesk
from eepost.services.gateway.signing import Signer
from eepost.wire.outward.hop import Letter
from eepost.wire.outward.verdict import Verdict, deferred, failed
from eepost.wire.transfer.messages import UNNUMBERED, Outcome, Relay, Reported
from tests.internet.letters import clean, named
from tests.net.exchanges.pair import Pair, pair
from tests.services.cleaning import CleanAtOnce
from tests.services.gateway.outward import (
    DELIVERED,
    Clock,
    FakeCouriers,
    FakeDns,
    FakeHost,
    FakePolicyHosts,
)

IDENTITY = Identity("mx.example.org", "mail.i2p", ("example.org", "older.example"))
NOW = 1_795_446_789  # not a whole minute
GREY = deferred("4.7.1", 451, ask_elsewhere=True)


@dataclass
class Desk:
    seats: Pair
    relay: RelayDesk
    dns: FakeDns
    couriers: FakeCouriers
    clock: Clock
    offloaded: list[int]
    faults: list[BaseException]

    async def send(
        self,
        content: bytes,
        *recipients: str,
        sender: str = "alice@example.org",
        transfer: bytes = b"",
    ) -> dict[str, tuple[str, str, int]]:
        order = Relay(UNNUMBERED, transfer or os.urandom(16), sender, recipients, len(content))
        async with asyncio.timeout(5), self.seats.asker.ask(order, [content]) as answers:
            told = [answer async for answer in answers]
        assert isinstance(told[-1], Reported)
        outcomes = [each for each in told if isinstance(each, Outcome)]
        assert len(outcomes) == len(recipients)
        return {
            recipients[each.recipient]: (each.fate.value, each.status, each.code)
            for each in outcomes
        }

    def sent(self) -> list[Letter]:
        return [letter for _, letter in self.couriers.letters]


OUT = ("delivered", "2.0.0", 250)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return Signer(read_keys(folder))


@asynccontextmanager
async def running(
    signer: Signer, bounds: Bounds | None = None, cleaner: Cleaner | None = None
) -> AsyncIterator[Desk]:
    dns, couriers, clock, offloaded = FakeDns(), FakeCouriers(), Clock(), list[int]()
    faults: list[BaseException] = []
    dns.add("far.example", "mx.far.example")
    dns.add("near.example", "mx.near.example")

    async def offload(work: object) -> object:
        offloaded.append(1)
        return work()  # type: ignore[operator]

    desk = RelayDesk(
        identity=IDENTITY,
        dns=dns,
        delivery=Delivery(
            own_host=IDENTITY.host,
            dns=dns,
            policies=Policies(dns, FakePolicyHosts(), clock),
            conversations=Conversations(couriers, clock),
            chance=lambda: 0.5,
            own_addresses=frozenset,
        ),
        cleaner=cleaner or CleanAtOnce(),
        signer=signer,
        now_utc=lambda: NOW,
        clock=clock,
        offload=offload,  # type: ignore[arg-type]
        fault=faults.append,
        key=bytes(32),
    )
    async with pair({Relay: desk.respond}, bounds) as seats:
        yield Desk(seats, desk, dns, couriers, clock, offloaded, faults)
        await asyncio.wait_for(desk.settle(), 5)


async def test_each_recipient_is_told_of_and_each_domain_gets_one_letter(signer: Signer) -> None:
    async with running(signer) as desk:
        names = ("a@far.example", "b@near.example", "c@far.example")
        assert await desk.send(clean("a@far.example"), *names) == dict.fromkeys(names, OUT)
        assert sorted(letter.recipients for letter in desk.sent()) == [
            ("a@far.example", "c@far.example"),
            ("b@near.example",),
        ]
        assert {letter.reverse_path for letter in desk.sent()} == {"alice@example.org"}


async def test_outcome_is_told_before_another_domains_host_has_answered(signer: Signer) -> None:
    async with running(signer) as desk:
        release = asyncio.Event()
        opened = desk.couriers.open

        async def slow(hop: object) -> object:
            if hop.host == "mx.far.example":  # type: ignore[attr-defined]
                await release.wait()
            return await opened(hop)  # type: ignore[arg-type]

        desk.couriers.open = slow  # type: ignore[assignment,method-assign]
        content = clean("a@far.example")
        order = Relay(UNNUMBERED, bytes(16), "", ("a@far.example", "b@near.example"), len(content))
        async with desk.seats.asker.ask(order, [content]) as answers:
            first = await asyncio.wait_for(anext(answers), 5)
            assert isinstance(first, Outcome)
            assert first.recipient == 1
            release.set()
            assert isinstance(await asyncio.wait_for(anext(answers), 5), Outcome)


async def test_what_leaves_has_one_received_field_and_signatures_on_top(signer: Signer) -> None:
    async with running(signer) as desk:
        await desk.send(clean("a@far.example"), "a@far.example")
        (letter,) = desk.sent()
    assert named(letter.content, "Received") == [
        f"by mx.example.org with ESMTPA; {write_date(NOW).decode()}"
    ]
    assert letter.content.startswith(b"DKIM-Signature: ")
    assert b"; d=example.org;" in letter.content
    assert not letter.needs_utf8
    assert not letter.needs_8bit


async def test_mail_of_an_older_domain_is_signed_for_it(signer: Signer) -> None:
    async with running(signer) as desk:
        message = clean("a@far.example", sender="alice@older.example")
        assert await desk.send(message, "a@far.example", sender="alice@older.example") == {
            "a@far.example": OUT
        }
        (letter,) = desk.sent()
    assert b"; d=older.example;" in letter.content


async def test_internal_addresses_become_official_ones(signer: Signer) -> None:
    async with running(signer) as desk:
        message = clean("bob@mail.i2p", sender="alice@mail.i2p")
        await desk.send(message, "a@far.example")
        (letter,) = desk.sent()
    assert b"mail.i2p" not in letter.content
    assert b"From: alice@example.org\r\n" in letter.content.replace(b"<", b"").replace(b">", b"")


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        (b"Received: from laptop\r\n" + clean("a@far.example"), "alice@example.org"),
        (clean("a@far.example"), "alice@victim.example"),
        (clean("a@far.example"), "alice@mail.i2p"),
        (clean("a@far.example"), "not an address"),
        (clean("a@far.example", sender="alice@victim.example"), "alice@example.org"),
        (b"", "alice@example.org"),
        (b"\xff" * 100, "alice@example.org"),
    ],
)
async def test_what_a_faulty_core_lets_through_is_refused_for_good(
    signer: Signer, message: bytes, sender: str
) -> None:
    async with running(signer) as desk:
        told = await desk.send(message, "a@far.example", sender=sender)
        assert told == {"a@far.example": ("failed", "5.7.1", 0)}
        assert not desk.sent()
        assert desk.relay.counts.not_clean == 1


async def test_report_without_a_sender_leaves(signer: Signer) -> None:
    async with running(signer) as desk:
        told = await desk.send(clean("a@far.example"), "a@far.example", sender="")
        assert told == {"a@far.example": OUT}


async def test_message_over_the_largest_is_refused_for_good(signer: Signer) -> None:
    async with running(signer, Bounds(content_octets=1_000)) as desk:
        told = await desk.send(clean("a@far.example", "x" * 70 + "\r\n" * 600), "a@far.example")
        assert told == {"a@far.example": ("failed", "5.3.4", 0)}


async def test_large_message_is_made_ready_beside_the_loop(signer: Signer) -> None:
    async with running(signer) as desk:
        await desk.send(clean("a@far.example", "words\r\n" * OFFLOAD_OCTETS), "a@far.example")
        await desk.send(clean("a@far.example"), "a@far.example")
        assert desk.offloaded == [1]


async def test_message_that_cant_be_looked_at_now_is_put_off(signer: Signer) -> None:
    cleaner = CleanAtOnce(Why.TIME)
    async with running(signer, cleaner=cleaner) as desk:
        told = await desk.send(clean("a@far.example"), "a@far.example")
        assert told == {"a@far.example": ("deferred", "4.3.0", 0)}
        assert not desk.sent()
        cleaner.why = None
        assert await desk.send(clean("a@far.example"), "a@far.example") == {"a@far.example": OUT}


async def test_path_is_said_in_one_form_with_an_ascii_domain(signer: Signer) -> None:
    async with running(signer) as desk:
        await desk.send(clean("a@far.example"), '"b c"@FAR.example', '"plain"@far.example')
        (letter,) = desk.sent()
    assert letter.recipients == ('"b c"@far.example', "plain@far.example")


async def test_letters_beyond_ascii_are_known_for_what_they_need(signer: Signer) -> None:
    async with running(signer) as desk:
        await desk.send(clean("a@far.example"), "jürgen@far.example")
        await desk.send(clean("jürgen@far.example"), "a@near.example")
        await desk.send(clean("a@far.example", "Grüße\r\n"), "a@near.example")
        needs = [(letter.needs_utf8, letter.needs_8bit) for letter in desk.sent()]
    assert needs == [(True, False), (True, False), (False, True)]


# Repetitions.

ID = bytes(range(16))


async def test_same_transfer_again_sends_nothing_twice(signer: Signer) -> None:
    async with running(signer) as desk:
        desk.couriers.hosts["mx.near.example"] = FakeHost(answer=lambda *_: failed("5.1.1", 550))
        names = ("a@far.example", "b@near.example")
        message = clean("a@far.example")
        first = await desk.send(message, *names, transfer=ID)
        assert await desk.send(message, *names, transfer=ID) == first
        assert await desk.send(message, names[1], transfer=ID) == {names[1]: first[names[1]]}
        assert len(desk.sent()) == 2
        assert desk.relay.counts.repeated == 3
        await desk.send(message, *names)
        assert len(desk.sent()) == 4, "another transfer is another message"


async def test_what_was_put_off_is_tried_again_under_the_same_transfer(signer: Signer) -> None:
    async with running(signer) as desk:
        desk.couriers.hosts["mx.far.example"] = FakeHost(answer=lambda *_: GREY)
        message = clean("a@far.example")
        told = await desk.send(message, "a@far.example", transfer=ID)
        assert told == {"a@far.example": ("deferred", "4.7.1", 451)}
        desk.couriers.hosts["mx.far.example"].answer = lambda *_: DELIVERED
        assert await desk.send(message, "a@far.example", transfer=ID) == {"a@far.example": OUT}


async def test_outcome_is_forgotten_after_an_hour(signer: Signer) -> None:
    async with running(signer) as desk:
        message = clean("a@far.example")
        await desk.send(message, "a@far.example", transfer=ID)
        desk.clock.now += 3_600
        await desk.send(message, "a@far.example", transfer=ID)
        assert len(desk.sent()) == 2


async def test_outcome_that_nobody_heard_is_there_when_the_core_asks_again(
    signer: Signer,
) -> None:
    """The link breaks while a far server makes up its mind about a message that it has."""
    release, begun = asyncio.Event(), asyncio.Event()
    async with running(signer) as desk:
        host = FakeHost()
        desk.couriers.hosts["mx.far.example"] = host
        opened = desk.couriers.open

        async def open_slowly(hop: object) -> object:
            conversation = await opened(hop)  # type: ignore[arg-type]
            sent = conversation.send

            async def send(letter: Letter) -> AsyncIterator[tuple[int, Verdict]]:
                begun.set()
                await release.wait()
                async for each in sent(letter):
                    yield each

            conversation.send = send  # type: ignore[assignment,method-assign]
            return conversation

        desk.couriers.open = open_slowly  # type: ignore[assignment,method-assign]
        asking = asyncio.create_task(
            desk.send(clean("a@far.example"), "a@far.example", transfer=ID)
        )
        await asyncio.wait_for(begun.wait(), 5)
        desk.seats.asker.close()
        with pytest.raises(LinkCut):
            await asking
        release.set()
        await asyncio.wait_for(desk.relay.settle(), 5)
        async with pair({Relay: desk.relay.respond}) as again:
            desk.seats.asker = again.asker
            told = await desk.send(clean("a@far.example"), "a@far.example", transfer=ID)
        assert told == {"a@far.example": OUT}
        assert len(desk.sent()) == 1


async def test_domain_that_never_comes_to_an_end_is_given_up(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LETTER_SECONDS", 0.02)
    async with running(signer) as desk:

        async def never(domain: str) -> object:
            return await asyncio.Event().wait()

        desk.dns.route = never  # type: ignore[assignment,method-assign]
        told = await desk.send(clean("a@far.example"), "a@far.example", "b@near.example")
        assert told == dict.fromkeys(told, ("deferred", "4.4.1", 0))
        assert len(told) == 2


async def test_fault_while_delivering_puts_the_recipient_off(signer: Signer) -> None:
    async with running(signer) as desk:

        async def fail(domain: str) -> object:
            raise RuntimeError(domain)

        desk.dns.route = fail  # type: ignore[assignment,method-assign]
        told = await desk.send(clean("a@far.example"), "a@far.example")
        assert told == {"a@far.example": ("deferred", "4.4.1", 0)}
        assert [type(fault) for fault in desk.faults] == [RuntimeError]
