# SPDX-License-Identifier: Apache-2.0
"""Bounds that no honest message comes near, each crossed by the least that crosses it."""

import io
import struct

import pikepdf
import pytest

from eepost.mail import message as messages
from eepost.mail import transfer
from eepost.mail.address import Address
from eepost.mail.message import split_message
from eepost.mail.transfer import decode_transfer
from eepost.mail.violation import PeerViolation
from eepost.sanitise import html_cost, records, text
from eepost.sanitise.files import archive, chunks, gif, pdf
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.outcome import Refused
from eepost.sanitise.rebuild import nested
from eepost.sanitise.text import rebuild_text
from tests.sanitise.files.inner import FakeInner

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"\x01" * count,
)
TWO_PARTS = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n\r\none\r\n--bx\r\n--by\r\n"
    b"--b\r\nX: y\r\n\r\ntwo\r\n--b--\r\n"
)


def test_headers_of_all_parts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(split_message(TWO_PARTS).children) == 2
    monkeypatch.setattr(messages, "MAX_HEADERS_OCTETS", 50)
    with pytest.raises(PeerViolation, match="headers too long"):
        split_message(TWO_PARTS)


def test_lines_that_look_like_edges_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_LOOKALIKES", 1)
    with pytest.raises(PeerViolation, match="edges"):
        split_message(TWO_PARTS)


def test_uuencoded_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = b"begin 644 f\r\n#86)C\r\n#86)C\r\n`\r\nend\r\n"
    assert decode_transfer(octets, b"x-uuencode") == b"abcabc"
    monkeypatch.setattr(transfer, "MAX_UU_LINES", 1)
    assert decode_transfer(octets, b"x-uuencode") == octets


def test_headers_of_a_damaged_archive_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 1)
    with pytest.raises(Unclean):
        archive._blanked((b"PK\x03\x04" + bytes(40)) * 5)


def test_chunks_and_their_depth_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = struct.pack("<4sI", b"abcd", 0) * 5
    monkeypatch.setattr(chunks, "most_pieces", lambda _: 3)
    with pytest.raises(Unclean):
        list(chunks._chunks(many, 0, len(many), "<"))
    with pytest.raises(Unclean):
        chunks._blank_avi(bytearray(), b"", (0, 0), chunks.MAX_DEPTH + 1)


def test_blocks_of_a_picture_are_bounded() -> None:
    assert gif._end_of_blocks(b"\x01a\x01a\x01a\x00", 0, 9) == (7, 3)
    assert gif._end_of_blocks(b"\x01a\x01a\x01a\x00", 0, 1) == (7, 1)


def document() -> bytes:
    made = io.BytesIO()
    with pikepdf.new() as new:
        new.add_blank_page()
        new.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return made.getvalue()


def test_objects_of_a_document_are_bounded_also_where_they_are_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    octets = document()
    monkeypatch.setattr(pdf, "MAX_OBJECTS", octets.count(b" obj"))
    with pytest.raises(Unclean, match="many"):
        pdf.strip_pdf(octets, FakeInner())


def test_words_of_html_are_cut_where_they_cost_too_much() -> None:
    allowance = HtmlAllowance(marks_in_words=2)
    assert allowance.take_words("a<b>c") == "a<b>c"
    assert not allowance.is_exceeded
    assert allowance.take_words("a<b>c<d>e<f>") == "a<b>c"
    assert allowance.is_exceeded
    assert html_cost._end_of_marks("a<b", 5) == 3


def test_references_in_much_text_are_not_parsed() -> None:
    assert HtmlAllowance().take_parsing("a&amp;b" * 10)
    assert not HtmlAllowance(references_times_text=0).take_parsing("a&amp;b" * 10)


def test_html_that_is_too_complex_is_refused() -> None:
    head = b"From: alice@mail.i2p\r\nContent-Type: text/html\r\n\r\n"
    outcome = sanitise_from_user(head + b"<p>a</p>\r\n" * 300_000, CONTEXT)
    assert isinstance(outcome, Refused)
    assert "too complex" in outcome.reply.text


def test_messages_encoded_in_each_other_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nested, "MAX_ENCODINGS", 0)
    outcome = sanitise_from_user(
        b"From: alice@mail.i2p\r\nContent-Type: message/rfc822\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp5DQo=\r\n",
        CONTEXT,
    )
    assert isinstance(outcome, Refused)


def test_lines_of_reports_and_receipts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_REPORT_LINES", 1)
    assert records.rebuild_delivery_status(b"a: b\n\nc: d\n\n", "mail.i2p") is None
    assert records.rebuild_receipt(b"a: b\nc: d\n", "mail.i2p") is None


def test_lines_of_text_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_LINES", 1)
    with pytest.raises(PeerViolation, match="too many lines"):
        rebuild_text(b"a\nb\nc\nd\n", "utf-8")
