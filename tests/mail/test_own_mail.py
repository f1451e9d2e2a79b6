# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.mail.address import Address
from eepost.mail.dsn import Action, Original, Outcome, report
from eepost.mail.message import split_message
from eepost.mail.own import OwnMail, plain, with_message

ALICE = Address("alice", "mail.i2p")
MAIL = OwnMail(
    domain="mail.i2p",
    to=ALICE,
    subject="Your maildrop",
    text="It is full.\n\nMake room.\n",
    sent_utc=1_795_500_000,
    message_id=b"abc@mail.i2p",
)
OUTCOMES = [
    Outcome(Address("bob", "mail.i2p"), Action.DELIVERED, "2.1.5"),
    Outcome(Address("zoë", "mail.i2p"), Action.FAILED, "5.1.1"),
]


ARRIVED = 1_795_435_200


def reported(envelope_id: str | None = None) -> bytes:
    original = Original(ARRIVED, envelope_id, [b"Subject: test\r\n"])
    return b"".join(report(MAIL, OUTCOMES, original, "edge"))


def test_notice_is_plain_text_that_nobody_answers() -> None:
    assert plain(MAIL) == (
        b"Return-Path: <>\r\n"
        b"From: Post office <postmaster@mail.i2p>\r\n"
        b"To: <alice@mail.i2p>\r\n"
        b"Subject: Your maildrop\r\n"
        b"Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
        b"Message-ID: <abc@mail.i2p>\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"\r\n"
        b"It is full.\r\n\r\nMake room.\r\n\r\n"
    )


def test_report_has_three_parts_and_a_block_for_each_recipient() -> None:
    header, *parts = reported().split(b"--edge")
    assert b'multipart/report; report-type=delivery-status;\r\n\tboundary="edge"\r\n' in header
    kinds = [part.split(b"\r\n")[1] for part in parts[:3]]
    assert kinds == [
        b"Content-Type: text/plain; charset=us-ascii",
        b"Content-Type: message/delivery-status",
        b"Content-Type: text/rfc822-headers",
    ]
    assert parts[3] == b"--\r\n"
    blocks = parts[1].strip().split(b"\r\n\r\n")[1:]
    assert blocks == [
        b"Reporting-MTA: dns; mail.i2p\r\nArrival-Date: Mon, 23 Nov 2026 12:00:00 +0000",
        b"Final-Recipient: rfc822; bob@mail.i2p\r\nAction: delivered\r\nStatus: 2.1.5",
        "Final-Recipient: utf-8; zoë@mail.i2p\r\nAction: failed\r\nStatus: 5.1.1".encode(),
    ]


@pytest.mark.parametrize("envelope_id", ["job-42", "job\r\n-42\x00\u20ac"])
def test_envelope_id_comes_back_on_one_line(envelope_id: str) -> None:
    assert b"\r\nOriginal-Envelope-Id: job-42\r\n" in reported(envelope_id)


def test_no_envelope_id_where_none_was_given() -> None:
    assert b"Original-Envelope-Id" not in reported()


def test_whole_message_comes_back_as_a_message() -> None:
    message: list[bytes | memoryview] = [b"From: a@b\r\n\r\n", memoryview(b"body\r\n")]
    octets = b"".join(report(MAIL, OUTCOMES, Original(ARRIVED, None, message, True), "edge"))
    returned = split_message(octets).children[2]
    assert returned.content_type.value == "message/rfc822"
    assert octets[returned.body_start : returned.end] == b"From: a@b\r\n\r\nbody\r\n"


def test_a_message_may_be_attached() -> None:
    pieces = with_message(MAIL, [b"From: a@b\r\n\r\n", memoryview(b"body\r\n")], "edge")
    octets = b"".join(pieces)
    assert octets.startswith(b"".join(each + b"\r\n" for each in MAIL.header()))
    root = split_message(octets)
    text, attached = root.children
    assert root.content_type.value == "multipart/mixed"
    assert octets[text.body_start : text.end] == b"\r\n".join(MAIL.body())
    assert attached.content_type.value == "message/rfc822"
    assert octets[attached.body_start : attached.end] == b"From: a@b\r\n\r\nbody\r\n"


def test_without_a_message_it_is_plain() -> None:
    assert with_message(MAIL, None, "edge") == [plain(MAIL)]
