# SPDX-License-Identifier: Apache-2.0
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.address import Address, parse_address, strip_source_route


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("alice@mail.i2p", "alice", "mail.i2p"),
        ("Alice@MAIL.i2p", "Alice", "mail.i2p"),
        ("a.b+c=d/e@i2p", "a.b+c=d/e", "i2p"),
        ('"alice"@mail.i2p', "alice", "mail.i2p"),
        ('"al\\ice"@mail.i2p', "alice", "mail.i2p"),
        ('"a b"@mail.i2p', "a b", "mail.i2p"),
        ('"a@b"@mail.i2p', "a@b", "mail.i2p"),
        ('"a\\"b\\\\"@mail.i2p', 'a"b\\', "mail.i2p"),
        ('""@mail.i2p', "", "mail.i2p"),
        ("älice@mäil.i2p", "älice", "mäil.i2p"),
        ("a@" + "b" * 63 + ".i2p", "a", "b" * 63 + ".i2p"),
        ("a" * 64 + "@i2p", "a" * 64, "i2p"),
    ],
)
def test_address_is_read(text: str, local_part: str, domain: str) -> None:
    assert parse_address(text) == Address(local_part, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@mail.i2p",
        "alice@@mail.i2p",
        "al ice@mail.i2p",
        "alice@mail.i2p ",
        " alice@mail.i2p",
        "alice@mail.i2p\n",
        "alice@mail..i2p",
        "alice@.i2p",
        "alice@mail.i2p.",
        "alice@-mail.i2p",
        "alice@mail-.i2p",
        "alice@ma_il.i2p",
        "alice@[127.0.0.1]",
        "alice@[IPv6:::1]",
        ".alice@mail.i2p",
        "alice.@mail.i2p",
        "al..ice@mail.i2p",
        '"alice@mail.i2p',
        'alice"@mail.i2p',
        '"alice"x@mail.i2p',
        '"al"ice"@mail.i2p',
        '"alice\\"@mail.i2p',
        '"al\nice"@mail.i2p',
        "al\0ice@mail.i2p",
        "<alice@mail.i2p>",
        "a" * 65 + "@i2p",
        "ä" * 33 + "@i2p",
        "a@" + "b" * 64 + ".i2p",
        "a@" + ".".join(["b" * 49] * 6),
        "a@" + ".".join(["ä" * 60] * 3),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    "character", ["\x80", "\x85", "\xa0", "\u2028", "\u202e", "\u200b", "\ufeff", "\ud800"]
)
def test_characters_that_nobody_can_see_are_refused(character: str) -> None:
    assert parse_address(f"al{character}ice@mail.i2p") is None
    assert parse_address(f'"al{character}ice"@mail.i2p') is None
    assert parse_address(f"alice@ma{character}il.i2p") is None


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("alice", "mail.i2p"), "alice@mail.i2p"),
        (Address("al ice", "mail.i2p"), '"al ice"@mail.i2p'),
        (Address('a"b\\', "mail.i2p"), '"a\\"b\\\\"@mail.i2p'),
        (Address("", "mail.i2p"), '""@mail.i2p'),
        (Address("postmaster", ""), "postmaster"),
    ],
)
def test_address_is_written_as_it_would_be_read(address: Address, text: str) -> None:
    assert str(address) == text


LOCAL_PARTS = st.text(st.characters(codec="utf-8"), max_size=20)
DOMAINS = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,3}", fullmatch=True)


@given(LOCAL_PARTS, DOMAINS)
def test_what_is_written_is_read_back(local_part: str, domain: str) -> None:
    written = str(Address(local_part, domain))
    assert parse_address(written) in (Address(local_part, domain), None)
    if local_part.isascii() and local_part.isprintable():
        assert parse_address(written) is not None


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = parse_address(text)
    if address is not None:
        assert parse_address(str(address)) == address


def test_ascii_needs_no_smtputf8() -> None:
    assert Address("alice", "mail.i2p").is_ascii
    assert not Address("älice", "mail.i2p").is_ascii
    assert not Address("alice", "mäil.i2p").is_ascii


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("alice@mail.i2p", "alice@mail.i2p"),
        ("@one.example:alice@mail.i2p", "alice@mail.i2p"),
        ("@one.example,@two.example:alice@mail.i2p", "alice@mail.i2p"),
        ('"@a:b"@mail.i2p', '"@a:b"@mail.i2p'),
        ("@one.example", "@one.example"),
        ("@a:@b:c@d", "@b:c@d"),
        ("", ""),
    ],
)
def test_source_route_is_dropped(path: str, address: str) -> None:
    assert strip_source_route(path) == address


def test_source_route_of_any_length_takes_linear_time() -> None:
    # Quadratic time would be half a minute here: one mail would stop everybody.
    begun = time.process_time()
    assert strip_source_route("@" * 200_000) == "@" * 200_000
    assert strip_source_route("@a,@b:c@d.example") == "c@d.example"
    assert time.process_time() - begun < 1
