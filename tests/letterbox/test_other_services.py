# SPDX-License-Identifier: Apache-2.0
"""Services that are not eepost: Postfix with Dovecot, and ones that can do less."""

import asyncio
import random
import smtplib
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.dialogues import Login
from bench.peers import PostfixDovecot, why_unfit

from eepost.letters.service import Fate, Letter, Listed, NotServed, Outcome, Verdict
from eepost.net.connect import Connector, LocalPort, Patience, Route
from eepost.net.listeners import Endpoint
from eepost.net.service import BROKEN, NO_WAY, NOT_FOR_POP3, FarService, Times
from tests.letterbox.box import Letterbox
from tests.letterbox.relays import Stand, saying
from tests.letterbox.test_proxy import inbox
from tests.letterbox.waiting import until
from tests.office import PASSWORD

LOGINS = [Login(b"%s@post.i2p" % name, PASSWORD.encode()) for name in (b"alice", b"bob")]


@pytest.fixture(scope="module")
def foreign() -> Iterator[PostfixDovecot]:
    reason = why_unfit()
    if reason:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the servers' own users have to get there
        post = PostfixDovecot(folder / "post", LOGINS)
        post.start()
        yield post
        post.stop()


@pytest.fixture
def box(foreign: PostfixDovecot, tmp_path: Path) -> Iterator[Letterbox]:
    account = {"domains": ("post.i2p",), "login": "address"}
    box = Letterbox(tmp_path / "box")
    box.add(foreign.smtp[1], foreign.pop3[1], account=account).start()
    yield box
    box.kill()


@pytest.mark.interop
def test_a_letter_goes_round_through_postfix_and_dovecot(box: Letterbox) -> None:
    letter = (
        b"From: alice@post.i2p\r\nTo: bob@post.i2p\r\nSubject: over there\r\n"
        b"X-Mailer: TellTale\r\n\r\n.\r\n..\r\nhow are you?\r\n"
    )
    with smtplib.SMTP("127.0.0.1", box.smtp_port, timeout=60) as smtp:
        smtp.login("alice", PASSWORD)
        smtp.sendmail("alice@post.i2p", ["bob@post.i2p", "nobody@post.i2p"], letter)
    (found,) = until(lambda: inbox(box.pop3_port, "bob"))
    assert b"\r\n\r\n.\r\n..\r\nhow are you?\r\n" in found
    assert b"TellTale" not in found
    (report,) = until(lambda: inbox(box.pop3_port, "alice@post.i2p"))
    assert b"nobody@post.i2p" in report
    assert b"User unknown" in report


# Less able ones, spoken to directly.


def far(port: int, smtp_port: int = 1, silence: float = 5.0) -> FarService:
    def connector(name: str, at: int) -> Connector:
        route = Route(name, LocalPort(Endpoint("127.0.0.1", at)))
        patience = Patience(retry_first_seconds=0.01, retry_longest_seconds=0.02)
        return Connector([route], patience, time.monotonic, random.SystemRandom().random)

    return FarService(connector("smtp", smtp_port), connector("pop3", port), times=Times(silence))


async def _messages(service: FarService) -> tuple[list[Listed], list[bytes | None]]:
    async with service.maildrop("alice", "secret", lambda _: None) as maildrop:
        listing = list(maildrop.listing)
        found = [each async for each in maildrop.fetch(listing)]
        await maildrop.delete(listing[:1])
        await maildrop.end()
    return listing, found


def test_a_service_without_unique_ids_is_known_by_its_headers() -> None:
    old = (
        *(b"+OK hi\r\n", b"-ERR what?\r\n", b"+OK\r\n", b"+OK in\r\n"),
        *(b"+OK\r\n1 50\r\n2 50\r\n.\r\n", b"-ERR what?\r\n"),
        *(b"+OK\r\nSubject: a\r\n\r\n.\r\n", b"+OK\r\nSubject: b\r\n\r\n.\r\n"),
        *(b"+OK\r\nSubject: a\r\n\r\none\r\n.\r\n", b"-ERR gone\r\n", b"+OK\r\n", b"+OK\r\n"),
    )
    with saying(*old) as stand:
        listing, found = asyncio.run(_messages(far(stand.port)))
    assert len({each.unique_id for each in listing}) == 2
    assert all(len(each.unique_id) == 32 for each in listing)
    assert found == [b"Subject: a\r\n\r\none\r\n", None]


def test_a_service_without_even_top_is_none() -> None:
    old = (
        *(b"+OK hi\r\n", b"-ERR what?\r\n", b"+OK\r\n", b"+OK in\r\n"),
        *(b"+OK\r\n1 50\r\n.\r\n", b"-ERR what?\r\n", b"-ERR what?\r\n"),
    )
    with saying(*old) as stand, pytest.raises(NotServed, match="apart"):
        asyncio.run(_messages(far(stand.port)))


