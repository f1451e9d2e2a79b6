# SPDX-License-Identifier: Apache-2.0
"""What one reader takes for text and the next one for a page, a file or another part."""

import base64
import email
import re
from collections.abc import Iterator
from email.message import Message

import pytest

from eepost.sanitise.choices import Choices, Dangerous
from eepost.sanitise.events import MAX_LINES
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.signed_mail import MAX_DOUBTFUL_OCTETS
from tests.sanitise.parts import content

CONTEXT = Inbound(randomness=lambda count: b"\x01" * count)
LETS_RUN = Inbound(CONTEXT.randomness, choices=Choices(dangerous=Dangerous.PASS))
MIXED = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n"
INNER = MIXED + b"--%s\r\n\r\nx\r\n--%s--\r\n"
SIGNED = b"Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"
PAGE = b'<img src="http://evil/t.gif">'
TOP = b"From: a@b\r\nMIME-Version: 1.0\r\n"


def to_user(message: bytes, context: Inbound = CONTEXT) -> bytes:
    outcome = sanitise_to_user(message, context)
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def mixed(*parts: bytes, boundary: bytes = b"; boundary=b", end: bytes = b"") -> bytes:
    inner = b"".join(b"--b\r\n" + each + b"\r\n" for each in parts)
    return TOP + b"Content-Type: multipart/mixed%s\r\n\r\n%s--b--\r\n%s" % (boundary, inner, end)


def signed(*parts: bytes, end: bytes = b"") -> bytes:
    return mixed(*parts, end=end).replace(b"multipart/mixed", b"multipart/signed")


@pytest.mark.parametrize(
    "said",
    [
        b'text/html; name="a.txt"',
        b'text/html; charset=utf-8; name="a"\r\nContent-Disposition: inline; filename=b.txt',
        b"text/html charset=utf-8",
        b"text/html, text/plain",
        b"text/html/x",
        b'"text/html"',
        b"text/html (a page)",
        b"TEXT/HTML;",
        b"application/xhtml+xml",
        b"text/x-amp-html",
    ],
)
def test_page_is_made_harmless_however_it_is_called(said: bytes) -> None:
    for message in (
        TOP + b"Content-Type: " + said + b"\r\n\r\n" + PAGE,
        mixed(b"Content-Type: " + said + b"\r\n\r\n" + PAGE),
        mixed(b"\r\nwords").replace(b"mixed", b"encrypted")[:-7]
        + b"--b\r\nContent-Type: " + said + b"\r\n\r\n" + PAGE + b"\r\n--b--\r\n",
    ):  # fmt: skip
        made = to_user(message)
        assert b"<!DOCTYPE html>" in made
        assert b"evil" not in made


def test_page_that_has_a_name_keeps_it() -> None:
    made = to_user(TOP + b"Content-Type: text/html; name=a.txt\r\n\r\n" + PAGE)
    assert email.message_from_bytes(made).get_filename() == "a.txt"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: (a(b)c) text/html",
        b"Content-Type: text/plain\r\nContent-Type: text/html",
        b"Content-Type: text/plain (\r\nContent-Type: text/html)",
        b"Content-Type: text\r\n\t;",
        b"Content-Type: ; text/html",
        b"Content-Type: =?utf-8?q?text/html?=",
    ],
)
def test_what_is_taken_for_text_is_called_text(fields: bytes) -> None:
    made = to_user(mixed(fields + b"\r\n\r\n" + PAGE))
    (part,) = [each for each in email.message_from_bytes(made).walk() if not each.is_multipart()]
    assert [value for name, value in part.items() if name == "Content-Type"] == ["text/plain"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Type: text/plain; charset=a; charset=b", b"Type: text/plain; charset=a"),
        (b"Type: image/png (x); name=a.png", b"Type: image/png; name=a.png"),
        (
            b"Disposition: attachment; filename=a.txt; filename*=utf-8''b.txt",
            b"Disposition: attachment; filename=b.txt",
        ),
        (b"Disposition: inline; filename*0=a; filename=b", b"Disposition: inline; filename=a"),
        (b"Disposition: =; filename=a", b"Disposition: attachment; filename=a"),
        (b"Disposition: ; filename=a", b"Disposition: inline; filename=a"),
        (b"Transfer-Encoding: base64 (x)", b"Transfer-Encoding: base64"),
        (b"Transfer-Encoding: quoted printable", b"Transfer-Encoding: quoted-printable"),
        (b"Transfer-Encoding: base65 x", b"Transfer-Encoding: 8bit"),
        (b"Transfer-Encoding: ;base64", b"Transfer-Encoding: base64"),
        (b"Transfer-Encoding: (x) base64", b"Transfer-Encoding: 8bit"),
        (
            b"Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64",
            b"Transfer-Encoding: 8bit",
        ),
    ],
)  # fmt: skip
def test_unclear_fields_are_written_as_they_were_read(before: bytes, after: bytes) -> None:
    made = to_user(mixed(b"Content-" + before + b"\r\n\r\nwords"))
    assert b"--b\r\nContent-" + after + b"\r\n\r\nwords\r\n" in made


