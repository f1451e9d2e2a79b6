# SPDX-License-Identifier: Apache-2.0
"""What mail servers of the Internet get to hear, and what the core gets of their mail."""

import pytest

from eepost.mail.address import Address
from eepost.sanitise.cleaner import Why
from eepost.services.gateway.authentication.check import Verdict
from eepost.services.gateway.authentication.dmarc import DmarcVerdict, Policy
from eepost.services.gateway.authentication.signatures import DkimVerdict
from eepost.services.gateway.authentication.spf import SpfVerdict
from eepost.services.gateway.reception import replies
from eepost.services.gateway.reception.greylist import Greylist, GreylistTimes
from eepost.services.gateway.reception.rates import Rates
from eepost.wire.transfer.messages import Standing
from eepost.wire.transit import Transit
from tests.services.gateway.fakes import HOST, PEER, Clock, FakeCore, MemoryParcels, Stage
from tests.services.gateway.letters import LETTER

SPF = SpfVerdict("pass", "peer.example")
ACCEPTED = str(replies.ACCEPTED.octets, "ascii")


def text(reply: object) -> str:
    octets = getattr(reply, "octets")  # noqa: B009 - a Reply's
    return str(octets, "ascii")


async def test_good_mail_is_handed_to_the_core_while_the_sender_waits() -> None:
    stage = Stage(verdict=Verdict(SPF))
    assert (await stage.send(LETTER))[-1] == ACCEPTED
    ((order, content),) = stage.core.taken
    assert (order.reverse_path, order.recipients) == ("bob@peer.example", ("alice@example.org",))
    assert order.octets == len(content)
    assert not order.is_sealed
    assert content.startswith(
        b"Authentication-Results: mx.example.org;\r\n spf=pass smtp.mailfrom=peer.example;\r\n"
    )
    assert content.endswith(b"Some words.\r\n")
    assert stage.core.asked == [("alice@example.org", "bob@peer.example", b"network")]
    assert stage.parcels.held == {}
    (sender,) = stage.senders
    assert (sender.peer, sender.helo) == (PEER, "mail.peer.example")
    assert sender.reverse_path == Address("bob", "peer.example")


async def test_greeting_names_this_host_and_nothing_else() -> None:
    assert await Stage().say(b"") == f"220 {HOST} ESMTP ready\r\n"
    assert (await Stage(is_welcome=False).say(b"")).startswith("421 ")


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("alice@example.org", replies.RECIPIENT_ACCEPTED),
        ("nobody@example.org", replies.NO_SUCH_RECIPIENT),
        ("full@example.org", replies.RECIPIENT_LATER),
        ("postmaster", replies.RECIPIENT_ACCEPTED),
        ("PostMaster@EXAMPLE.org", replies.NO_SUCH_RECIPIENT),  # as this core answers
        ("alice@old.example.net", replies.NO_SUCH_RECIPIENT),
        ("alice@mail.i2p", replies.NO_RELAY),
        ("alice@elsewhere.example", replies.NO_RELAY),
        ("alice%elsewhere.example@example.org", replies.NO_SUCH_RECIPIENT),
        ("@elsewhere.example:alice@example.org", replies.RECIPIENT_ACCEPTED),
        ("alice@example.org.", None),
        ("alice@[192.0.2.1]", None),
        ("alice", None),
        ('"alice@elsewhere.example"@example.org', replies.NO_SUCH_RECIPIENT),
    ],
)
async def test_recipient_gets(recipient: str, reply: object) -> None:
    heard = (await Stage().send(LETTER, [recipient]))[1]
    assert heard == text(reply) if reply else heard.startswith("5")


async def test_no_mail_for_foreign_domains_is_ever_taken_whoever_sends_it() -> None:
    for sender in ("", "bob@peer.example", "alice@example.org", "postmaster@example.org"):
        stage = Stage()
        heard = await stage.send(LETTER, ["victim@elsewhere.example"], sender)
        assert heard[1] == text(replies.NO_RELAY)
        assert heard[2].startswith("554")
        assert stage.core.taken == []
        assert stage.parcels.held == {}


async def test_one_message_for_several_is_handed_over_once() -> None:
    stage = Stage()
    names = ["alice@example.org", "nobody@example.org", "bob@example.org", "ALICE@example.org"]
    stage.core.standings["ALICE@example.org"] = Standing.WELCOME
    heard = await stage.send(LETTER, names)
    assert [each[:3] for each in heard] == ["250", "250", "550", "250", "250", "250"]
    ((order, _),) = stage.core.taken
    assert order.recipients == ("alice@example.org", "bob@example.org", "ALICE@example.org")


# What the checks say.


