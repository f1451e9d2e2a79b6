# SPDX-License-Identifier: Apache-2.0
"""Makes, changes and ends accounts. Every call blocks; passwords cost an Argon2id computation.

Which secret opens what, when there are several generations of keys and several codes:

- Each generation's private key is wrapped twice: under the password, under a recovery code. New
  mail is sealed to the last generation; older ones are kept for the mail that lies there.
- Who has the password opens every generation that the password was given: all, unless an operator
  has reset it. Changing it wraps all of these under the new one; codes stay.
- An operator has no keys. His reset makes a new generation with a new code; the password door of
  the older ones is shut, and their old code still opens them.
- A code opens the generations that were wrapped under it. If that includes the last one, it is
  the account's code of today: it lets its holder set a new password. If it is an older code, its
  holder must know the password of today beside it, or a scrap of paper from years ago could take
  the account over; the older generations then open by the password again.
- Renewing the code and rotating the keys give one new code for all that the password opens, since
  the old code is known to its owner alone and nothing can be wrapped under it without him. What
  the password does not open stays under its older code.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from eepost.accounts.invitations import Invitation
from eepost.accounts.keyring import Door, new_generation, open_seeds, rewrap
from eepost.accounts.model import Account, PasswordCost, State
from eepost.accounts.names import check_name, check_role, local_name
from eepost.accounts.passwords import Derived, check_password, new_record, verify
from eepost.accounts.ports import AccountStore, NameTaken, NoSuchAccount
from eepost.accounts.preferences import Preferences
from eepost.seal.randomness import Randomness
from eepost.seal.recovery import RecoveryCode


class WrongPassword(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The password is not the account's."""


