# SPDX-License-Identifier: Apache-2.0
import base64
import email
import re
from collections.abc import Callable
from dataclasses import replace
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eepost.mail.address import Address
from eepost.mail.transfer import encode_base64, encode_quoted_printable
from eepost.sanitise.choices import DEFAULT, Choices, Html, OnFailure
from eepost.sanitise.files import tnef
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.pictures import Pictures
from tests.sanitise.files.test_documents import TNEF
from tests.sanitise.parts import children, content

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"\x01" * count,
)


def octets(outcome: Sanitised | Refused) -> bytes:
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def passed(message: bytes) -> Sanitised:
    outcome = sanitise_from_user(message, CONTEXT)
    assert isinstance(outcome, Sanitised)
    return outcome


def test_refusal_of_a_part_is_told() -> None:
    outcome = sanitise_from_user(b"Content-Type: message/partial; id=x\r\n\r\nx", CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply.code == 554


LINES = st.sampled_from(
    [
        *(b"one line", b"", b" stuffed", b"> quoted", b">>quoted", b"-- ", b"blank ", b"tab\t"),
        *(b"x" * 76, b"x" * 77, b"\x07", b"caf\xc3\xa9", b"caf\xe9", b"a\rb", b"a\nb", b"=20"),
        *(b"-----BEGIN PGP MESSAGE-----", b"Version: 1", b"- dash", b"."),
    ]
)
TYPES = st.sampled_from(
    [
        *(b"", b"Content-Type: text/plain\r\n", b"Content-Type: TEXT/plain; charset=UTF-8\r\n"),
        *(b"Content-Type: text/plain; charset=us-ascii; format=flowed\r\n",),
        *(b'Content-Type: text/plain; charset="utf-8"; format=flowed; delsp=yes\r\n',),
        *(b"Content-Type: text/plain; charset=iso-8859-1; format=fixed;\r\n",),
        *(b"Content-Type: text/plain; charset=x-odd; delsp=no\r\n",),
        *(b"Content-Type: text/plain; charset=utf-8; name=a.txt\r\n",),
    ]
)
ENCODINGS: list[tuple[bytes, Callable[[bytes], bytes]]] = [
    (b"", bytes),
    (b"Content-Transfer-Encoding: 8bit\r\n", bytes),
    (b"Content-Transfer-Encoding: Quoted-Printable\r\n", encode_quoted_printable),
    (b"Content-Transfer-Encoding: base64\r\n", encode_base64),
]


@given(TYPES, st.sampled_from(ENCODINGS), st.lists(LINES), st.booleans())
def test_shortcut_for_plain_text_changes_nothing(
    kind: bytes,
    encoding: tuple[bytes, Callable[[bytes], bytes]],
    lines: list[bytes],
    has_end: bool,
) -> None:
    body = encoding[1](b"\r\n".join(lines) + (b"\r\n" if has_end else b""))
    head = b"From: alice@mail.i2p\r\nMessage-ID: <1@x>\r\n"
    part = kind + encoding[0] + b"\r\n" + body
    wrapped = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%s\r\n--b--\r\n" % part
    assert octets(passed(head + part)) == octets(passed(head + wrapped))


@given(TYPES, st.lists(LINES))
@example(b"", [b"-----BEGIN PGP MESSAGE-----", b"Version: 1"])  # and there the text ends
def test_what_was_made_anew_stays_as_it_is(header: bytes, lines: list[bytes]) -> None:
    first = octets(passed(header + b"\r\n" + b"\r\n".join(lines)))
    again = octets(passed(first))
    strip = re.compile(rb"Message-ID: [^\r]*")
    assert strip.sub(b"", again) == strip.sub(b"", first)


def made(message: bytes, choices: Choices = DEFAULT) -> Message:
    outcome = sanitise_from_user(message, replace(CONTEXT, choices=choices))
    assert isinstance(outcome, Sanitised), outcome
    return email.message_from_bytes(octets(outcome))


def refused(message: bytes, choices: Choices = DEFAULT) -> str:
    outcome = sanitise_from_user(message, replace(CONTEXT, choices=choices))
    assert isinstance(outcome, Refused)
    return outcome.reply.text


def multipart(kind: str, *parts: bytes) -> bytes:
    head = f"From: alice@mail.i2p\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\n".encode()
    return head + b"".join(b"--b\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"


def kinds(message: Message) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


TEXT = b"Content-Type: text/plain\r\n\r\nwords"
OCTETS = "application/octet-stream"
HTML = b"Content-Type: text/html\r\n\r\n<b>bold</b>"


def test_wrapper_of_one_part_goes() -> None:
    assert kinds(made(multipart("mixed", TEXT))) == ["text/plain"]


def test_message_of_nothing_but_dropped_parts_is_an_empty_text() -> None:
    message = made(multipart("mixed", b"Content-Type: message/disposition-notification\r\n\r\nx"))
    assert (kinds(message), content(message)) == (["text/plain"], b"\r\n")


def test_receipt_stays_by_choice() -> None:
    head = b"Content-Type: message/disposition-notification\r\n\r\n"
    receipt = head + b"Reporting-UA: host; x\r\nDisposition:\r\n displayed\r\nGateway: y\r\n"
    keeping = Choices(keeps_receipts=True)
    words, kept = children(made(multipart("mixed", TEXT, receipt), keeping))
    assert words.get_content_type() == "text/plain"
    assert kept.get_content_type() == "message/disposition-notification"
    assert kept.as_string().endswith("Reporting-UA: mail.i2p\nDisposition: displayed\n\n")
    assert kinds(made(multipart("mixed", TEXT, head + b"words"), keeping)) == ["text/plain"]


def test_multipart_with_an_end_alone_is_empty() -> None:
    assert content(made(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n")) == b"\r\n"


def test_file_that_is_called_a_text_is_cleaned_by_what_it_is() -> None:
    head = b"Content-Type: text/plain; name=a.txt\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    binary = base64.encodebytes(b"\x7fELF\0\x80").replace(b"\n", b"\r\n")
    assert kinds(made(head + binary)) == ["application/octet-stream"]
    wide = base64.encodebytes("words".encode("utf-16-le")).replace(b"\n", b"\r\n")
    assert content(made(head.replace(b"plain", b"plain; charset=utf-16le") + wide)) == b"words"


def test_user_may_send_plain_text_only() -> None:
    plain = Choices(html=Html.PLAIN_TEXT)
    assert kinds(made(multipart("alternative", TEXT, HTML), plain)) == ["text/plain"]
    message = made(multipart("mixed", HTML), plain)
    assert (kinds(message), content(message)) == (["text/plain"], b"bold\r\n")


def test_attached_html_is_made_anew_too() -> None:
    page = b"Content-Type: application/octet-stream; name=a.html\r\n\r\n<!-- x --><b id=i>y"
    (_, _, part) = made(multipart("mixed", TEXT, page)).walk()
    assert part.get_filename() == "a.html"
    assert content(part).count(b"<strong>y</strong>") == 1
    assert b"<!--" not in content(part)


def test_pictures_in_html_get_new_names_and_others_none() -> None:
    message = made(
        multipart(
            'related; start="<page@laptop>"',
            b"Content-Type: image/x; name=one.bmp\r\nContent-ID: <one@laptop>\r\n\r\n1",
            b"Content-Type: image/x; name=two.bmp\r\nContent-Location: two%20.bmp\r\n\r\n2",
            b"Content-Type: image/x; name=three.bmp\r\nContent-ID: <three@laptop>\r\n\r\n3",
            b"Content-Type: text/html\r\nContent-ID: <page@laptop>\r\n\r\n"
            b'<img src="two%20.bmp"><img src="CID:one%40laptop"><img src="data:'
            + b"x" * 2000
            + b'">',
        )
    )
    page, one, two, three = children(message)
    assert b'<img src="cid:part1@mail.i2p"><img src="cid:part2@mail.i2p">' in content(page)
    assert one["Content-ID"] == "<part2@mail.i2p>"
    assert one["Content-Disposition"] == "inline; filename=one.bmp"
    assert two["Content-ID"] == "<part1@mail.i2p>"
    assert three["Content-ID"] is None
    assert three["Content-Disposition"] == "attachment; filename=three.bmp"


def test_start_that_names_no_part_changes_no_order() -> None:
    parts = multipart('related; start="<x>"', HTML, TEXT)
    assert kinds(made(parts)) == ["multipart/related", "text/html", "text/plain"]


@pytest.mark.parametrize(
    ("part", "kind", "octets_inside"),
    [
        (b"Content-Type: text/x-c; name=a.c\r\n\r\nint x;\r\n\r\n", "text/plain", b"int x;\r\n"),
        (
            b"Content-Type: text/plain; charset=latin1; name=a\r\n\r\n\xe9",
            "text/plain",
            b"\xc3\xa9",
        ),
        (b"Content-Type: application/octet-stream; name=a.txt\r\n\r\n\xe9", OCTETS, b"\xe9"),
        (b"Content-Type: application/x; name=a.txt\r\n\r\nx", "text/plain", b"x"),
        (b"Content-Type: application/x; name=a.txt\r\n\r\n\xe9", OCTETS, b"\xe9"),
        (b"Content-Type: application/x; name=a.odd\r\n\r\nx", OCTETS, b"x"),
    ],
)
def test_files_keep_their_octets(part: bytes, kind: str, octets_inside: bytes) -> None:
    (_, _, file) = made(multipart("mixed", TEXT, part)).walk()
    assert file.get_content_type() == kind
    assert content(file).rstrip(b"\r\n") == octets_inside.rstrip(b"\r\n")


PDF = b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1.2 /Author (secret)"
UNKNOWN = b"Content-Type: audio/x; name=a.odd\r\n\r\nsound"


def test_file_that_cannot_be_cleaned_is_treated_as_chosen() -> None:
    message = multipart("mixed", TEXT, PDF)
    assert "PDF" in refused(message)
    assert kinds(made(message, Choices(unclean=OnFailure.DROP))) == ["text/plain"]
    assert b"secret" in content(children(made(message, Choices(unclean=OnFailure.PASS)))[1])


def test_file_of_unknown_type_is_treated_as_chosen() -> None:
    message = multipart("mixed", TEXT, UNKNOWN)
    assert b"sound" in content(children(made(message))[1])
    assert kinds(made(message, Choices(unknown=OnFailure.DROP))) == ["text/plain"]
    assert "Part 2 of 2 can't be cleaned: its type is unknown" in refused(
        message, Choices(unknown=OnFailure.REFUSE)
    )


def test_file_in_a_nested_message_is_only_told_to_be_one() -> None:
    nested = b"Content-Type: message/rfc822\r\n\r\n" + multipart("mixed", TEXT, PDF)
    assert "A part can't be cleaned: PDF" in refused(nested)


def test_document_that_is_text_is_cleaned_as_a_document() -> None:
    rtf = rb"{\rtf1 words{\info{\author secret}}}"
    message = made(b"Content-Type: text/rtf; name=a.rtf\r\n\r\n" + rtf)
    assert kinds(message) == ["application/rtf"]
    assert content(message) == rb"{\rtf1 words}"


def test_nested_message_is_made_anew_too() -> None:
    inner = (
        b"X-Mailer: y\r\nFrom: Bob <b@c>\r\nDate: Mon, 1 Jan 2024 10:00:05 +0300\r\nSubject: s\r\n"
        b"Message-ID: <1@laptop>\r\nContent-Type: text/plain; charset=latin1\r\n\r\n\xe9"
    )
    for head, body in (
        (b"Content-Type: message/rfc822\r\n", inner),
        (
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n",
            base64.b64encode(inner),
        ),
        (b"Content-Type: application/octet-stream; name=a.eml\r\n", inner),
        (b"Content-Type: message/partial\r\n", inner),
    ):
        outer = made(multipart("mixed", TEXT, head + b"\r\n" + body))
        message = children(children(outer)[1])[0]
        assert message.keys() == [
            *("From", "Subject", "Date", "Message-ID", "MIME-Version"),
            *("Content-Type", "Content-Transfer-Encoding"),
        ]
        assert message["Date"] == "Mon, 01 Jan 2024 07:00:00 +0000"
        assert content(message) == b"\xc3\xa9\r\n"


def test_reference_to_elsewhere_is_refused_but_in_a_message_inside() -> None:
    external = b"Content-Type: message/external-body; access-type=URL\r\n\r\nx"
    assert "elsewhere" in refused(multipart("mixed", TEXT, external))
    inside = b"Content-Type: message/rfc822\r\n\r\n" + external
    assert kinds(made(multipart("mixed", TEXT, inside)))[-2:] == ["message/rfc822", "text/plain"]


def test_report_keeps_its_shape() -> None:
    message = made(
        multipart(
            "report; report-type=delivery-status",
            TEXT,
            b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: x\r\n\r\nAction: failed",
            b"Content-Type: text/rfc822-headers\r\n\r\nReceived: x\r\nSubject: s\r\n",
        )
    )
    assert message.get_param("report-type") == "delivery-status"
    report, headers = children(message)[1:]
    assert "dns; mail.i2p" in report.as_string()
    assert content(headers) == b"Subject: s\r\n"


def test_report_without_fields_is_words() -> None:
    message = made(b"Content-Type: message/delivery-status\r\n\r\nwords")
    assert (kinds(message), content(message)) == (["text/plain"], b"words\r\n")


@pytest.mark.parametrize("extra", [b"", b"; name=a.ics"])
def test_calendar_keeps_its_method(extra: bytes) -> None:
    message = made(
        b"Content-Type: text/calendar; method=request" + extra + b"\r\n\r\nBEGIN:VCALENDAR\r\nX-A:b"
    )
    assert message["Content-Type"] == "text/calendar; charset=utf-8; method=REQUEST"
    assert content(message) == b"BEGIN:VCALENDAR\r\nPRODID:-//eepost//EN\r\n"


def test_card_is_made_anew() -> None:
    assert content(made(b"Content-Type: text/x-vcard\r\n\r\nREV:x\r\nFN:A")) == b"FN:A\r\n"


def test_tnef_is_unpacked() -> None:
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n"
    body = base64.encodebytes(TNEF).replace(b"\n", b"\r\n")
    message = made(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + body)
    assert kinds(message) == ["multipart/mixed", "text/plain", "text/plain", "text/plain"]
    assert [part.get_filename() for part in children(message)] == [
        None,
        "SHORT.TXT",
        "long name.txt",
    ]
    assert kinds(made(head + b"\r\nno TNEF")) == ["application/octet-stream"]
    assert kinds(made(head + b"\r\n" + TNEF[:6])) == ["text/plain"]


def test_file_in_a_tnef_that_cannot_be_cleaned_is_treated_as_chosen() -> None:
    body = base64.encodebytes(TNEF.replace(b"content", b"%PDF/ID")).replace(b"\n", b"\r\n")
    packed = base64.encodebytes(TNEF.replace(b"content", b"Rar!\x1a\x07\0")).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert "application/pdf" in kinds(made(head + body))
    assert "RAR" in refused(head + packed)
    assert len(kinds(made(head + packed, Choices(unclean=OnFailure.DROP)))) == 3


def test_too_large_tnef_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tnef, "MAX_FILES", 0)
    body = base64.encodebytes(TNEF).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert "TNEF" in refused(head + body)


def test_data_of_a_file_system_goes() -> None:
    parts = [b"Content-Type: application/applefile\r\n\r\nx", TEXT]
    assert kinds(made(multipart("appledouble", *parts))) == ["text/plain"]


def test_second_place_of_a_name_does_not_count() -> None:
    picture = b"Content-Type: image/x\r\nContent-ID: <one@laptop>\r\n\r\n"
    page = b"Content-Type: text/html\r\n\r\n<img src=cid:one@laptop>"
    message = made(multipart("related", page, picture + b"1", picture + b"2"))
    assert [part["Content-ID"] for part in children(message)][1:] == ["<part1@mail.i2p>", None]


def test_encrypted_shape_without_its_second_part_is_a_file() -> None:
    assert kinds(made(multipart("encrypted", b"Content-Type: application/x\r\n\r\nx"))) == [OCTETS]


def test_reference_of_any_length_is_looked_up_at_once() -> None:
    pictures = Pictures("mail.i2p")
    assert pictures.source("data:" + "%41" * 1_000_000) is None


def test_endless_calendar_is_refused() -> None:
    message = b"Content-Type: text/calendar\r\n\r\n" + b"A\r\n" * 200_001
    assert "too long" in refused(message)
    assert content(made(message, Choices(unclean=OnFailure.PASS))) == b"A\r\n" * 200_001
    assert content(made(message, Choices(unclean=OnFailure.DROP))) == b"\r\n"
