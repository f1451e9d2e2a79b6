# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.seal.broken import SealBroken
from eepost.seal.startkey import StartKey, StartKeyDamaged
from tests.seal.chance import chance

OCTETS = bytes(range(32))
TEXT = StartKey(OCTETS).to_text()
PREFIX = "eepost-start-key-1:"


@given(st.binary(min_size=32, max_size=32))
def test_a_key_comes_back_from_its_line(octets: bytes) -> None:
    line = StartKey(octets).to_text()
    assert line.startswith(PREFIX)
    assert len(line) == len(PREFIX) + 56
    assert StartKey.from_text(line).subkey("x") == StartKey(octets).subkey("x")


@pytest.mark.parametrize("text", [f" {TEXT}\r\n", TEXT.upper(), f"\t{TEXT.upper()}\n"])
def test_case_and_space_around_the_line_do_not_matter(text: str) -> None:
    assert StartKey.from_text(text).to_text() == TEXT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with eepost-start-key-1:"),
        ("\n", "begins with eepost-start-key-1:"),
        (TEXT.removeprefix(PREFIX), "begins with eepost-start-key-1:"),
        (TEXT.replace("key-1", "key-2"), "begins with eepost-start-key-1:"),
        (PREFIX, "56 characters, here are 0"),
        (TEXT[:-1], "56 characters, here are 55"),
        (TEXT + "a", "56 characters, here are 57"),
        (f"{TEXT}\n{TEXT}", "56 characters"),
        (TEXT[:-1] + "1", "letters a-z and 2-7"),
        (TEXT[:-1] + "=", "letters a-z and 2-7"),
        (TEXT[:-1] + "é", "letters a-z and 2-7"),
        (TEXT[:-1] + ("b" if TEXT[-1] == "a" else "a"), "check characters"),
        (f"{PREFIX}{'a' * 56}", "check characters"),
    ],
)
def test_a_damaged_line_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(StartKeyDamaged, match=reason) as refused:
        StartKey.from_text(text)
    assert TEXT[-20:] not in str(refused.value)
    assert refused.value.__cause__ is None


@given(st.integers(0, 55), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_line_with_one_wrong_character_is_refused(at: int, letter: str) -> None:
    body = TEXT.removeprefix(PREFIX)
    changed = body[:at] + letter + body[at + 1 :]
    if changed == body:
        return
    with pytest.raises(StartKeyDamaged, match="check characters"):
        StartKey.from_text(PREFIX + changed)


@given(st.text(max_size=100))
def test_any_text_is_a_key_or_damaged(text: str) -> None:
    for each in (text, PREFIX + text):
        with pytest.raises(StartKeyDamaged):
            StartKey.from_text(each)


@pytest.mark.parametrize("count", [0, 31, 33])
def test_a_key_has_32_octets(count: int) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        StartKey(bytes(count))


def test_generated_keys_differ() -> None:
    draw = chance()
    assert StartKey.generate(draw).to_text() != StartKey.generate(draw).to_text()


def test_a_key_is_hidden_in_its_repr() -> None:
    assert repr(StartKey(OCTETS)) == "StartKey(hidden)"
    assert TEXT.removeprefix(PREFIX) not in f"{StartKey(OCTETS)!s} {[StartKey(OCTETS)]}"


def test_what_is_derived_differs_by_key_use_and_purpose() -> None:
    one, other = StartKey(OCTETS), StartKey(OCTETS[::-1])
    derived = [
        derive
        for key in (one, other)
        for purpose in ("account", "role", "key:account", "tag:account")
        for derive in (key.subkey(purpose), key.tag(purpose, ""), key.tag(purpose, "alice"))
    ]
    assert len(set(derived)) == len(derived)
    assert {len(each) for each in derived} == {32}
    assert one.tag("account", "alice") == StartKey(OCTETS).tag("account", "alice")


def test_what_was_sealed_opens_for_the_same_purpose_and_context_only() -> None:
    key = StartKey(OCTETS)
    sealed = key.seal("account", chance(), b'{"name":"alice"}', b"row 7")
    assert b"alice" not in sealed
    assert key.open("account", sealed, b"row 7") == b'{"name":"alice"}'
    for opener, purpose, context in (
        (key, "role", b"row 7"),
        (key, "account", b"row 8"),
        (StartKey(OCTETS[::-1]), "account", b"row 7"),
    ):
        with pytest.raises(SealBroken):
            opener.open(purpose, sealed, context)
