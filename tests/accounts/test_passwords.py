# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.accounts.model import PasswordCost
from eepost.accounts.passwords import (
    PasswordRefused,
    check_password,
    derive,
    new_record,
    verify,
)
from tests.seal.chance import chance

CHEAP = PasswordCost(8, 1, 1)
SALT = bytes(range(16))


@pytest.mark.parametrize("password", ["8 chars!", "~" * 54, " " * 8])
def test_a_password_of_printable_ascii_passes(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "less than 8"),
        ("7 chars", "less than 8"),
        ("x" * 55, "more than 54"),
        ("pass\tword", "other characters"),
        ("password\n", "other characters"),
        ("password\x7f", "other characters"),
        ("pässword", "other characters"),
        ("password\ud800", "other characters"),
    ],
)
def test_a_bad_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused, match=reason) as refused:
        check_password(password)
    assert reason in refused.value.reason
    assert not password or password not in str(refused.value)


def test_only_the_password_verifies() -> None:
    record, derived = new_record("correct horse", CHEAP, chance())
    assert len(record.salt) == 16
    again = verify("correct horse", record)
    assert again == derived
    for wrong in ("correct horse ", "Correct horse", "", "correct hors", "correct horse\0"):
        assert verify(wrong, record) is None


def test_a_bad_password_makes_no_record() -> None:
    with pytest.raises(PasswordRefused):
        new_record("short", CHEAP, chance())


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=100))
def test_any_text_can_be_offered_as_a_password(password: str) -> None:
    record, _ = new_record("correct horse", CHEAP, chance())
    assert verify(password + "\ud800", record) is None


def test_what_is_derived_depends_on_everything() -> None:
    inputs = [
        ("password", SALT, CHEAP),
        ("passwore", SALT, CHEAP),
        ("password", SALT[::-1], CHEAP),
        ("password", SALT, PasswordCost(16, 1, 1)),
        ("password", SALT, PasswordCost(8, 2, 1)),
        ("password", SALT, PasswordCost(16, 1, 2)),
    ]
    derived = [derive(*each) for each in inputs]
    everything = {each.verifier for each in derived} | {each.wrapping_key for each in derived}
    assert len(everything) == 2 * len(inputs)
    assert {len(each) for each in everything} == {32}


def test_what_a_password_gives_is_the_same_for_ever() -> None:
    derived = derive("correct horse", SALT, PasswordCost(64, 2, 1))
    assert derived.verifier.hex() == VERIFIER
    assert derived.wrapping_key.hex() == WRAPPING_KEY


VERIFIER = "bec5cb36346e677af2b5bda1eb3976cdc20e1e8bc49fb69ee68bc85a210c9bfd"
WRAPPING_KEY = "9008be3be4c4792873719483a1e5bf37502c045dc30696fe97d38ed2c468b18c"


def test_what_a_password_gives_is_hidden_in_its_repr() -> None:
    record, derived = new_record("correct horse", CHEAP, chance())
    for secret in (derived.verifier, derived.wrapping_key, record.salt):
        assert repr(secret) not in f"{derived!r}{record!r}"
        assert secret.hex() not in f"{derived!r}{record!r}"


def test_the_default_cost_is_no_less_than_what_owasp_advises() -> None:
    cost = PasswordCost()
    assert (cost.memory_kib, cost.passes, cost.lanes) == (19_456, 2, 1)
