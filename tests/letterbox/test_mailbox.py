# SPDX-License-Identifier: Apache-2.0
"""A whole letterbox over a service in memory: signing in, fetching, sending, what becomes of it."""

from pathlib import Path

import pytest

from eepost.letters.model import Flag, Order, Phase, State
from eepost.mail.violation import Misuse
from eepost.services.letterbox.guesses import GUESSES, WITHIN_SECONDS
from eepost.services.letterbox.mailbox import OpenMailbox
from eepost.services.letterbox.ports import (
    Fate,
    Mailbox,
    NotAllowed,
    OldPasswordNeeded,
    Outcome,
    TooManyGuesses,
    Unreachable,
    WrongPassword,
)
from tests.letterbox.fakes import DOMAIN, PASSWORD, MemoryService, letterbox, until

LETTER = (
    b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nBcc: carol@mail.i2p\r\nSubject: hello\r\n"
    b"X-Mailer: TellTale 1.0\r\nMessage-ID: <1@tell-tale-laptop>\r\n\r\nHow are you?\r\n"
)


def mail(subject: str, body: str = "Good day") -> bytes:
    return (
        f"From: Bob <bob@{DOMAIN}>\r\nTo: alice@{DOMAIN}\r\nSubject: {subject}\r\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{subject}@{DOMAIN}>\r\n\r\n"
        f"{body}\r\n"
    ).encode()


async def fetch(mailbox: OpenMailbox) -> None:
    mailbox.start_fetching()
    await mailbox.fetched(20)


async def test_mail_comes_is_read_and_is_deleted_at_the_service(tmp_path: Path) -> None:
    service = MemoryService()
    for subject in ("one", "two"):
        service.receive(mail(subject))
    entrance = letterbox(tmp_path, {"me": service})
    mailbox: OpenMailbox = await entrance.sign_in("me", "Alice@mail.i2p", PASSWORD)
    assert isinstance(mailbox.address, str)
    await fetch(mailbox)
    assert mailbox.progress().phase is Phase.IDLE
    page = mailbox.summaries("inbox", order=Order.SUBJECT)
    assert [each.subject for each in page.summaries] == ["one", "two"]
    assert mailbox.summaries("inbox", order=Order.NEWEST, query="TWO bob").total == 1
    one = page.summaries[0]
    assert b"Good day" in await mailbox.message(one.number)
    await mailbox.mark([one.number], Flag.READ, True)
    assert [each.unread for each in mailbox.folders() if each.name == "inbox"] == [1]
    assert len(service.mail) == 2
    await mailbox.move([one.number], "trash")
    await fetch(mailbox)
    assert len(service.mail) == 1
    await entrance.stop()


async def test_mail_to_very_many_comes_too(tmp_path: Path) -> None:
    service = MemoryService()
    many = ",\r\n ".join(f"somebody-{number}@{DOMAIN}" for number in range(5_000))
    service.receive(mail("many").replace(b"alice@mail.i2p", many.encode()))
    entrance = letterbox(tmp_path, {"me": service})
    mailbox: OpenMailbox = await entrance.sign_in("me", "alice@mail.i2p", PASSWORD)
    await fetch(mailbox)
    page = mailbox.summaries("inbox", order=Order.NEWEST)
    assert [each.subject for each in page.summaries] == ["many"]
    await entrance.stop()


async def test_mail_that_is_sent_leaves_clean_and_ends_as_sent(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox: Mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    accepted = await mailbox.send("alice@mail.i2p", ["bob@mail.i2p", "carol@mail.i2p"], LETTER)
    assert accepted.report
    await until(lambda: mailbox.waiting()[0].state is State.SENT)
    (letter,) = service.carried
    assert letter.recipients == ["bob@mail.i2p", "carol@mail.i2p"]
    assert b"How are you?" in letter.content
    for leak in (b"Bcc", b"carol", b"TellTale", b"tell-tale-laptop"):
        assert leak in LETTER
        assert leak not in letter.content
    assert mailbox.summaries("outbox", order=Order.NEWEST).total == 0
    assert mailbox.waiting()[0].report == accepted.report
    await entrance.stop()


async def test_mail_waits_for_a_service_that_is_away(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = True
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].attempts > 0)
    assert mailbox.waiting()[0].words
    await entrance.stop()
    # A letterbox that is started again knows it, and needs the service for nothing else.
    again = letterbox(tmp_path, {"me": service}, now=lambda: 1_795_001_000)
    mailbox = await again.sign_in("me", "alice", PASSWORD)
    assert mailbox.waiting()[0].subject == "hello"
    service.is_away = False
    mailbox.hurry()
    await until(lambda: bool(service.carried))
    await until(lambda: mailbox.waiting()[0].state is State.SENT)
    await again.stop()


async def test_a_refusal_becomes_a_message_in_the_inbox(tmp_path: Path) -> None:
    service = MemoryService()
    service.outcomes["carol@mail.i2p"] = Outcome(Fate.REFUSED, "550 5.1.1 There is no such address")
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await mailbox.send("alice@mail.i2p", ["bob@mail.i2p", "carol@mail.i2p"], LETTER)
    await until(lambda: mailbox.waiting()[0].state is State.REFUSED)
    (summary,) = mailbox.summaries("inbox", order=Order.NEWEST).summaries
    notice = await mailbox.message(summary.number)
    assert b"carol@mail.i2p" in notice
    assert b"There is no such address" in notice
    assert b"bob@mail.i2p\r\n" not in notice.partition(b"text/rfc822-headers")[0]
    await entrance.stop()


