# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from eepost.mail.msgid import (
    MAX_FOREIGN_OCTETS,
    first_and_last,
    fresh_id,
    ids_in,
    map_id,
    may_be_passed_on,
)

KEY = bytes(range(32))


def test_mapped_identifier_is_the_keyed_hash_of_the_original() -> None:
    # HMAC-SHA256 of the original under the key, base32 without padding, first 32 characters.
    assert map_id(KEY, b"1@laptop", "mail.i2p") == b"gxwmr27z53rai4qoxcv4qnvlumzjknwf@mail.i2p"


def test_identifier_depends_on_key_and_original_and_on_nothing_else() -> None:
    assert map_id(KEY, b"1@laptop", "mail.i2p") == map_id(KEY, b"1@laptop", "mail.i2p")
    assert map_id(KEY, b"1@laptop", "mail.i2p") != map_id(KEY, b"2@laptop", "mail.i2p")
    assert map_id(KEY, b"1@laptop", "mail.i2p") != map_id(b"x" * 32, b"1@laptop", "mail.i2p")


def test_mapped_and_fresh_identifiers_have_one_shape() -> None:
    shape = re.compile(rb"[a-z2-7]{32}@mail\.i2p")
    assert shape.fullmatch(map_id(KEY, b"", "mail.i2p"))
    assert shape.fullmatch(fresh_id(b"\xff" * 20, "mail.i2p"))


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (b" <a@b>\r\n", [b"a@b"]),
        (b" <a@b> (c)\r\n\t<d@\r\n e>", [b"a@b", b"d@e"]),
        (b" Your message of <x@y>", [b"x@y"]),
        (b" a@b\r\n", [b"a@b"]),
        (b" your mail", []),
        (b" < > <>", []),
        (b" <<a@b>", [b"a@b"]),
    ],
)
def test_identifiers_stand_in_angle_brackets(value: bytes, ids: list[bytes]) -> None:
    assert ids_in(value) == ids


def test_of_many_identifiers_the_first_and_last_twenty_stay() -> None:
    ids = [b"%d@x" % at for at in range(50)]
    assert first_and_last(ids) == ids[:20] + ids[30:]
    assert first_and_last(ids[:40]) == ids[:40]


def test_foreign_identifier_is_passed_on_only_if_short_and_printable() -> None:
    assert may_be_passed_on(b"a" * MAX_FOREIGN_OCTETS)
    assert not may_be_passed_on(b"a" * (MAX_FOREIGN_OCTETS + 1))
    assert not may_be_passed_on(b"a b@c")
    assert not may_be_passed_on(b"\xe9@c")
    assert not may_be_passed_on(b"")
