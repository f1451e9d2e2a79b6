# SPDX-License-Identifier: Apache-2.0
"""Word, Excel, PowerPoint and Visio documents of 1997 to 2003 without who, when and where.

Property sets become empty ones; of the documents' own streams the places that name people, times
of editing, printers and files are blanked (MS-DOC, MS-XLS, MS-PPT). Nothing moves.
"""

import re
import struct
from collections.abc import Iterator, Mapping

from eepost.sanitise.files.compound import DAMAGED, CompoundFile, Entry
from eepost.sanitise.files.jpeg import blank_exif
from eepost.sanitise.files.outcome import Unclean

# Streams that make a compound file a document; others hold mail, installers or thumbnails.
_WORD, _SHEETS, _SLIDES = "WordDocument", ("Workbook", "Book"), "PowerPoint Document"
_PACKAGE = "\x01Ole10Native"
_DOCUMENTS = frozenset((_WORD, *_SHEETS, _SLIDES, "VisioDocument", "Quill"))
# Macros, and what is embedded in newer documents.
_EMBEDDED = frozenset(("_VBA_PROJECT", _PACKAGE, "CONTENTS", "EmbeddedOdf", "Package"))
_TABLES = ("0Table", "1Table")
_USER = "Current User"
_WITH_PICTURES = frozenset(("Pictures", "Data", _WORD, *_SHEETS))
# MS-OLEPS 2.21: one set without properties; its name is the summary's for all.
_EMPTY_SET = (
    b"\xfe\xff\0\0\x06\0\2\0"
    + bytes(16)
    + b"\1\0\0\0\xe0\x85\x9f\xf2\xf9\x4f\x68\x10\xab\x91\x08\0\x2b\x27\xb3\xd9\x30\0\0\0"
    + b"\x08\0\0\0\0\0\0\0"
)


def strip_office(octets: bytes) -> bytes:
    """Return the document without metadata. Raises Unclean where it can't be followed."""
    file = CompoundFile.parse(octets)
    by_name = {each.name: each for each in file.streams}
    if not (_DOCUMENTS | _EMBEDDED).intersection(by_name):
        raise Unclean("compound file is no document")
    for each in file.streams:
        if each.name.startswith("\x05"):
            size = len(file.read(each))
            file.write(each, _EMPTY_SET[:size].ljust(size, b"\0"))
        elif each.name in _SHEETS:
            file.write(each, _sheets(file.read(each)))
        elif each.name == _USER:
            file.write(each, _user(file.read(each)))
        elif each.name == _PACKAGE:
            file.write(each, _PATH.sub(_without_folders, file.read(each)))
        if each.name in _WITH_PICTURES:
            file.write(each, blank_exif(file.read(each)))
    if _WORD in by_name:
        _strip_word(file, by_name)
    return bytes(file.made)


# ---- Word

# MS-DOC 2.5.1: 1997's file information block; pairs of place and size begin at 154.
_FIB_MAGIC, _OLDEST, _PAIRS_AT = 0xA5EC, 0x00C1, 154
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
# Numbers of pairs: printer's driver and settings (thrice), associated strings, who saved where.
_DROPPED_PAIRS = (27, 28, 29, 71)
_STRINGS, _SETTINGS = 32, 31
# Of the settings (2.7.1): made, changed, printed; how often; how long.
_TIMES_AT, _TIMES_OCTETS = 20, 18
_NO_STRINGS = b"\xff\xff\x12\0\0\0" + bytes(36)