@pytest.mark.parametrize(
    ("verdict", "reply"),
    [
        (Verdict(SPF, dmarc=DmarcVerdict("fail", "peer.example", Policy.REJECT)), replies.FORGED),
        (Verdict(SPF, dmarc=DmarcVerdict("fail", "p.example", Policy.QUARANTINE)), None),
        (Verdict(SPF, dmarc=DmarcVerdict("fail", "peer.example", Policy.NONE)), None),
        (Verdict(SPF, dmarc=DmarcVerdict("temperror", "peer.example")), replies.UNCERTAIN),
        (Verdict(SpfVerdict("fail", "peer.example")), replies.SPF_FAILED),
        (Verdict(SpfVerdict("softfail", "peer.example")), None),
        (Verdict(SpfVerdict("fail"), dmarc=DmarcVerdict("pass", "peer.example")), None),
        (Verdict(SpfVerdict("fail"), (DkimVerdict("pass", "peer.example"),)), None),
        (Verdict(SpfVerdict("fail"), (DkimVerdict("fail", "peer.example"),)), replies.SPF_FAILED),
    ],
)
async def test_verdict_decides(verdict: Verdict, reply: object) -> None:
    stage = Stage(verdict=verdict)
    assert (await stage.send(LETTER))[-1] == (text(reply) if reply else ACCEPTED)
    assert bool(stage.core.taken) == (reply is None)


async def test_mail_that_fails_is_marked_for_its_reader() -> None:
    stage = Stage(verdict=Verdict(SPF, dmarc=DmarcVerdict("fail", "p.example", Policy.QUARANTINE)))
    await stage.send(LETTER)
    assert (
        b" dmarc=fail header.from=p.example policy.dmarc=quarantine\r\n" in stage.core.taken[0][1]
    )


async def test_mail_that_nobody_can_look_into_now_is_put_off() -> None:
    stage = Stage(verdict=None)
    assert (await stage.send(LETTER))[-1] == text(replies.CHECKS_BUSY)
    assert stage.faults == 0
    assert stage.desk.counts.uncertain == 1


async def test_operator_may_let_spf_failures_pass() -> None:
    stage = Stage(verdict=Verdict(SpfVerdict("fail")), given={"refuses_spf_fail": False})
    assert (await stage.send(LETTER))[-1] == ACCEPTED


async def test_forged_verdicts_and_trace_fields_do_not_get_through() -> None:
    stage = Stage()
    forged = (
        b"Authentication-Results: mx.example.org; dmarc=pass header.from=bank.example\r\n"
        b"ARC-Authentication-Results: i=1; mx.example.org; dmarc=pass\r\n"
        b"Received-SPF: pass\r\nX-Spam-Status: No\r\nReceived: from a by b; c\r\n"
    )
    assert (await stage.send(forged + LETTER))[-1] == ACCEPTED
    content = stage.core.taken[0][1]
    assert content.count(b"Authentication-Results") == 1
    assert b"bank.example" not in content
    assert b"Received" not in content
    assert b"Spam" not in content


async def test_message_that_went_round_in_a_circle_is_refused() -> None:
    hop = b"Received: from a by b;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    assert (await Stage().send(hop * 50 + LETTER))[-1] == ACCEPTED
    stage = Stage()
    assert (await stage.send(hop * 51 + LETTER))[-1] == text(replies.LOOP)
    assert (await Stage().send(LETTER + hop * 60))[-1] == ACCEPTED  # in the body they mean nothing


@pytest.mark.parametrize(
    "message",
    [
        b"From: a@b.example\r\nFrom: c@d.example\r\n\r\nx\r\n",
        b"From: a@b.example\r\n" + b"X: y\r\n" * 20_000 + b"\r\nx\r\n",
        b"From: a@b.example\r\n\r\nx\0y\r\n",  # those at the end go
    ],
)
async def test_malformed_mail_is_refused_and_the_session_goes_on(message: bytes) -> None:
    stage = Stage()
    assert (await stage.send(message))[-1].startswith("554")
    assert stage.core.taken == []
    assert (await stage.send(LETTER))[-1] == ACCEPTED


async def test_mail_that_can_not_be_cleaned_now_is_put_off() -> None:
    stage = Stage(given={"cannot_clean": Why.DIED})
    assert (await stage.send(LETTER))[-1] == text(replies.CLEANING_FAILED)
    assert stage.core.taken == []
    assert stage.parcels.held == {}


# Who may bring mail at all.


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "localhost",
        "mx.example.org",
        "example.org",
        "a b",
        "[1.2.3.4]",
        "[]",
        "-.-",
        "[192.0.2.1",
    ],
)
async def test_bad_name_is_refused_at_the_recipient(name: str) -> None:
    stage = Stage()
    await stage.say(b"")
    assert (await stage.say(f"EHLO {name}\r\n".encode())).startswith("250")
    await stage.say(b"MAIL FROM:<bob@peer.example>\r\n")
    assert (await stage.say(b"RCPT TO:<alice@example.org>\r\n")).startswith("550 5.7.1 EHLO")
    # Who was shut out by mistake can still say so.
    assert (await stage.say(b"RCPT TO:<postmaster>\r\n")).startswith("250")