def test_unclear_fields_of_a_plain_text_are_too() -> None:
    for fields in (b"Type: text/plain\r\nContent-Type: text/html", b"Transfer-Encoding: 8bit (x)"):
        made = to_user(TOP + b"Content-" + fields + b"\r\n\r\nwords")
        assert made == TOP + b"Content-" + fields.partition(b"\r")[0].removesuffix(b" (x)") + (
            b"\r\n\r\nwords"
        )


@pytest.mark.parametrize(
    "field",
    [
        b"Type: Text/Plain ; charset=utf-8;",
        b'Type: image/png;\r\n\tname="a b.png"; x-y=z',
        b"Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b.txt",
        b"Disposition: INLINE",
        b"Transfer-Encoding: 8BIT",
    ],
)
def test_clear_fields_stay_to_the_octet(field: bytes) -> None:
    message = mixed(b"Content-" + field + b"\r\n\r\nwords")
    assert to_user(message) == message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"; boundary=b; boundary=c", b'; boundary="b"'),
        (b'; boundary="b "', b'; boundary="b"'),
        (b"; boundary*0=b; boundary=c", b'; boundary="b"'),
        (b"; boundary*=utf-8''%62; boundary=c; x=y", b'; x=y; boundary="b"'),
    ],
)
def test_boundary_is_written_as_it_was_read(written: bytes, read: bytes) -> None:
    hidden = b"\r\nwords\r\n--c\r\nContent-Type: text/html\r\n\r\n" + PAGE + b"\r\n--c--"
    made = to_user(mixed(hidden, boundary=written))
    said = email.message_from_bytes(made)["Content-Type"]
    assert re.sub(r"\s+", " ", said) == "multipart/mixed" + read.decode()
    assert [each.get_content_type() for each in email.message_from_bytes(made).walk()] == [
        "multipart/mixed",
        "text/plain",
    ]


def test_boundary_beyond_ascii_keeps_its_parts_apart() -> None:
    message = mixed(b"\r\none", b"\r\ntwo", boundary=b"; boundary=\xc3\xa4")
    made = to_user(message.replace(b"--b", "--\u00e4".encode()))
    assert made.count("--\u00e4".encode()) == 3
    assert b"boundary*=utf-8''%C3%A4" in made


def test_long_descriptions_do_not_grow_without_bounds() -> None:
    said = (
        b"Content-Type: text/x; name="
        + b"\xe4" * 20_000
        + b"".join(b"; p%d=(" % at + b"\xe4" * 200 for at in range(100))
    )
    made = to_user(mixed(said + b"\r\n\r\nwords"))
    assert len(made) < len(said)


def test_encoding_of_what_holds_parts_goes() -> None:
    message = mixed(b"\r\nwords").replace(b"MIME", b"Content-Transfer-Encoding: base64\r\nMIME")
    assert b"Encoding: 8bit" in to_user(message)


HIDDEN = b"--b%s\r\nContent-Type: text/html\r\n\r\n" + PAGE + b"\r\n"


def lenient_parts(message: bytes) -> Iterator[Message]:
    """Yield what follows any line that begins like a delimiter, as RFC 2046 5.1.1 lets readers."""
    for piece in re.split(rb"(?m)^--b.*\r?\n", message)[1:]:
        yield email.message_from_bytes(piece)


@pytest.mark.parametrize(
    "message",
    [
        mixed(b"\r\nwords", end=HIDDEN % b""),
        mixed(b"\r\nwords\r\n" + HIDDEN % b"X"),
        mixed(b"Content-Type: image/png\r\n\r\n" + HIDDEN % b"X"),
        mixed(b"\r\n" + b"x" * 75 * 14 + HIDDEN % b""),
        mixed(b"--bX: y\r\nContent-Type: text/html\r\n\r\n" + PAGE),
        mixed(b"\r\nwords").replace(b"\r\n\r\n--b", b"\r\n\r\n" + HIDDEN % b"X" + b"--b", 1),
        mixed(INNER % (b"bb", b"bb", b"bb") + HIDDEN % b"X"),
        mixed(INNER % (b"c", b"c", b"c") + HIDDEN % b"X"),
        mixed(MIXED % b"b" + b"words", end=HIDDEN % b""),
        mixed(b"\r\nwords").replace(b"--b--\r\n", b"--b-- \r\n" + PAGE),
    ],
    ids=range(10),
)  # fmt: skip
def test_no_reader_finds_a_part_that_was_not_found_here(message: bytes) -> None:
    made = to_user(message)
    for part in lenient_parts(made):
        assert part.get_content_type() != "text/html" or b"evil" not in content(part)
    assert to_user(made) == made


