# SPDX-License-Identifier: Apache-2.0
"""Parcels on a real disk: durable, bounded, found again; names and sizes tell nothing."""

import os
from pathlib import Path

import pytest

from eepost.services.gateway.reception.folder import ParcelFolder

ONE, TWO, THREE = (bytes([n]) * 16 for n in (1, 2, 3))


def opened(folder: Path, parcels: int = 10, octets: int = 1_000) -> ParcelFolder:
    made = ParcelFolder(folder / "kept", parcels, octets)
    made.open()
    return made


async def test_parcel_is_there_again_after_a_restart(tmp_path: Path) -> None:
    assert await opened(tmp_path).put(ONE, [b"some ", b"octets"])
    again = opened(tmp_path)
    assert (again.parcels, again.octets) == (1, 11)
    assert await again.oldest(5) == [ONE]
    assert await again.get(ONE) == b"some octets"
    assert await again.get(TWO) is None
    await again.remove(ONE)
    await again.remove(ONE)
    assert (again.parcels, again.octets) == (0, 0)
    assert list((tmp_path / "kept").iterdir()) == []


async def test_oldest_come_first_and_only_as_many_as_asked_for(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    for age, transfer in ((10, TWO), (30, ONE), (20, THREE)):
        await folder.put(transfer, [b"x"])
        file = tmp_path / "kept" / transfer.hex()
        os.utime(file, (file.stat().st_mtime - age,) * 2)
    assert await folder.oldest(2) == [ONE, THREE]
    assert 29 < folder.age_seconds(ONE) < 60
    assert folder.age_seconds(rb"\9" * 16) == 0


async def test_bounds_are_kept(tmp_path: Path) -> None:
    folder = opened(tmp_path, parcels=2, octets=100)
    assert not await folder.put(ONE, [bytes(101)])
    assert await folder.put(ONE, [bytes(60)])
    assert not await folder.put(TWO, [bytes(41)])
    assert await folder.put(TWO, [bytes(40)])
    await folder.remove(ONE)
    assert await folder.put(THREE, [b""])
    assert not await folder.put(ONE, [b""])


async def test_failing_disk_takes_no_room(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    (tmp_path / "kept").rmdir()
    with pytest.raises(OSError, match="No such file"):
        await folder.put(ONE, [b"x"])
    assert (folder.parcels, folder.octets) == (0, 0)


async def test_what_a_crash_left_half_written_goes(tmp_path: Path) -> None:
    await opened(tmp_path).put(ONE, [b"x"])
    (tmp_path / "kept" / f"{TWO.hex()}.new").write_bytes(b"half")
    folder = opened(tmp_path)
    assert folder.parcels == 1
    assert [each.name for each in (tmp_path / "kept").iterdir()] == [ONE.hex()]


async def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    await opened(tmp_path).put(ONE, [b"x"])
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    assert (tmp_path / "kept" / ONE.hex()).stat().st_mode & 0o077 == 0
