# SPDX-License-Identifier: Apache-2.0
"""Signatures and chains: good ones count, and nothing else does."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.services.gateway.authentication.questions import Found, Kind
from eepost.services.gateway.authentication.signatures import (
    MAX_SIGNATURES,
    check_arc,
    check_dkim,
    relax_body,
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


BLANK = LETTER + b"\ttwo  words\t \r\n   \r\n \t x\r\n\r\n \r\n\r\n"


@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_blanks_count_as_the_signature_says(body: bytes) -> None:
    message = signed(BLANK, body=body)
    assert results(message) == [("pass", DOMAIN)]
    assert results(message + b"\r\n") == [("pass", DOMAIN)]
    squeezed = message.replace(b"two  words", b"two words")
    assert results(squeezed) == [("pass" if body == b"relaxed" else "fail", DOMAIN)]
    assert results(message.replace(b"two  words", b"twowords")) == [("fail", DOMAIN)]
    both = signed(message, "lists.example", body=b"simple")
    assert [each[0] for each in results(both)] == ["pass", "pass"]


def test_relaxing_a_body_twice_changes_nothing() -> None:
    once = relax_body(BLANK)
    assert relax_body(once) == once
    assert relax_body(b"From: a  b") == b"From: a  b"


HEAD = b"DKIM-Signature: v=1; a=rsa-sha256; c=%s; d=peer.example; s=s1; h=from; bh=eA==; b=%s\r\n"


@pytest.mark.parametrize(
    "message",
    [
        HEAD % (b"relaxed/relaxed", b"eA==") + LETTER + (b" " * 60_000 + b"x\r\n") * 100,
        HEAD % (b"simple/simple", b"eA==") + LETTER + (b" " * 60_000 + b"x\r\n") * 100,
        HEAD % (b"relaxed/relaxed", b" " * 50_000 + b"!") + LETTER,
        HEAD % (b" " * 50_000 + b"relaxed/relaxed", b"eA==") + LETTER,
        HEAD % (b"relaxed/relaxed", b"eA==") * 5 + LETTER + b"\r\n" * 1_000_000 + b"x\r\n",
        HEAD % (b"relaxed/relaxed", b"eA==") + b"X:\r\n" + b" y\r\n" * 15_000 + LETTER,
        b"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=a; s=b; b=" + b" " * 50_000 + b"!\r\n" + LETTER,
        b"ARC-Seal: i" + b" i" * 25_000 + b"\r\n" + LETTER,
        b"ARC-Seal: i=1\r\n" + LETTER + (b" " * 60_000 + b"x\r\n") * 100,
    ],
)
def test_no_message_costs_more_than_it_weighs(message: bytes) -> None:
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    began = time.process_time()
    check_dkim(message, zone())
    check_arc(message, header, zone())
    assert time.process_time() - began < 5, "it used to be minutes"


def test_key_that_would_take_long_is_none() -> None:
    long = Zone({f"{SELECTOR}._domainkey.{DOMAIN}": {"TXT": [record() + "A" * 1_000]}})
    assert results(signed(), long) == [("permerror", DOMAIN)]


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


@pytest.mark.parametrize("row", [b" " * 100, b"\r\n " * 34])
def test_field_full_of_blanks_is_not_read(row: bytes) -> None:
    told = b"a=rsa-sha256; d=peer.example; s=s1; h=from; bh=eA==; b=A" + row + b"!\r\n"
    assert results(b"DKIM-Signature: v=1; " + told + LETTER) == [("permerror", "")]
    assert chain(b"ARC-Seal: i=1; cv=none; " + told + LETTER) == ("fail", "")


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