def test_delimiter_with_blanks_is_one_to_all() -> None:
    message = mixed(b"\r\none", b"\r\ntwo").replace(b"--b\r\n\r\ntwo", b"--b \r\n\r\ntwo")
    assert b"--b\r\n\r\ntwo\r\n--b--" in to_user(message)


def in_base64(kind: bytes, octets: bytes) -> bytes:
    head = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("kind", "before"),
    [
        (b"text/html", b"<pre>\r\n"),
        (b"message/rfc822", b"Subject: x\r\n\r\n"),
        (b"message/rfc822", b"Content-Type: image/png\r\n\r\n"),
        (b"message/rfc822", MIXED % b"c"),
        (b"multipart/mixed; boundary=c", b""),
        (b"message/rfc822", INNER % (b"c", b"c", b"c")),
        (b"message/rfc822", SIGNED + b"\r\n"),
        (b"message/rfc822", SIGNED + b"Content-Type: text/html\r\n\r\n<script>\r\n"),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_was_encoded_ends_no_part_when_it_is_written_out(kind: bytes, before: bytes) -> None:
    """The hidden part is in base64 itself, so that nothing on its way makes it harmless."""
    hidden = b"--b\r\n" + in_base64(b"text/html", PAGE)
    message = mixed(in_base64(kind, before + hidden))
    for part in email.message_from_bytes(to_user(message)).walk():
        assert part.is_multipart() or b"evil" not in (part.get_payload(decode=True) or b"")


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: x/y; name=a.exe\r\nContent-Disposition: attachment; filename=a.txt",
        b"Content-Disposition: attachment; filename=a.txt; filename*=utf-8''a.exe",
        b"Content-Type: text/html\r\nContent-Disposition: attachment",
        b"Content-Type: text/html; name=a.unsafe\r\nContent-Disposition: attachment",
        b"Content-Type: image/svg+xml",
        b"Content-Type: application/x-msdownload",
    ],
)  # fmt: skip
def test_dangerous_file_is_told_by_any_name_and_by_its_type(fields: bytes) -> None:
    for message in (mixed(fields + b"\r\n\r\n" + PAGE), TOP + fields + b"\r\n\r\n" + PAGE):
        *_, part = email.message_from_bytes(to_user(message)).walk()
        assert part.get_content_type() == "application/octet-stream"
        assert str(part.get_filename()).endswith(".unsafe")


def test_messages_of_unknown_types_become_files_and_reports_pass() -> None:
    page = b"\r\n\r\nContent-Type: text/html\r\n\r\n" + PAGE
    made = email.message_from_bytes(to_user(TOP + b"Content-Type: message/x-unknown" + page))
    assert made.get_filename() == "message.eml.unsafe"
    report = TOP + b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n"
    assert to_user(report) == report


def test_multipart_without_a_part_becomes_words() -> None:
    for boundary in (b"", b"; boundary=c"):
        made = to_user(mixed(b"\r\nwords", boundary=boundary))
        assert email.message_from_bytes(made).get_content_type() == "text/plain"
        assert b"words" in made


JUNK = b"not a field\r\nContent-Type: text/html\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        signed(b"Content-Type: text/html; name=a.txt\r\n\r\n" + PAGE),
        signed(JUNK + PAGE),
        signed(b"Content-Transfer-Encoding: base64\r\n" + JUNK + base64.b64encode(PAGE)),
        signed(b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n" + PAGE),
        signed(b"Content-Type: x/y (\r\n\r\n" + b"x" * (MAX_DOUBTFUL_OCTETS + 1)),
        signed(b"Content-Type: message/x-unknown\r\n\r\nwords"),
        signed(in_base64(b"message/rfc822", b"Content-Type: text/html\r\n\r\n" + PAGE)),
        signed(b"Content-Type: multipart/mixed\r\n\r\nwords"),
        signed(b"\r\nwords", end=HIDDEN % b""),
        signed(b"\r\nwords\r\n" + HIDDEN % b"X"),
        signed(b"\r\nwords").replace(b"--b\r\n", b"--bX\r\n--b\r\n", 1),
        signed(INNER % (b"c; boundary=d", b"c", b"c")),
        signed(INNER.replace(b"\r\n", b"\r\n" + JUNK, 1) % (b"c", b"c", b"c")),
        signed(INNER % (b"c", b"c", b"cX")),
        signed(b"Content-Type: message/rfc822\r\n" * 2 + b"\r\nSubject: x\r\n\r\nwords"),
        signed(b"Content-Type: application/x-msdownload; name=a.exe\r\n\r\nMZ"),
    ],
    ids=range(16),
)  # fmt: skip
def test_signed_mail_that_readers_may_take_otherwise_is_set_aside(message: bytes) -> None:
    made = email.message_from_bytes(to_user(message))
    kinds = [part.get_content_type() for part in made.walk()]
    assert kinds == ["multipart/mixed", "text/plain", "application/octet-stream"]
    assert content(list(made.walk())[2]) == message


