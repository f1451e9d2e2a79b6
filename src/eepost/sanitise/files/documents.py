# SPDX-License-Identifier: Apache-2.0
"""RTF and PostScript, documents that are text, without who made them, when and with what."""

import re
import struct
from collections.abc import Iterator

from eepost.sanitise.files.outcome import Inner, Unclean
from eepost.sanitise.files.tiff import strip_tiff

RTF = b"{\\rtf"
POSTSCRIPT = (b"%!PS", b"%!\n", b"%!\r")
# PostScript with a preview behind it, for programs that can't draw it (Adobe TN 5002).
PREVIEWED = b"\xc5\xd0\xd3\xc6"

# A brace takes as long as unpacking so many octets. Documents have one in forty.
_OCTETS_FOR_A_BRACE = 25

# Groups that say who, when, where and with what; no reader shows them.
_RTF_GROUPS = re.compile(
    rb"\{(?:\\\*)?\\(?:info|generator|userprops|rsidtbl|revtbl|xmlnstbl|template|printdata|"
    rb"datastore|passwordhash|oldcprops|protusertbl)\b"
)
# Editing sessions. The word stays: a space behind it belongs to it.
_RTF_SESSIONS = re.compile(rb"(\\(?:ins|para|sect|char|sty|tbl|del)?rsid)\d{1,10}")
_RTF_STEP = re.compile(rb"\\bin(\d{1,9}) ?|\\[\\{}]|[{}]")

# Pictures stand in the text as numbers, behind a word and perhaps its parameter.
_RTF_NUMBERS = re.compile(rb"(?<![0-9a-f\s])[0-9a-f\s]{200,}+", re.IGNORECASE)
_RTF_PICTURE = re.compile(rb"(?:[0-9a-f]{0,20}\s++)?(?=ffd8ff|89504e47)", re.IGNORECASE)
_COLUMNS = 128

# PostScript's comments for people (DSC 3.0, 5.1), and what a document says of itself to a PDF.
_COMMENTS = re.compile(
    rb"(?:(?<=[\r\n])|\A)%%(?:Creator|CreationDate|ModificationDate|Title|For|Routing|Copyright|"
    rb"Author)\b[^\r\n]*+"
)
_DOCINFO = re.compile(rb"(?<=\[)[^\[\]]{1,4000}(?=/DOCINFO\s{1,9}pdfmark)")
_XMP_BEGIN, _XMP_END = b"<?xpacket begin", b"<?xpacket end"


def strip_rtf(octets: bytes, inner: Inner) -> bytes:
    """Return the document without the groups that tell; one that is cut short stays so."""
    inner.take((octets.count(b"{") + octets.count(b"}")) * _OCTETS_FOR_A_BRACE)
    kept = []
    start = at = 0
    while (step := _RTF_STEP.search(octets, at)) is not None:
        at = step.end()
        if step[1] is not None:
            at += int(step[1])  # octets that are no text
        elif step[0] == b"{" and _RTF_GROUPS.match(octets, step.start()):
            kept.append(octets[start : step.start()])
            start = at = _end_of_group(octets, at)
    kept.append(octets[start:])
    text = _RTF_SESSIONS.sub(rb"\g<1>0", b"".join(kept))
    return _RTF_NUMBERS.sub(lambda found: _clean_picture(found[0], inner), text)


def _clean_picture(numbers: bytes, inner: Inner) -> bytes:
    """Return a picture as hexadecimal numbers without its metadata; other numbers as they are."""
    start = _RTF_PICTURE.match(numbers)
    if start is None:
        return numbers
    packed = b"".join(numbers[start.end() :].split())
    picture = bytes.fromhex(packed[: len(packed) & ~1].decode("ascii"))
    inner.take(len(picture))
    cleaned = inner.strip(picture).hex().encode("ascii")
    lines = [cleaned[at : at + _COLUMNS] for at in range(0, len(cleaned), _COLUMNS)]
    return start[0] + b"\r\n".join(lines)


def _end_of_group(octets: bytes, at: int) -> int:
    """Return where the group ends whose opening brace stands before `at`."""
    depth = 1
    while depth and (step := _RTF_STEP.search(octets, at)) is not None:
        at = step.end()
        if step[1] is not None:
            at += int(step[1])
        elif len(step[0]) == 1:
            depth += 1 if step[0] == b"{" else -1
    return len(octets) if depth else at


def strip_postscript(octets: bytes) -> bytes:
    """Return the document with those comments blanked in place: some files count octets."""
    octets = _COMMENTS.sub(lambda found: b"%" + b" " * (len(found[0]) - 1), octets)
    octets = _DOCINFO.sub(lambda found: b" " * len(found[0]), octets)
    made = bytearray(octets)
    for start, end in _packets(octets):
        made[start:end] = b" " * (end - start)
    return bytes(made)


def _packets(octets: bytes) -> Iterator[tuple[int, int]]:
    """Yield what is between the beginning and the end of each XMP packet (ISO 16684-1 7.3)."""
    end = 0
    while (start := octets.find(_XMP_BEGIN, end)) >= 0:
        start += len(_XMP_BEGIN)
        end = octets.find(_XMP_END, start)
        if end < 0:
            return
        yield octets.find(b">", start, end) + 1 or start, end


def strip_previewed(octets: bytes) -> bytes:
    """Return PostScript with its preview, both without metadata. Raises Unclean where damaged."""
    if len(octets) < 30:
        raise Unclean("PostScript document is damaged")
    start, size, picture, picture_size, preview, preview_size = struct.unpack_from("<6I", octets, 4)
    ends = (start + size, picture + picture_size, preview + preview_size)
    if picture_size or max(ends) > len(octets):
        raise Unclean("PostScript document is damaged, or its preview is of an old kind")
    made = bytearray(len(octets))
    # The checksum is over the header alone; this one means that there is none.
    made[:30] = octets[:28] + b"\xff\xff"
    made[start : start + size] = strip_postscript(octets[start : start + size])
    if preview_size:
        made[preview : preview + preview_size] = strip_tiff(
            octets[preview : preview + preview_size]
        )
    return bytes(made)
