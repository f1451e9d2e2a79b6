# SPDX-License-Identifier: Apache-2.0
"""Writes small files so that they are there whole after a power cut, or not at all.

Everything is readable by its user alone. Must not know what is in the files.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from eepost.letters.ports import DiskFull

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
# A record of ours has a few kilobytes; a wrong path may lead to anything.
MAX_RECORD_OCTETS = 4_194_304


def make_folder(folder: Path) -> None:
    """Make a folder for its user alone, durably; nothing happens where it is there."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def write_file(file: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write `pieces` into `file`, which then holds all or what it held before. Raises DiskFull."""
    new = file.with_name(file.name + ".new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb", buffering=0) as stream:
            for piece in pieces:
                write_all(stream.fileno(), piece)
            os.fsync(stream.fileno())
        new.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise as_disk_full(error) from None


def write_all(handle: int, octets: bytes | memoryview) -> None:
    """Write everything, in as many steps as the system takes. Raises OSError."""
    view = memoryview(octets)
    while view:
        view = view[os.write(handle, view) :]


def read_record(file: Path) -> bytes | None:
    """Return what a small file holds, None where there is none. Raises OSError, ValueError."""
    try:
        with file.open("rb") as stream:
            octets = stream.read(MAX_RECORD_OCTETS + 1)
    except FileNotFoundError:
        return None
    if len(octets) > MAX_RECORD_OCTETS:
        raise ValueError("is too large for a record")
    return octets


def sync_folder(folder: Path) -> None:
    """Make durable which files stand in `folder`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def as_disk_full(error: OSError) -> Exception:
    """Return DiskFull where that is what `error` means, else `error` itself."""
    return DiskFull() if error.errno in _FULL else error