async def test_the_service_confirms_the_first_sign_in_only(tmp_path: Path) -> None:
    service = MemoryService()
    entrance = letterbox(tmp_path, {"me": service})
    with pytest.raises(WrongPassword):
        await entrance.sign_in("me", "alice", "wrong")
    service.is_away = True
    with pytest.raises(Unreachable):
        await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = False
    await entrance.sign_in("me", "alice", PASSWORD)
    await entrance.stop()
    service.is_away = True
    again = letterbox(tmp_path, {"me": service})
    with pytest.raises(WrongPassword):
        await again.sign_in("me", "alice", "wrong")
    mailbox = await again.sign_in("me", "alice", PASSWORD)
    assert mailbox.address == "alice@mail.i2p"
    await again.stop()


async def test_who_guesses_passwords_gets_nowhere(tmp_path: Path) -> None:
    service, now = MemoryService(), [1_795_000_000]
    other = MemoryService()
    entrance = letterbox(tmp_path, {"me": service, "you": other}, now=lambda: now[0])
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    for number in range(GUESSES):
        # Again and again, right ones that came in between change nothing.
        assert await entrance.sign_in("me", "alice", PASSWORD) is mailbox
        with pytest.raises(WrongPassword):
            await entrance.sign_in("me", f"alice{number % 2 or ''}", f"wrong {number}")
    asked = service.asked
    for password in ("wrong", PASSWORD):
        assert entrance.remembered("me", "alice", password) is None
        with pytest.raises(TooManyGuesses):
            await entrance.sign_in("me", "alice", password)
    assert service.asked == asked
    assert mailbox.folders()  # what is open stays open
    await entrance.sign_in("you", "alice", PASSWORD)  # another identity is another matter
    now[0] += WITHIN_SECONDS
    assert await entrance.sign_in("me", "alice", PASSWORD) is mailbox
    await entrance.stop()


async def test_a_service_that_is_away_makes_no_guess_of_a_password(tmp_path: Path) -> None:
    service = MemoryService(is_away=True)
    entrance = letterbox(tmp_path, {"me": service})
    for _ in range(GUESSES + 1):
        with pytest.raises(Unreachable):
            await entrance.sign_in("me", "alice", PASSWORD)
    service.is_away = False
    await entrance.sign_in("me", "alice", PASSWORD)
    await entrance.stop()


async def test_a_password_changed_at_the_service_needs_the_old_one_once(tmp_path: Path) -> None:
    service = MemoryService()
    service.receive(mail("kept"))
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(mailbox)
    await entrance.stop()
    service.passwords["alice"] = "another one"
    entrance = letterbox(tmp_path, {"me": service})
    with pytest.raises(OldPasswordNeeded):
        await entrance.sign_in("me", "alice", "another one")
    with pytest.raises(WrongPassword):
        await entrance.change_password("me", "alice", "no idea", "another one")
    mailbox = await entrance.change_password("me", "alice", PASSWORD, "another one")
    await mailbox.fetched(20)
    assert mailbox.progress().phase is Phase.IDLE
    await entrance.stop()
    entrance = letterbox(tmp_path, {"me": service})
    mailbox = await entrance.sign_in("me", "alice", "another one")
    assert mailbox.summaries("inbox", order=Order.NEWEST).total == 1
    await entrance.stop()


async def test_only_the_users_own_addresses_may_send(tmp_path: Path) -> None:
    entrance = letterbox(tmp_path, {"me": MemoryService()})
    mailbox = await entrance.sign_in("me", "alice", PASSWORD)
    for sender, recipients in (
        ("bob@mail.i2p", ["carol@mail.i2p"]),
        ("", ["carol@mail.i2p"]),
        ("alice@mail.i2p", []),
        ("alice@mail.i2p", ["nonsense"]),
        ("alice@mail.i2p", ["bob@mail.i2p"] * 201),
    ):
        with pytest.raises(NotAllowed):
            await mailbox.send(sender, recipients, LETTER)
    await mailbox.send("Alice@example.org", ["bob@mail.i2p"], LETTER)
    await entrance.stop()


async def test_who_still_holds_a_locked_mailbox_can_do_nothing_with_it(tmp_path: Path) -> None:
    service = MemoryService()
    service.receive(mail("one"))
    entrance = letterbox(tmp_path, {"me": service})
    stale = await entrance.sign_in("me", "alice", PASSWORD)
    await fetch(stale)
    await entrance.lock(stale)
    with pytest.raises(Misuse):
        await stale.message(1)
    with pytest.raises(Misuse):
        await stale.send(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], LETTER)
    fresh = await entrance.sign_in("me", "alice", PASSWORD)
    assert fresh is not stale
    assert b"Good day" in await fresh.message(1)
    await entrance.lock(stale)  # twice does no harm
    assert b"Good day" in await fresh.message(1)
    await entrance.stop()
