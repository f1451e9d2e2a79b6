# SPDX-License-Identifier: Apache-2.0
"""The ways out and in where something goes wrong: nothing is lost, nothing fails silently."""

import asyncio
import time
from pathlib import Path

import pytest

from eepost.letters.model import Flag, Order, Phase, State
from eepost.sanitise.cleaner import Why
from eepost.services.letterbox.carrier import GAVE_UP, Timing
from eepost.services.letterbox.collector import _mended
from eepost.services.letterbox.mailbox import OpenMailbox
from eepost.services.letterbox.ports import (
    DiskFull,
    Fate,
    NotAllowed,
    OldPasswordNeeded,
    Outcome,
    WrongPassword,
)
from tests.letterbox.fakes import (
    PASSWORD,
    DirectCleaner,
    MemoryService,
    letterbox,
    until,
)
from tests.letterbox.test_mailbox import LETTER, fetch, mail

LATER = Outcome(Fate.PUT_OFF, "451 4.3.0 try again")
NEVER = Outcome(Fate.REFUSED, "550 5.1.1 nobody")


def subjects(mailbox: OpenMailbox, folder: str = "inbox") -> list[str]:
    page = mailbox.summaries(folder, order=Order.NUMBER, count=1_000)
    return [each.subject for each in page.summaries]


def _stored(directory: Path, number: int) -> list[Path]:
    return list(directory.glob(f"me/*/letters/*/{number}"))


async def test_a_round_that_breaks_keeps_what_came_and_fetches_the_rest_later(
    tmp_path: Path,
) -> None:
    service = MemoryService(breaks_after=2)
    for number in range(5):
        service.receive(mail(f"n{number}"))
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    assert mailbox.progress().phase is Phase.FAILED
    assert mailbox.progress().text
    assert subjects(mailbox) == ["n0", "n1"]
    # What broke the round comes last, in case it was its fault.
    service.breaks_after = None
    await fetch(mailbox)
    assert mailbox.progress().phase is Phase.IDLE
    assert subjects(mailbox) == ["n0", "n1", "n3", "n4", "n2"]
    await fetch(mailbox)
    assert len(subjects(mailbox)) == 5
    await entrance.stop()


async def test_what_can_not_be_made_safe_is_told_of_and_stays_at_the_service(
    tmp_path: Path,
) -> None:
    service = MemoryService()
    service.receive(b"a: b\r\n" * 200_000 + b"\r\n")
    service.receive(mail("fine"))
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    assert subjects(mailbox) == ["A message that could not be made safe", "fine"]
    assert len(service.mail) == 2
    (notice, _) = mailbox.summaries("inbox", order=Order.NUMBER).summaries
    await mailbox.move([notice.number], "trash")
    await fetch(mailbox)
    assert len(service.mail) == 2
    await mailbox.erase([notice.number])
    await fetch(mailbox)
    assert len(service.mail) == 1
    await entrance.stop()


async def test_mail_that_is_here_as_a_notice_alone_is_not_deleted_with_what_is_safe(
    tmp_path: Path,
) -> None:
    service = MemoryService()
    unsafe = service.receive(b"a: b\r\n" * 200_000 + b"\r\n")
    service.receive(mail("fine"))
    entrance = letterbox(tmp_path, {"me": service}, leaves_mail=False)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    await fetch(mailbox)
    assert subjects(mailbox) == ["A message that could not be made safe", "fine"]
    assert list(service.mail) == [unsafe]
    await entrance.stop()
    entrance = letterbox(tmp_path, {"me": service}, leaves_mail=False)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    assert list(service.mail) == [unsafe]
    (notice, _) = mailbox.summaries("inbox", order=Order.NUMBER).summaries
    await mailbox.erase([notice.number])
    await fetch(mailbox)
    assert service.mail == {}
    await entrance.stop()


def test_mending_the_lines_of_a_large_message_takes_no_time_to_speak_of() -> None:
    began = time.process_time()
    assert _mended(b"\n" * 10_000_000) == b"\r\n" * 10_000_000
    assert time.process_time() - began < 1.0  # one by one it was seconds


