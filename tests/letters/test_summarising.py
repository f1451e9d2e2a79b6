# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from eepost.letters.model import Flag
from eepost.letters.summarising import MAX_LINE_CHARACTERS, MAX_PREVIEW_CHARACTERS, summarise
from tests.letters.samples import NOW

LETTER = (
    b"From: =?utf-8?q?B=C3=B6b?= <bob@mail.i2p>\r\nTo: Alice <alice@mail.i2p>, carol@mail.i2p\r\n"
    b"Cc: dave@mail.i2p\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Mon, 02 Nov 2026 10:00:00 +0100\r\n"
)


def test_a_letter_is_read_as_people_read_it() -> None:
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n  w\xc3\xb6rld\r\n"
    found = summarise(LETTER + body, 7, "inbox", NOW, "id", int(Flag.READ))
    assert (found.number, found.folder, found.unique_id) == (7, "inbox", "id")
    assert (found.author, found.author_address) == ("Böb", "bob@mail.i2p")
    assert found.recipients == "Alice, carol@mail.i2p, dave@mail.i2p"
    assert (found.subject, found.preview) == ("Grüße", "Hello wörld")
    assert found.date_utc == 1_793_610_000
    assert found.is_read
    assert not found.has_attachments


def test_an_attachment_shows() -> None:
    parts = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n'
        b"Content-Disposition: attachment; filename=a.txt\r\n\r\nnot this\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\nnor this\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\ndGhpcw==\r\n"
        b"--b--\r\n"
    )
    found = summarise(LETTER + parts, 1, "inbox", NOW)
    assert found.has_attachments
    assert found.preview == "this"
    picture = b"Content-Type: image/png\r\n\r\nx\r\n"
    assert summarise(LETTER + picture, 1, "inbox", NOW).has_attachments
    assert summarise(LETTER + picture, 1, "inbox", NOW).preview == ""


def test_what_is_missing_is_left_out() -> None:
    found = summarise(b"", 1, "inbox", NOW)
    assert (found.author, found.author_address, found.subject, found.preview) == ("", "", "", "")
    assert found.date_utc == NOW
    odd = summarise(b"From: nobody at all\r\nDate: yesterday\r\n\r\n", 1, "inbox", NOW)
    assert (odd.author, odd.author_address, odd.date_utc) == ("nobody at all", "", NOW)


def test_nobody_puts_his_mail_before_all_others_for_ever() -> None:
    late = b"Date: Mon, 02 Nov 2096 10:00:00 +0000\r\n\r\n"
    assert summarise(late, 1, "inbox", NOW).date_utc == NOW


def test_everything_is_bounded() -> None:
    many = b", ".join(b"a%d@mail.i2p" % each for each in range(500))
    letter = b"To: " + many + b"\r\nSubject: " + b"x" * 5_000 + b"\r\n\r\n" + b"y" * 90_000
    found = summarise(letter, 1, "inbox", NOW)
    assert len(found.subject) == MAX_LINE_CHARACTERS
    assert len(found.recipients) <= MAX_LINE_CHARACTERS
    assert len(found.preview) == MAX_PREVIEW_CHARACTERS
    assert summarise(b"a: b\r\n" * 300_000, 1, "inbox", NOW).subject == ""


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_octets_have_a_summary(header: bytes, body: bytes) -> None:
    found = summarise(LETTER + header + b"\r\n\r\n" + body, 1, "inbox", NOW)
    assert found.size_octets == len(LETTER + header + b"\r\n\r\n" + body)
