# SPDX-License-Identifier: Apache-2.0
import pytest
from bench.letters import Mangled, gives_away, stationery, token

SENDER, RECIPIENT = b"a@post.i2p", b"b@post.i2p"


def _as_fetched(letter: bytes) -> bytes:
    return letter.removesuffix(b"\r\n.\r\n")


@pytest.mark.parametrize("octets", [78, 4_096, 1_048_576])
def test_a_letter_that_came_back_whole_names_its_token(octets: int) -> None:
    paper = stationery(octets)
    letter = paper.letter(SENDER, RECIPIENT, token(7, 12))
    assert paper.token_of(_as_fetched(letter)) == token(7, 12)


def test_a_body_is_about_as_large_as_was_asked_for() -> None:
    body = stationery(4_096).letter(SENDER, RECIPIENT, token(1, 1)).partition(b"\r\n\r\n")[2]
    assert abs(len(body.removesuffix(b".\r\n")) - 4_096) <= 78


def test_no_line_of_a_letter_begins_with_a_dot_or_ends_in_a_bare_line_feed() -> None:
    letter = _as_fetched(stationery(65_536).letter(SENDER, RECIPIENT, token(1, 1)))
    assert b"\n." not in letter
    assert letter.count(b"\n") == letter.count(b"\r\n")


@pytest.mark.parametrize("at", [-1, -2_000, -4_000])
def test_one_changed_octet_in_a_body_is_seen(at: int) -> None:
    paper = stationery(4_096)
    message = bytearray(_as_fetched(paper.letter(SENDER, RECIPIENT, token(1, 1))))
    message[at] ^= 1
    with pytest.raises(Mangled):
        paper.token_of(bytes(message))


def test_a_line_that_slipped_in_before_the_body_is_seen() -> None:
    paper = stationery(4_096)
    message = _as_fetched(paper.letter(SENDER, RECIPIENT, token(1, 1)))
    with pytest.raises(Mangled):
        paper.token_of(message.replace(b"\r\nToken:", b"\r\nX\r\nToken:"))


def test_a_letter_as_sent_gives_its_client_away_and_a_bare_one_does_not() -> None:
    letter = stationery(4_096).letter(SENDER, RECIPIENT, token(1, 1))
    assert gives_away(letter)
    assert not gives_away(letter.partition(b"\r\n\r\n")[2])
