# SPDX-License-Identifier: Apache-2.0
"""The key that a program puts into the header: left out, or by choice made anew."""

import base64
import email
import re
from dataclasses import replace

import pytest

from eepost.mail.address import Address
from eepost.sanitise.autocrypt import MAX_FIELD_OCTETS, rebuild_autocrypt
from eepost.sanitise.choices import Choices
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.openpgp.keys import own_user_ids
from eepost.sanitise.openpgp.packets import Packet, packets, write_packet
from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from tests.sanitise.golden import counted
from tests.sanitise.test_openpgp_packets import Key, sub, subkey, user_id

INSIDE, OUTSIDE = Address("alice", "mail.i2p"), Address("alice", "post.example")
CONTEXT = FromUser(
    address=INSIDE,
    addresses=frozenset({INSIDE, OUTSIDE}),
    message_id_key=b"k" * 32,
    message_id_domain="post.example",
    accepted_utc=1_795_435_200,
    randomness=counted(),
    choices=Choices(keeps_autocrypt=True),
)
OUTWARD = ToInternet("mail.i2p", "post.example")
IS_OWN = own_user_ids(CONTEXT.addresses)


def key_of(*names: bytes, version: int = 4) -> bytes:
    key = Key(version)
    ids = b"".join(user_id(each) + key.signature(0x13) for each in names)
    return key.packet + ids + subkey() + key.signature(0x18, sub(27, b"\x0c"))


KEY = key_of(b"<alice@mail.i2p>", b"Alice Real <alice@home.example>", b"<alice@post.example>")


def field(key: bytes = KEY, before: bytes = b"addr=alice@laptop; prefer-encrypt=mutual;") -> bytes:
    return before + b" _program=Secret; keydata=" + base64.b64encode(key)


def message(value: bytes, author: bytes = b"alice@mail.i2p") -> bytes:
    return b"Autocrypt: " + value + b"\r\nFrom: " + author + b"\r\nSubject: s\r\n\r\nwords\r\n"


def sent(text: bytes, choices: Choices | None = None) -> bytes:
    context = CONTEXT if choices is None else replace(CONTEXT, choices=choices)
    outcome = sanitise_from_user(text, context)
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def left(text: bytes) -> Sanitised:
    outcome = sanitise_to_internet(text, OUTWARD)
    assert isinstance(outcome, Sanitised)
    return outcome


def read(text: bytes) -> tuple[str, list[bytes]]:
    """Return what stands in front of the key, and the user ids in it."""
    value = str(email.message_from_bytes(text)["Autocrypt"])
    said, _, key = value.partition("keydata=")
    found = packets(base64.b64decode(key))
    return said, [each.body for each in found if each.tag == 13]


def test_key_in_the_header_goes_and_the_report_says_so() -> None:
    outcome = sanitise_from_user(message(field()), replace(CONTEXT, choices=Choices()))
    assert isinstance(outcome, Sanitised)
    assert b"Autocrypt" not in b"".join(outcome.pieces)
    assert outcome.report.counts == {"header field dropped": 1}


def test_by_choice_it_is_made_anew_for_the_authors_address() -> None:
    made = sent(message(field()))
    assert read(made) == (
        "addr=alice@mail.i2p; prefer-encrypt=mutual; ",
        [b"<alice@mail.i2p>", b"<alice@post.example>"],
    )
    assert max(map(len, made.split(b"\r\n"))) <= 78
    for secret in (b"laptop", b"Secret", b"home.example"):
        assert secret not in made
    # Done twice, it is the same.
    once = re.search(rb"Autocrypt:.*?(?=MIME-Version)", made, re.DOTALL)
    assert once is not None
    assert once[0] in sent(message(once[0][11:-2]))


def test_outside_it_speaks_of_the_official_address_alone() -> None:
    outside = left(sent(message(field())))
    text = b"".join(outside.pieces)
    assert read(text) == (
        "addr=alice@post.example; prefer-encrypt=mutual; ",
        [b"<alice@post.example>"],
    )
    assert b"mail.i2p" not in text
    # The gateway looks again.
    assert b"".join(left(text).pieces) == text


def test_key_of_the_internal_address_stays_inside() -> None:
    made = sent(message(field(key_of(b"<alice@mail.i2p>"), b"prefer-encrypt=nopreference;")))
    assert read(made) == ("addr=alice@mail.i2p; ", [b"<alice@mail.i2p>"])
    outside = left(made)
    assert b"Autocrypt" not in b"".join(outside.pieces)
    assert outside.report.counts["key in the header dropped"] == 1


def test_author_who_cant_be_told_has_no_key() -> None:
    made = sent(message(field()))
    two = made.replace(b"From: alice@mail.i2p", b"From: alice@mail.i2p, bob@mail.i2p")
    assert b"Autocrypt" not in b"".join(left(two).pieces)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"addr=alice@mail.i2p",
        field(b"no key"),
        field(key_of(b"<alice@home.example>")),
        field(KEY + key_of(b"<alice@mail.i2p>")),
        field(KEY[:-3]),
        field(write_packet(Packet(5, b"x" * 40)) + KEY),
        field(KEY) + b"A" * MAX_FIELD_OCTETS,
    ],
    ids=["empty", "no key", "no packets", "other", "two", "cut", "private", "long"],
)
def test_what_holds_no_key_of_the_sender_goes(value: bytes) -> None:
    made = sent(message(value))
    assert b"Autocrypt" not in made
    assert made.endswith(b"words\r\n")


def test_address_beyond_ascii_has_none() -> None:
    address = Address("\u00e4lice", "mail.i2p")
    assert not rebuild_autocrypt(field(), address, IS_OWN)
    assert rebuild_autocrypt(field(), INSIDE, IS_OWN)
