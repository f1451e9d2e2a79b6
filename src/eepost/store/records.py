# SPDX-License-Identifier: Apache-2.0
"""How accounts, roles and what is used of an allowance are written under the start key.

A record is: one octet of version, the length, the account in MessagePack, zeros up to a multiple
of three kilobytes. The zeros are there so that a record's size does not tell the length of a name.
"""

from dataclasses import dataclass
from struct import Struct

import msgspec

from eepost.accounts.model import Account
from eepost.maildrop.ports import StoreUnavailable
from eepost.queue.allowance import Allowance
from eepost.seal.randomness import Randomness
from eepost.seal.startkey import StartKey

_VERSION = 1
_HEAD = Struct(">BI")
_NUMBER = Struct(">Q")
# A record with one generation of keys fits, and with its row into a page.
_RECORD_STEP_OCTETS = 3072
_ROLE_STEP_OCTETS = 128
# Certificates differ in size by their algorithms; most are padded to the same.
_CERTIFICATE_STEP_OCTETS = 4096
_ALLOWANCE_STEP_OCTETS = 1024  # twenty recipients and the counts of a day


@dataclass(frozen=True, slots=True)
class _Role:
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Records:
    """Seals and opens what the store keeps of accounts and roles."""

    key: StartKey
    randomness: Randomness

    def name_tag(self, name: str) -> bytes:
        """Return what stands for an account's name, also after its deletion."""
        return self.key.tag("account name", name)

    def role_tag(self, role: str) -> bytes:
        """Return what stands for a role."""
        return self.key.tag("role", role)

    def seal(self, account: Account) -> bytes:
        """Return the record of an account."""
        text = _pad(msgspec.msgpack.encode(account), _RECORD_STEP_OCTETS)
        return self.key.seal("account", self.randomness, text, _NUMBER.pack(account.number))

    def open(self, number: int, record: bytes) -> Account:
        """Return the account of a record. Raises SealBroken, StoreUnavailable."""
        text = self.key.open("account", record, _NUMBER.pack(number))
        return msgspec.msgpack.decode(_unpad(text), type=Account)

    def seal_role(self, role: str, name: str) -> bytes:
        """Return the sealed row of a role that `name` has."""
        text = _pad(msgspec.msgpack.encode(_Role(role, name)), _ROLE_STEP_OCTETS)
        return self.key.seal("role", self.randomness, text, self.role_tag(role))

    def open_role(self, role_tag: bytes, sealed: bytes) -> tuple[str, str]:
        """Return a role and the name that has it. Raises SealBroken, StoreUnavailable."""
        text = self.key.open("role", sealed, role_tag)
        row = msgspec.msgpack.decode(_unpad(text), type=_Role)
        return row.role, row.name

    def seal_allowance(self, holder_tag: bytes, allowance: Allowance) -> bytes:
        """Return the record of what a holder has used."""
        text = _pad(msgspec.msgpack.encode(allowance), _ALLOWANCE_STEP_OCTETS)
        return self.key.seal("allowance", self.randomness, text, holder_tag)

    def open_allowance(self, holder_tag: bytes, record: bytes) -> Allowance:
        """Return what a holder has used. Raises SealBroken, StoreUnavailable."""
        text = self.key.open("allowance", record, holder_tag)
        return msgspec.msgpack.decode(_unpad(text), type=Allowance)

    def seal_hour_key(self, hour: int, octets: bytes) -> bytes:
        """Return the sealed row of an hour's key."""
        return self.key.seal("hour key", self.randomness, octets, _NUMBER.pack(hour))

    def open_hour_key(self, hour: int, sealed: bytes) -> bytes:
        """Return an hour's key. Raises SealBroken."""
        return self.key.open("hour key", sealed, _NUMBER.pack(hour))

    def seal_certificate(self, number: int, octets: bytes) -> bytes:
        """Return an account's sealed certificate."""
        text = _pad(octets, _CERTIFICATE_STEP_OCTETS)
        return self.key.seal("certificate", self.randomness, text, _NUMBER.pack(number))

    def open_certificate(self, number: int, sealed: bytes) -> bytes:
        """Return an account's certificate. Raises SealBroken, StoreUnavailable."""
        return _unpad(self.key.open("certificate", sealed, _NUMBER.pack(number)))

    def seal_proof(self) -> bytes:
        """Return something that only this start key opens."""
        return self.key.seal("store", self.randomness, b"", b"proof")

    def check_proof(self, proof: bytes) -> None:
        """Raise SealBroken unless `proof` was sealed under this start key."""
        self.key.open("store", proof, b"proof")


def _pad(text: bytes, step: int) -> bytes:
    framed = _HEAD.pack(_VERSION, len(text)) + text
    return framed + bytes(-len(framed) % step)


def _unpad(text: bytes) -> bytes:
    version, length = _HEAD.unpack_from(text)
    if version != _VERSION:
        # Migrations do not see into records; a newer release says so in the record itself.
        raise StoreUnavailable
    return text[_HEAD.size : _HEAD.size + length]
