# SPDX-License-Identifier: Apache-2.0
"""Bringing signatures in, with ClamAV's own tools; `makers` has what only its makers can do."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eepost.app.cli import tree
from eepost.app.office import create_office
from eepost.app.signatures import Imported, SignaturesRefused, import_signatures
from eepost.sanitise.scan import Clean, Infected
from tests.scan.asking import scanner
from tests.scan.daemon import Daemon, running
from tests.scan.letters import mail_with
from tests.scan.makers import believing, signed_database

PLAIN = "Own.Test:0:*:" + b"words that only this test knows".hex() + "\n"
KNOWN = b"words that only this test knows"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return signed_database(tmp_path / "version-5.cvd", 5, 13)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return signed_database(tmp_path / "version-6.cvd", 6, 14)


@pytest.fixture
def makers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is signed here passes for signed by ClamAV's makers."""
    monkeypatch.setenv("PATH", believing(tmp_path / "tools", os.environ["PATH"]))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """clamd's folder; whatever happens, nothing half done is left in it."""
    folder = tmp_path / "database"
    folder.mkdir()
    yield folder
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def take(folder: Path, *sources: Path, unsigned: bool = False) -> list[Imported]:
    return import_signatures(sources, folder, takes_unsigned=unsigned)


@pytest.mark.usefixtures("makers")
def test_signed_database_is_taken_under_the_name_that_it_gives_itself(
    folder: Path, older: Path
) -> None:
    (imported,) = take(folder, older)
    assert imported == Imported("test.cvd", 5, 13)
    assert str(imported) == "test.cvd, version 5 with 13 signatures"
    assert (folder / "test.cvd").read_bytes() == older.read_bytes()
    assert (folder / "test.cvd").stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("makers")
def test_newer_one_takes_the_place_of_an_older_one_and_never_the_other_way(
    folder: Path, older: Path, newer: Path
) -> None:
    take(folder, older)
    assert take(folder, newer) == [Imported("test.cvd", 6, 14)]
    with pytest.raises(SignaturesRefused, match=r"version 5, older than test.cvd \(6\)"):
        take(folder, older)
    assert (folder / "test.cvd").read_bytes() == newer.read_bytes()
    assert take(folder, newer)  # once more is no harm


@pytest.mark.usefixtures("makers")
def test_newer_one_that_was_patched_in_place_is_not_replaced_either(
    folder: Path, older: Path, newer: Path
) -> None:
    shutil.copy(newer, folder / "test.cld")
    with pytest.raises(SignaturesRefused, match=r"older than test\.cld"):
        take(folder, older)


@pytest.mark.usefixtures("makers")
@pytest.mark.parametrize("at", [70, 520, 600])
@pytest.mark.usefixtures("makers")
def test_changed_database_is_refused(folder: Path, tmp_path: Path, at: int, newer: Path) -> None:
    octets = bytearray(newer.read_bytes())
    octets[at] ^= 1
    changed = tmp_path / "daily.cvd"
    changed.write_bytes(octets)
    with pytest.raises(SignaturesRefused, match="signature of ClamAV's makers"):
        take(folder, changed)
    assert names(folder) == []


@pytest.mark.usefixtures("makers")
def test_what_is_no_whole_database_is_refused(folder: Path, tmp_path: Path, newer: Path) -> None:
    whole = newer.read_bytes()
    for octets in (b"", b"words", whole[:600], whole + b"more"):
        broken = tmp_path / "daily.cvd"
        broken.write_bytes(octets)
        with pytest.raises(SignaturesRefused):
            take(folder, broken)
        assert names(folder) == []


def test_only_its_makers_can_sign_a_database(folder: Path, newer: Path) -> None:
    with pytest.raises(SignaturesRefused, match="signature of ClamAV's makers"):
        take(folder, newer)
    assert names(folder) == []


@pytest.mark.usefixtures("makers")
def test_one_bad_file_keeps_the_good_ones_out(folder: Path, tmp_path: Path, newer: Path) -> None:
    bad = tmp_path / "daily.cvd"
    bad.write_bytes(newer.read_bytes()[:-1])
    with pytest.raises(SignaturesRefused, match=r"daily\.cvd"):
        take(folder, newer, bad)
    assert names(folder) == []


def test_plain_signatures_need_the_operators_word(folder: Path, tmp_path: Path) -> None:
    plain = tmp_path / "own.ndb"
    plain.write_text(PLAIN)
    with pytest.raises(SignaturesRefused, match="--unsigned"):
        take(folder, plain)
    assert names(folder) == []
    assert take(folder, plain, unsigned=True) == [Imported("own.ndb", None, None)]
    assert (folder / "own.ndb").read_text() == PLAIN