@pytest.mark.parametrize("name", ["mail.peer.example", "[192.0.2.1]", "mail.peer.example."])
async def test_good_name_is_none_to_speak_of(name: str) -> None:
    stage = Stage()
    await stage.say(b"")
    await stage.say(f"HELO {name}\r\nMAIL FROM:<>\r\n".encode())
    assert (await stage.say(b"RCPT TO:<alice@example.org>\r\n")).startswith("250")


async def test_name_from_before_tls_does_not_count_after_it() -> None:
    stage = Stage()
    await stage.say(b"")
    await stage.say(b"EHLO mail.peer.example\r\n")
    await stage.say(b"STARTTLS\r\n")
    stage.session.engine.secured()
    assert "503" in await stage.say(b"MAIL FROM:<>\r\n")
    await stage.say(b"EHLO x\r\nMAIL FROM:<>\r\n")
    assert (await stage.say(b"RCPT TO:<alice@example.org>\r\n")).startswith("550")


async def test_listed_host_is_refused() -> None:
    asked: list[str] = []

    async def addresses_of(name: str) -> tuple[str, ...]:
        asked.append(name)
        return ("127.0.0.2",) if name.endswith("bad.example") else ("127.255.255.254",)

    lists = {"block_lists": ("full.example", "bad.example"), "addresses_of": addresses_of}
    heard = await Stage(given=lists).send(LETTER, ["alice@example.org", "abuse@example.org"])
    assert heard[1] == text(replies.LISTED)
    assert heard[2] == text(replies.NO_SUCH_RECIPIENT)  # asked for, as every other
    assert asked == ["1.2.0.192.full.example", "1.2.0.192.bad.example"]
    only_full = {"block_lists": ("full.example",), "addresses_of": addresses_of}
    assert (await Stage(given=only_full).send(LETTER))[-1] == ACCEPTED


async def test_network_that_brings_too_much_has_to_wait() -> None:
    clock = Clock()
    rates = Rates(2, 2, clock)
    for _ in range(2):
        assert (await Stage(given={"rates": rates}).send(LETTER))[-1] == ACCEPTED
    heard = await Stage(given={"rates": rates}).send(LETTER, ["alice@example.org", "postmaster"])
    assert heard[1] == text(replies.TOO_FAST)
    assert heard[2].startswith("250")
    clock.now += 3_601
    assert (await Stage(given={"rates": rates}).send(LETTER))[-1] == ACCEPTED


async def test_network_that_guesses_recipients_has_to_wait() -> None:
    rates = Rates(100, 3, Clock())
    stage = Stage(given={"rates": rates})
    names = [f"x{n}@example.org" for n in range(4)]
    heard = await stage.send(LETTER, [*names, "alice@example.org"])
    assert [each[:3] for each in heard[1:6]] == ["550", "550", "550", "451", "451"]
    assert len(stage.core.asked) == 3


async def test_unknown_network_is_asked_for_patience_once() -> None:
    clock = Clock()
    greylist = Greylist(b"k" * 32, GreylistTimes(wait=300), clock)
    given = {"greylist": greylist}
    assert (await Stage(given=given).send(LETTER))[1] == text(replies.GREYLISTED)
    clock.now += 299
    assert (await Stage(given=given).send(LETTER))[1] == text(replies.GREYLISTED)
    clock.now += 2
    assert (await Stage(given=given).send(LETTER))[-1] == ACCEPTED
    assert (await Stage(given=given).send(LETTER, ["bob@example.org"]))[-1] == ACCEPTED
    clock.now += 2_592_001
    assert (await Stage(given=given).send(LETTER))[1] == text(replies.GREYLISTED)
    clock.now += 86_401
    assert (await Stage(given=given).send(LETTER))[1] == text(replies.GREYLISTED)


# When the core does not answer.


async def test_core_that_is_away_gets_sealed_mail_later() -> None:
    stage = Stage(core=FakeCore("away"))
    heard = await stage.send(LETTER, ["alice@example.org", "nobody@example.org"])
    assert [each[:3] for each in heard] == ["250", "250", "250", "250"]
    ((envelope, content),) = stage.parcels.opened()
    assert envelope.reverse_path == "bob@peer.example"
    assert envelope.recipients == ("alice@example.org", "nobody@example.org")
    assert content.endswith(b"Some words.\r\n")
    (kept,) = stage.parcels.held.values()
    assert b"alice" not in kept
    assert b"words" not in kept


async def to_the_dot(stage: Stage) -> None:
    await stage.say(b"")
    await stage.say(b"EHLO mail.peer.example\r\nMAIL FROM:<bob@peer.example>\r\n")
    await stage.say(b"RCPT TO:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")


