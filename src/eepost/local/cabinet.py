# SPDX-License-Identifier: Apache-2.0
"""One account's letters on disk; satisfies `eepost.letters.ports.Cabinet`.

    lock            the cabinet's key under the password       log         sealed changes
    letters/NN/N    one sealed message each                    records/    small sealed records

A letter that leaves stands in the log, where few are there at once: they are there for moments.

All that is written is sealed under keys derived from the cabinet's own, which only the password
gives. On the disk stand: how many messages there are, about how large, and when files changed.

Durable before it is promised: a message's file first, then the record that names it. A crash
between the two leaves a file that nothing names; it is removed at the next opening. Where the log
itself is damaged, what nothing names comes back into the inbox instead.
"""

import fcntl
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final

from eepost.letters.changes import Change, Filed, Spooled
from eepost.letters.model import Folder
from eepost.letters.ports import DiskFull, InUse, LockDamaged, NoSuchMessage
from eepost.letters.shelf import Shelf
from eepost.letters.summarising import summarise
from eepost.local.files import make_folder, read_record, write_file
from eepost.local.lock import DEFAULT_COST, Cost, has_lock, make_lock, open_lock
from eepost.local.log import Held, Log
from eepost.mail.violation import Misuse
from eepost.seal.box import KEY_OCTETS, open_box, seal_box
from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness
from eepost.seal.segments import (
    SEGMENT_OCTETS,
    SEGMENT_OVERHEAD_OCTETS,
    SealingKey,
    open_entry,
    open_segment,
    seal_entry,
    seal_message,
    segment_count,
)

_VERSION: Final = b"\x01"
_SALT_OCTETS: Final = 24
_SIZE: Final = Struct(">Q")
_HEAD_OCTETS: Final = len(_VERSION) + _SALT_OCTETS + _SIZE.size + SEGMENT_OVERHEAD_OCTETS
_STEP: Final = SEGMENT_OCTETS + SEGMENT_OVERHEAD_OCTETS
_PASSWORD: Final = "password"  # noqa: S105 - the name of a record
# Letters in the log, and so in memory; further ones get files. Above so many octets of letters that
# have left, the log is written anew at the opening.
MAX_HELD_OCTETS: Final = 4_194_304
# A log is written anew at the opening where it holds so many records more than there are things.
_WORTH_WRITING_ANEW: Final = 1_000


