# SPDX-License-Identifier: Apache-2.0
"""Keeps sealed parcels as files of a folder, each under the random number of its transfer.

Duty: durable on return, found again after a crash, bounded. What lies here is sealed before it
comes; names and times say nothing but when a gateway was without its core.
"""

import asyncio
import heapq
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_UNFINISHED = ".new"
_NAME_CHARACTERS = 32


@dataclass(slots=True)
class ParcelFolder:
    """A folder for parcels; `open` has to be called before anything else."""

    folder: Path
    max_parcels: int
    max_octets: int
    parcels: int = 0
    octets: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "parcels"))

    def open(self) -> None:
        """Make the folder, or take stock of it; what a crash left half-written goes.

        Raises OSError.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.parcels = self.octets = 0
        with os.scandir(self.folder) as found:
            for each in found:
                if each.name.endswith(_UNFINISHED):
                    Path(each.path).unlink()
                else:
                    self.parcels += 1
                    self.octets += each.stat().st_size

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown(wait=True)

    async def put(self, transfer: bytes, parcel: Sequence[bytes]) -> bool:
        """Keep a parcel, durable on return; False where there is no room. Raises OSError."""
        size = sum(map(len, parcel))
        if self.parcels >= self.max_parcels or self.octets + size > self.max_octets:
            return False
        self.parcels += 1
        self.octets += size
        try:
            await self._run(lambda: self._write(transfer, parcel))
        except OSError:
            self.parcels -= 1
            self.octets -= size
            raise
        return True

    async def oldest(self, count: int) -> Sequence[bytes]:
        """Return up to `count` transfers, those first that are kept longest. Raises OSError."""
        return await self._run(lambda: self._oldest(count))

    async def get(self, transfer: bytes) -> bytes | None:
        """Return a parcel, None if it is gone. Raises OSError."""

        def read() -> bytes | None:
            try:
                return self._file(transfer).read_bytes()
            except FileNotFoundError:
                return None

        return await self._run(read)

    def age_seconds(self, transfer: bytes) -> float:
        """Return how long a parcel has been kept, 0 if it is gone."""
        try:
            return max(0.0, time.time() - self._file(transfer).stat().st_mtime)
        except OSError:
            return 0.0

    async def remove(self, transfer: bytes) -> None:
        """Forget a parcel. That need not be durable: its transfer is known where it went."""

        def unlink() -> int:
            with suppress(FileNotFoundError):
                size = self._file(transfer).stat().st_size
                self._file(transfer).unlink()
                return size
            return -1

        size = await self._run(unlink)
        if size >= 0:
            self.parcels -= 1
            self.octets -= size

    def _run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _file(self, transfer: bytes) -> Path:
        return self.folder / transfer.hex()

    def _write(self, transfer: bytes, parcel: Sequence[bytes]) -> None:
        final = self._file(transfer)
        unfinished = final.with_suffix(_UNFINISHED)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as stream:
                for piece in parcel:
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.rename(final)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        # A new name is durable only when its directory is.
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _oldest(self, count: int) -> list[bytes]:
        with os.scandir(self.folder) as found:
            stamped = (
                (each.stat().st_mtime_ns, each.name)
                for each in found
                if len(each.name) == _NAME_CHARACTERS
            )
            return [bytes.fromhex(name) for _, name in heapq.nsmallest(count, stamped)]
