# SPDX-License-Identifier: Apache-2.0
"""Keeps what was found to be infected after it had been accepted, sealed, for the operator to see.

Bounded: the oldest go first. Files are sealed under the start key and named at random.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_FILES: Final = 200
# All together: four of the largest messages. Whoever sends viruses must not fill the disk.
MAX_OCTETS: Final = 268_435_456
_NAME_OCTETS: Final = 16
FOLDER: Final = "quarantine"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in quarantine: its file's name, since when, and the octets that it takes."""

    name: str
    kept_utc: int
    octets: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A folder. `seal` takes octets and a context, `randomness` gives names."""

    folder: Path
    seal: Callable[[bytes, bytes], bytes]
    open_: Callable[[bytes, bytes], bytes]
    randomness: Callable[[int], bytes]
    max_files: int = MAX_FILES
    max_octets: int = MAX_OCTETS
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def keep(self, message: bytes) -> None:
        """Keep a message, durable on return. Raises OSError."""
        async with self._turn:  # two at once would make the same room
            await asyncio.to_thread(self._keep, message)

    def kept(self) -> list[Kept]:
        """Return what is kept, the oldest first. Raises OSError."""
        found = [(file.name, file.stat()) for file in self._files()]
        return [Kept(name, int(stat.st_mtime), stat.st_size) for name, stat in found]

    def read(self, name: str) -> bytes:
        """Return the message in one of `kept`. Raises OSError, SealBroken."""
        return self.open_((self.folder / name).read_bytes(), name.encode())

    def drop(self, name: str) -> None:
        """Delete one of `kept`; it may be gone already. Raises OSError."""
        (self.folder / name).unlink(missing_ok=True)

    def _keep(self, message: bytes) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        message = message[: self.max_octets]
        self._make_room(len(message))
        name = self.randomness(_NAME_OCTETS).hex()
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(self.seal(message, name.encode()))
            stream.flush()
            os.fsync(stream.fileno())

    def _make_room(self, octets: int) -> None:
        found = self._files()
        sizes = [file.stat().st_size for file in found]
        while found and (len(found) >= self.max_files or sum(sizes) + octets > self.max_octets):
            found.pop(0).unlink(missing_ok=True)
            sizes.pop(0)

    def _files(self) -> list[Path]:
        if not self.folder.exists():
            return []
        return sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
