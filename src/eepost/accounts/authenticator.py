# SPDX-License-Identifier: Apache-2.0
"""Checks logins: at once where the password is remembered as right, else by Argon2id.

Duty: answer who it is. Must not tell an unknown name from a wrong password, neither by its answer
nor by its time; must not let logins take more than the CPU that was set aside for them.

Trust: anybody who can reach a port may try any login with any password.
"""

from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field

from eepost.accounts.keyring import Door, open_seeds
from eepost.accounts.memory import LoginMemory
from eepost.accounts.model import Account, PasswordCost, State
from eepost.accounts.names import login_name
from eepost.accounts.passwords import derive, verify
from eepost.accounts.ports import AccountStore, Compute
from eepost.accounts.throttle import Attempt, Throttle
from eepost.seal.keypair import PrivateKey

# A salt decides nothing about how long a computation takes, and this one is seen by nobody.
_NO_SALT = bytes(16)


@dataclass(frozen=True, slots=True)
class OpenMaildrop:
    """A login to a maildrop: the account, and its private keys by generation.

    Older generations are missing where an operator's reset left only their recovery code.
    """

    account: Account
    keys: dict[int, PrivateKey] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrongCredentials:
    """No such account, another password, or disabled: which of them is nobody's business."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Too many logins wait; the same one may be right later (454 4.7.0, [SYS/TEMP])."""


@dataclass(frozen=True, slots=True, repr=False)
class _Right:
    account: Account
    seeds: dict[int, bytes]
    epoch: int
    is_remembered: bool


# Looks up name and password in the memory as of an epoch.
_Recall = Callable[[str, str, int], _Right | None]


