# SPDX-License-Identifier: Apache-2.0
import bz2
import contextlib
import gzip
import io
import lzma
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import packed as module
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.packed import strip_gzip, strip_tar
from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.inner import KNOWN, FakeInner
from tests.sanitise.files.test_pictures import SECRET, jpeg, pixels

NAME = SECRET.decode()
LONG = "long/" * 30 + "name"


def tar(kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind, pax_headers={"comment": NAME}) as made:
        for name, octets in (("words", b"words" * 200), ("photo", jpeg()), (LONG, b"x")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(octets), 1_795_435_200.5, 0o754
            entry.uid = entry.gid = 1_234
            entry.uname = entry.gname = NAME
            if kind == tarfile.PAX_FORMAT:
                entry.pax_headers = {"atime": "1795435200.1", "SCHILY.dev": NAME}
            made.addfile(entry, io.BytesIO(octets))
        link = tarfile.TarInfo("link")
        link.type, link.linkname, link.uname = tarfile.SYMTYPE, "words", NAME
        made.addfile(link)
        folder = tarfile.TarInfo("folder")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        made.addfile(folder)
        made.addfile(tarfile.TarInfo("quiet"))
    return file.getvalue()


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_owners_and_times_go_and_files_stay(kind: int) -> None:
    octets = tar(kind)
    assert SECRET in octets
    cleaned = strip_file(octets)
    assert cleaned.kind == "tar"
    assert SECRET not in cleaned.octets
    with tarfile.open(fileobj=io.BytesIO(cleaned.octets)) as made:
        assert made.getnames() == ["words", "photo", LONG, "link", "folder", "quiet"]
        for entry in made.getmembers():
            assert (entry.mtime, entry.uid, entry.gid) == (0, 0, 0)
            assert (entry.uname, entry.gname) == ("", "")
        assert [oct(made.getmember(name).mode) for name in ("words", "folder", "quiet")] == [
            *("0o755", "0o755", "0o644")
        ]
        words, photo = made.extractfile("words"), made.extractfile("photo")
        assert words is not None
        assert words.read() == b"words" * 200
        assert photo is not None
        assert pixels(photo.read()) == pixels(jpeg())
        assert made.getmember("link").linkname == "words"
    assert strip_file(cleaned.octets).octets == cleaned.octets


def zipped(octets: bytes, name: str = NAME) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=file, mtime=1_795_435_200) as made:
        made.write(octets)
    return file.getvalue()


@pytest.mark.parametrize("octets", [b"words" * 99, tar(), jpeg()])
def test_gzip_loses_its_name_and_time(octets: bytes) -> None:
    assert SECRET in zipped(octets)
    cleaned = strip_file(zipped(octets))
    assert SECRET not in cleaned.octets
    assert cleaned.octets[4:8] == bytes(4)
    assert gzip.decompress(cleaned.octets) == strip_file(octets).octets
    assert strip_file(cleaned.octets).octets == cleaned.octets


def test_every_field_of_a_gzip_header_goes() -> None:
    plain = zipped(b"words", "")
    flags = bytes((2 + 4 + 8 + 16,))
    fields = b"\x03\0abc" + b"name\0comment\0" + b"CR"
    octets = plain[:3] + flags + plain[4:10] + fields + plain[10:]
    assert strip_gzip(octets, FakeInner()) == strip_gzip(plain, FakeInner())
    quiet = gzip.compress(b"words", mtime=0)
    assert strip_gzip(quiet, FakeInner()) == quiet


@pytest.mark.parametrize(
    "octets",
    [
        zipped(b"x" * 99)[:-20],
        zipped(b"x") + zipped(b"y"),
        b"\x1f\x8b\x08\x08" + bytes(6) + b"name without an end",
        b"\x1f\x8b\x08",
        zipped(b"words" * 300),
        zipped(b"", "")[:10] + b"\xff" * 20,
    ],
)
def test_gzip_that_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_gzip(octets, FakeInner(octets=1_000))


def damaged(at: int, octets: bytes) -> bytes:
    made = bytearray(tar(tarfile.USTAR_FORMAT))
    made[at : at + len(octets)] = octets
    return bytes(made)


PAX = tar().index(b"atime") // 512 * 512


@pytest.mark.parametrize(
    "octets",
    [
        damaged(124, b"no number   "),
        damaged(124, b"77777777777\0"),
        damaged(1_536 + 257, b"xxxxx"),
        tar()[:PAX] + b"xx " + tar()[PAX + 3 :],
        tar()[:PAX] + b"1 " + tar()[PAX + 2 :],
    ],
)
def test_tar_that_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_tar(octets, FakeInner())


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 2)
    with pytest.raises(Unclean):
        strip_tar(tar(), FakeInner())


def test_files_in_a_tar_are_cleaned() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        entry = tarfile.TarInfo("a")
        entry.size = 9
        made.addfile(entry, io.BytesIO(KNOWN + b"more"))
    assert b"more" not in strip_tar(file.getvalue(), FakeInner())


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_tar_in_what_packs_slowly_is_refused(pack: object) -> None:
    assert callable(pack)
    with pytest.raises(Unclean):
        strip_file(pack(tar()))
    assert strip_file(pack(b"words")).kind == ""
    assert strip_file(pack(b"words")[:9] + b"\xff" * 20).kind == ""


@pytest.mark.parametrize("magic", [b"Rar!\x1a\x07", b"8BPS", b"L\0\0\0\x01\x14\x02\0"])
def test_files_that_tell_and_have_no_rules_are_refused(magic: bytes) -> None:
    with pytest.raises(Unclean, match="there are no rules for"):
        strip_file(magic + b"rest")


@given(st.data())
def test_any_damage_gives_a_tar_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(tar())
    for _ in range(4):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        strip_tar(bytes(octets), FakeInner())
