# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import NOT_CLEAN, ToInternet, sanitise_to_internet
from tests.sanitise.corpus import real_messages

NUMBERS = itertools.count(1)
ALICE = Address("alice", "mail.i2p")
FROM_USER = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="post.example",
    accepted_utc=1_795_446_839,
    randomness=lambda count: next(NUMBERS).to_bytes(count, "big"),
)
CONTEXT = ToInternet("mail.i2p", "post.example")
CLEAN = (
    b"From: A <alice@mail.i2p>\r\nTo: bob@mail.i2p, carol@else.example\r\nSubject: Hi\r\n"
    b"Date: Mon, 23 Nov 2026 15:13:00 +0000\r\n"
    b"Message-ID: <" + b"a" * 32 + b"@post.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=" + b"b" * 32 + b"\r\n\r\n"
    b"--" + b"b" * 32 + b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n"
    b"--" + b"b" * 32 + b"--\r\n"
)


def test_clean_message_leaves_with_official_addresses() -> None:
    outcome = sanitise_to_internet(CLEAN, CONTEXT)
    assert isinstance(outcome, Sanitised)
    assert b"".join(outcome.pieces) == CLEAN.replace(b"@mail.i2p", b"@post.example")
    assert outcome.report.counts == {"address made official": 2}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: Hi\r\n", b"Subject: Hi\r\nX-Mailer: y\r\n"),
        (b"Subject: Hi\r\n", b""),
        (b"Subject:", b"SUBJECT:"),
        (b"15:13:00", b"15:13:07"),
        (b"+0000", b"+0200"),
        (b"Message-ID: <a", b"Message-ID: <A"),
        (b"@post.example>", b"@mail.i2p>"),
        (b"b" * 32, b"----=_Part"),
        (b"; charset=utf-8", b"; charset=utf-8; x-y=z"),
        (b"\r\n\r\nx\r\n", b"\r\nX-Y: z\r\n\r\nx\r\n"),
        (b"\r\n\r\nx\r\n", b"\r\nContent-ID: <a@laptop>\r\n\r\nx\r\n"),
        (b"\r\n\r\n--b", b"\r\n\r\npreamble\r\n--b"),
        (b"b--\r\n", b"b--\r\nepilogue"),
        (b"text/plain; charset=utf-8", b"message/partial"),
        (b"text/plain; charset=utf-8", b"text/plain" + b"; charset=x" * 300),
        (b"--" + b"b" * 32 + b"\r\n", b""),
    ],
)
def test_what_a_faulty_core_lets_through_is_refused(old: bytes, new: bytes) -> None:
    assert old in CLEAN
    outcome = sanitise_to_internet(CLEAN.replace(old, new), CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply == NOT_CLEAN


def test_an_official_answer_address_and_no_internal_identifier_leaves() -> None:
    own, other = b"<" + b"c" * 32 + b"@mail.i2p>", b"<d@else.example>"
    for given, left in (
        (own + b"\r\n " + other, b"References: " + other + b"\r\n"),
        (own.replace(b"mail.i2p", b"MAIL.i2p"), b""),
    ):
        message = CLEAN.replace(b"MIME-", b"References: " + given + b"\r\nMIME-")
        outcome = sanitise_to_internet(message, CONTEXT)
        assert isinstance(outcome, Sanitised)
        header = bytes(outcome.pieces[0])
        assert b"mail.i2p" not in header.lower()
        assert left in header
        assert (b"References" in header) is bool(left)


def test_where_both_domains_are_one_nothing_is_hidden() -> None:
    one = ToInternet("post.example", "post.example")
    message = CLEAN.replace(b"mail.i2p", b"post.example")
    outcome = sanitise_to_internet(message, one)
    assert isinstance(outcome, Sanitised)
    assert b"".join(outcome.pieces) == message


def test_what_is_signed_is_not_looked_into() -> None:
    message = CLEAN.replace(b"multipart/mixed", b"multipart/signed").replace(
        b"\r\n\r\nx\r\n", b"\r\nX-Signed: z\r\n\r\nx\r\n"
    )
    assert isinstance(sanitise_to_internet(message, CONTEXT), Sanitised)


def test_all_that_the_rebuild_makes_may_leave() -> None:
    for message in real_messages():
        made = sanitise_from_user(message.as_submitted_by("alice@mail.i2p"), FROM_USER)
        if isinstance(made, Sanitised):
            outcome = sanitise_to_internet(b"".join(made.pieces), CONTEXT)
            assert isinstance(outcome, Sanitised), (message.name, outcome.report.counts)


def test_addresses_beyond_the_bounds_are_refused() -> None:
    message = CLEAN.replace(b"To: ", b"To: " + b"a@b.c," * 10_001)
    assert isinstance(sanitise_to_internet(message, CONTEXT), Refused)
