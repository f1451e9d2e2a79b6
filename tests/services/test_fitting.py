# SPDX-License-Identifier: Apache-2.0
"""Mail from a user here, as readers here with different choices get it."""

from dataclasses import replace

import pytest

from eepost.accounts.model import Account
from eepost.mail.address import Address
from eepost.mail.message import MAX_DEPTH
from eepost.sanitise.choices import Choices, Dangerous
from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Report
from eepost.services.mta.fitting import DoesNotFit, Renderings
from tests.contracts.samples import account
from tests.sanitise.golden import counted
from tests.services.cleaning import CleanAtOnce, Octets

PROGRAM = b"MZ\x90\0 no program, but readers' systems would take it for one"
WITH_PROGRAM = (
    b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\n\r\nlook\r\n--x\r\nContent-Type: application/octet-stream\r\n"
    b"Content-Disposition: attachment; filename=setup.exe\r\n\r\n" + PROGRAM + b"\r\n--x--\r\n"
)
PLAIN = b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: s\r\n\r\nonly words\r\n"


class Counting(CleanAtOnce):
    """Counts the renderings, and remembers for whom they were."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Dangerous, str | None]] = []

    async def to_user(
        self, message: Octets, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        self.asked.append((context.choices.dangerous, whose))
        return await super().to_user(message, context, whose)


def reader(name: str, choices: Choices) -> Account:
    made = account(name)
    return replace(made, preferences=replace(made.preferences, cleaning=choices))


def submitted(message: bytes) -> Sanitised:
    context = FromUser(
        address=Address("alice", "mail.i2p"),
        addresses=frozenset({Address("alice", "mail.i2p")}),
        message_id_key=b"k" * 32,
        message_id_domain="mail.i2p",
        accepted_utc=1_795_435_200,
        randomness=counted(),
    )
    outcome = sanitise_from_user(message, context)
    assert isinstance(outcome, Sanitised)
    return outcome


def renderings(message: Sanitised, cleaner: CleanAtOnce) -> Renderings:
    return Renderings(cleaner, counted(), message, "alice@mail.i2p")


def text(message: Sanitised) -> bytes:
    return b"".join(message.pieces)


async def test_each_reader_gets_dangerous_files_as_he_chose() -> None:
    cleaner = Counting()
    sent = submitted(WITH_PROGRAM)
    made = renderings(sent, cleaner)
    got = {
        each: text(await made.for_reader(reader("bob", Choices(dangerous=each))))
        for each in Dangerous
    }
    assert b"setup.exe" in text(sent)
    assert b'filename="setup.exe"' not in got[Dangerous.RENAME]
    assert b"setup.exe" in got[Dangerous.RENAME]
    assert b"setup.exe" not in got[Dangerous.DROP]
    assert b"A file was removed" in got[Dangerous.DROP]
    assert b"Content-Description: " in got[Dangerous.PASS]
    assert text(sent).split(b"\r\n\r\n")[-1][:40] in got[Dangerous.PASS]


async def test_readers_who_chose_alike_share_one_rendering() -> None:
    cleaner = Counting()
    made = renderings(submitted(WITH_PROGRAM), cleaner)
    one = await made.for_reader(reader("bob", Choices()))
    # What is for mail from the Internet, or for mail that he sends, makes no difference here.
    other = Choices(keeps_first_hop=True, maps_ids_back=False, keeps_threads=False)
    assert await made.for_reader(reader("carol", other)) is one
    assert await made.for_reader(reader("dave", Choices(dangerous=Dangerous.DROP))) is not one
    assert cleaner.asked == [
        (Dangerous.RENAME, "alice@mail.i2p"),
        (Dangerous.DROP, "alice@mail.i2p"),
    ]


async def test_plain_text_is_not_looked_at_again() -> None:
    cleaner = Counting()
    sent = submitted(PLAIN)
    assert await renderings(sent, cleaner).for_reader(reader("bob", Choices())) is sent
    assert not cleaner.asked


async def test_threads_are_what_they_were() -> None:
    sent = submitted(b"Message-ID: <1@a>\r\nIn-Reply-To: <2@b>\r\n" + WITH_PROGRAM)
    got = await renderings(sent, Counting()).for_reader(reader("bob", Choices()))
    assert got.thread_ids == sent.thread_ids
    assert len(got.thread_ids) == 3
    header = bytes(got.pieces[0])
    assert header.endswith(b"\r\n\r\n")
    assert all(each in header for each in got.thread_ids)


async def test_cleaner_that_fails_is_heard_of() -> None:
    made = renderings(submitted(WITH_PROGRAM), CleanAtOnce(Why.TIME))
    with pytest.raises(CleaningFailed):
        await made.for_reader(reader("bob", Choices()))


async def test_message_beyond_what_programs_take_does_not_fit() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each)
        for each in range(MAX_DEPTH + 1)
    )
    made = renderings(Sanitised((deep[:50], deep[50:]), Report()), CleanAtOnce())
    with pytest.raises(DoesNotFit):
        await made.for_reader(reader("bob", Choices()))


async def test_header_may_be_as_long_as_what_users_submit() -> None:
    many = b",\r\n ".join(b"reader-number-%d@mail.i2p" % each for each in range(4_000))
    sent = submitted(b"Cc: " + many + b"\r\n" + WITH_PROGRAM)
    assert len(sent.pieces[0]) > 100_000
    got = await renderings(sent, Counting()).for_reader(reader("bob", Choices()))
    assert b"reader-number-3999@mail.i2p" in got.pieces[0]
