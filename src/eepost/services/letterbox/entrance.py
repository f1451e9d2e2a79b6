# SPDX-License-Identifier: Apache-2.0
"""Where users and their programs sign in: unlocks accounts, keeps them running. Is a Letterbox.

An account's first sign-in is the service's to confirm; after that the letters themselves are the
lock, and signing in works while the service is away. What is unlocked stays so until the program
ends or it is locked, because what waits to be sent needs the service's password; it is in memory
only.

Trust: any program on this machine can reach the ports; only the password opens anything. Identities
share nothing but this table: none of their objects is reachable from another's.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NoReturn

from eepost.letters.ports import Cabinet, Cabinets, WrongPassword
from eepost.observe.journal import Journal
from eepost.sanitise.cleaner import Cleaner
from eepost.services.letterbox.carrier import Carrier, Timing
from eepost.services.letterbox.cleaning import Cleaning
from eepost.services.letterbox.collector import Collector, Habits
from eepost.services.letterbox.ground import Ground
from eepost.services.letterbox.guesses import Guesses
from eepost.services.letterbox.identity import Account, Identity
from eepost.services.letterbox.letters import Keeping, Letters
from eepost.services.letterbox.mailbox import OpenMailbox
from eepost.services.letterbox.notices import Notices
from eepost.services.letterbox.ports import (
    Mailbox,
    Offload,
    OldPasswordNeeded,
    Service,
    Unreachable,
    Verdict,
)

# How long a password that the service has denied is not asked about again, and how many of them
# are remembered, as keyed hashes.
FORGET_SECONDS: Final = 3_600
MAX_DENIED: Final = 1_000
# How long an end waits for the service's answer to a letter: without it, it is sent twice.
FINISH_SECONDS: Final = 5.0
_KEY_OCTETS: Final = 32
_ID_KEY: Final = "message ids"


@dataclass(frozen=True, slots=True)
class Place:
    """An identity, its service, and what its user chose about both."""

    identity: Identity
    service: Service
    leaves_mail: bool = True
    trash_days: int = 30


@dataclass(frozen=True, slots=True)
class Means:
    """What the entrance needs of the machine."""

    cabinets: Cabinets
    offload: Offload  # for passwords: never the thread of an account
    make_thread: Callable[[], Offload]  # one for each account
    cleaner: Cleaner
    random_octets: Callable[[int], bytes]
    now_utc: Callable[[], int]
    journal: Journal
    timing: Timing = field(default_factory=Timing)


@dataclass(slots=True)
class _Opened:
    """An unlocked account, and what runs for it."""

    mailbox: OpenMailbox
    cabinet: Cabinet
    carrier: Carrier
    collector: Collector
    offload: Offload
    task: "asyncio.Task[None]"
    verifier: bytes  # of the password that opened it: a keyed hash, for quick sign-ins

    async def close(self) -> None:
        """End what runs for it, let go of its files."""
        await self.carrier.finish(FINISH_SECONDS)
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.collector.stop()
        await self.offload(self.cabinet.close)


class Entrance:
    """All identities of this machine's user; satisfies `ports.Letterbox`."""

    def __init__(self, places: Sequence[Place], means: Means) -> None:
        self._places: Mapping[str, Place] = {each.identity.name: each for each in places}
        self._means = means
        self._opened: dict[tuple[str, str], _Opened] = {}
        self._guesses = {name: Guesses(means.now_utc) for name in self._places}
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}
        self._denied: dict[tuple[str, str, bytes], int] = {}  # when the service last said so
        self._process_key = means.random_octets(_KEY_OCTETS)

    def __repr__(self) -> str:
        return "Entrance()"

    @property
    def identities(self) -> Sequence[str]:
        """The identities' names, in the settings' order."""
        return tuple(self._places)

    def remembered(self, identity: str, name: str, password: str) -> OpenMailbox | None:
        """Return the account at once where it is unlocked and the password is the same."""
        if self._guesses[identity].are_too_many:
            return None
        account = self._places[identity].identity.account(name)
        opened = self._opened.get((identity, account.login)) if account else None
        if opened is None or not self._is_same(opened, password):
            return None
        return opened.mailbox

    async def sign_in(self, identity: str, name: str, password: str) -> OpenMailbox:
        """Unlock an account, and make it where the service confirms that it is one."""
        found = self.remembered(identity, name, password)
        if found is not None:
            return found
        with self._guesses[identity].one():
            return await self._unlock(self._places[identity], name, password)

    async def _unlock(self, place: Place, name: str, password: str) -> OpenMailbox:
        identity, account = place.identity.name, place.identity.account(name)
        if account is None:
            raise WrongPassword
        async with self._turn(account):
            opened = self._opened.get((identity, account.login))
            if opened is None:
                opened = await self._open(place, account, password)
                self._opened[identity, account.login] = opened
            elif not self._is_same(opened, password):
                await self._tell_apart(place, account, password)
            return opened.mailbox

    async def change_password(self, identity: str, name: str, old: str, new: str) -> OpenMailbox:
        """Lock an account's letters under the password that the service takes by now."""
        mailbox = await self.sign_in(identity, name, old)
        account = mailbox.account
        async with self._turn(account):
            await self._confirm(self._places[identity], account, new)
            opened = self._opened[identity, account.login]
            await opened.offload(partial(opened.cabinet.change_password, new))
            opened.verifier = self._verifier(new)
        mailbox.hurry()
        mailbox.start_fetching()
        return mailbox

    async def stop(self) -> None:
        """Lock everything: end what runs, let go of the files."""
        while self._opened:
            _, opened = self._opened.popitem()
            await opened.close()

    async def lock(self, mailbox: Mailbox) -> None:
        """Forget one account's password and keys; what is under way for it breaks off."""
        found = [key for key, each in self._opened.items() if each.mailbox is mailbox]
        for key in found:
            async with self._turns[key]:
                opened = self._opened.pop(key, None)
                if opened is not None:
                    await opened.close()

    def _turn(self, account: Account) -> asyncio.Lock:
        return self._turns.setdefault((account.identity, account.login), asyncio.Lock())

    def _verifier(self, password: str) -> bytes:
        octets = password.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(octets, key=self._process_key).digest()

    def _is_same(self, opened: _Opened, password: str) -> bool:
        return hmac.compare_digest(opened.verifier, self._verifier(password))

    async def _tell_apart(self, place: Place, account: Account, password: str) -> NoReturn:
        """Tell a wrong password from one that the service has taken meanwhile.

        The service is asked once for each wrong one in a while: a mail program that has an old
        password comes back with it every few minutes, and would be held for somebody who guesses.
        """
        guess = (account.identity, account.login, self._verifier(password))
        now = self._means.now_utc()
        if now - self._denied.get(guess, -FORGET_SECONDS) >= FORGET_SECONDS:
            verdict = await place.service.confirm(account.login, password)
            if verdict is Verdict.CONFIRMED:
                raise OldPasswordNeeded
            if verdict is Verdict.DENIED:
                self._denied.pop(guess, None)
                self._denied[guess] = now
                for oldest in list(self._denied)[:-MAX_DENIED]:
                    del self._denied[oldest]
        raise WrongPassword

    async def _open(self, place: Place, account: Account, password: str) -> _Opened:
        means, key = self._means, (account.identity, account.login)
        if await means.offload(partial(means.cabinets.has, *key)):
            try:
                cabinet = await means.offload(partial(means.cabinets.open, *key, password))
            except WrongPassword:
                await self._tell_apart(place, account, password)
        else:
            await self._confirm(place, account, password)
            cabinet = await means.offload(partial(means.cabinets.create, *key, password))
        return await self._begin(place, account, cabinet, password)

    async def _confirm(self, place: Place, account: Account, password: str) -> None:
        verdict = await place.service.confirm(account.login, password)
        if verdict is Verdict.DENIED:
            raise WrongPassword
        if verdict is not Verdict.CONFIRMED:
            raise Unreachable

    async def _begin(
        self, place: Place, account: Account, cabinet: Cabinet, password: str
    ) -> _Opened:
        means = self._means
        offload = means.make_thread()
        letters = Letters(Keeping(cabinet, offload, means.now_utc))
        key = await offload(partial(_id_key, cabinet, means.random_octets))
        cleaning = Cleaning(
            means.cleaner, account, cabinet.shelf, key, means.random_octets, means.now_utc
        )
        notices = Notices(account, means.random_octets)
        ground = Ground(account, letters, place.service, notices, means.journal)
        carrier = Carrier(ground, means.timing)
        carrier.hurry()  # what waited for its user waits no more
        habits = Habits(place.leaves_mail, place.trash_days)
        collector = Collector(ground, cleaning, habits, carrier.route_is_there)
        mailbox = OpenMailbox(letters, account, cleaning, carrier, collector)
        task = _task(carrier.run())
        return _Opened(
            mailbox, cabinet, carrier, collector, offload, task, self._verifier(password)
        )


def _task(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    return asyncio.get_running_loop().create_task(work)


def _id_key(cabinet: Cabinet, random_octets: Callable[[int], bytes]) -> bytes:
    """Return the key for message identifiers, made at first; blocks."""
    key = cabinet.kept(_ID_KEY)
    if key is None:
        key = random_octets(_KEY_OCTETS)
        cabinet.keep(_ID_KEY, key)
    return key
