# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import archive as module
from eepost.sanitise.files.archive import strip_archive
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.test_pictures import SECRET, jpeg, pixels

ENTRIES = {
    "mimetype": b"application/x",
    "docProps/core.xml": b"<dc:creator>" + SECRET + b"</dc:creator>",
    "docProps/app.xml": SECRET,
    "docProps/custom.xml": SECRET,
    "meta.xml": SECRET,
    "settings.xml": b'<config:config-item config:name="PrinterName" config:type="string">'
    + SECRET
    + b"</config:config-item>",
    "word/document.xml": b'<w:p w:rsidR="00AB12CD"><w:t>words</w:t></w:p>',
    "word/media/image1.jpg": jpeg(),
    "directory/": b"",
    "words.txt": b"words " * 100,
}


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, octets in entries.items():
            entry = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            entry.comment = SECRET
            entry.extra = b"UT\x05\0\x01abcd"
            entry.compress_type = method
            made.writestr(entry, octets)
        made.comment = SECRET
    return file.getvalue()


def contents(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as made:
        return {entry.filename: made.read(entry) for entry in made.infolist()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_authors_times_and_comments_go_and_files_stay(method: int) -> None:
    cleaned = strip_file(archive(ENTRIES, method))
    assert cleaned.kind == "archive"
    with zipfile.ZipFile(io.BytesIO(cleaned.octets)) as made:
        assert made.testzip() is None
        assert made.comment == b""
        for entry in made.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.comment, entry.extra) == (b"", b"")
    found = contents(cleaned.octets)
    assert list(found) == list(ENTRIES)
    assert not any(SECRET in each for each in found.values())
    assert found["words.txt"] == ENTRIES["words.txt"]
    assert found["word/document.xml"] == b"<w:p><w:t>words</w:t></w:p>"
    assert pixels(found["word/media/image1.jpg"]) == pixels(ENTRIES["word/media/image1.jpg"])
    assert strip_file(cleaned.octets).octets == cleaned.octets


def test_octets_before_an_archive_are_left_out() -> None:
    octets = archive({"a": b"b"})
    assert contents(strip_archive(SECRET + octets, bytes)) == {"a": b"b"}


def test_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNPACKED_OCTETS", 1_000)
    with pytest.raises(Unclean):
        strip_archive(archive({"meta.xml": bytes(1_001)}), bytes)
    with pytest.raises(Unclean):
        strip_archive(archive({"a.png": bytes(600), "b.png": bytes(600)}), bytes)


def test_damaged_or_strange_entries_that_need_cleaning_are_refused() -> None:
    octets = bytearray(archive({"meta.xml": b"x" * 50}))
    octets[octets.index(b"meta.xml") + 8 + 9] ^= 0xFF
    with pytest.raises(Unclean):
        strip_archive(bytes(octets), bytes)
    strange = archive({"meta.xml": b"x" * 50}, zipfile.ZIP_BZIP2)
    with pytest.raises(Unclean):
        strip_archive(strange, bytes)


def test_encrypted_entries_are_copied() -> None:
    octets = bytearray(archive({"meta.xml": b"x"}, zipfile.ZIP_STORED))
    octets[6] |= 1
    octets[octets.index(b"PK\x01\x02") + 8] |= 1
    with zipfile.ZipFile(io.BytesIO(strip_archive(bytes(octets), bytes))) as made:
        assert made.infolist()[0].flag_bits & 1


def test_damaged_archive_loses_its_times() -> None:
    octets = archive({"words.txt": b"words"}, zipfile.ZIP_STORED)
    for broken in (octets[:-30], octets[:60], octets[:-22] + b"x" * 22):
        made = strip_archive(broken, bytes)
        assert len(made) == len(broken)
        assert b"abcd" not in made
        assert octets[10:14] not in made


def test_damaged_archive_with_metadata_is_refused() -> None:
    with pytest.raises(Unclean):
        strip_archive(archive({"docProps/core.xml": SECRET})[:-30], bytes)


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 1)
    with pytest.raises(Unclean):
        strip_archive(archive({"meta.xml": b"", "b": b""}), bytes)


@given(st.data())
def test_any_damage_gives_an_archive_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(archive({"meta.xml": b"x", "a.txt": b"words"}))
    for _ in range(3):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        assert isinstance(strip_archive(bytes(octets), bytes), bytes)