@pytest.mark.parametrize(("why", "is_told"), [(Why.BUSY, False), (Why.TIME, True)])
async def test_cleaning_that_fails_is_tried_again_or_told_of(
    tmp_path: Path, why: Why, is_told: bool
) -> None:
    service, cleaner = MemoryService(), DirectCleaner()
    service.receive(mail("heavy"))
    entrance = letterbox(tmp_path, {"me": service}, cleaner=cleaner)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    cleaner.fails = why
    await fetch(mailbox)
    with pytest.raises(NotAllowed) as refused:
        await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    assert refused.value.reply.is_transient
    cleaner.fails = None
    await fetch(mailbox)
    told = ["A message that could not be made safe"] if is_told else ["heavy"]
    assert subjects(mailbox) == told
    await entrance.stop()


async def test_mail_comes_with_sound_lines_whatever_the_service_sends(tmp_path: Path) -> None:
    service = MemoryService()
    service.receive(b"Subject: odd\r\n\r\none\ntwo\rthree\0\r\n")
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    (summary,) = mailbox.summaries("inbox", order=Order.NUMBER).summaries
    assert (await mailbox.message(summary.number)).endswith(b"one\r\ntwo\r\nthree\r\n")
    await entrance.stop()


async def test_who_leaves_nothing_at_the_service_leaves_nothing(tmp_path: Path) -> None:
    service = MemoryService()
    service.receive(mail("one"))
    entrance = letterbox(tmp_path, {"me": service}, leaves_mail=False)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    assert service.mail == {}
    assert subjects(mailbox) == ["one"]
    await fetch(mailbox)
    assert subjects(mailbox) == ["one"]
    await entrance.stop()


@pytest.mark.parametrize("leaves_mail", [True, False])
async def test_a_unique_id_that_is_given_again_stands_for_other_mail(
    tmp_path: Path, leaves_mail: bool
) -> None:
    service = MemoryService()
    service.mail = {"1": mail("one"), "2": mail("two")}
    service.locked = {"2"}
    entrance = letterbox(tmp_path, {"me": service}, leaves_mail=leaves_mail)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    await mailbox.move([1, 2], "trash")
    await fetch(mailbox)
    assert list(service.mail) == ["2"]
    service.mail["1"] = mail("another")  # RFC 1939 7 lets it
    await fetch(mailbox)
    assert subjects(mailbox) == ["another"]
    service.locked = set()
    await fetch(mailbox)
    assert list(service.mail) == (["1"] if leaves_mail else [])
    assert subjects(mailbox) == ["another"]
    await entrance.stop()


async def test_the_trash_is_emptied_after_its_days(tmp_path: Path) -> None:
    now = [1_795_000_000]
    service = MemoryService()
    service.receive(mail("old"))
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0])
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    (summary,) = mailbox.summaries("inbox", order=Order.NUMBER).summaries
    await mailbox.move([summary.number], "trash")
    now[0] += 29 * 86_400
    await fetch(mailbox)
    assert subjects(mailbox, "trash") == ["old"]
    now[0] += 2 * 86_400
    await fetch(mailbox)
    assert subjects(mailbox, "trash") == []
    await entrance.stop()