class WrongRecoveryCode(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The code opens none of the account's keys."""


class OldRecoveryCode(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The code opens old mail only, and therefore needs the password of today beside it."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new account, and the code that its user is shown once and that is kept nowhere."""

    account: Account
    recovery_code: str = field(repr=False)


class Registry:
    """What can be done with accounts. Every method may raise StoreUnavailable.

    Names are taken in any case. Methods that change an account raise NoSuchAccount, and
    AccountChanged where somebody changed it at the same time (then trying again is safe).
    """

    __slots__ = ("_cost", "_randomness", "_store")

    def __init__(
        self, store: AccountStore, randomness: Randomness, cost: PasswordCost | None = None
    ) -> None:
        self._store = store
        self._randomness = randomness
        self._cost = cost or PasswordCost()

    def create(self, name: str, password: str, invitation: Invitation | None = None) -> Created:
        """Make an account, by an invitation if that is asked for.

        Raises NameRefused, PasswordRefused, NameTaken, InvitationUsed.
        """
        normal = check_name(name)
        if self._store.find(normal) is not None:
            raise NameTaken  # before the computation: whoever asks in vain can ask for ever
        record, derived = new_record(password, self._cost, self._randomness)
        number = int.from_bytes(self._randomness(8), "big") >> 1
        code, doors = self._new_doors(derived)
        key = new_generation(number, 1, doors, self._randomness)
        account = Account(number, normal, State.ENABLED, record, (key,))
        self._store.add(account, invitation)
        return Created(account, code)

    def find(self, name: str) -> Account:
        """Return the account. Raises NoSuchAccount."""
        normal = local_name(name)
        account = self._store.find(normal) if normal else None
        if account is None:
            raise NoSuchAccount
        return account

    def change_password(self, name: str, old: str, new: str) -> None:
        """Wrap what the old password opens under the new one.

        Raises WrongPassword, PasswordRefused.
        """
        check_password(new)
        account = self.find(name)
        seeds = self._seeds_by_password(account, old)[1]
        self._set_password(account, new, seeds)

    def reset_password(self, name: str, new: str) -> str:
        """Set a password without the old one, and return the new recovery code.

        Mail that lies there then opens with the old recovery code only. Raises PasswordRefused.
        """
        account = self.find(name)
        record, derived = new_record(new, self._cost, self._randomness)
        code, doors = self._new_doors(derived)
        shut = tuple(replace(pair, by_password=None) for pair in account.keys)
        key = new_generation(
            account.number, account.current_key.generation + 1, doors, self._randomness
        )
        self._store.replace(replace(account, password=record, keys=(*shut, key)), account)
        return code

    def recover(self, name: str, code: str, password: str) -> None:
        """Open what the code opens, from now on by `password`.

        `password` is a new one if the code is the account's last; if the code is older, it must be
        the password of today. Raises RecoveryCodeRefused, WrongRecoveryCode, OldRecoveryCode,
        PasswordRefused.
        """
        check_password(password)
        # Before the name is looked at: else a mistyped code tells whether there is an account.
        wrapping_key = RecoveryCode.from_text(code).wrapping_key()
        account = self.find(name)
        seeds = open_seeds(account, Door.RECOVERY, wrapping_key)
        if not seeds:
            raise WrongRecoveryCode
        if account.current_key.generation in seeds:
            self._set_password(account, password, seeds)
            return
        derived = verify(password, account.password)
        if derived is None:
            raise OldRecoveryCode
        doors = {Door.PASSWORD: derived.wrapping_key}
        self._store.replace(self._rewrapped(account, seeds, doors), account)

    def renew_recovery_code(self, name: str, password: str) -> str:
        """Return a new code for all that the password opens; older codes open it no more.

        Raises WrongPassword.
        """
        account = self.find(name)
        derived, seeds = self._seeds_by_password(account, password)
        code, doors = self._new_doors(derived)
        self._store.replace(self._rewrapped(account, seeds, doors), account)
        return code

    def rotate_keys(self, name: str, password: str) -> str:
        """Make a new key pair for new mail, and return a new code for all that the password opens.

        Raises WrongPassword.
        """
        account = self.find(name)
        derived, seeds = self._seeds_by_password(account, password)
        code, doors = self._new_doors(derived)
        key = new_generation(
            account.number, account.current_key.generation + 1, doors, self._randomness
        )
        rewrapped = self._rewrapped(account, seeds, doors)
        self._store.replace(replace(rewrapped, keys=(*rewrapped.keys, key)), account)
        return code

    def set_state(self, name: str, state: State) -> None:
        """Let the account log in and get mail, or neither; what it has stays."""
        account = self.find(name)
        if account.state is not state:
            self._store.replace(replace(account, state=state), account)

    def adjust(self, name: str, change: Callable[[Preferences], Preferences]) -> None:
        """Let `change` make an account's new preferences of its old ones."""
        account = self.find(name)
        preferences = change(account.preferences)
        if preferences != account.preferences:
            self._store.replace(replace(account, preferences=preferences), account)

    def delete(self, name: str) -> None:
        """Destroy the account's keys and mail; nobody gets its name again."""
        self._store.delete(self.find(name).name)

    def roles(self) -> dict[str, str]:
        """Return role -> account name."""
        return self._store.roles()

    def assign_role(self, role: str, name: str) -> None:
        """Let mail to `role` go to the account. Raises NameRefused if it can't be a role."""
        normal = check_role(role)
        self._store.assign_role(normal, self.find(name).name)

    def _new_doors(self, derived: Derived) -> tuple[str, dict[Door, bytes]]:
        code = RecoveryCode.generate(self._randomness)
        doors = {Door.PASSWORD: derived.wrapping_key, Door.RECOVERY: code.wrapping_key()}
        return code.to_text(), doors

    def _seeds_by_password(
        self, account: Account, password: str
    ) -> tuple[Derived, dict[int, bytes]]:
        derived = verify(password, account.password)
        if derived is None:
            raise WrongPassword
        return derived, open_seeds(account, Door.PASSWORD, derived.wrapping_key)

    def _set_password(self, account: Account, new: str, seeds: Mapping[int, bytes]) -> None:
        record, derived = new_record(new, self._cost, self._randomness)
        doors = {Door.PASSWORD: derived.wrapping_key}
        rewrapped = self._rewrapped(account, seeds, doors)
        # A generation whose seed is not at hand has no password door: the old one leads nowhere.
        keys = tuple(
            pair if pair.generation in seeds else replace(pair, by_password=None)
            for pair in rewrapped.keys
        )
        self._store.replace(replace(rewrapped, password=record, keys=keys), account)

    def _rewrapped(
        self, account: Account, seeds: Mapping[int, bytes], doors: Mapping[Door, bytes]
    ) -> Account:
        keys = tuple(
            rewrap(account.number, pair, seeds[pair.generation], doors, self._randomness)
            if pair.generation in seeds
            else pair
            for pair in account.keys
        )
        return replace(account, keys=keys)