async def test_core_that_says_nothing_for_too_long_gets_the_same_transfer_sealed() -> None:
    stage = Stage(given={"answer_seconds": 0.01})
    await to_the_dot(stage)
    stage.core.state = "silent"
    assert await stage.say(LETTER + b".\r\n") == ACCEPTED
    ((order, _),) = stage.core.taken
    assert list(stage.parcels.held) == [order.transfer]


@pytest.mark.parametrize(
    ("state", "reply"), [("busy", replies.FAULT), ("refusing", replies.CONTENT_REFUSED)]
)
async def test_core_that_will_not_take_it_is_obeyed(state: str, reply: object) -> None:
    stage = Stage()
    await to_the_dot(stage)
    stage.core.state = state
    assert await stage.say(LETTER + b".\r\n") == text(reply)
    assert stage.parcels.held == {}


@pytest.mark.parametrize(
    ("standings", "reply"),
    [
        ((Standing.WELCOME, Standing.UNKNOWN), replies.ACCEPTED),
        ((Standing.UNKNOWN, Standing.UNKNOWN), replies.NO_SUCH_RECIPIENT),
        ((Standing.WELCOME, Standing.LATER), replies.RECIPIENT_LATER),
        ((Standing.UNKNOWN, Standing.LATER), replies.RECIPIENT_LATER),
    ],
)
async def test_last_word_about_recipients_is_the_cores(
    standings: tuple[Standing, Standing], reply: object
) -> None:
    stage = Stage()
    await to_the_dot(stage)
    stage.core.standings = dict(
        zip(("alice@example.org", "bob@example.org"), standings, strict=True)
    )
    assert await stage.say(LETTER + b".\r\n") == text(reply)


async def test_core_that_is_busy_puts_recipients_off() -> None:
    assert (await Stage(core=FakeCore("busy")).send(LETTER))[1] == text(replies.RECIPIENT_LATER)


async def test_without_the_cores_key_nothing_is_taken_while_it_is_away() -> None:
    stage = Stage(core=FakeCore("away"), key=None)
    assert (await stage.send(LETTER))[1] == text(replies.CORE_AWAY)
    stage = Stage(key=None)
    await to_the_dot(stage)
    stage.core.state = "away"
    assert await stage.say(LETTER + b".\r\n") == text(replies.CORE_AWAY)


@pytest.mark.parametrize("parcels", [MemoryParcels(room=0), MemoryParcels(fails=True)])
async def test_full_or_failing_disk_puts_the_sender_off(parcels: MemoryParcels) -> None:
    stage = Stage(core=FakeCore("away"), parcels=parcels)
    assert (await stage.send(LETTER))[-1] == text(replies.QUEUE_FULL)


async def test_mode_that_gives_nothing_away_asks_nothing_and_keeps_everything() -> None:
    stage = Stage(given={"keeps_everything": True})
    for name in ("alice", "nobody", "full"):
        heard = await stage.send(LETTER, [f"{name}@example.org"])
        assert [each[:3] for each in heard] == ["250", "250", "250"]
    assert stage.core.asked == []
    assert stage.core.taken == []
    assert len(stage.parcels.held) == 3


# Bounds and faults.


async def test_too_much_at_once_puts_the_sender_off_and_gives_its_room_back() -> None:
    transit = Transit(1_000)
    stage = Stage(given={"transit": transit})
    assert (await stage.send(LETTER + b"x" * 70 + b"\r\n" * 500))[-1] == text(replies.TRANSIT_FULL)
    assert transit.octets == 0
    assert (await stage.send(LETTER))[-1] == ACCEPTED
    await stage.say(b"MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nhalf a")
    assert transit.octets > 0
    stage.session.close()
    assert transit.octets == 0


async def test_fault_inside_is_answered_for_now_and_the_session_goes_on() -> None:
    stage = Stage()
    broken, stage.core.take = stage.core.take, None  # type: ignore[assignment, method-assign]
    assert (await stage.send(LETTER))[-1] == text(replies.FAULT)
    assert stage.faults == 1
    stage.core.take = broken  # type: ignore[method-assign]
    assert (await stage.send(LETTER))[-1] == ACCEPTED


async def test_session_ends_when_told_so() -> None:
    stage = Stage()
    await stage.say(b"")
    assert stage.session.is_idle
    assert not stage.session.is_known
    stage.session.expire(is_shutdown=False)
    assert await stage.say(b"") == text(replies.EXPIRED)


async def test_counts_are_kept() -> None:
    stage = Stage()
    await stage.send(LETTER, ["alice@example.org", "nobody@example.org", "full@example.org"])
    counts = stage.desk.counts
    assert (counts.messages, counts.recipients_refused, counts.recipients_put_off) == (1, 1, 1)
    assert stage.desk.handover.counts.handed_over == 1
