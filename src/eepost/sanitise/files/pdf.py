# SPDX-License-Identifier: Apache-2.0
"""PDF without document information, XMP, identifiers and private data of programs."""

import re
import zlib
from io import BytesIO

import pikepdf

from eepost.sanitise.files import jpeg
from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import Unclean

# Objects in one document: reading, looking at and writing one costs ten microseconds. A tagged book
# of three hundred pages has some fifty thousand.
MAX_OBJECTS = 75_000
# Octets of a colour profile: printers' ones take some megabytes.
MAX_PROFILE_OCTETS = 8 * 1024 * 1024

MAGIC = b"%PDF"
_TOO_MANY = "PDF document has too many parts"

# What metadata hides in or behind, in documents too damaged to be opened.
_HIDING = re.compile(rb"/(?:Author|Creator|Producer|Metadata|ObjStm|Encrypt)\b|<x:xmp")
_TELLING = re.compile(
    rb"/ID\s*\[[^\]]{0,200}\]|/Info \d+ \d+ R|/(?:CreationDate|ModDate)\s*\([^)]{0,100}\)"
)
_PRIVATE_KEYS = ("/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/SpiderInfo", "/ModDate")
# Kinds of notes that people write on pages (ISO 32000-1 12.5.6); a form's fields are none.
_NOTES = frozenset(
    {
        *("/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Stamp"),
        *("/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret", "/Ink", "/Redact"),
        *("/FileAttachment", "/Popup"),
    }
)


def strip_pdf(octets: bytes) -> bytes:
    """Return the document without metadata; what pages show is not touched.

    Raises Unclean where it is damaged, encrypted or signed: a signature covers octets, which any
    change would break.
    """
    if octets.count(b" obj") > MAX_OBJECTS:
        raise Unclean(_TOO_MANY)  # before the library looks for each of them
    try:
        with pikepdf.open(BytesIO(octets)) as document:
            if len(document.objects) > MAX_OBJECTS:
                raise Unclean(_TOO_MANY)
            _strip(document)
            cleaned = BytesIO()
            # The identifier is a hash of file name, time and content: made from content alone.
            document.save(cleaned, deterministic_id=True, fix_metadata_version=False)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError, RuntimeError):
        if _HIDING.search(octets) is not None:
            raise Unclean("PDF document is damaged or encrypted") from None
        # A fragment that no program opens: what tells stands in the open.
        return _TELLING.sub(lambda found: b" " * len(found[0]), octets)
    return cleaned.getvalue()


def _strip(document: pikepdf.Pdf) -> None:
    if document.is_encrypted:
        raise Unclean("PDF document is encrypted")
    for name in ("/Info", "/ID"):
        if name in document.trailer:
            del document.trailer[name]
    for each in document.objects:
        if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
            if each.get("/Type") == "/Sig" or "/ByteRange" in each:
                raise Unclean("PDF document is signed")
            for key in _PRIVATE_KEYS:
                if key in each:
                    del each[key]
            _strip_note(each)
        if isinstance(each, pikepdf.Stream):
            _strip_stream(each)


def _strip_note(each: pikepdf.Object) -> None:
    """Remove who wrote a note on a page and when; what it says stays."""
    if each.get("/Subtype") in _NOTES and "/Rect" in each:
        for key in ("/T", "/M", "/CreationDate", "/NM"):
            if key in each:
                del each[key]


def _strip_stream(stream: pikepdf.Stream) -> None:
    """Clean a picture as its camera wrote it, and a colour profile."""
    if stream.get("/Filter") == "/DCTDecode" and "/DecodeParms" not in stream:
        picture = stream.read_raw_bytes()
        if picture.startswith(jpeg.MAGIC):
            stream.write(jpeg.strip_jpeg(picture), filter=pikepdf.Name.DCTDecode)
    elif "/N" in stream and "/Type" not in stream:
        profile = strip_icc(_profile(stream))
        if profile:
            stream.write(profile)


def _profile(stream: pikepdf.Stream) -> bytes:
    """Return the content of a stream that may be a colour profile, never more than is bounded."""
    raw = stream.read_raw_bytes()
    packed_by = stream.get("/Filter")
    if packed_by is None:
        return raw
    if packed_by != "/FlateDecode" or "/DecodeParms" in stream:
        raise Unclean("PDF document packs a colour profile in a way that is not known here")
    try:
        return zlib.decompressobj().decompress(raw, MAX_PROFILE_OCTETS)
    except zlib.error:
        return b""
