# SPDX-License-Identifier: Apache-2.0
"""Brings virus signatures into clamd's folder: those whose signature holds, all of them or none.

The core never asks the Internet, so signatures come as files, through a gateway or by hand, and
whoever could change them on the way could make the scanner blind. A .cvd is signed by ClamAV's
makers and names itself inside; it is believed when `sigtool` says so and when it is not older than
what is there. Anything else is believed only when the operator says that it is his own.

Trust: whoever carried the files.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIGNED = ".cvd"
# ClamAV's plain formats. No bytecode (.cbc): that is a program that would run inside clamd.
PLAIN = frozenset(
    (
        *(".hdb", ".hsb", ".hdu", ".hsu", ".mdb", ".msb", ".mdu", ".msu", ".ndb", ".ndu"),
        *(".ldb", ".ldu", ".cdb", ".fp", ".sfp", ".ign2", ".yar", ".yara"),
    )
)
# main.cvd has some 90 MB; a wrong path may lead to anything.
MAX_FILE_OCTETS = 1_000_000_000
# Checking main.cvd takes seconds; reading all signatures in takes half a minute.
TOOL_SECONDS = 600
HEADER_OCTETS = 512

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER = re.compile(rb"ClamAV-VDB:[^:]{1,64}:([0-9]{1,9}):([0-9]{1,9}):")
_INSIDE = re.compile(r"([a-z0-9_-]{1,32})\.info")


class SignaturesRefused(Exception):  # noqa: N818 - an outcome with a reason, shown to the operator
    """Something can't be believed or used; nothing was changed."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}")


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that lies in clamd's folder now."""

    name: str
    version: int | None  # of a signed one
    signatures: int | None

    def __str__(self) -> str:
        if self.version is None:
            return f"{self.name}, taken unsigned"
        return f"{self.name}, version {self.version} with {self.signatures} signatures"


def import_signatures(
    sources: Sequence[Path], folder: Path, *, takes_unsigned: bool
) -> list[Imported]:
    """Put the files in `sources` (folders: what lies in them) into `folder`; durable on return.

    Raises SignaturesRefused, and OSError where `folder` can't be written.
    """
    with _staging(folder) as staging:
        files = [*_files(sources)]
        if not files:
            raise SignaturesRefused(sources[0], "holds no signature files")
        _refuse_doubles(file.name for file in files)
        # What is checked is the copy: the source may change between check and use.
        staged = [_stage(file, staging, takes_unsigned) for file in files]
        imported = [_believe(each, folder) for each in staged]
        _refuse_doubles(each.name for each in imported)
        if takes_unsigned:
            _try_out(staging)
        for each, done in zip(staged, imported, strict=True):
            each.copy.replace(folder / done.name)
        _flush(folder)
    return imported


@dataclass(frozen=True, slots=True)
class _Staged:
    source: Path
    copy: Path


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """Make a place on the same file system into which clamd does not look."""
    staging = Path(tempfile.mkdtemp(prefix=".importing-", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging)


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            known = {SIGNED, *PLAIN}
            yield from sorted(each for each in source.iterdir() if each.suffix in known)
        else:
            yield source


def _stage(file: Path, staging: Path, takes_unsigned: bool) -> _Staged:
    if not _NAME.fullmatch(file.name):
        raise SignaturesRefused(file, "has a name that no signature file has")
    if file.suffix != SIGNED and file.suffix not in PLAIN:
        raise SignaturesRefused(file, f"is no kind of signature file that can be taken ({SIGNED})")
    if file.suffix != SIGNED and not takes_unsigned:
        raise SignaturesRefused(
            file, "is signed by nobody; --unsigned takes what you made or checked yourself"
        )
    if file.stat().st_size > MAX_FILE_OCTETS:
        raise SignaturesRefused(file, "is larger than any signature file")
    copy = staging / file.name
    with file.open("rb") as reading, copy.open("xb") as writing:
        shutil.copyfileobj(reading, writing)
        writing.flush()
        os.fsync(writing.fileno())
    copy.chmod(0o644)  # clamd reads it as a user of its own
    return _Staged(file, copy)


def _refuse_doubles(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise SignaturesRefused(Path(name), "is there twice")
        seen.add(name)


def _believe(staged: _Staged, folder: Path) -> Imported:
    if staged.copy.suffix != SIGNED:
        return Imported(staged.copy.name, None, None)
    checked = _run(["sigtool", f"--info={staged.copy}"])
    if checked.returncode or "Verification OK" not in checked.stdout:
        raise SignaturesRefused(staged.source, "does not hold the signature of ClamAV's makers")
    header = _header(staged.copy)
    name = _name_inside(staged.copy)
    if header is None or name is None:
        raise SignaturesRefused(staged.source, "can't be read")
    version, signatures = header
    for there in (folder / f"{name}.cvd", folder / f"{name}.cld"):
        newest = _header(there) if there.exists() else None
        if newest is not None and newest[0] > version:
            raise SignaturesRefused(
                staged.source, f"is version {version}, older than {there.name} ({newest[0]})"
            )
    return Imported(f"{name}.cvd", version, signatures)


def _header(file: Path) -> tuple[int, int] | None:
    """Return version and number of signatures, None where it is no signed database."""
    with file.open("rb") as reading:
        found = _HEADER.match(reading.read(HEADER_OCTETS))
    return (int(found[1]), int(found[2])) if found else None


def _name_inside(file: Path) -> str | None:
    """Return the name that a database gives itself, so that none can stand in for another."""
    try:
        with file.open("rb") as reading:
            reading.seek(HEADER_OCTETS)
            with tarfile.open(fileobj=reading, mode="r|gz") as members:
                names = (_INSIDE.fullmatch(each.name) for each in members)
                return next((each[1] for each in names if each), None)
    except tarfile.TarError:
        return None


def _try_out(staging: Path) -> None:
    """Read everything in as clamd will: what it can't read would keep it from starting again."""
    nothing = staging / "nothing"
    nothing.touch()
    if _run(["clamscan", "--no-summary", f"--database={staging}", str(nothing)]).returncode:
        raise SignaturesRefused(staging, "holds signatures that ClamAV can't read")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    tool = Path(command[0])
    try:
        return subprocess.run(  # noqa: S603 - no shell, and names are checked
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TOOL_SECONDS,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            check=False,
        )
    except FileNotFoundError:
        raise SignaturesRefused(tool, "is not installed; it comes with clamav") from None
    except subprocess.TimeoutExpired:
        raise SignaturesRefused(tool, f"took more than {TOOL_SECONDS} seconds") from None


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
