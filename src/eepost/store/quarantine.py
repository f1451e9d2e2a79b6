# SPDX-License-Identifier: Apache-2.0
"""Keeps what was found to be infected after it had been accepted, sealed, for the operator to see.

Bounded: the oldest go first. Files are sealed under the start key and named at random.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_FILES: Final = 200
_NAME_OCTETS: Final = 16
FOLDER: Final = "quarantine"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A folder. `seal` takes octets and a context, `randomness` gives names."""

    folder: Path
    seal: Callable[[bytes, bytes], bytes]
    open_: Callable[[bytes, bytes], bytes]
    randomness: Callable[[int], bytes]
    max_files: int = MAX_FILES

    async def keep(self, message: bytes) -> None:
        """Keep a message, durable on return. Raises OSError."""
        await asyncio.to_thread(self._keep, message)

    def messages(self) -> list[bytes]:
        """Return what is kept, the oldest first. Raises OSError, SealBroken."""
        return [self.open_(file.read_bytes(), file.name.encode()) for file in self._files()]

    def _keep(self, message: bytes) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for file in self._files()[: -(self.max_files - 1) or None]:
            file.unlink(missing_ok=True)
        name = self.randomness(_NAME_OCTETS).hex()
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(self.seal(message, name.encode()))
            stream.flush()
            os.fsync(stream.fileno())

    def _files(self) -> list[Path]:
        if not self.folder.exists():
            return []
        return sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
