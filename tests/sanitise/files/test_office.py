# SPDX-License-Identifier: Apache-2.0
"""Old office documents: read as before by other programs, with nothing left that tells."""

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import compound
from eepost.sanitise.files.compound import CompoundFile
from eepost.sanitise.files.office import strip_office
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.compound_files import TIMES, compound_file
from tests.sanitise.files.tools import SECRET, run, telling_tags

HIDDEN = SECRET.encode()
WIDE = SECRET.encode("utf-16-le")
WORDS = b"Twas brillig, and the slithy toves\r" * 20


def property_set() -> bytes:
    """A summary with an author (MS-OLEPS 2.21)."""
    author = HIDDEN + b"\0"
    value = struct.pack("<II", 30, len(author)) + author + bytes(-len(author) % 4)
    section = struct.pack("<IIII", 16 + len(value), 1, 4, 16) + value
    head = b"\xfe\xff\0\0\x06\0\2\0" + bytes(16) + struct.pack("<I", 1)
    kind = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    return head + kind + struct.pack("<I", 48) + section


def word(*, flags: int = 0x0200, version: int = 0xC1, cut: int = 0) -> dict[str, bytes]:
    """The streams of a Word document with words, associated strings and times of editing."""
    table = bytearray()
    pairs = [(0, 0)] * 93

    def put(number: int, octets: bytes) -> None:
        pairs[number] = (len(table), len(octets))
        table.extend(octets)

    put(27, b"printer " + HIDDEN)
    put(31, b"\x07" * 38 + b"kept")
    put(32, b"\xff\xff\x12\0\0\0" + b"\0\0" * 6 + b"\x0f\0" + WIDE + b"\0\0" * 11)
    put(71, b"saved " + WIDE)
    table += b"behind" * 400
    start = 0x600
    block = bytearray(start)
    struct.pack_into("<HHHHHH", block, 0, 0xA5EC, version, 0, 0x409, 0, flags)
    struct.pack_into("<II", block, 0x18, start, start + len(WORDS))
    struct.pack_into("<H", block, 32, 14)
    struct.pack_into("<H", block, 62, 22)
    struct.pack_into("<II", block, 64, start + len(WORDS), 0)
    struct.pack_into("<I", block, 76, len(WORDS))
    struct.pack_into("<H", block, 152, len(pairs))
    for number, pair in enumerate(pairs):
        struct.pack_into("<II", block, 154 + 8 * number, *pair)
    body = (bytes(block) + WORDS).ljust(5_000, b"\0")
    return {
        "WordDocument": body[: cut or None],
        "1Table": bytes(table),
        "\x05SummaryInformation": property_set(),
    }


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def slide(kind: int, content: bytes, *, is_container: bool = False) -> bytes:
    return struct.pack("<HHI", 0x0F if is_container else 0, kind, len(content)) + content


def user() -> bytes:
    name = HIDDEN
    head = struct.pack(
        "<HHIIIIHHBBH",
        0,
        0x0FF6,
        24 + 3 * len(name),
        0x14,
        0xE391C05F,
        0,
        len(name),
        1_012,
        3,
        0,
        0,
    )
    return head + name + struct.pack("<I", 8) + WIDE


SLIDES = {
    "PowerPoint Document": slide(1_000, slide(0x0FA8, b"Jabberwocky"), is_container=True),
    "Current User": user(),
    "Pictures": b"\xff\xd8\xff\xe1"
    + struct.pack(">H", 8 + len(HIDDEN))
    + b"Exif\0\0"
    + HIDDEN
    + b"rest",
    "\x05SummaryInformation": property_set(),
    "\x05DocumentSummaryInformation": property_set() * 30,
}


def made(octets: bytes, tmp_path: Path, name: str) -> Path:
    file = tmp_path / name
    file.write_bytes(octets)
    return file


def without_secrets(octets: bytes) -> bytes:
    assert HIDDEN in octets or WIDE in octets
    cleaned = strip_file(octets)
    assert cleaned.kind == "Office"
    assert HIDDEN not in cleaned.octets
    assert WIDE not in cleaned.octets
    assert TIMES not in cleaned.octets
    assert len(cleaned.octets) == len(octets)
    assert strip_file(cleaned.octets).octets == cleaned.octets
    return cleaned.octets


def test_word_document_reads_as_before(tmp_path: Path) -> None:
    octets = compound_file(word(), leftover=HIDDEN)
    before = made(octets, tmp_path, "before.doc")
    after = made(without_secrets(octets), tmp_path, "after.doc")
    words = run("catdoc", before)
    assert b"slithy toves" in words
    assert run("catdoc", after) == words
    assert "FlashPix:Author" in telling_tags(before)
    assert telling_tags(after) == {}


def test_other_parts_of_a_word_document_stay() -> None:
    file = CompoundFile.parse(without_secrets(compound_file(word())))
    table = next(file.read(each) for each in file.streams if each.name == "1Table")
    assert table.endswith(b"behind" * 400)
    assert b"\x07" * 20 + bytes(18) + b"kept" in table


def test_excel_workbook_reads_as_before(tmp_path: Path) -> None:
    before = tmp_path / "before.xls"
    run(
        "perl",
        "-MSpreadsheet::WriteExcel",
        "-e",
        "my $book = Spreadsheet::WriteExcel->new(shift);"
        f" $book->set_properties(author => '{SECRET}', comments => '{SECRET}');"
        " my $sheet = $book->add_worksheet('Hatter');"
        " $sheet->write(0, 0, 'tea'); $sheet->write($_, 1, 42 + $_) for 1 .. 400; $book->close();",
        before,
    )
    after = made(without_secrets(before.read_bytes()), tmp_path, "after.xls")
    cells = run("xls2csv", before)
    assert b"tea" in cells
    assert run("xls2csv", after) == cells
    assert "FlashPix:Author" in telling_tags(before)
    assert telling_tags(after) == {}


