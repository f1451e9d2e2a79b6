# SPDX-License-Identifier: Apache-2.0
"""What entries of a PDF's dictionaries tell of people, programs, times and paths (ISO 32000-1).

Words that are read stay, whoever wrote them: notes, names of form fields, titles of chapters.
"""

import re
from collections.abc import Iterator
from typing import TypeGuard

import pikepdf

from eepost.sanitise.files.outcome import Inner, Unclean
from eepost.sanitise.names import file_name

# Items of one array or dictionary: widths of all characters of a font are some ten thousand.
MAX_ITEMS = 200_000
TOO_MANY = "PDF document has too many parts"
# An entry that is looked at takes as long as unpacking so many octets. Documents have some thousand
# notes and links of ten entries each.
_OCTETS_FOR_AN_ENTRY = 150

# XMP, what programs keep for themselves, pictures of pages; what pdfTeX notes of each figure (path,
# author and times of the file that it came from); which program made a layer; files that belong to
# an attached one.
_PRIVATE = frozenset(
    {
        *("/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/SpiderInfo", "/ModDate"),
        *("/PTEX.FileName", "/PTEX.InfoDict", "/PTEX.PageNumber", "/PTEX.Fullbanner"),
        *("/CreatorInfo", "/RF"),
    }
)
# The same by names that may also be those of a font or a colour: only where they are words.
_WORDS = frozenset(("/Author", "/Creator", "/Producer", "/CreationDate", "/CI"))
# Kinds of notes that people write on pages (12.5.6); a form's fields are none.
_NOTES = frozenset(
    {
        *("/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Stamp"),
        *("/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret", "/Ink", "/Redact"),
        *("/FileAttachment", "/Popup", "/Sound"),
    }
)
_OF_ANNOTATIONS = ("/M", "/NM")
# Names of files: attached ones, those that links lead to (7.11.2).
_FILE_NAMES = frozenset(("/F", "/UF", "/DOS", "/Mac", "/Unix", "/URI"))
_SIGNATURE, _PLACE, _RICH = "/ByteRange", "/Rect", "/RC"
_LINK = re.compile(r"(?i)(?!file:)[a-z][a-z0-9+.-]{1,30}:(?![\\])")
# How rich text of a note says which program wrote it.
_PROGRAM = re.compile(r"\sxfa:(?:APIVersion|spec)\s*=\s*(?:\"[^\"]{0,200}\"|'[^']{0,200}')")

_LOOKED_AT = _PRIVATE | _WORDS | _FILE_NAMES | {_SIGNATURE, _PLACE, "/Sig", "/EF", "/CheckSum"}
_MARK = re.compile(
    b"(?:"
    + b"|".join(sorted((re.escape(each.encode()) for each in _LOOKED_AT), reverse=True))
    + rb")(?=[\s()<>\[\]{}/%])"
)


def strip_entries(top: pikepdf.Object, inner: Inner) -> Iterator[pikepdf.Stream]:
    """Remove what tells from an object and all that stands in it; yield the files it attaches.

    Raises Unclean where it is a signature, or has too many entries.
    """
    entries = top.stream_dict if isinstance(top, pikepdf.Stream) else top
    if not isinstance(entries, pikepdf.Dictionary | pikepdf.Array):
        return
    if len(entries) > MAX_ITEMS:
        raise Unclean(TOO_MANY)
    # Written out by the library in a tenth of the time that going through it takes.
    if _MARK.search(entries.unparse(resolved=True)) is None:
        return
    left: list[pikepdf.Object] = [entries]
    while left:
        each = left.pop()
        inner.take(_OCTETS_FOR_AN_ENTRY * (1 + len(each)))
        if isinstance(each, pikepdf.Dictionary):
            _strip(each)
            if isinstance(attached := each.get("/EF"), pikepdf.Dictionary):
                yield from (it for it in attached.values() if isinstance(it, pikepdf.Stream))
        inside = each.values() if isinstance(each, pikepdf.Dictionary) else each
        left += [it for it in inside if _is_direct(it)]


def _is_direct(value: object) -> TypeGuard[pikepdf.Object]:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _strip(entries: pikepdf.Dictionary) -> None:
    if entries.get("/Type") == "/Sig" or _SIGNATURE in entries:
        raise Unclean("PDF document is signed")
    for key, value in dict(entries).items():
        if key in _PRIVATE or (key in _WORDS and isinstance(value, pikepdf.String)):
            del entries[key]
        elif key in _FILE_NAMES and isinstance(value, pikepdf.String):
            entries[key] = without_path(str(value))
    if _PLACE in entries and "/Subtype" in entries:
        _strip_annotation(entries)


def _strip_annotation(entries: pikepdf.Dictionary) -> None:
    """Remove who wrote a note on a page and when; what it says stays."""
    is_note = str(entries.get("/Subtype")) in _NOTES
    for key in (*_OF_ANNOTATIONS, "/T") if is_note else _OF_ANNOTATIONS:
        if key in entries:
            del entries[key]
    if isinstance(words := entries.get(_RICH), pikepdf.String):
        entries[_RICH] = _PROGRAM.sub("", str(words))


def without_path(name: str) -> str:
    """Return the base name of a file; a link to a server stays."""
    if _LINK.match(name):
        return name
    return file_name(name) or "file"
