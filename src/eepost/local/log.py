# SPDX-License-Identifier: Apache-2.0
"""The log of a cabinet: every change as a sealed record, appended and flushed before it counts.

    length (4 octets), a box that holds the record padded; its place in the log is sealed with it

A torn record at the end is what a power cut leaves of a change that was never promised: it is cut
off. A damaged one ends the reading there: `is_damaged` says so, and what follows is kept aside in a
file of its own, so that nothing is destroyed by looking.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final, TypeAlias

import msgspec

from eepost.letters.changes import Change
from eepost.letters.ports import DiskFull
from eepost.local.files import as_disk_full, sync_folder, write_all, write_file
from eepost.seal.box import open_box, seal_box
from eepost.seal.broken import SealBroken
from eepost.seal.randomness import Randomness

_FILE: Final = "log"
_LENGTH: Final = Struct(">I")
# Records are padded to a multiple of this: a subject's length would tell one mail from another.
_STEP: Final = 512


class Held(msgspec.Struct, frozen=True, array_like=True, tag="held"):
    """The octets of a message that wait here, beside the record that names it: one flush for both.

    Whoever hands in a letter waits for it; a file of its own would take two flushes more.
    """

    number: int
    octets: bytes

    def __repr__(self) -> str:
        return f"Held({self.number})"


Entry: TypeAlias = Change | Held
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Entry])


class Log:
    """Opened for one writer; `read` it once before anything is appended."""

    def __init__(self, folder: Path, key: bytes, randomness: Randomness) -> None:
        self._folder = folder
        self._file = folder / _FILE
        self._key = key
        self._randomness = randomness
        self.records = 0
        self.is_damaged = False  # a whole record could not be opened
        self._end = 0  # octets of sound records
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        sync_folder(folder)

    def read(self) -> list[Entry]:
        """Return all changes in order, and cut off what is torn."""
        octets = self._file.read_bytes()
        changes: list[Entry] = []
        while (found := self._record(octets)) is not None:
            changes += found
        if self._end < len(octets):
            with suppress(DiskFull):  # nothing can be added then: it is cut off the next time
                write_file(self._folder / "log.torn", [octets[self._end :]])
                os.ftruncate(self._handle, self._end)
                os.fsync(self._handle)
        return changes

    def _record(self, octets: bytes) -> list[Entry] | None:
        start = self._end + _LENGTH.size
        if start > len(octets):
            return None
        (length,) = _LENGTH.unpack_from(octets, self._end)
        if start + length > len(octets):
            return None
        try:
            text = open_box(self._key, octets[start : start + length], _place(self.records))
            changes = _DECODER.decode(text[_LENGTH.size :][: _LENGTH.unpack_from(text)[0]])
        except (SealBroken, msgspec.DecodeError):
            self.is_damaged = True
            return None
        self._end = start + length
        self.records += 1
        return changes

    def append(self, changes: Sequence[Entry]) -> None:
        """Add `changes` as one record, durable on return. Raises DiskFull, with nothing added."""
        record = self._sealed(changes, self.records)
        try:
            os.lseek(self._handle, self._end, os.SEEK_SET)
            write_all(self._handle, record)
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, self._end)
            raise as_disk_full(error) from None
        self._end += len(record)
        self.records += 1

    def write_anew(self, changes: Iterable[Entry]) -> None:
        """Put `changes` in place of all that is in the log. Raises DiskFull, with nothing lost."""
        records = [self._sealed([change], at) for at, change in enumerate(changes)]
        write_file(self._file, records)
        os.close(self._handle)
        self._handle = os.open(self._file, os.O_RDWR)
        self.records, self._end = len(records), sum(map(len, records))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def _sealed(self, changes: Sequence[Entry], place: int) -> bytes:
        text = _ENCODER.encode(changes)
        text = _LENGTH.pack(len(text)) + text
        text += bytes(-len(text) % _STEP)
        box = seal_box(self._key, self._randomness, text, _place(place))
        return _LENGTH.pack(len(box)) + box


def _place(record: int) -> bytes:
    return b"record %d" % record
