# SPDX-License-Identifier: Apache-2.0
"""Whom on the Internet an account wrote to, for those who take mail from such people only.

Kept as keyed hashes of account and address for some months: the table names nobody, and when an
account is deleted its number goes, without which not even the start key leads to its rows.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from eepost.accounts.model import Account
from eepost.mail.address import Address

_TAG_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Correspondents:
    """Asks the table. `key`: 32 octets from the start key; `is_known` looks a tag up."""

    key: bytes
    is_known: Callable[[bytes], Awaitable[bool]]

    def tag(self, account: Account, address: Address) -> bytes:
        """Return what stands for "this account wrote to this address"."""
        text = account.number.to_bytes(8, "big") + folded(address).encode()
        return hashlib.blake2b(text, key=self.key, digest_size=_TAG_OCTETS).digest()

    async def has_written_to(self, account: Account, address: Address) -> bool:
        """Say whether the account wrote to `address`, in any case. Raises StoreUnavailable."""
        return await self.is_known(self.tag(account, address))

    def __repr__(self) -> str:
        return "Correspondents()"


def folded(address: Address) -> str:
    """Return an address in lower case: nobody has two mailboxes that differ in case only."""
    return str(address).lower()
