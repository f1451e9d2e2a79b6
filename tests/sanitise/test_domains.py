# SPDX-License-Identifier: Apache-2.0
"""To and Cc of what comes in name the internal domain, and lose nothing else."""

import pytest

from eepost.sanitise.domains import Internalised
from eepost.sanitise.inbound import Inbound, sanitise_from_internet
from eepost.sanitise.outcome import Sanitised

RULE = Internalised(("example.org", "old.example.net"), "mail.i2p")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b" alice@example.org\r\n", b" alice@mail.i2p\r\n"),
        (b" Alice <ALICE@Example.ORG>, x@y.z\r\n", b" Alice <ALICE@mail.i2p>, x@y.z\r\n"),
        (b" a@old.example.net,\r\n b@example.org\r\n", b" a@mail.i2p,\r\n b@mail.i2p\r\n"),
        (b" all: a@ example.org;\r\n", b" all: a@ mail.i2p;\r\n"),
        (b" <@example.org:x@y.z>\r\n", b" <@mail.i2p:x@y.z>\r\n"),
        (b" a@example.orgs, a@example.org.evil.com\r\n", None),
        (b" a@notexample.org, a@sub.example.org\r\n", None),
        (b" example.org <x@y.z>\r\n", None),
        (b" =?utf-8?q?b=40example=2Eorg?= <x@y.z>\r\n", None),
        (b" broken < a@example.org\r\n", b" broken < a@mail.i2p\r\n"),
    ],
)
def test_official_domain_becomes_the_internal_one(value: bytes, written: bytes | None) -> None:
    expected = value if written is None else written
    for name in (b"To", b"cc", b"CC"):
        assert RULE.fields([(name, b":", value)]) == [(name, b":", expected)]


def test_the_authors_own_fields_stay() -> None:
    fields = [(name, b":", b" a@example.org\r\n") for name in (b"From", b"Reply-To", b"Subject")]
    assert RULE.fields(fields) == fields


def test_nothing_changes_where_there_is_no_official_domain() -> None:
    fields = [(b"To", b":", b" a@.b\r\n")]
    assert Internalised((), "mail.i2p").fields(fields) == fields


def test_the_rule_of_the_core_holds_in_a_whole_message() -> None:
    message = b"From: a@example.org\r\nTo: b@example.org\r\nReceived: x\r\n\r\nb@example.org\r\n"
    made = sanitise_from_internet(message, Inbound(bytes, internalised=RULE))
    assert isinstance(made, Sanitised)
    assert b"".join(map(bytes, made.pieces)) == (
        b"From: a@example.org\r\nTo: b@mail.i2p\r\n\r\nb@example.org\r\n"
    )