class Cabinet:
    """An opened cabinet; made by `create` or `open`."""

    def __init__(self, folder: Path, key: bytes, randomness: Randomness, cost: Cost) -> None:
        self._folder = folder
        self._cost = cost  # of the next lock
        self._randomness = randomness
        self._letter_key = _subkey(key, b"letters")
        self._record_key = _subkey(key, b"records")
        self._key = key
        self._is_closed = False
        self._claim = _claim(folder)
        try:
            self._log = Log(folder, _subkey(key, b"log"), randomness)
            self.shelf = Shelf()
            self._held: dict[int, bytes] = {}  # letters in the log, by number
            self._stale_octets = 0  # of letters in the log that have left
            self._load()
            self.password = (self.kept(_PASSWORD) or b"").decode("utf-8", "surrogatepass")
            with suppress(DiskFull):  # it can be read all the same
                self._tidy()
        except BaseException:
            os.close(self._claim)  # what went wrong may be put right: it is nobody's until then
            raise

    def __repr__(self) -> str:
        return "Cabinet()"

    @classmethod
    def create(
        cls, folder: Path, password: str, randomness: Randomness, cost: Cost = DEFAULT_COST
    ) -> "Cabinet":
        """Make a cabinet in `folder`, locked under `password`.

        Raises DiskFull, InUse, OSError, and LockDamaged where there are letters without a lock:
        they would be lost for ever behind a new one.
        """
        if next((folder / "letters").glob("*/*"), None) is not None:
            raise LockDamaged
        make_folder(folder)
        make_folder(folder / "letters")
        make_folder(folder / "records")
        key = randomness(KEY_OCTETS)
        # The lock last: without it there is no cabinet, and creation begins again.
        cabinet = cls(folder, key, randomness, cost)
        try:
            cabinet._note_password(password)
            make_lock(folder, key, password, cost, randomness)
        except BaseException:
            cabinet.close()
            raise
        return cabinet

    @classmethod
    def open(
        cls, folder: Path, password: str, randomness: Randomness, cost: Cost = DEFAULT_COST
    ) -> "Cabinet":
        """Open what is there. Raises WrongPassword, LockDamaged, InUse, OSError."""
        return cls(folder, open_lock(folder, password), randomness, cost)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Say whether there is a cabinet in `folder`."""
        return has_lock(folder)

    def check_password(self, password: str) -> None:
        """Return if this is the password; blocks. Raises WrongPassword, LockDamaged."""
        open_lock(self._folder, password)

    def change_password(self, new: str) -> None:
        """Lock it under another password from now on. Raises DiskFull."""
        self._require_open()
        # The lock last: where there is no room for it, the old one opens letters that know the
        # password which the service takes.
        self._note_password(new)
        make_lock(self._folder, self._key, new, self._cost, self._randomness)

    def close(self) -> None:
        """Let go of the files, forget the keys.

        What is called after it raises Misuse: a session that is still open must not change files
        that another opening of the same cabinet has in hand by then.
        """
        self._is_closed = True
        self._key = self._letter_key = self._record_key = b""
        self.password = ""
        self._held.clear()
        self._log.close()
        os.close(self._claim)

    def _require_open(self) -> None:
        if self._is_closed:
            raise Misuse("the cabinet was closed")

    def write(self, number: int, pieces: Sequence[bytes | memoryview]) -> None:
        """Keep the octets of message `number`. Raises DiskFull."""
        self._require_open()
        salt = self._randomness(_SALT_OCTETS)
        key = self._key_of(salt)
        size = sum(map(len, pieces))
        segments, _ = seal_message(key, number, pieces)
        head = _VERSION + salt + seal_entry(key, number, _SIZE.pack(size))
        file = self._file_of(number)
        make_folder(file.parent)
        write_file(file, [head, *segments])

    def store(
        self, number: int, pieces: Sequence[bytes | memoryview], changes: Sequence[Change]
    ) -> None:
        """Keep a message and note changes, all or nothing. Raises DiskFull."""
        self._require_open()
        size = sum(map(len, pieces))
        is_leaving = any(isinstance(each, Spooled) for each in changes)
        if is_leaving and size + sum(map(len, self._held.values())) <= MAX_HELD_OCTETS:
            octets = b"".join(pieces)
            self._log.append([Held(number, octets), *changes])
            self._held[number] = octets
            return
        self.write(number, pieces)
        try:
            self.record(changes)
        except BaseException:
            self.remove([number])
            raise

    def read(self, number: int) -> bytes:
        """Return the octets of message `number`. Raises NoSuchMessage."""
        self._require_open()
        if number in self._held:
            return self._held[number]
        try:
            octets = memoryview(self._file_of(number).read_bytes())
        except FileNotFoundError:
            raise NoSuchMessage from None
        try:
            return self._opened(number, octets)
        except SealBroken:
            raise NoSuchMessage from None

    def _opened(self, number: int, octets: memoryview) -> bytes:
        if len(octets) < _HEAD_OCTETS or bytes(octets[:1]) != _VERSION:
            raise SealBroken
        at = len(_VERSION) + _SALT_OCTETS
        key = self._key_of(bytes(octets[len(_VERSION) : at]))
        size = int.from_bytes(open_entry(key, number, bytes(octets[at:_HEAD_OCTETS])), "big")
        sealed = octets[_HEAD_OCTETS:]
        cut = (bytes(sealed[at * _STEP : (at + 1) * _STEP]) for at in range(segment_count(size)))
        return b"".join(open_segment(key, number, at, each, size) for at, each in enumerate(cut))

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove the octets of messages."""
        self._require_open()
        for number in numbers:
            if self._held.pop(number, None) is None:
                self._file_of(number).unlink(missing_ok=True)

    def record(self, changes: Sequence[Change]) -> None:
        """Append to the log. Raises DiskFull."""
        self._require_open()
        self._log.append(changes)

    def keep(self, name: str, value: bytes) -> None:
        """Keep a small sealed record, b"" for none. Raises DiskFull."""
        self._require_open()
        file = self._record_file(name)
        if value:
            box = seal_box(self._record_key, self._randomness, value, name.encode())
            write_file(file, [box])
        else:
            file.unlink(missing_ok=True)

    def kept(self, name: str) -> bytes | None:
        """Return what `keep` was given; None also where it is damaged."""
        box = read_record(self._record_file(name))
        try:
            return None if box is None else open_box(self._record_key, box, name.encode())
        except SealBroken:
            return None

    def _note_password(self, password: str) -> None:
        self.keep(_PASSWORD, password.encode("utf-8", "surrogatepass"))
        self.password = password

    def _key_of(self, salt: bytes) -> SealingKey:
        # A number may be given twice where a crash fell between file and record: the key never is.
        return SealingKey(hashlib.blake2b(salt, key=self._letter_key, digest_size=32).digest())

    def _file_of(self, number: int) -> Path:
        return self._folder / "letters" / f"{number % 100:02}" / str(number)

    def _record_file(self, name: str) -> Path:
        tag = hashlib.blake2b(name.encode(), key=self._record_key, digest_size=16)
        return self._folder / "records" / tag.hexdigest()

    def _load(self) -> None:
        """Let what the log says happen."""
        held: dict[int, bytes] = {}
        for entry in self._log.read():
            if isinstance(entry, Held):
                held[entry.number] = entry.octets
            else:
                self.shelf.apply(entry)
        for number, octets in held.items():
            if number in self.shelf.messages:
                self._held[number] = octets
            else:
                self._stale_octets += len(octets)

    def _tidy(self) -> None:
        """Look after what nothing names, and write a long log anew."""
        for file in sorted((self._folder / "letters").glob("*/*")):
            if not file.name.isdigit():
                file.unlink(missing_ok=True)
            elif int(file.name) not in self.shelf.messages:
                if self._log.is_damaged:
                    self._bring_back(int(file.name), int(file.stat().st_mtime))
                else:
                    file.unlink(missing_ok=True)
        things = len(self.shelf.messages) + 1
        is_long = self._log.records > 2 * things + _WORTH_WRITING_ANEW
        if is_long or self._stale_octets > MAX_HELD_OCTETS:
            held = [Held(number, octets) for number, octets in self._held.items()]
            self._log.write_anew([*held, *self.shelf.snapshot()])

    def _bring_back(self, number: int, came_utc: int) -> None:
        """Put a letter into the inbox that the log has lost; what can't be read stays as it is."""
        try:
            letter = self.read(number)
        except NoSuchMessage:
            return
        change = Filed(summarise(letter, number, Folder.INBOX, came_utc))
        self.record([change])
        self.shelf.apply(change)


def _subkey(key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(purpose, key=key, digest_size=32, person=b"eepost letters 1").digest()


def _claim(folder: Path) -> int:
    """Return a handle that keeps others out. Raises InUse."""
    handle = os.open(folder / "claim", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise InUse from None
    return handle