@pytest.mark.parametrize(
    "part",
    [
        b"\r\nwords",
        b"no header, but words",
        b"no header, but words\r\n\r\nContent-Type: text/html",
        b"Content-Type: text/html\r\n\r\n<b>words</b>",
        b"Content-Type: text/plain; charset=a; charset=b\r\n\r\nwords",
        b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nwords",
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nwords\r\n--c--\r\n",
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed",
    ],
)
def test_signed_mail_that_does_nothing_stays_to_the_octet(part: bytes) -> None:
    assert to_user(signed(part)) == signed(part)


def test_signed_file_passes_by_choice() -> None:
    message = signed(b"Content-Type: application/x-msdownload; name=a.exe\r\n\r\nMZ")
    assert to_user(message, LETS_RUN) == message


def test_words_of_signed_text_are_shown_where_it_is_set_aside() -> None:
    made = to_user(signed(b"\r\nwords to read\r\n" + HIDDEN % b"X"))
    first, *_ = [each for each in email.message_from_bytes(made).walk() if not each.is_multipart()]
    assert b"words to read" in content(first)


def test_gateway_finds_no_other_parts_either() -> None:
    outcome = sanitise_from_internet(mixed(b"\r\nwords", end=HIDDEN % b""), LETS_RUN)
    assert isinstance(outcome, Sanitised)
    assert b"evil" not in b"".join(outcome.pieces)


MANY = b"; a=b" * 300


def test_second_type_has_bounds_too() -> None:
    kinds = b"Content-Type: text/plain\r\nContent-Type: text/plain" + MANY
    assert isinstance(sanitise_from_internet(TOP + kinds + b"\r\n\r\nwords", CONTEXT), Refused)


@pytest.mark.parametrize("kind", [b"", b"Content-Type: image/png\r\n", b"X: y\r\n"])
def test_disposition_out_of_bounds_is_refused_and_no_fault(kind: bytes) -> None:
    fields = kind + b"Content-Disposition: inline" + MANY + b"\r\n\r\nwords"
    for message in (TOP + fields, mixed(fields)):
        assert isinstance(sanitise_from_internet(message, CONTEXT), Refused)
        assert isinstance(sanitise_to_user(message, CONTEXT), Refused)


EVENT = b"BEGIN:VEVENT\r\nSUMMARY:Tea\r\nDESCRIPTION:words\r\n%sLOCATION:here\r\nEND:VEVENT\r\n"


@pytest.mark.parametrize(
    "line",
    [
        b"X-ALT-DESC;FMTTYPE=text/html:<img\r\n  src=http://evil/t.gif>\r\n",
        b"X-AL\r\n T-DESC:<img src=http://evil/t.gif>\r\n",
        b"image;VALUE=URI:http://evil/t.gif\r\n",
        b'COMMENT;X=1;FMTTYPE="text/html":<img src=http://evil/t.gif>\r\n',
    ],
)
def test_invitation_shows_its_words_and_no_page(line: bytes) -> None:
    for head in (
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\n",
        b"Content-Type: application/ics; name=a.ics\r\n\r\n",
    ):
        *_, part = email.message_from_bytes(to_user(mixed(head + EVENT % line))).walk()
        assert content(part) == EVENT % b""
        assert part["Content-Type"] == head.split(b": ")[1].strip().decode()
        assert b"signed-original" in to_user(signed(head + EVENT % line))
    plain = mixed(b"Content-Type: text/calendar\r\n\r\n" + EVENT % b"X-OTHER;A=b:\r\n c\r\n")
    assert to_user(plain) == plain
    long = mixed(b"Content-Type: text/calendar\r\n\r\n" + b"A:b\r\n" * (MAX_LINES + 1))
    assert b"event.ics.unsafe" in to_user(long)