class Authenticator:
    """Says whose login it is. Every method may raise StoreUnavailable.

    `domains` are all in which an account has an address; `compute` runs blocking work on a bounded
    pool, and no more than `max_waiting` logins wait for it; `look_up` runs what is short and must
    not wait behind logins; `clock` gives seconds that only rise.
    """

    __slots__ = (
        "_accounts",
        "_clock",
        "_compute",
        "_cost",
        "_domains",
        "_look_up",
        "_max_waiting",
        "_memory",
        "_pause",
        "_throttle",
        "_waiting",
    )

    def __init__(  # noqa: PLR0913 - wired in one place, by name
        self,
        accounts: AccountStore,
        domains: Container[str],
        memory: LoginMemory,
        throttle: Throttle,
        *,
        compute: Compute,
        look_up: Compute,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        max_waiting: int,
        cost: PasswordCost | None = None,
    ) -> None:
        self._accounts = accounts
        self._domains = domains
        self._memory = memory
        self._throttle = throttle
        self._compute = compute
        self._look_up = look_up
        self._clock = clock
        self._pause = pause
        self._max_waiting = max_waiting
        self._cost = cost or PasswordCost()  # what a login to no account pays
        self._waiting = 0

    def recall_submission(self, login: str, password: str) -> Account | None:
        """Return the account if this login is remembered as right; takes microseconds."""
        found = self._recall(login, password, self._recall_submission)
        return None if found is None else found.account

    def recall_maildrop(self, login: str, password: str) -> OpenMaildrop | None:
        """Return the maildrop if this login is remembered as right; takes microseconds."""
        found = self._recall(login, password, self._recall_maildrop)
        return None if found is None else _open_maildrop(found)

    async def check_submission(
        self, login: str, password: str, peer: bytes | None
    ) -> Account | WrongCredentials | Busy:
        """Return the account if login and password are right, whatever that takes."""
        found = await self._check(login, password, peer, self._recall_submission)
        return found.account if isinstance(found, _Right) else found

    async def check_maildrop(
        self, login: str, password: str, peer: bytes | None
    ) -> OpenMaildrop | WrongCredentials | Busy:
        """Return account and private keys if login and password are right."""
        found = await self._check(login, password, peer, self._recall_maildrop)
        if not isinstance(found, _Right):
            return found
        if not found.is_remembered:
            self._memory.remember_maildrop(
                found.account, password, found.seeds, self._clock(), found.epoch
            )
        return _open_maildrop(found)

    def recall_sealing_keys(self, found: OpenMaildrop) -> dict[int, bytes]:
        """Return what sessions of this login have opened: 32 octets by encapsulation number."""
        return self._memory.recall_sealing_keys(found.account, _seeds(found), self._clock())

    def remember_sealing_keys(self, found: OpenMaildrop, keys: Mapping[int, bytes]) -> None:
        """Remember what a session has opened, no longer than its login and as well guarded."""
        self._memory.remember_sealing_keys(found.account, _seeds(found), keys, self._clock())

    def recall_listing(self, found: OpenMaildrop, mark: int) -> bytes | None:
        """Return the maildrop's listing as of `mark` if this login remembers it."""
        return self._memory.recall_listing(found.account, _seeds(found), mark, self._clock())

    def remember_listing(self, found: OpenMaildrop, mark: int, listing: bytes) -> None:
        """Remember a listing, no longer than its login and as well guarded."""
        now = self._clock()
        self._memory.remember_listing(found.account, _seeds(found), mark, listing, now)

    def epoch(self) -> int:
        """Return a number that changes with any account; of use when read before a login."""
        return self._accounts.epoch()

    async def is_in_force(self, account: Account) -> bool:
        """The login that gave `account` would still be right.

        For sessions that go on after the epoch in which they logged in: a new password, disabling
        and deleting end them too, while new keys or another limit do not.
        """
        now = await self._look_up(lambda: self._accounts.find(account.name))
        return now is not None and (now.number, now.password, now.state) == (
            account.number,
            account.password,
            State.ENABLED,
        )

    def forget_expired(self) -> None:
        """Forget logins that are too old; to be called often enough to mean it."""
        self._memory.forget_expired(self._clock())

    def _recall(self, login: str, password: str, recall: _Recall) -> _Right | None:
        name = login_name(login, self._domains)
        return None if name is None else recall(name, password, self._accounts.epoch())

    def _recall_submission(self, name: str, password: str, epoch: int) -> _Right | None:
        account = self._memory.recall_submission(name, password, self._clock(), epoch)
        return None if account is None else _Right(account, {}, epoch, is_remembered=True)

    def _recall_maildrop(self, name: str, password: str, epoch: int) -> _Right | None:
        found = self._memory.recall_maildrop(name, password, self._clock(), epoch)
        return None if found is None else _Right(*found, epoch, is_remembered=True)

    async def _check(
        self, login: str, password: str, peer: bytes | None, recall: _Recall
    ) -> _Right | WrongCredentials | Busy:
        name = login_name(login, self._domains)
        if name is not None and await self._confirmed(name):
            remembered = self._recall(login, password, recall)
            if remembered is not None:
                return remembered
        if self._waiting >= self._max_waiting:
            # Before anything is noted of the attempt: one that costs no computation must not push
            # what is known of guesses at an account out of the throttle's table.
            return Busy()
        # What can't be a name here costs and waits like any other login.
        attempt = self._throttle.enter(name or login, password, peer, self._clock())
        if attempt is None:
            return Busy()
        settle: Callable[[Attempt], None] = self._throttle.abandoned
        try:
            if attempt.delay_seconds:
                await self._pause(attempt.delay_seconds)
            found = await self._in_turn(name, password, recall)
            if isinstance(found, _Right):
                settle = self._throttle.accepted
            elif isinstance(found, WrongCredentials):
                settle = self._throttle.refused
            return found
        finally:
            settle(attempt)

    async def _confirmed(self, name: str) -> bool:
        """Some account changed: look whether this one is as it was when it was remembered."""
        epoch = self._accounts.epoch()
        if not self._memory.is_stale(name, epoch):
            return False
        account = await self._look_up(lambda: self._accounts.find(name))
        self._memory.confirm(name, account, epoch)
        return True

    async def _in_turn(
        self, name: str | None, password: str, recall: _Recall
    ) -> _Right | WrongCredentials | Busy:
        if self._waiting >= self._max_waiting:
            return Busy()
        # Read before the account is: what changes in between makes the memory stale.
        epoch = self._accounts.epoch()
        self._waiting += 1
        try:
            found = await self._compute(lambda: self._open(name, password, epoch, recall))
        finally:
            self._waiting -= 1
        if found is None:
            return WrongCredentials()
        if not found.is_remembered:
            self._memory.remember_submission(found.account, password, self._clock(), epoch)
        return found

    def _open(self, name: str | None, password: str, epoch: int, recall: _Recall) -> _Right | None:
        """Blocks; the same computation is made for every login, whatever is wrong with it."""
        account = None if name is None else self._accounts.find(name)
        if name is None or account is None:
            derive(password, _NO_SALT, self._cost)
            return None
        # A client that opens ten connections at once pays for about one.
        remembered = recall(name, password, epoch)
        if remembered is not None:
            return remembered
        derived = verify(password, account.password)
        if derived is None or account.state is State.DISABLED:
            return None
        seeds = open_seeds(account, Door.PASSWORD, derived.wrapping_key)
        return _Right(account, seeds, epoch, is_remembered=False)


def _open_maildrop(found: _Right) -> OpenMaildrop:
    keys = {generation: PrivateKey.from_seed(seed) for generation, seed in found.seeds.items()}
    return OpenMaildrop(found.account, keys)


def _seeds(found: OpenMaildrop) -> dict[int, bytes]:
    return {generation: key.seed for generation, key in found.keys.items()}