def test_slides_read_as_before(tmp_path: Path) -> None:
    octets = compound_file(SLIDES, leftover=HIDDEN)
    before = made(octets, tmp_path, "before.ppt")
    after = made(without_secrets(octets), tmp_path, "after.ppt")
    assert b"Jabberwocky" in run("catppt", before)
    assert run("catppt", after) == run("catppt", before)
    assert run("gsf", "list", after).count(b"\n") == run("gsf", "list", before).count(b"\n")
    assert telling_tags(after) == {}


def test_who_wrote_a_workbook_and_where_it_was_printed_goes() -> None:
    for version, name in ((0x0600, b"\x0f\0\0" + HIDDEN), (0x0500, b"\x0f" + HIDDEN)):
        book = (
            record(0x809, struct.pack("<HH", version, 5))
            + record(0x5C, name.ljust(112))
            + record(0x5B, b"\0\0\0\0\x0f\0\0" + HIDDEN)
            + record(0x4D, b"\0\0" + WIDE)
            + record(0x204, b"tea")
            + record(0x0A, b"")
            + b"\0\0\xff\xff"
        )
        octets = without_secrets(compound_file({"Workbook": book}))
        file = CompoundFile.parse(octets)
        assert record(0x204, b"tea") in file.read(file.streams[0])


def test_folders_of_a_file_in_a_document_go() -> None:
    path = "C:\\Users\\" + SECRET + "\\notes.txt"
    package = b"\2\0notes.txt\0" + path.encode() + b"\0data:" + path.encode("utf-16-le") + b"\0\0"
    file = CompoundFile.parse(without_secrets(compound_file({"\x01Ole10Native": package})))
    kept = file.read(file.streams[0])
    assert kept.startswith(b"\2\0notes.txt\0      ")
    assert kept.count(b" notes.txt") == 1
    assert " notes.txt".encode("utf-16-le") in kept


def test_macros_of_a_new_document_stay() -> None:
    octets = compound_file({"_VBA_PROJECT": b"macros", "\x05SummaryInformation": property_set()})
    assert b"macros" in without_secrets(octets)


def test_short_stream_of_a_user_becomes_blank() -> None:
    octets = compound_file({"Current User": b"short", "PowerPoint Document": b"x"})
    assert b"short" not in strip_office(octets)


@pytest.mark.parametrize(
    "streams",
    [
        {"__properties_version1.0": b"x"},  # a message of Outlook's
        word(flags=0x0300),  # encrypted
        word(version=0x65),  # of 1995
        word(cut=700),
        {"WordDocument": word()["WordDocument"]},  # without its table
        {"WordDocument": word()["WordDocument"], "1Table": b"short"},
        {"Workbook": record(0x809, b"\0\6\5\0") + record(0x2F, b"key")},
    ],
)
def test_document_that_cannot_be_cleaned_is_refused(streams: dict[str, bytes]) -> None:
    with pytest.raises(Unclean):
        strip_office(compound_file(streams))


def broken(at: int, octets: bytes) -> bytes:
    made = bytearray(compound_file(word()))
    made[at : at + len(octets)] = octets
    return bytes(made)


def entry_changed(name: str, start: int, size: int | None = None) -> bytes:
    octets = bytearray(compound_file(word()))
    at = octets.index(name.encode("utf-16-le") + b"\0\0")
    struct.pack_into("<I", octets, at + 116, start)
    if size is not None:
        struct.pack_into("<I", octets, at + 120, size)
    return bytes(octets)


def with_further_table(octets: bytes) -> bytes:
    """A file whose list of tables goes on in a sector at its end, with nothing more in it."""
    made = bytearray(octets) + b"\xff" * 508 + struct.pack("<I", 0xFFFFFFFE)
    struct.pack_into("<I", made, 68, len(octets) // 512 - 1)
    return bytes(made)


def test_list_of_tables_may_go_on_elsewhere() -> None:
    octets = compound_file(word())
    assert strip_office(with_further_table(octets))[512 : len(octets)] == strip_office(octets)[512:]


@pytest.mark.parametrize(
    "octets",
    [
        compound_file(word())[:70],
        compound_file(word())[:1_500],
        broken(30, b"\x08"),  # a size of sectors that does not exist
        broken(48, struct.pack("<I", 9_999)),  # a directory beyond the end
        broken(68, struct.pack("<I", 9_999)),  # further tables of sectors beyond it
        broken(60, struct.pack("<I", 0xFFFFFFFE)),  # no table of small sectors
        broken(76, bytes(436)),  # more tables than sectors
        entry_changed("Root Entry", 0xFFFFFFFE),  # no small sectors
        entry_changed("WordDocument", 120),  # beyond the end
        entry_changed("WordDocument", 0, 99_999),  # longer than its sectors
        entry_changed("WordDocument", 9_999),
    ],
)
def test_damaged_file_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_office(octets)


def test_large_sectors_and_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compound, "MAX_ENTRIES", 3)
    with pytest.raises(Unclean):
        strip_office(compound_file(word()))


@given(st.data())
def test_any_damage_gives_a_document_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(compound_file(word() | SLIDES))
    for _ in range(4):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        assert len(strip_office(bytes(octets))) == len(octets)
