# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.seal.recovery import RecoveryCode, RecoveryCodeRefused
from tests.seal.chance import chance

CODE = RecoveryCode(bytes(range(20)))
TEXT = CODE.to_text()
secrets = st.binary(min_size=20, max_size=20)


@given(secrets)
def test_a_code_comes_back_from_paper(octets: bytes) -> None:
    code = RecoveryCode(octets)
    text = code.to_text()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}", text)
    assert RecoveryCode.from_text(text) == code


@given(secrets, st.lists(st.sampled_from(["", " ", "-", "\t", " - "]), min_size=44, max_size=44))
def test_what_the_hand_makes_of_it_is_read(octets: bytes, gaps: list[str]) -> None:
    code = RecoveryCode(octets)
    written = code.to_text().replace("0", "o").replace("1", "l").lower()
    typed = "".join(gap + sign for gap, sign in zip(gaps, written, strict=True))
    assert RecoveryCode.from_text(typed) == code
    assert RecoveryCode.from_text(written.replace("l", "I")) == code


@given(st.integers(0, 43), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_code_with_one_wrong_sign_is_refused(at: int, sign: str) -> None:
    if TEXT[at] in ("-", sign):
        return
    with pytest.raises(RecoveryCodeRefused, match="mistyped"):
        RecoveryCode.from_text(TEXT[:at] + sign + TEXT[at + 1 :])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "36 letters and digits, here are 0"),
        (TEXT[:-1], "here are 35"),
        (TEXT + "0", "here are 37"),
        ("U" + TEXT[1:], "group 1 holds a sign"),
        (TEXT[:-1] + "!", "group 9 holds a sign"),
        (TEXT[:10] + "é" + TEXT[11:], "group 3 holds a sign"),
    ],
)
def test_what_is_no_code_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(RecoveryCodeRefused, match=reason) as refused:
        RecoveryCode.from_text(text)
    assert TEXT[:9] not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    with pytest.raises(RecoveryCodeRefused):
        RecoveryCode.from_text(text)


def test_wrapping_keys_differ_by_code() -> None:
    other = RecoveryCode(bytes(20))
    assert len(CODE.wrapping_key()) == 32
    assert CODE.wrapping_key() != other.wrapping_key()
    assert CODE.wrapping_key() == RecoveryCode.from_text(TEXT).wrapping_key()


def test_codes_are_equal_by_what_they_hold() -> None:
    draw = chance()
    assert RecoveryCode.generate(draw) != RecoveryCode.generate(draw)
    assert len({CODE, RecoveryCode.from_text(TEXT)}) == 1
    assert CODE != TEXT


def test_a_code_is_hidden_in_its_repr() -> None:
    assert repr(CODE) == "RecoveryCode(hidden)"


def test_a_code_has_20_octets() -> None:
    with pytest.raises(ValueError, match="20 octets"):
        RecoveryCode(bytes(19))
