# SPDX-License-Identifier: Apache-2.0
"""PDF without document information, XMP, identifiers and private data of programs."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO

import pikepdf
from pikepdf.settings import set_qpdf_limits

from eepost.sanitise.files.outcome import Inner, Unclean
from eepost.sanitise.files.pdf_entries import TOO_MANY, strip_entries, without_path
from eepost.sanitise.files.pdf_streams import Streams, is_kept_as_packed

# Objects in one document: reading, looking at and writing one costs ten microseconds. A tagged book
# of three hundred pages has some fifty thousand.
MAX_OBJECTS = 75_000
# Streams that objects are packed in, a hundred or two in each; and what all of them unpack to,
# shared evenly: some twenty kilobytes each in real documents.
MAX_OBJECT_STREAMS = 1_000
MAX_OBJECT_OCTETS = 32 * 1024 * 1024

MAGIC = b"%PDF"

# What metadata hides in or behind, in documents too damaged to be opened.
_HIDING = re.compile(rb"/(?:Author|Creator|Producer|Metadata|ObjStm|Encrypt)\b|<x:xmp")
_TELLING = re.compile(
    rb"/ID\s*\[[^\]]{0,200}\]|/Info \d+ \d+ R|/(?:CreationDate|ModDate)\s*\([^)]{0,100}\)"
)


# What a reader needs of the trailer: other entries identify, date or describe.
_TRAILER = frozenset(("/Root", "/Size"))


def _spelt(name: bytes) -> bytes:
    """Return a pattern for a name, any character of which may be written as its number."""
    return b"/" + b"".join(b"(?:%c|#(?i:%02x))" % (each, each) for each in name)


_OBJECT_STREAM = re.compile(_spelt(b"ObjStm") + b"|" + _spelt(b"XRef"))


def strip_pdf(octets: bytes, inner: Inner) -> bytes:
    """Return the document without metadata; what pages show is not touched.

    Raises Unclean where it is damaged, encrypted or signed: a signature covers octets, which any
    change would break; and where a file attached to it can't be cleaned.
    """
    if octets.count(b" obj") > MAX_OBJECTS:
        raise Unclean(TOO_MANY)  # before the library looks for each of them
    try:
        with _bounded(octets), pikepdf.open(BytesIO(octets)) as document:
            if len(document.objects) > MAX_OBJECTS:
                raise Unclean(TOO_MANY)
            _strip(document, Streams(inner))
            if any("limit" in str(each) for each in document.get_warnings()):
                raise Unclean(TOO_MANY)  # something is left out of what was read
            return _saved(document)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError, RuntimeError):
        if _HIDING.search(octets) is not None:
            raise Unclean("PDF document is damaged or encrypted") from None
        # A fragment that no program opens: what tells stands in the open.
        return _TELLING.sub(lambda found: b" " * len(found[0]), octets)


@contextmanager
def _bounded(octets: bytes) -> Iterator[None]:
    """Bound what the library unpacks to find objects: it counts for the whole process."""
    packed = sum(1 for _ in _OBJECT_STREAM.finditer(octets))
    if packed > MAX_OBJECT_STREAMS:
        raise Unclean(TOO_MANY)
    each = MAX_OBJECT_OCTETS // max(packed, 1)
    set_qpdf_limits(flate_max_memory=each, run_length_max_memory=each)
    try:
        yield
    finally:
        set_qpdf_limits(flate_max_memory=0, run_length_max_memory=0)


def _saved(document: pikepdf.Pdf) -> bytes:
    cleaned = BytesIO()
    document.save(
        cleaned,
        # The identifier is a hash of file name, time and content: made from content alone.
        deterministic_id=True,
        fix_metadata_version=False,
        # What the library would unpack, to pack it in another way, may be a bomb.
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        compress_streams=all(is_kept_as_packed(each) for each in _streams(document)),
    )
    return cleaned.getvalue()


def _strip(document: pikepdf.Pdf, streams: Streams) -> None:
    if document.is_encrypted:
        raise Unclean("PDF document is encrypted")
    for name in set(document.trailer.keys()) - _TRAILER:
        del document.trailer[name]
    found: Iterable[object] = document.objects  # numbers and the like are Python's own
    objects = [each for each in found if isinstance(each, pikepdf.Object)]
    attached = {file.objgen for each in objects for file in strip_entries(each, streams.inner)}
    for each in _streams(document):
        if each.objgen in attached or each.get("/Type") == "/EmbeddedFile":
            streams.strip_attached(each)
        else:
            streams.strip(each)
    _rename_attached(document)


def _streams(document: pikepdf.Pdf) -> Iterator[pikepdf.Stream]:
    return (each for each in document.objects if isinstance(each, pikepdf.Stream))


def _rename_attached(document: pikepdf.Pdf) -> None:
    """Name attached files in the list of all of them without the path where they were."""
    names = document.Root.get("/Names")
    if not isinstance(names, pikepdf.Dictionary):
        return
    listed = names.get("/EmbeddedFiles")
    if not isinstance(listed, pikepdf.Dictionary):
        return
    found: Iterable[tuple[str, object]] = pikepdf.NameTree(listed).items()
    files = [(name, file) for name, file in found if isinstance(file, pikepdf.Object)]
    if any(name != without_path(name) for name, _ in files):
        names.EmbeddedFiles = _name_tree(files)


def _name_tree(files: Iterable[tuple[str, pikepdf.Object]]) -> pikepdf.Dictionary:
    named: dict[str, pikepdf.Object] = {}
    for number, (name, file) in enumerate(files):
        base = without_path(name)
        while base in named:
            base = f"{number} {base}"
        named[base] = file
    pairs = ((pikepdf.String(name), named[name]) for name in sorted(named))
    return pikepdf.Dictionary(Names=pikepdf.Array(each for pair in pairs for each in pair))
