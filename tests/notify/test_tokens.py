# SPDX-License-Identifier: Apache-2.0
"""Tokens that bind: good once, for a quarter of an hour, one for each account."""

from dataclasses import replace

from eepost.accounts.bindings import LIFETIME_SECONDS, MAX_TOKENS, BindingTokens, Holder
from tests.contracts.samples import account
from tests.seal.chance import chance


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


ALICE = account("alice")
HOLDER = Holder(ALICE.number, "alice")


def tokens(clock: Clock | None = None) -> BindingTokens:
    return BindingTokens(b"k" * 32, clock or Clock(), chance())


def test_a_token_says_whose_it_is_once_in_any_case_of_its_letters() -> None:
    kept = tokens()
    token = kept.make(ALICE)
    assert kept.take(token.upper()) == HOLDER
    assert kept.take(token) is None


def test_a_token_is_good_for_a_quarter_of_an_hour() -> None:
    clock = Clock()
    kept = tokens(clock)
    token = kept.make(ALICE)
    clock.now += LIFETIME_SECONDS
    assert kept.take(token) is None
    late = kept.make(ALICE)
    clock.now += LIFETIME_SECONDS - 1
    assert kept.take(late) == HOLDER


def test_a_new_token_ends_the_one_before() -> None:
    kept = tokens()
    first, second = kept.make(ALICE), kept.make(ALICE)
    assert kept.take(first) is None
    assert kept.take(second) == HOLDER


def test_no_other_text_is_a_token() -> None:
    kept = tokens()
    token = kept.make(ALICE)
    for text in ("", "x", token[:-1], token + "a", "a" * 26, "\ud800" * 26, "é" * 26):
        assert kept.take(text) is None
    assert kept.take(token) == HOLDER


def test_the_oldest_of_too_many_is_void() -> None:
    kept = tokens()
    first, second = kept.make(ALICE), kept.make(replace(ALICE, number=ALICE.number + 1))
    for number in range(MAX_TOKENS - 1):
        kept.make(replace(ALICE, number=number))
    assert kept.take(first) is None
    assert kept.take(second) is not None


def test_no_repr_shows_whose_token_it_is() -> None:
    assert "alice" not in repr(HOLDER)
    assert str(ALICE.number) not in repr(HOLDER)
