# SPDX-License-Identifier: Apache-2.0
"""What was sealed by the first version must open for ever.

`formats.json` holds it; a change that makes one of these tests fail would lose somebody's mail.
"""

import json
from pathlib import Path

from eepost.seal.keypair import PrivateKey, open_encapsulation
from eepost.seal.recovery import RecoveryCode
from eepost.seal.segments import SealingKey, open_entry, open_segment
from eepost.seal.startkey import StartKey
from eepost.seal.wrapping import unwrap

FORMATS = json.loads(Path(__file__).with_name("formats.json").read_text(encoding="ascii"))
START_KEY = bytes(range(32))
SECRET = bytes(range(32, 64))
SEED = bytes(range(96))
CODE = bytes(range(20))


def sealed(name: str) -> bytes:
    return bytes.fromhex(FORMATS[name])


def test_the_line_of_a_start_key_reads_the_same_for_ever() -> None:
    key = StartKey.from_text(FORMATS["start key line"])
    assert key.to_text() == StartKey(START_KEY).to_text() == FORMATS["start key line"]


def test_what_a_start_key_derives_is_the_same_for_ever() -> None:
    key = StartKey(START_KEY)
    assert key.subkey("queue") == sealed("subkey")
    assert key.tag("account", "alice") == sealed("tag")
    assert key.open("account", sealed("record"), b"row") == b"record"


def test_a_recovery_code_opens_the_same_for_ever() -> None:
    assert RecoveryCode(CODE).to_text() == FORMATS["recovery code"]
    assert RecoveryCode.from_text(FORMATS["recovery code"]).wrapping_key() == sealed("wrapping key")


def test_a_wrapped_seed_opens_for_ever() -> None:
    assert unwrap(sealed("wrapped seed"), SECRET, b"context") == SEED


def test_a_seed_is_the_same_key_pair_for_ever() -> None:
    private = PrivateKey.from_seed(SEED)
    assert private.public_key.octets == sealed("public key")
    assert open_encapsulation(private, sealed("encapsulation"), b"context") == SECRET


def test_a_message_opens_for_ever() -> None:
    key = SealingKey(SECRET)
    assert open_segment(key, 7, 0, sealed("segment"), 4) == b"text"
    assert open_entry(key, 7, sealed("entry")) == b"entry"
