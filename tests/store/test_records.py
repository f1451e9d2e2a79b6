# SPDX-License-Identifier: Apache-2.0
"""Accounts and roles under the start key: bound to their place, padded, readable for ever."""

import base64
import os
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.accounts.model import Account, KeyPair, PasswordCost, PasswordRecord, State
from eepost.maildrop.ports import StoreUnavailable
from eepost.seal.broken import SealBroken
from eepost.seal.startkey import StartKey
from eepost.store.records import Records
from tests.contracts.samples import account

FIRST_RELEASE = Path(__file__).with_name("record-1.txt")
ALICE = Account(
    number=77,
    name="alice",
    state=State.DISABLED,
    password=PasswordRecord(b"s" * 16, PasswordCost(1, 2, 3), b"v" * 32),
    keys=(KeyPair(1, b"public", None, b"recovery"), KeyPair(2, b"p2", b"w2", b"r2")),
    maildrop_octets=12_345,
)


@pytest.fixture
def records() -> Records:
    return Records(StartKey.generate(os.urandom), os.urandom)


def test_a_record_of_the_first_release_can_be_read() -> None:
    """This file is never written anew: stores in use hold such records."""
    old = Records(StartKey(bytes(range(32))), os.urandom)
    assert old.open(77, base64.b64decode(FIRST_RELEASE.read_text())) == ALICE


def test_a_record_opens_in_its_own_row_only(records: Records) -> None:
    record = records.seal(ALICE)
    assert records.open(77, record) == ALICE
    with pytest.raises(SealBroken):
        records.open(78, record)


def test_a_role_opens_in_its_own_row_only(records: Records) -> None:
    sealed = records.seal_role("abuse", "alice")
    assert records.open_role(records.role_tag("abuse"), sealed) == ("abuse", "alice")
    with pytest.raises(SealBroken):
        records.open_role(records.role_tag("postmaster"), sealed)


def test_the_size_of_a_record_does_not_tell_the_name(records: Records) -> None:
    sizes = {len(records.seal(account("a" * length))) for length in range(1, 33)}
    assert len(sizes) == 1
    roles = {len(records.seal_role("postmaster", "a" * length)) for length in range(1, 33)}
    assert len(roles) == 1


def test_one_text_has_different_tags_as_name_and_as_role(records: Records) -> None:
    assert records.name_tag("abuse") != records.role_tag("abuse")


def test_the_record_of_a_later_release_is_unavailable(records: Records) -> None:
    later = records.key.seal("account", os.urandom, b"\x02" + bytes(1023), (77).to_bytes(8, "big"))
    with pytest.raises(StoreUnavailable):
        records.open(77, later)


def test_another_key_does_not_open_the_proof(records: Records) -> None:
    proof = records.seal_proof()
    records.check_proof(proof)
    with pytest.raises(SealBroken):
        replace(records, key=StartKey.generate(os.urandom)).check_proof(proof)
