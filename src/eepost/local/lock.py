# SPDX-License-Identifier: Apache-2.0
"""The lock of a cabinet: its key, wrapped under what Argon2id makes of the service's password.

The service's password opens the letters too, so that their user has one to remember. It takes the
disk's finder some 60 ms of a core and 64 MiB for each guess.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from argon2.low_level import Type, hash_secret_raw

from eepost.letters.ports import LockDamaged, WrongPassword
from eepost.local.files import read_record, write_file
from eepost.seal.box import KEY_OCTETS, open_box, seal_box
from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness

_FILE = "lock"
_SALT_OCTETS = 16
_CONTEXT = b"eepost letterbox 1"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of the password costs (RFC 9106); kept with each lock."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 1


DEFAULT_COST: Final = Cost()


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    salt: bytes
    memory_kib: int
    passes: int
    lanes: int
    wrapped: bytes


def has_lock(folder: Path) -> bool:
    """Say whether `folder` holds a cabinet."""
    return (folder / _FILE).exists()


def make_lock(folder: Path, key: bytes, password: str, cost: Cost, randomness: Randomness) -> None:
    """Lock `key` (32 octets) under `password`, in place of any lock before. Raises DiskFull."""
    salt = randomness(_SALT_OCTETS)
    wrapped = seal_box(_derive(password, salt, cost), randomness, key, _CONTEXT)
    record = _Record(1, salt, cost.memory_kib, cost.passes, cost.lanes, wrapped)
    write_file(folder / _FILE, [msgspec.msgpack.encode(record)])


def open_lock(folder: Path, password: str) -> bytes:
    """Return the key; blocks for a moment. Raises WrongPassword, LockDamaged."""
    octets = read_record(folder / _FILE)
    if octets is None:
        raise LockDamaged
    try:
        record = msgspec.msgpack.decode(octets, type=_Record)
    except msgspec.DecodeError:
        raise LockDamaged from None
    cost = Cost(record.memory_kib, record.passes, record.lanes)
    try:
        return open_box(_derive(password, record.salt, cost), record.wrapped, _CONTEXT)
    except SealBroken:
        raise WrongPassword from None


def _derive(password: str, salt: bytes, cost: Cost) -> bytes:
    return hash_secret_raw(
        password.encode("utf-8", "surrogatepass"),
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=KEY_OCTETS,
        type=Type.ID,
    )
