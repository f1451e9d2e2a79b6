# SPDX-License-Identifier: Apache-2.0
"""Which account a local address belongs to: internal and official domains, roles, postmaster.

Duty: answer from memory for as long as no account has changed, so that a RCPT costs no question
to the store. Must not say anything about addresses of other domains.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from eepost.accounts.model import Account
from eepost.accounts.names import RESERVED, local_name
from eepost.accounts.ports import AccountStore, Compute
from eepost.mail.address import Address

# Up to 4 kB each with its public keys; an unknown name takes 100 octets.
MAX_ENTRIES = 4_096


@dataclass(frozen=True, slots=True)
class NotCached:
    """The store has to be asked: `find` does."""


class Directory:
    """Finds the account behind a local address. Every method may raise StoreUnavailable.

    An account is returned in whatever state it is; whether a disabled one gets mail is for the
    caller to say. `compute` runs blocking work on a thread.
    """

    __slots__ = ("_accounts", "_compute", "_domains", "_epoch", "_found", "_max_entries")

    def __init__(
        self,
        accounts: AccountStore,
        compute: Compute,
        internal_domain: str,
        official_domains: Iterable[str] = (),
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._accounts = accounts
        self._compute = compute
        self._domains = frozenset(map(str.lower, (internal_domain, *official_domains)))
        self._max_entries = max_entries
        self._epoch: int | None = None
        self._found: OrderedDict[str, Account | None] = OrderedDict()

    def is_local(self, address: Address) -> bool:
        """The address is ours to answer for, whether or not anybody has it.

        So is the bare postmaster (RFC 5321 4.5.1).
        """
        if not address.domain:
            return address.local_part.lower() == "postmaster"
        return address.domain.lower() in self._domains

    def cached(self, address: Address) -> Account | NotCached | None:
        """Return the account, None where nobody has the address, or that it is not known yet."""
        name = self._name(address)
        if name is None:
            return None
        self._forget_if_stale()
        if name not in self._found:
            return NotCached()
        self._found.move_to_end(name)
        return self._found[name]

    async def find(self, address: Address) -> Account | None:
        """Return the account that mail to `address` goes to, None where there is none."""
        known = self.cached(address)
        if not isinstance(known, NotCached):
            return known
        name = self._name(address)
        assert name is not None  # noqa: S101 - else it would have been known
        epoch = self._epoch
        account = await self._compute(lambda: self._look_up(name))
        # Only what was read in the epoch that is still being cached for may be kept.
        if epoch == self._epoch:
            self._found[name] = account
            if len(self._found) > self._max_entries:
                self._found.popitem(last=False)
        return account

    def _name(self, address: Address) -> str | None:
        return local_name(address.local_part) if self.is_local(address) else None

    def _look_up(self, name: str) -> Account | None:
        holder = self._accounts.roles().get(name) if name in RESERVED else name
        return None if holder is None else self._accounts.find(holder)

    def _forget_if_stale(self) -> None:
        epoch = self._accounts.epoch()
        if epoch != self._epoch:
            self._found.clear()
            self._epoch = epoch