async def test_recipients_are_settled_one_by_one(tmp_path: Path) -> None:
    service = MemoryService(outcomes={"carol@mail.i2p": NEVER, "dave@mail.i2p": LATER})
    now = [1_795_000_000]
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0])
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    everybody = ["bob@mail.i2p", "carol@mail.i2p", "dave@mail.i2p"]
    accepted = await mailbox.send("alice@mail.i2p", everybody, LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    waiting = mailbox.waiting()[0]
    assert [each.state for each in waiting.recipients] == [
        State.SENT,
        State.REFUSED,
        State.WAITING,
    ]
    assert waiting.words == LATER.words
    assert not await mailbox.cancel(accepted.number)  # bob has it already
    del service.outcomes["dave@mail.i2p"]
    now[0] += 10_000
    mailbox.hurry()
    await until(lambda: mailbox.waiting()[0].is_over)
    assert [list(each.recipients) for each in service.carried] == [everybody, ["dave@mail.i2p"]]
    assert subjects(mailbox) == ["Not delivered"]
    assert mailbox.waiting()[0].state is State.REFUSED
    await entrance.stop()


async def test_mail_is_given_up_after_days_and_its_sender_hears_of_it(tmp_path: Path) -> None:
    service = MemoryService()
    now = [1_795_000_000]
    timing = Timing(first_pause=0.05, longest_pause=0.1, give_up=100, least_attempts=2)
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0], timing=timing)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    now[0] += 101
    mailbox.hurry()
    await until(lambda: mailbox.waiting()[0].is_over)
    assert mailbox.waiting()[0].recipients[0].words == GAVE_UP
    assert subjects(mailbox) == ["Not delivered"]
    await entrance.stop()


async def test_a_letter_that_breaks_the_session_keeps_no_other_from_leaving(
    tmp_path: Path,
) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    for name in ("poison", "bob", "carol"):
        await mailbox.send("alice@mail.i2p", [f"{name}@mail.i2p"], LETTER)
    await until(lambda: all(each.attempts for each in mailbox.waiting()))
    service.is_away = False
    mailbox.hurry()
    await until(lambda: len(service.carried) == 2)
    await until(lambda: [each.is_over for each in mailbox.waiting()] == [False, True, True])
    assert mailbox.waiting()[0].words
    await entrance.stop()


async def test_a_wrong_password_is_asked_about_once_in_a_while(tmp_path: Path) -> None:
    now = [1_795_000_000]
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0])
    await entrance.sign_in("me", "alice", PASSWORD)
    asked = service.asked
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await entrance.sign_in("me", "alice", "an old one")
    assert service.asked == asked + 1
    now[0] += 3_601
    service.passwords["alice"] = "an old one"
    with pytest.raises(OldPasswordNeeded):
        await entrance.sign_in("me", "alice", "an old one")


async def test_mail_that_waited_while_the_machine_was_off_is_not_given_up_at_once(
    tmp_path: Path,
) -> None:
    service = MemoryService()
    now = [1_795_000_000]
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0])
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    await entrance.stop()
    now[0] += 7 * 86_400
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0])
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await until(lambda: mailbox.waiting()[0].attempts == 2)
    assert not mailbox.waiting()[0].is_over
    service.is_away = False
    mailbox.hurry()
    await until(lambda: mailbox.waiting()[0].state is State.SENT)
    await entrance.stop()


async def test_a_clock_that_is_set_back_holds_no_mail_up(tmp_path: Path) -> None:
    service = MemoryService()
    now = [1_795_000_000]
    timing = Timing(first_pause=1, longest_pause=1)
    entrance = letterbox(tmp_path, {"me": service}, now=lambda: now[0], timing=timing)
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    service.is_away = False
    now[0] -= 365 * 86_400
    await until(lambda: mailbox.waiting()[0].state is State.SENT)
    await entrance.stop()


async def test_mail_whose_octets_are_damaged_is_told_of_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eepost.local.cabinet.MAX_HELD_OCTETS", 0)  # a file of its own
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service}, timing=Timing(first_pause=600))
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    accepted = await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    (file,) = _stored(tmp_path, accepted.number)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    mailbox.hurry()
    await until(lambda: mailbox.waiting()[0].attempts == 2)
    service.is_away = False
    mailbox.hurry()
    await until(lambda: mailbox.waiting()[0].is_over)
    assert subjects(mailbox) == ["Not delivered"]
    await entrance.stop()


async def test_what_is_taken_back_is_not_sent_while_the_disk_is_being_told(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service}, timing=Timing(first_pause=600))
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    accepted = await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    service.is_away = False
    taken = asyncio.ensure_future(mailbox.cancel(accepted.number))
    await asyncio.sleep(0)
    mailbox.hurry()
    assert await taken
    await mailbox.send("alice@mail.i2p", ["carol@mail.i2p"], LETTER)
    await until(lambda: bool(service.carried) and mailbox.waiting()[0].is_over)
    assert [each.recipients for each in service.carried] == [["carol@mail.i2p"]]
    await entrance.stop()


