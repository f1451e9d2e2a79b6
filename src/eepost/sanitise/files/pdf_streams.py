# SPDX-License-Identifier: Apache-2.0
"""What streams of a PDF hold that are files of other kinds: pictures, colour profiles, files."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pikepdf

from eepost.sanitise.files import codestream, jpeg
from eepost.sanitise.files.bmff import is_bmff, strip_bmff
from eepost.sanitise.files.icc import MAX_PROFILE_OCTETS, TIMES_TO_PACK, strip_icc
from eepost.sanitise.files.outcome import Inner, Unclean

# A picture takes as long as unpacking so many octets, however small it is.
_OCTETS_FOR_A_PICTURE = 2_048
# Abbreviations stand for the same where readers are tolerant (ISO 32000-1 8.9.7).
_ABBREVIATED = {
    "/DCT": "/DCTDecode",
    "/Fl": "/FlateDecode",
    "/AHx": "/ASCIIHexDecode",
    "/A85": "/ASCII85Decode",
}
_JPEG, _JPEG_2000, _FLATE = "/DCTDecode", "/JPXDecode", "/FlateDecode"
_PICTURES = ([_JPEG], [_JPEG_2000], ["/CCITTFaxDecode"], ["/JBIG2Decode"])
# What these unpack to is smaller than they are, so the library may do it.
_AS_TEXT = frozenset(("/ASCIIHexDecode", "/ASCII85Decode"))
_UNKNOWN = "PDF document packs a picture, a profile or a file in a way that is not known here"


@dataclass(slots=True)
class Streams:
    """Cleans the streams of one document, within what unpacking may still cost."""

    inner: Inner
    # Merged documents bring the same profile many times.
    profiles: dict[tuple[bytes, tuple[str, ...]], bytes] = field(default_factory=dict)

    def strip(self, stream: pikepdf.Stream) -> None:
        """Clean a picture as its camera wrote it, and a colour profile; empty XMP."""
        filters = _filters(stream)
        if filters[-1:] == [_JPEG]:
            self._strip_picture(stream, filters, _strip_jpeg)
        elif filters[-1:] == [_JPEG_2000]:
            self._strip_picture(stream, filters, _strip_jpeg_2000)
        elif stream.get("/Type") == "/Metadata":
            stream.write(b"")
        elif "/N" in stream and "/Type" not in stream:
            self._strip_profile(stream, filters)
        elif not filters:
            # Packed by the library it would look otherwise than when it is read again.
            _write_packed(stream, zlib.compress(stream.read_raw_bytes()))

    def strip_attached(self, stream: pikepdf.Stream) -> None:
        """Clean a file that is attached to the document or to a page, by what it is."""
        content = self._unpacked(stream, _filters(stream), self.inner.octets + 1)
        self.inner.take(TIMES_TO_PACK * len(content))
        cleaned = self.inner.strip(content)
        _write_packed(stream, zlib.compress(cleaned))
        stream.Params = pikepdf.Dictionary(Size=len(cleaned))

    def _strip_picture(
        self, stream: pikepdf.Stream, filters: Sequence[str], strip: Callable[[bytes], bytes]
    ) -> None:
        self.inner.take(_OCTETS_FOR_A_PICTURE)
        picture = self._unpacked(stream, filters[:-1], self.inner.octets + 1)
        if len(filters) > 1:
            self.inner.take(len(picture))
        parameters = _parameters(stream, len(filters))[-1]
        stream.write(strip(picture), filter=pikepdf.Name(filters[-1]), decode_parms=parameters)

    def _strip_profile(self, stream: pikepdf.Stream, filters: Sequence[str]) -> None:
        known_by = (stream.read_raw_bytes(), tuple(filters))
        if known_by not in self.profiles:
            content = self._unpacked(stream, filters, MAX_PROFILE_OCTETS)
            profile = strip_icc(content)
            self.inner.take(TIMES_TO_PACK * len(content))
            self.profiles[known_by] = zlib.compress(profile) if profile else b""
        if packed := self.profiles[known_by]:
            _write_packed(stream, packed)

    def _unpacked(self, stream: pikepdf.Stream, filters: Sequence[str], most: int) -> bytes:
        """Return what is in a stream behind these filters, never more than `most` octets."""
        octets = stream.read_raw_bytes()
        for name, parameters in zip(filters, _parameters(stream, len(filters)), strict=False):
            if parameters is not None and parameters.get("/Predictor", 1) != 1:
                raise Unclean(_UNKNOWN)
            octets = _unpacked(octets, name, most)
        return octets


def _write_packed(stream: pikepdf.Stream, packed: bytes) -> None:
    stream.write(packed, filter=pikepdf.Name.FlateDecode)


def _unpacked(octets: bytes, packed_by: str, most: int) -> bytes:
    if packed_by != _FLATE and packed_by not in _AS_TEXT:
        raise Unclean(_UNKNOWN)
    try:
        if packed_by == _FLATE:
            return zlib.decompressobj().decompress(octets, most)
        with pikepdf.new() as scratch:
            return pikepdf.Stream(scratch, octets, Filter=pikepdf.Name(packed_by)).read_bytes()
    except (zlib.error, pikepdf.PdfError):
        raise Unclean("PDF document holds a damaged stream") from None


def is_kept_as_packed(stream: pikepdf.Stream) -> bool:
    """Say whether the library packs other streams without unpacking this one."""
    packed_by = stream.get("/Filter")
    return packed_by is None or packed_by == _FLATE or _filters(stream)[-1:] in _PICTURES


def _filters(stream: pikepdf.Stream) -> list[str]:
    """Return the names of what a stream is packed by, what has to be unpacked first in front."""
    found = _several(stream.get("/Filter"))
    return [_ABBREVIATED.get(str(name), str(name)) for name in found]


def _parameters(stream: pikepdf.Stream, count: int) -> list[pikepdf.Dictionary | None]:
    """Return the parameters of each of `count` filters."""
    found = _several(stream.get("/DecodeParms"))
    known = [each if isinstance(each, pikepdf.Dictionary) else None for each in found]
    return [*known, *[None] * count][:count]


def _several(value: object) -> list[object]:
    """Return what stands by itself or in an array."""
    if value is None:
        return []
    return list(value) if isinstance(value, pikepdf.Array) else [value]


def _strip_jpeg(picture: bytes) -> bytes:
    # Readers look for the beginning of the picture behind other octets.
    start = picture.find(jpeg.MAGIC)
    return jpeg.strip_jpeg(picture[start:]) if start >= 0 else picture


def _strip_jpeg_2000(picture: bytes) -> bytes:
    if is_bmff(picture):
        return strip_bmff(picture)
    return codestream.strip_codestream(picture)
