# SPDX-License-Identifier: Apache-2.0
"""Remembers for some minutes that a login was right, so that it need not cost Argon2id again.

Duty: answer in microseconds. For submission it keeps a keyed hash; for maildrops the private keys
wrapped under a key that comes from the process key and the password together, so that what lies
here opens nothing without the password. Beside them lie the sealing keys that sessions of the
login have opened (each costs 0.1 ms) and the maildrop's listing as they saw it, wrapped under a key
that takes those private keys to make.
Must not keep a password. Whoever reads the memory of the running process has both hash and process
key, and can guess weak passwords quickly for as long as they are remembered: that is the price,
and it ends with `lifetime_seconds`.

Changing any account changes the store's epoch. What was remembered at another epoch answers
nothing until `confirm` has seen that its account is still as it was, so one change of one account
does not make everybody log in anew.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from eepost.accounts.model import Account
from eepost.accounts.passwords import secret_octets
from eepost.seal.keypair import SEED_OCTETS

# A mail client that polls every few minutes logs in once in this time at full cost.
LIFETIME_SECONDS = 300.0
# Some 3 kB each with its account; the oldest is forgotten first.
MAX_ENTRIES = 4_096
# 40 octets each, so 40 kB where somebody leaves the mail of months in his maildrop.
MAX_SEALING_KEYS = 1_000

# A listing of some 128 messages; 35 MB if every remembered login had one. Who leaves more in his
# maildrop has them opened anew.
MAX_LISTING_OCTETS = 8_448

_GENERATION_OCTETS = 4
_STEP = _GENERATION_OCTETS + SEED_OCTETS
_NONCE_OCTETS = 12
_SEALING_KEY = Struct(">Q32s")  # number of the encapsulation, and what was in it
_LISTING = b"eepost listing 1"


@dataclass(slots=True, repr=False)
class _Entry:
    account: Account
    epoch: int
    expires: float
    proof: bytes  # a keyed hash, or the sealed seeds
    nonce: bytes = b""
    sealing_keys: bytes = b""  # a nonce and what is sealed with it; nothing at first
    listing: bytes = b""  # likewise
    listing_mark: int = 0


class LoginMemory:
    """What is remembered of right logins, by account name; `now` is any clock that only rises.

    Any thread may recall; everything else belongs to one thread.
    """

    __slots__ = (
        "_key",
        "_lifetime_seconds",
        "_maildrops",
        "_max_entries",
        "_sealed",
        "_submission",
    )

    def __init__(
        self,
        process_key: bytes,
        lifetime_seconds: float = LIFETIME_SECONDS,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._key = process_key
        self._lifetime_seconds = lifetime_seconds
        self._max_entries = max_entries
        self._sealed = 0  # counts what was sealed: a nonce that never comes twice
        self._submission: OrderedDict[str, _Entry] = OrderedDict()
        self._maildrops: OrderedDict[str, _Entry] = OrderedDict()

    def remember_submission(self, account: Account, password: str, now: float, epoch: int) -> None:
        """Remember that this password was right at `epoch`."""
        proof = self._digest(b"eepost submit 1", account.name, password)
        self._keep(self._submission, _Entry(account, epoch, now + self._lifetime_seconds, proof))

    def remember_maildrop(
        self,
        account: Account,
        password: str,
        seeds: Mapping[int, bytes],
        now: float,
        epoch: int,
    ) -> None:
        """Remember the private keys' seeds, by generation, that this password opened."""
        nonce = self._next_nonce()
        proof = self._cipher(account.name, password).encrypt(nonce, _seeds_text(seeds), None)
        self._keep(
            self._maildrops, _Entry(account, epoch, now + self._lifetime_seconds, proof, nonce)
        )

    def recall_submission(self, name: str, password: str, now: float, epoch: int) -> Account | None:
        """Return the account if this password is remembered as right, in about 2 us."""
        entry = self._valid(self._submission, name, now, epoch)
        if entry is None:
            return None
        proof = self._digest(b"eepost submit 1", name, password)
        return entry.account if hmac.compare_digest(proof, entry.proof) else None

    def recall_maildrop(
        self, name: str, password: str, now: float, epoch: int
    ) -> tuple[Account, dict[int, bytes]] | None:
        """Return account and seeds by generation if this password opens what is remembered."""
        entry = self._valid(self._maildrops, name, now, epoch)
        if entry is None:
            return None
        try:
            text = self._cipher(name, password).decrypt(entry.nonce, entry.proof, None)
        except InvalidTag:
            return None
        return entry.account, {
            int.from_bytes(text[at : at + _GENERATION_OCTETS], "big"): text[
                at + _GENERATION_OCTETS : at + _STEP
            ]
            for at in range(0, len(text), _STEP)
        }

    def remember_sealing_keys(
        self, account: Account, seeds: Mapping[int, bytes], keys: Mapping[int, bytes], now: float
    ) -> None:
        """Remember sealing keys, by number of their encapsulation, for as long as the login.

        `account` and `seeds` are what the login gave. Where it is remembered no more, or the
        account has changed since, nothing is kept; of too many the newest are.
        """
        entry = self._of_login(account, now)
        if entry is not None and keys:
            known = {**self._opened_sealing_keys(entry, seeds), **keys}
            newest = list(known.items())[-MAX_SEALING_KEYS:]
            text = b"".join(_SEALING_KEY.pack(number, key) for number, key in newest)
            nonce = self._next_nonce()
            cipher = self._sealing_cipher(account.number, seeds)
            entry.sealing_keys = nonce + cipher.encrypt(nonce, text, None)

    def recall_sealing_keys(
        self, account: Account, seeds: Mapping[int, bytes], now: float
    ) -> dict[int, bytes]:
        """Return the sealing keys that are remembered with this login."""
        entry = self._of_login(account, now)
        return {} if entry is None else self._opened_sealing_keys(entry, seeds)

    def remember_listing(
        self, account: Account, seeds: Mapping[int, bytes], mark: int, listing: bytes, now: float
    ) -> None:
        """Remember a maildrop's listing as of `mark`, for as long as the login; not a long one."""
        entry = self._of_login(account, now)
        if entry is not None and len(listing) <= MAX_LISTING_OCTETS:
            nonce = self._next_nonce()
            cipher = self._sealing_cipher(account.number, seeds)
            entry.listing = nonce + cipher.encrypt(nonce, listing, _LISTING)
            entry.listing_mark = mark

    def recall_listing(
        self, account: Account, seeds: Mapping[int, bytes], mark: int, now: float
    ) -> bytes | None:
        """Return the listing that is remembered with this login, None unless it is of `mark`."""
        entry = self._of_login(account, now)
        if entry is None or not entry.listing or entry.listing_mark != mark:
            return None
        return self._opened(entry, seeds, entry.listing, _LISTING)

    def is_stale(self, name: str, epoch: int) -> bool:
        """Something is remembered that `confirm` could make good for `epoch`."""
        return any(
            entry is not None and entry.epoch != epoch
            for entry in (self._submission.get(name), self._maildrops.get(name))
        )

    def confirm(self, name: str, account: Account | None, epoch: int) -> None:
        """Go on remembering `name` at `epoch` if the store's `account` is as it was, else forget.

        The epoch must have been read before the account was.
        """
        for entries in (self._submission, self._maildrops):
            entry = entries.get(name)
            if entry is not None and entry.account == account:
                entry.epoch = epoch
            else:
                entries.pop(name, None)

    def forget(self, name: str) -> None:
        """Forget what is remembered of one account."""
        self._submission.pop(name, None)
        self._maildrops.pop(name, None)

    def forget_expired(self, now: float) -> None:
        """Forget what is too old; to be called often enough to mean it."""
        for entries in (self._submission, self._maildrops):
            while entries and next(iter(entries.values())).expires <= now:
                entries.popitem(last=False)

    def _keep(self, entries: OrderedDict[str, _Entry], entry: _Entry) -> None:
        entries[entry.account.name] = entry
        entries.move_to_end(entry.account.name)  # so the oldest, which expires first, is in front
        if len(entries) > self._max_entries:
            entries.popitem(last=False)

    def _valid(
        self, entries: OrderedDict[str, _Entry], name: str, now: float, epoch: int
    ) -> _Entry | None:
        entry = entries.get(name)
        if entry is None or entry.epoch != epoch or entry.expires <= now:
            return None
        return entry

    def _of_login(self, account: Account, now: float) -> _Entry | None:
        # Whoever asks has logged in already, so another epoch matters no more than it does to his
        # session; but what belongs to other keys or another password is not mixed with his.
        entry = self._maildrops.get(account.name)
        if entry is None or entry.expires <= now or entry.account != account:
            return None
        return entry

    def _opened_sealing_keys(self, entry: _Entry, seeds: Mapping[int, bytes]) -> dict[int, bytes]:
        if not entry.sealing_keys:
            return {}
        text = self._opened(entry, seeds, entry.sealing_keys, None)
        return {} if text is None else dict(_SEALING_KEY.iter_unpack(text))

    def _opened(
        self, entry: _Entry, seeds: Mapping[int, bytes], sealed: bytes, label: bytes | None
    ) -> bytes | None:
        nonce, sealed = sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:]
        try:
            return self._sealing_cipher(entry.account.number, seeds).decrypt(nonce, sealed, label)
        except InvalidTag:
            return None

    def _next_nonce(self) -> bytes:
        self._sealed += 1
        return self._sealed.to_bytes(_NONCE_OCTETS, "big")

    def _sealing_cipher(self, account: int, seeds: Mapping[int, bytes]) -> ChaCha20Poly1305:
        # The seeds lie here under the password only, so these keys do as well; and whoever has
        # the seeds can open the same keys anyway, so a session needs to keep no password.
        digest = hashlib.blake2b(key=self._key, digest_size=32, person=b"eepost sealing 1")
        digest.update(account.to_bytes(8, "big") + _seeds_text(seeds))
        return ChaCha20Poly1305(digest.digest())

    def _cipher(self, name: str, password: str) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(self._digest(b"eepost recall 1", name, password))

    def _digest(self, purpose: bytes, name: str, password: str) -> bytes:
        # A name holds no NUL, so name and password can't be shifted against each other.
        text = name.encode("ascii") + b"\0" + secret_octets(password)
        return hashlib.blake2b(text, key=self._key, digest_size=32, person=purpose).digest()


def _seeds_text(seeds: Mapping[int, bytes]) -> bytes:
    return b"".join(
        generation.to_bytes(_GENERATION_OCTETS, "big") + seed for generation, seed in seeds.items()
    )
