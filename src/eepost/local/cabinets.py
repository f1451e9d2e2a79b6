# SPDX-License-Identifier: Apache-2.0
"""Where cabinets stand: a folder for each identity, in it one for each account.

Folders of accounts are named by a keyed hash; the key lies beside them, so that whoever has the
disk can try names but reads none.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from eepost.local.cabinet import Cabinet
from eepost.local.files import make_folder, read_record, write_file
from eepost.local.lock import DEFAULT_COST, Cost
from eepost.seal.randomness import Randomness

_KEY_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Cabinets:
    """Satisfies `eepost.letters.ports.Cabinets`."""

    directories: dict[str, Path]  # by identity
    randomness: Randomness
    cost: Cost = DEFAULT_COST

    def has(self, identity: str, login: str) -> bool:
        """Say whether the account has a cabinet."""
        return Cabinet.is_in(self._folder(identity, login))

    def create(self, identity: str, login: str, password: str) -> Cabinet:
        """Make one. Raises DiskFull, InUse, OSError."""
        return Cabinet.create(self._folder(identity, login), password, self.randomness, self.cost)

    def open(self, identity: str, login: str, password: str) -> Cabinet:
        """Open the one that is there. Raises WrongPassword, LockDamaged, InUse, OSError."""
        return Cabinet.open(self._folder(identity, login), password, self.randomness, self.cost)

    def _folder(self, identity: str, login: str) -> Path:
        directory = self.directories[identity]
        make_folder(directory)
        file = directory / "names.key"
        key = read_record(file)
        if key is None:
            key = self.randomness(_KEY_OCTETS)
            write_file(file, [key])
        tag = hashlib.blake2b(login.encode("utf-8", "surrogatepass"), key=key, digest_size=16)
        return directory / tag.hexdigest()
