# SPDX-License-Identifier: Apache-2.0
"""Archives that are small to send and huge or endless to unpack: never passed as if clean."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from eepost.net.canary import eicar
from eepost.net.instream import OVER_LIMITS
from eepost.sanitise.scan import Clean, Infected
from tests.office import PostOffice
from tests.scan.asking import scanner
from tests.scan.daemon import EICAR_NAME, Daemon, running
from tests.scan.letters import mail_with, nested, zipped
from tests.scan.posting import fetched, submitted

# Twice what the tests' clamd unpacks of one mail, and behind it what should not be missed.
HUGE = bytes(40_000_000) + eicar()


def tarred(octets: bytes) -> bytes:
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as writing:
        member = tarfile.TarInfo("inner.bin")
        member.size = len(octets)
        writing.addfile(member, BytesIO(octets))
    return archive.getvalue()


def many_files(count: int, octets: bytes) -> bytes:
    """Return an archive with files that all differ: clamd looks at equal ones once."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as writing:
        for number in range(count):
            writing.writestr(f"{number}.bin", octets + b"%d" % number)
    return archive.getvalue()


def wide_and_deep(layers: int = 3, place: bytes = b"") -> bytes:
    """Return archives with ten archives in each, a thousand files of 60 kB at the bottom."""
    if not layers:
        return bytes(60_000) + place
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as writing:
        for number in range(10):
            writing.writestr(f"{number}.bin", wide_and_deep(layers - 1, place + b"%d" % number))
    return archive.getvalue()


def lying_about_its_size() -> bytes:
    """Return an archive whose directory says that 40 MB are ten octets."""
    whole = zipped(HUGE)
    size = len(HUGE).to_bytes(4, "little")
    assert whole.count(size) == 2
    return whole.replace(size, (10).to_bytes(4, "little"))


BOMBS: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped(HUGE),
    "zip in zip": lambda: zipped(zipped(HUGE)),
    "gzip": lambda: gzip.compress(HUGE),
    "bzip2": lambda: bz2.compress(HUGE),
    "xz": lambda: lzma.compress(HUGE, preset=0),
    "tar": lambda: tarred(HUGE),
    "many large files": lambda: many_files(20, bytes(4_000_000)),
    "too many files": lambda: many_files(11_000, b"x"),
    "sixty layers": lambda: nested(b"words", 60),
    "wide and deep": wide_and_deep,
    "wrong size in the directory": lying_about_its_size,
}
# Below every limit, of the same kinds: these pass, or no bomb above would prove anything.
HARMLESS: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped(bytes(4_000_000)),
    "tar": lambda: tarred(bytes(4_000_000)),
    "many files": lambda: many_files(500, b"x"),
    "ten layers": lambda: nested(b"words", 10),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_bomb_is_over_limits_and_never_clean(clamd: Daemon, bomb: str) -> None:
    assert await scanner(clamd.socket).scan([mail_with(BOMBS[bomb]())]) == OVER_LIMITS


@pytest.mark.parametrize("archive", HARMLESS)
async def test_archive_within_limits_is_clean(clamd: Daemon, archive: str) -> None:
    assert await scanner(clamd.socket).scan([mail_with(HARMLESS[archive]())]) == Clean()


@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_is_not_delivered(scanning: PostOffice, bomb: str) -> None:
    code, _ = submitted(scanning, mail_with(BOMBS[bomb](), "words.bin"))
    assert code in {451, 554}
    assert fetched(scanning) == []


async def test_file_limit_below_the_scan_limit_hides_what_is_behind_it(short_path: Path) -> None:
    """clamd cuts what is in a zip off at MaxFileSize and tells nobody, AlertExceedsMax or not.

    That is why docs/scanner.md asks for a MaxFileSize of MaxScanSize or more, and `eepost scanner
    check` looks at it. Should clamd learn to tell one day, the advice can go.
    """
    behind = mail_with(zipped(HUGE))
    with running(short_path / "1", MaxScanSize="200M", MaxFileSize="10M") as daemon:
        assert await scanner(daemon.socket).scan([behind]) == Clean()
    with running(short_path / "2", MaxScanSize="200M", MaxFileSize="200M") as daemon:
        assert await scanner(daemon.socket).scan([behind]) == Infected(EICAR_NAME)


async def test_what_takes_clamd_too_long_is_over_limits(short_path: Path) -> None:
    message = mail_with(many_files(200, bytes(50_000)))
    with running(short_path / "1", MaxScanTime="10") as daemon:
        assert await scanner(daemon.socket).scan([message]) == OVER_LIMITS
    with running(short_path / "2") as daemon:
        assert await scanner(daemon.socket).scan([message]) == Clean()