def test_an_end_that_the_service_refuses_is_no_end() -> None:
    said = (
        *(b"+OK hi\r\n", b"+OK\r\nPIPELINING\r\n.\r\n", b"+OK\r\n+OK in\r\n"),
        *(b"+OK\r\n1 50\r\n.\r\n+OK\r\n1 a\r\n.\r\n", b"+OK\r\nx\r\n.\r\n", b"+OK\r\n"),
        b"-ERR not all\r\n",
    )
    with saying(*said) as stand, pytest.raises(NotServed, match="delete"):
        asyncio.run(_messages(far(stand.port)))


@pytest.mark.parametrize(
    ("pieces", "verdict"),
    [
        ((b"-ERR [SYS/TEMP] busy\r\n",), Verdict.UNREACHABLE),
        ((b"+OK hi\r\n", b"-ERR\r\n", b"+OK\r\n", b"-ERR no\r\n"), Verdict.DENIED),
        ((b"+OK hi\r\n", b"-ERR\r\n", b"+OK\r\n", b"-ERR [IN-USE] no\r\n"), Verdict.UNREACHABLE),
        ((b"+OK hi\r\n",), Verdict.UNREACHABLE),
        ((b"nonsense\r\n",), Verdict.VIOLATION),
        ((b"",), Verdict.UNREACHABLE),
    ],
)
def test_only_a_clear_no_is_taken_for_one(pieces: tuple[bytes, ...], verdict: Verdict) -> None:
    with saying(*pieces) as stand:
        assert asyncio.run(far(stand.port).confirm("alice", "secret")) is verdict


def test_what_pop3_can_not_carry_is_never_sent() -> None:
    with saying(b"+OK hi\r\n") as stand:
        assert asyncio.run(far(stand.port).confirm("alice", "grün")) is Verdict.DENIED
        assert stand.opened == 0
    assert NOT_FOR_POP3


def test_nobody_at_the_port_is_no_route() -> None:
    with pytest.raises(NotServed, match=NO_WAY):
        asyncio.run(_messages(far(1)))


LETTER = Letter("alice@mail.i2p", ["bob@mail.i2p"], b"a: b\r\n\r\nx\r\n")


async def _carry(service: FarService, letter: Letter = LETTER) -> list[Outcome]:
    async with service.submission("alice", "secret") as submission:
        outcomes = list(await submission.carry(letter))
        return [*outcomes, *(await submission.carry(letter))]


def test_a_service_that_parts_between_two_letters_is_noticed() -> None:
    said = (
        *(b"220 hi\r\n", b"250 hi\r\n", b"250 a\r\n", b"250 b\r\n", b"354 go\r\n"),
        b"421 stopping\r\n",
    )
    with saying(*said) as stand, pytest.raises(NotServed, match=BROKEN):
        asyncio.run(_carry(far(1, stand.port)))


@pytest.mark.parametrize(
    ("said", "fate"),
    [(b"550 never\r\n", Fate.REFUSED), (b"450 later\r\n", Fate.PUT_OFF)],
)
def test_a_reply_becomes_a_fate(said: bytes, fate: Fate) -> None:
    pieces = (b"220 hi\r\n", b"250 hi\r\n", said, b"250 reset\r\n" + said)
    with saying(*pieces) as stand:
        outcomes = asyncio.run(_carry(far(1, stand.port)))
    assert {each.fate for each in outcomes} == {fate}


def test_a_service_that_takes_nothing_is_given_up() -> None:
    # More than all buffers on the way hold.
    more = Letter(LETTER.reverse_path, LETTER.recipients, b"a: b\r\n\r\n" + b"x\r\n" * 10_000_000)

    async def takes_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (b"220 hi\r\n", b"250 hi\r\n", b"250 a\r\n", b"250 b\r\n", b"354 go\r\n"):
            writer.write(piece)
            if piece[:3] != b"354":
                await reader.read(65_536)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    with ExitStack() as stack:
        stand = stack.enter_context(Stand(takes_nothing))
        begun = time.monotonic()
        with pytest.raises(NotServed, match="silent"):
            asyncio.run(_carry(far(1, stand.port, silence=1.0), more))
        assert time.monotonic() - begun < 20


async def _outcomes(service: FarService) -> Sequence[Outcome]:
    async with service.submission("alice", "secret") as session:
        return await session.carry(LETTER)


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        (b"530 5.7.0 Authentication required\r\n", Fate.PUT_OFF),
        (b"550 5.7.1 Never\r\n", Fate.REFUSED),
    ],
)
def test_a_letter_does_not_end_by_a_login_that_the_service_wants_otherwise(
    said: bytes, fate: Fate
) -> None:
    # All the ways to log in that it offers are none of ours.
    with saying(b"220 hi\r\n", b"250-hi\r\n250 AUTH CRAM-MD5\r\n", said) as stand:
        (outcome,) = asyncio.run(_outcomes(far(1, stand.port)))
    assert outcome.fate is fate
    assert outcome.words == said.decode().strip()
