# SPDX-License-Identifier: Apache-2.0
"""Signatures and chains: good ones count, and nothing else does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.services.gateway.authentication.questions import Found, Kind
from eepost.services.gateway.authentication.signatures import (
    MAX_SIGNATURES,
    check_arc,
    check_dkim,
)
from tests.services.gateway.letters import (
    DOMAIN,
    LETTER,
    SELECTOR,
    forwarded,
    record,
    signed,
    signed_by_ed25519,
    zone,
)
from tests.services.gateway.zone import FAILS, Zone


def results(message: bytes, asked: Zone | None = None) -> list[tuple[str, str]]:
    return [(each.result, each.domain) for each in check_dkim(message, asked or zone())]


def test_a_good_signature_passes() -> None:
    assert results(signed()) == [("pass", DOMAIN)]
    assert results(signed_by_ed25519()) == [("pass", DOMAIN)]


def test_several_signatures_are_judged_one_by_one() -> None:
    both = signed(signed_by_ed25519(), "lists.example")
    assert results(both) == [("pass", "lists.example"), ("pass", DOMAIN)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Some words", b"Other words"),
        (b"Subject: Hello", b"Subject: Bye"),
        (b"From: Bob", b"From: Eve"),
    ],
)
def test_changed_mail_fails(old: bytes, new: bytes) -> None:
    changed = signed().replace(old, new)
    assert changed != signed()
    assert results(changed) == [("fail", DOMAIN)]


def test_mail_without_a_signature_has_no_verdict() -> None:
    assert results(LETTER) == []


def test_key_that_is_nowhere_or_not_to_be_had_now() -> None:
    assert results(signed(), Zone({})) == [("permerror", DOMAIN)]
    away = Zone({f"{SELECTOR}._domainkey.{DOMAIN}": FAILS})
    assert results(signed(), away) == [("temperror", DOMAIN)]


def test_short_keys_sign_nothing() -> None:
    # dkimpy itself signs with 1024 bits at least, so the record is exchanged for a shorter one.
    short = Zone({f"{SELECTOR}._domainkey.{DOMAIN}": {"TXT": [record(1024).replace("A", "B")]}})
    assert results(signed(), short)[0][0] != "pass"


def test_signature_of_a_part_of_the_body_is_no_pass() -> None:
    partly = signed(partly=True)
    assert b"l=" in partly
    assert results(partly) == [("policy", DOMAIN)]
    assert results(partly + b"and an advertisement\r\n") == [("policy", DOMAIN)]


def test_no_more_than_a_few_signatures_are_looked_at() -> None:
    asked = zone()
    many = b"".join([signed()[: -len(LETTER)]] * 40) + LETTER
    assert len(results(many, asked)) == MAX_SIGNATURES
    assert len(asked.asked) == MAX_SIGNATURES


@pytest.mark.parametrize(
    "field",
    [
        b"DKIM-Signature: v=1; a=rsa-sha256; d=evil\r\n\tInjected: yes; s=x; h=from; bh=x; b=x\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=<b>.example; s=x; h=from; bh=eA==; b=eA==\r\n",
        b"DKIM-Signature: \r\n",
        b"DKIM-Signature: ;;;===;;; v v v\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=\xff\xfe; s=x; h=from; bh=eA==; b=eA==\r\n",
    ],
)
def test_malformed_signature_is_a_verdict_that_can_be_written(field: bytes) -> None:
    ((result, domain),) = results(field + LETTER)
    assert result == "permerror"
    assert domain == "" or domain.replace(".", "").replace("-", "").isalnum()


def test_unreadable_signature_does_not_get_its_neighbours_domain() -> None:
    assert results(signed(b"DKIM-Signature: nonsense\r\n" + LETTER))[1] == ("permerror", "")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_no_fault(noise: bytes) -> None:
    check_dkim(noise, zone())
    check_dkim(b"DKIM-Signature: " + noise, zone())
    check_arc(b"ARC-Seal: i=1; " + noise, b"ARC-Seal: i=1; " + noise, zone())


def chain(message: bytes, asked: Zone | None = None) -> tuple[str, str]:
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    verdict = check_arc(message, header, asked or zone())
    return verdict.result, verdict.sealer


def test_chain_of_a_forwarder_passes() -> None:
    assert chain(forwarded(signed())) == ("pass", "lists.example")


def test_chain_of_changed_mail_fails() -> None:
    assert chain(forwarded(signed()).replace(b"Some", b"Other")) == ("fail", "lists.example")


def test_mail_without_a_chain_and_with_too_long_a_one_have_none() -> None:
    assert chain(LETTER) == ("none", "")
    assert chain(b"ARC-Seal: i=1; cv=none\r\n" * 11 + LETTER) == ("none", "")


def test_chain_whose_key_is_not_to_be_had_now() -> None:
    away = Zone({f"{SELECTOR}._domainkey.lists.example": FAILS})
    assert chain(forwarded(signed()), away)[0] == "temperror"


def test_library_that_fails_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str, _kind: Kind) -> Found:
        raise RuntimeError

    assert check_dkim(signed(), broken)[0].result == "permerror"
    assert check_arc(forwarded(signed()), b"ARC-Seal: i=1\r\n", broken).result == "fail"