def _strip_word(file: CompoundFile, by_name: Mapping[str, Entry]) -> None:
    block = bytearray(file.read(by_name[_WORD]))
    if len(block) < _PAIRS_AT + 8 * 72:
        raise Unclean(DAMAGED)
    magic, version = struct.unpack_from("<HH", block)
    (flags,) = struct.unpack_from("<H", block, 10)
    if magic != _FIB_MAGIC or version < _OLDEST:
        raise Unclean("Word document is of a kind that is not known here")
    if flags & _ENCRYPTED:
        raise Unclean("Word document is encrypted")
    table_entry = by_name.get(_TABLES[bool(flags & _SECOND_TABLE)])
    if table_entry is None:
        raise Unclean(DAMAGED)
    table = bytearray(file.read(table_entry))
    for number in _DROPPED_PAIRS:
        start, end = _pair(block, number, table)
        table[start:end] = bytes(end - start)
        struct.pack_into("<I", block, _PAIRS_AT + 8 * number + 4, 0)
    start, end = _pair(block, _STRINGS, table)
    table[start:end] = _NO_STRINGS[: end - start].ljust(end - start, b"\0")
    start, end = _pair(block, _SETTINGS, table)
    end = min(end, start + _TIMES_AT + _TIMES_OCTETS)
    table[start + _TIMES_AT : end] = bytes(max(0, end - start - _TIMES_AT))
    file.write(table_entry, bytes(table))
    file.write(by_name[_WORD], bytes(block))


def _pair(block: bytearray, number: int, table: bytearray) -> tuple[int, int]:
    start, size = struct.unpack_from("<II", block, _PAIRS_AT + 8 * number)
    if start + size > len(table):
        raise Unclean(DAMAGED)
    return start, start + size


# ---- Excel

_FILE_PASS, _WRITE_ACCESS, _FILE_SHARING, _PRINTER, _BEGIN = 0x2F, 0x5C, 0x5B, 0x4D, 0x809
_BIFF8 = 0x0600


def _sheets(octets: bytes) -> bytes:
    """Return a workbook's stream without who wrote it and on which printer (MS-XLS 2.4)."""
    made = bytearray(octets)
    version = _BIFF8
    for kind, start, end in _records(octets):
        size = end - start
        if kind == _FILE_PASS:
            raise Unclean("Excel document is encrypted")
        if kind == _BEGIN and size >= 2:
            (version,) = struct.unpack_from("<H", octets, start)
        elif kind == _WRITE_ACCESS:
            name = b"\1\0\0 " if version == _BIFF8 else b"\1 "
            made[start:end] = name[:size].ljust(size, b" ")
        elif kind == _FILE_SHARING and size > 4:
            # Two flags, then the name's length and letters.
            made[start + 4 : end] = bytes(size - 4)
        elif kind == _PRINTER:
            made[start:end] = bytes(size)
    return bytes(made)


def _records(octets: bytes) -> Iterator[tuple[int, int, int]]:
    at = 0
    while at + 4 <= len(octets):
        kind, size = struct.unpack_from("<HH", octets, at)
        end = at + 4 + size
        if end > len(octets):
            return  # what stands behind the last record fills the sector
        yield kind, at + 4, end
        at = end


# ---- PowerPoint


def _user(octets: bytes) -> bytes:
    """Return the stream that names who saved last with blanks in place of the name (MS-PPT 2.3)."""
    if len(octets) < 28:
        return bytes(len(octets))
    made = bytearray(octets)
    end = min(28 + int.from_bytes(octets[20:22], "little"), len(octets))
    made[28:end] = b" " * (end - 28)
    # Behind a number of four octets the name again, in UTF-16.
    letters = max(0, len(octets) - end - 4) // 2
    made[end + 4 : end + 4 + 2 * letters] = b" \0" * letters
    return bytes(made)


# ---- files that were put into a document

# Where the file lay: a whole path, in eight or sixteen bits a letter.
_PATH = re.compile(
    rb"[A-Za-z]:\\(?:[^\\\x00-\x1f]{1,255}\\){1,30}|[A-Za-z]\0:\0\\\0(?:(?:[^\\\x00-\x1f]\0){1,255}\\\0){1,30}"
)


def _without_folders(path: re.Match[bytes]) -> bytes:
    blank = b" \0" if b"\0" in path[0] else b" "
    return blank * (len(path[0]) // len(blank))
