# SPDX-License-Identifier: Apache-2.0
"""Infected mail that nobody can be told of is kept sealed, some of it, and shows nothing."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from eepost.seal.broken import SealBroken
from eepost.seal.startkey import StartKey
from eepost.store.quarantine import Quarantine


def quarantine(folder: Path, key: StartKey, max_files: int = 10) -> Quarantine:
    return Quarantine(
        folder / "quarantine",
        lambda octets, name: key.seal("quarantine", os.urandom, octets, name),
        lambda octets, name: key.open("quarantine", octets, name),
        os.urandom,
        max_files,
    )


def messages(kept: Quarantine) -> list[bytes]:
    return [kept.read(each.name) for each in kept.kept()]


async def test_what_is_kept_opens_with_the_start_key_alone(tmp_path: Path) -> None:
    key = StartKey.generate(os.urandom)
    kept = quarantine(tmp_path, key)
    assert messages(kept) == []
    await kept.keep(b"From: a@b.example\r\n\r\nEICAR")
    assert messages(kept) == [b"From: a@b.example\r\n\r\nEICAR"]
    (file,) = (tmp_path / "quarantine").iterdir()
    assert b"example" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(SealBroken):
        messages(quarantine(tmp_path, StartKey.generate(os.urandom)))


async def test_oldest_go_first(tmp_path: Path) -> None:
    kept = quarantine(tmp_path, StartKey.generate(os.urandom), max_files=3)
    for number in range(5):
        await kept.keep(b"%d" % number)
        for file in (tmp_path / "quarantine").iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
    assert messages(kept) == [b"2", b"3", b"4"]


async def test_all_together_have_a_size(tmp_path: Path) -> None:
    kept = replace(quarantine(tmp_path, StartKey.generate(os.urandom)), max_octets=2_000)
    for letter in (b"a", b"b", b"c"):
        await kept.keep(letter * 600)
        for file in (tmp_path / "quarantine").iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
    assert [each[:1] for each in messages(kept)] == [b"a", b"b", b"c"]
    await kept.keep(b"d" * 600)
    assert [each[:1] for each in messages(kept)] == [b"b", b"c", b"d"]
    await asyncio.gather(kept.keep(b"e" * 1_000), kept.keep(b"f" * 5_000))
    (last,) = messages(kept)
    assert last == b"f" * 2_000
