# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import archive as module
from eepost.sanitise.files.archive import strip_archive
from eepost.sanitise.files.outcome import MAX_UNPACKED_OCTETS, Unclean
from eepost.sanitise.files.strip import MAX_DEPTH, Unpacking, strip_file
from tests.sanitise.files.inner import KNOWN, FakeInner
from tests.sanitise.files.test_pictures import SECRET, jpeg, pixels

OOXML, ODF = {"[Content_Types].xml": b"<Types/>"}, {"META-INF/manifest.xml": b"<manifest/>"}
ENTRIES = {
    **OOXML,
    **ODF,
    "docProps/core.xml": b"<dc:creator>" + SECRET + b"</dc:creator>",
    "docProps/app.xml": SECRET,
    "docProps/custom.xml": SECRET,
    "meta.xml": SECRET,
    "settings.xml": b'<config:config-item config:name="PrinterName" config:type="string">'
    + SECRET
    + b"</config:config-item>",
    "content.xml": b"<dc:creator>"
    + SECRET
    + b"</dc:creator><dc:date>2026-11-20T01:02:03</dc:date>",
    "word/document.xml": b'<w:p w:rsidR="00AB12CD"><w:ins w:author="' + SECRET + b'" w:date="2026">'
    b"<w:t>words</w:t></w:ins></w:p>",
    "word/people.xml": SECRET,
    "word/_rels/settings.xml.rels": b'<R Target="file:///C:/' + SECRET + b'/a.dotm"/>',
    "word/media/image1.jpg": jpeg(),
    "xl/workbook.xml": b'<x15ac:absPath url="C:\\' + SECRET + b'"/>',
    "xl/persons/person.xml": b'<person displayName="' + SECRET + b'" id="1"/>',
    "xl/printerSettings/printerSettings1.bin": SECRET,
    "directory/": b"",
    "inner.zip": b"",
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


ENTRIES["inner.zip"] = archive({"photo": jpeg()})


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_authors_times_and_comments_go_and_files_stay(method: int) -> None:
    cleaned = strip_file(archive(ENTRIES, method))
    assert cleaned.kind == "zip"
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
    assert found["word/document.xml"] == (
        b'<w:p><w:ins w:author="Author"><w:t>words</w:t></w:ins></w:p>'
    )
    assert found["content.xml"] == (
        b"<dc:creator>Author</dc:creator><dc:date>1970-01-01T00:00:00</dc:date>"
    )
    assert found["xl/persons/person.xml"] == b'<person displayName="Author" id="1"/>'
    assert pixels(contents(found["inner.zip"])["photo"]) == pixels(jpeg())
    assert pixels(found["word/media/image1.jpg"]) == pixels(ENTRIES["word/media/image1.jpg"])
    assert strip_file(cleaned.octets).octets == cleaned.octets


def test_octets_before_an_archive_are_left_out() -> None:
    octets = archive({"a": b"b"})
    assert contents(strip_archive(SECRET + octets, FakeInner())) == {"a": b"b"}


def test_bomb_is_not_unpacked() -> None:
    with pytest.raises(Unclean):
        strip_archive(archive({**ODF, "meta.xml": bytes(1_001)}), FakeInner(octets=1_000))
    two = {"a": KNOWN + bytes(600), "b": KNOWN + bytes(600)}
    assert contents(strip_archive(archive(two), FakeInner())) == {"a": KNOWN, "b": KNOWN}
    with pytest.raises(Unclean):
        strip_archive(archive(two), FakeInner(octets=1_000))


def test_archives_in_archives_share_their_bounds() -> None:
    deep = jpeg()
    for _ in range(MAX_DEPTH):
        deep = archive({"a": deep})
    assert strip_file(deep).kind == "zip"
    with pytest.raises(Unclean):
        strip_file(archive({"a": deep}))


def test_real_bomb_is_refused() -> None:
    with pytest.raises(Unclean):
        strip_file(archive({"a": b"\xff\xd8\xff" + bytes(MAX_UNPACKED_OCTETS)}))


def test_same_names_mean_nothing_in_other_archives() -> None:
    octets = {"meta.xml": SECRET, "word/document.xml": SECRET}
    assert contents(strip_archive(archive(octets), FakeInner())) == octets


def test_damaged_or_strange_entries_that_need_cleaning_are_refused() -> None:
    octets = bytearray(archive({**ODF, "meta.xml": b"x" * 50}))
    octets[octets.index(b"meta.xml") + 8 + 9] ^= 0xFF
    with pytest.raises(Unclean):
        strip_archive(bytes(octets), FakeInner())
    strange = archive({**ODF, "meta.xml": b"x" * 50}, zipfile.ZIP_BZIP2)
    with pytest.raises(Unclean):
        strip_archive(strange, FakeInner())


def test_encrypted_entries_are_copied() -> None:
    octets = bytearray(archive({"photo": KNOWN + b"x"}, zipfile.ZIP_STORED))
    octets[6] |= 1
    octets[octets.index(b"PK\x01\x02") + 8] |= 1
    with zipfile.ZipFile(io.BytesIO(strip_archive(bytes(octets), FakeInner()))) as made:
        assert made.infolist()[0].flag_bits & 1


def test_damaged_archive_loses_its_times() -> None:
    octets = archive({"words.txt": b"words"}, zipfile.ZIP_STORED)
    for broken in (octets[:-30], octets[:60], octets[:-22] + b"x" * 22):
        made = strip_archive(broken, FakeInner())
        assert len(made) == len(broken)
        assert b"abcd" not in made
        assert octets[10:14] not in made


def test_damaged_archive_with_metadata_is_refused() -> None:
    with pytest.raises(Unclean):
        strip_archive(archive({"docProps/core.xml": SECRET})[:-30], FakeInner())


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 1)
    with pytest.raises(Unclean):
        strip_archive(archive({"meta.xml": b"", "b": b""}), FakeInner())


@given(st.data())
def test_any_damage_gives_an_archive_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(archive({"meta.xml": b"x", "a.txt": b"words"}))
    for _ in range(3):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        assert strip_archive(bytes(octets), FakeInner())


def test_documents_take_more_of_what_may_be_unpacked_than_pictures() -> None:
    made = {}
    for kind in (b"%PDF-1.4 ", b"\xff\xd8\xff"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as entries:
            for number in range(3):
                entries.writestr(f"{number}", kind)
        made[kind] = file.getvalue()
    assert strip_file(made[b"\xff\xd8\xff"], Unpacking(octets=60_000)).kind == "zip"
    with pytest.raises(Unclean, match="too large"):
        strip_file(made[b"%PDF-1.4 "], Unpacking(octets=60_000))