def test_plain_signatures_that_clamav_can_not_read_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "own.ndb"
    plain.write_text("this is no signature\n")
    with pytest.raises(SignaturesRefused, match="ClamAV can't read"):
        take(folder, plain, unsigned=True)
    assert names(folder) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("own.cbc", "no kind of signature file"),
        ("own.cld", "no kind of signature file"),
        ("clamd.conf", "no kind of signature file"),
        (".ndb", "a name"),
        ("-v.ndb", "a name"),
        ("own\n.ndb", "a name"),
    ],
)
def test_other_files_are_refused_whatever_the_operator_says(
    folder: Path, tmp_path: Path, name: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(PLAIN)
    with pytest.raises(SignaturesRefused, match=reason):
        take(folder, file, unsigned=True)
    assert names(folder) == []


@pytest.mark.usefixtures("makers")
def test_folder_gives_the_signature_files_in_it(folder: Path, tmp_path: Path, newer: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with pytest.raises(SignaturesRefused, match="holds no signature files"):
        take(folder, source)
    shutil.copy(newer, source / "main.cvd")
    (source / "README").write_text("words")
    (source / "own.ndb").write_text(PLAIN)
    take(folder, source, unsigned=True)
    assert names(folder) == ["own.ndb", "test.cvd"]


@pytest.mark.usefixtures("makers")
def test_two_files_for_one_place_are_refused(
    folder: Path, tmp_path: Path, older: Path, newer: Path
) -> None:
    for place in ("1", "2"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "own.ndb").write_text(PLAIN)
    with pytest.raises(SignaturesRefused, match="twice"):
        take(folder, tmp_path / "1", tmp_path / "2", unsigned=True)
    with pytest.raises(SignaturesRefused, match="twice"):
        take(folder, older, newer)
    assert names(folder) == []


# The command, with a running clamd.


def office(folder: Path, daemon: Daemon) -> Path:
    settings = {"clamd": str(daemon.socket), "clamd_conf": str(daemon.conf)}
    create_office(folder / "office", {"mail": {"domain": "mail.i2p"}, "scanner": settings})
    return folder / "office"


def run(*words: str | Path) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(tree.app, ["scanner", *map(str, words)])
    return done.exit_code, done.stdout, done.exception


async def test_command_brings_signatures_and_clamd_uses_them(
    short_path: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "own.ndb"
    plain.write_text(PLAIN)
    with running(short_path / "clamd") as daemon:
        data = office(short_path, daemon)
        asked = scanner(daemon.socket)
        assert await asked.scan([mail_with(KNOWN)]) == Clean()
        code, text, _ = await asyncio.to_thread(run, "import", "--data", data, "--unsigned", plain)
        assert code == 0
        assert "Imported own.ndb, taken unsigned." in text
        assert "reads them now" in text
        async with asyncio.timeout(30):
            while (verdict := await asked.scan([mail_with(KNOWN)])) == Clean():
                pass  # clamd tells nobody when it has read them
        assert verdict == Infected("Own.Test.UNOFFICIAL")


def test_command_says_why_it_refuses(short_path: Path, tmp_path: Path) -> None:
    daemon = Daemon(short_path / "clamd").create()
    data = office(short_path, daemon)
    plain = tmp_path / "own.ndb"
    plain.write_text(PLAIN)
    code, _, error = run("import", "--data", data, plain)
    assert code == 1
    assert isinstance(error, SignaturesRefused)


@pytest.mark.usefixtures("makers")
def test_command_without_a_running_clamd_brings_them_and_says_so(
    short_path: Path, newer: Path
) -> None:
    daemon = Daemon(short_path / "clamd").create()
    code, text, _ = run("import", "--data", office(short_path, daemon), newer)
    assert code == 0
    assert "reads them when it starts" in text
    assert "test.cvd" in os.listdir(daemon.signatures)


@pytest.mark.usefixtures("makers")
def test_missing_tools_are_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SignaturesRefused, match="sigtool: is not installed"):
        take(folder, newer)
    assert names(folder) == []


@pytest.mark.usefixtures("makers")
def test_command_takes_another_folder(short_path: Path, folder: Path, newer: Path) -> None:
    create_office(short_path / "office", {"mail": {"domain": "mail.i2p"}})
    code, text, _ = run("import", "--data", short_path / "office", "--into", folder, newer, newer)
    assert code == 1
    code, text, _ = run("import", "--data", short_path / "office", "--into", folder, newer)
    assert code == 0
    assert "no scanner is set" in text.lower()
    assert names(folder) == ["test.cvd"]
