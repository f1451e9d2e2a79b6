# SPDX-License-Identifier: Apache-2.0
"""All checks of one message together, and what of them the reader is told."""

import pytest

from eepost.mail.address import Address
from eepost.mail.header import split_header
from eepost.mail.verdict import leading_verdict
from eepost.services.gateway.authentication.check import (
    MAX_AUTHORS,
    Sender,
    Verdict,
    authenticate,
    author_domains,
)
from eepost.services.gateway.authentication.questions import Found, Kind
from tests.services.gateway.letters import LETTER, forwarded, record, signed
from tests.services.gateway.zone import Zone

HOST = "mx.example.org"
SENDER = Sender("192.0.2.1", "mail.peer.example", Address("bob", "peer.example"))
ZONE = Zone(
    {
        "peer.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
        "_dmarc.peer.example": {"TXT": ["v=DMARC1; p=reject"]},
        "_dmarc.bank.example": {"TXT": ["v=DMARC1; p=reject"]},
        "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=quarantine"]},
        "s1._domainkey.peer.example": {"TXT": [record()]},
        "s1._domainkey.lists.example": {"TXT": [record()]},
    }
)


def check(message: bytes, sender: Sender = SENDER) -> Verdict:
    return authenticate(message, split_header(message), sender, ZONE)


def test_good_mail_has_one_field_with_all_of_it() -> None:
    field = check(signed()).field(HOST)
    assert field == (
        b"Authentication-Results: mx.example.org;\r\n"
        b" spf=pass smtp.mailfrom=peer.example;\r\n"
        b" dkim=pass header.d=peer.example;\r\n"
        b" dmarc=pass header.from=peer.example\r\n"
    )
    assert leading_verdict(field + LETTER) == field


def test_chain_of_forwarders_is_told_where_there_is_one() -> None:
    field = check(forwarded(signed())).field(HOST)
    assert b" arc=pass arc.sealer=lists.example;\r\n" in field
    assert leading_verdict(field) == field


def test_chain_of_forwarders_that_holds_makes_no_forged_author_good() -> None:
    letter = forwarded(LETTER.replace(b"bob@peer.example", b"bob@bank.example"))
    verdict = check(letter)
    assert verdict.arc.result == "pass"
    assert verdict.is_rejected


@pytest.mark.parametrize(
    ("author", "result", "is_rejected"),
    [
        (b"bob@peer.example", "pass", False),
        (b"bob@bank.example", "fail", True),
        (b"bob@shop.example", "fail", False),
        (b"bob@peer.example, eve@shop.example, x@bank.example", "fail", True),
        (b"bob@peer.example, a@unknown.example", "none", False),
        (b"nobody to be seen", "none", False),
        (b"<b>@evil.example", "none", False),
        (b"a@evil\xff.example", "none", False),
    ],
)
def test_worst_of_several_authors_counts(author: bytes, result: str, is_rejected: bool) -> None:
    verdict = check(LETTER.replace(b"Bob <bob@peer.example>", author))
    assert verdict.dmarc.result == result
    assert verdict.is_rejected == is_rejected
    field = verdict.field(HOST)
    assert leading_verdict(field) == field, "whatever was written, the field keeps its shape"


def test_only_so_many_authors_are_asked_about() -> None:
    many = b", ".join(b"a@x%d.example" % number for number in range(50))
    header = split_header(b"From: " + many + b"\r\n\r\n")
    asked: list[str] = []

    def look_up(name: str, kind: Kind) -> Found:
        asked.append(name)
        return ZONE(name, kind)

    letter = LETTER.replace(b"Bob <bob@peer.example>", many)
    verdict = authenticate(letter, split_header(letter), SENDER, look_up)
    assert len({each for each in asked if each.startswith("_dmarc.x")}) == MAX_AUTHORS
    # One of those that nobody asks about may be the one who denies it.
    assert verdict.is_rejected
    assert len(author_domains(header)) == 50
    assert author_domains(split_header(b"From: " + b"a@b, " * 20_000 + b"\r\n\r\n")) == []
    assert author_domains(split_header("From: a@bücher.example\r\n\r\n".encode())) == [
        "xn--bcher-kva.example"
    ]


def test_bounce_is_judged_by_the_hosts_name() -> None:
    verdict = check(LETTER, Sender("192.0.2.1", "peer.example", None))
    assert b" spf=pass smtp.helo=peer.example;\r\n" in verdict.field(HOST)


def test_verdict_shows_nobody_in_a_traceback() -> None:
    assert "peer.example" not in repr(check(signed()))
    assert "peer" not in repr(SENDER)


def test_what_is_found_reads_as_text() -> None:
    assert Found((b"a\xff", b"b")).texts == ("a\ufffd", "b")
    assert ZONE("peer.example", Kind.A) == Found()