async def test_what_waits_can_be_taken_back(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    accepted = await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    await mailbox.erase([accepted.number])  # not the way to do it
    await mailbox.move([accepted.number], "trash")
    assert subjects(mailbox, "outbox") == ["hello"]
    assert await mailbox.cancel(accepted.number)
    assert not await mailbox.cancel(accepted.number)
    service.is_away = False
    mailbox.hurry()
    await mailbox.send("alice@mail.i2p", ["carol@mail.i2p"], LETTER)
    await until(lambda: bool(service.carried))
    assert service.carried[0].recipients == ["carol@mail.i2p"]
    await entrance.stop()


async def test_a_reply_keeps_its_thread_both_ways(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: bool(service.carried))
    sent = service.carried[0].content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
    assert b"laptop" not in sent
    answer = mail("answer").replace(b"\r\n\r\n", b"\r\nIn-Reply-To: " + sent + b"\r\n\r\n", 1)
    service.receive(answer)
    await fetch(mailbox)
    (summary,) = mailbox.summaries("inbox", order=Order.NUMBER).summaries
    # The user's own copy is known by the name that his program gave it.
    assert b"In-Reply-To: <1@tell-tale-laptop>" in await mailbox.message(summary.number)
    # And what he answers is named as its author named it.
    reply = LETTER.replace(b"\r\n\r\n", b"\r\nIn-Reply-To: <answer@mail.i2p>\r\n\r\n", 1)
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], reply)
    await until(lambda: len(service.carried) == 2)
    assert b"In-Reply-To: <answer@mail.i2p>" in service.carried[1].content
    await entrance.stop()


async def test_identities_never_mix(tmp_path: Path) -> None:
    one = MemoryService()
    other = MemoryService(passwords={"alice": "another one"})
    one.receive(mail("of one"))
    other.receive(mail("of other"))
    entrance = letterbox(tmp_path, {"one": one, "other": other})
    here = await entrance.sign_in("one", "alice", PASSWORD)
    there = await entrance.sign_in("other", "alice", "another one")
    assert entrance.remembered("one", "alice", "another one") is None
    await fetch(here)
    await fetch(there)
    assert (subjects(here), subjects(there)) == (["of one"], ["of other"])
    await here.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: bool(one.carried))
    assert other.carried == []
    await here.keep("keys", b"mine")
    assert await there.kept("keys") is None
    # The same letter under two identities has nothing in common that a service could know it by.
    await there.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: bool(other.carried))
    names = {
        each.carried[0].content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]
        for each in (one, other)
    }
    assert len(names) == 2
    await entrance.stop()


async def test_without_room_on_the_disk_mail_is_refused_and_sent_mail_is_not_sent_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eepost.local.log import Log

    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts == 1)
    with monkeypatch.context() as full:

        def no_room(*_: object) -> None:
            raise DiskFull

        full.setattr(Log, "append", no_room)
        with pytest.raises(DiskFull):
            await mailbox.file("drafts", LETTER, flags=Flag.READ)
        service.receive(mail("no room"))
        service.is_away = False
        await fetch(mailbox)
        assert mailbox.progress().phase is Phase.FAILED
        assert "full" in mailbox.progress().text
        mailbox.hurry()
        await until(lambda: bool(service.carried))
        await until(lambda: mailbox.waiting()[0].state is State.SENT)
    await fetch(mailbox)
    assert subjects(mailbox) == ["no room"]
    mailbox.hurry()
    again = await mailbox.file("drafts", LETTER)
    assert await mailbox.message(again) == LETTER
    await until(lambda: len(service.carried) == 1)
    await entrance.stop()
    reopened = letterbox(tmp_path, {"me": service})
    mailbox = await reopened.sign_in("me", "alice", PASSWORD)
    assert mailbox.waiting()[0].state is State.SENT
    assert len(service.carried) == 1
    await reopened.stop()
