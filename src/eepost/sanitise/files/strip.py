# SPDX-License-Identifier: Apache-2.0
"""Which stripper a file needs: by what it is, never by what it is called."""

from collections.abc import Callable
from dataclasses import dataclass

from eepost.sanitise.armor import strip_armor_headers
from eepost.sanitise.files import (
    bmff,
    chunks,
    codestream,
    compound,
    documents,
    gif,
    jpeg,
    matroska,
    mp3,
    ogg,
    packed,
    pdf,
    png,
    rasters,
    svg,
    tiff,
)
from eepost.sanitise.files.archive import MAGIC as ARCHIVE
from eepost.sanitise.files.archive import strip_archive
from eepost.sanitise.files.beyond import rules_missing
from eepost.sanitise.files.office import strip_office
from eepost.sanitise.files.outcome import MAX_UNPACKED_OCTETS, Inner, Unclean
from eepost.sanitise.files.webp import strip_webp

# Files in files: a picture in a document is one, in a zip file of documents two.
MAX_DEPTH = 4
# A file in a file takes as long as unpacking so many octets, however small it is.
_OCTETS_FOR_A_FILE = 8_192
# Documents with a structure of their own take longer, also empty ones.
_FOR_A_DOCUMENT = 16_384


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file as it may go on. `kind` names the rules that were used, "" where there are none."""

    octets: bytes
    kind: str
    media_type: str  # of what it was found to be, "" where that leaves a choice


def strip_file(octets: bytes, unpacking: "Unpacking | None" = None) -> Cleaned:
    """Return the file without metadata; `unpacking` counts for several files together.

    Raises Unclean where its rules could not be followed, and where it is known to tell of people,
    machines or times but nobody here has rules for it.
    """
    return _strip(octets, unpacking or Unpacking())


def is_text_with_rules(octets: bytes) -> bool:
    """Say whether a text is a document or a drawing for which there are rules."""
    beginnings = (documents.RTF, *documents.POSTSCRIPT, pdf.MAGIC)
    return octets.startswith(beginnings) or svg.is_svg(octets)


@dataclass(slots=True)
class Unpacking:
    """Files in files, as `Inner`: what unpacking them may still cost."""

    octets: int = MAX_UNPACKED_OCTETS
    depth: int = 0

    def take(self, octets: int) -> None:
        """Count what was unpacked. Raises Unclean where it is too much."""
        self.octets -= octets
        if self.octets < 0:
            raise Unclean("file grows too large when it is unpacked")

    def is_known(self, beginning: bytes) -> bool:
        """Say whether there are rules for a file, by its beginning."""
        return any(rule.is_one(beginning) for rule in _RULES) or rules_missing(beginning) != ""

    def strip(self, octets: bytes) -> bytes:
        """Return a file in a file without metadata. Raises Unclean as for any file."""
        self.take(_OCTETS_FOR_A_FILE)
        if self.depth == MAX_DEPTH:
            raise Unclean("files are packed into each other too often")
        self.depth += 1
        try:
            return _strip(octets, self).octets
        finally:
            self.depth -= 1


def _strip(octets: bytes, inner: Inner) -> Cleaned:
    for rule in _RULES:
        if rule.is_one(octets):
            inner.take(rule.costs)
            return Cleaned(rule.strip(octets, inner), rule.kind, rule.media_type)
    missing = rules_missing(octets)
    if missing:
        raise Unclean(missing)
    return Cleaned(octets, "", "")


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    media_type: str
    is_one: Callable[[bytes], bool]
    strip: Callable[[bytes, Inner], bytes]
    costs: int = 0  # as much as unpacking so many octets, beside what any file does


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(magics)


def _riff(kind: bytes) -> Callable[[bytes], bool]:
    return lambda octets: chunks.is_riff(octets, kind)


def _alone(strip: Callable[[bytes], bytes]) -> Callable[[bytes, Inner], bytes]:
    """Return the rule for a file in which no others are looked for."""
    return lambda octets, _: strip(octets)


_RULES = (
    _Rule("JPEG", "image/jpeg", _starts(jpeg.MAGIC), _alone(jpeg.strip_jpeg)),
    _Rule("PNG", "image/png", _starts(png.MAGIC), png.strip_png),
    _Rule("GIF", "image/gif", _starts(gif.MAGIC), _alone(gif.strip_gif)),
    _Rule("WebP", "image/webp", _riff(b"WEBP"), _alone(strip_webp)),
    _Rule("PDF", "application/pdf", _starts(pdf.MAGIC), pdf.strip_pdf, _FOR_A_DOCUMENT),
    _Rule("zip", "", _starts(ARCHIVE), strip_archive),
    _Rule("gzip", "", _starts(packed.GZIP), packed.strip_gzip),
    _Rule("tar", "application/x-tar", packed.is_tar, packed.strip_tar),
    _Rule("Office", "", _starts(compound.MAGIC), _alone(strip_office), _FOR_A_DOCUMENT),
    _Rule("RTF", "application/rtf", _starts(documents.RTF), documents.strip_rtf),
    _Rule("PostScript", "", _starts(*documents.POSTSCRIPT), _alone(documents.strip_postscript)),
    _Rule("PostScript", "", _starts(documents.PREVIEWED), _alone(documents.strip_previewed)),
    _Rule("OpenPGP armor", "", _starts(b"-----BEGIN PGP "), _alone(strip_armor_headers)),
    _Rule("TIFF", "image/tiff", _starts(*tiff.MAGICS), _alone(tiff.strip_tiff)),
    _Rule("MP4 or HEIC", "", bmff.is_bmff, _alone(bmff.strip_bmff)),
    _Rule("JPEG 2000", "", _starts(codestream.MAGIC), _alone(codestream.strip_codestream)),
    _Rule("Matroska", "", _starts(matroska.MAGIC), _alone(matroska.strip_matroska)),
    _Rule("MP3", "audio/mpeg", mp3.is_mp3, _alone(mp3.strip_mp3)),
    _Rule("Ogg", "", _starts(ogg.MAGIC), _alone(ogg.strip_ogg)),
    _Rule("FLAC", "audio/flac", _starts(chunks.FLAC), _alone(chunks.strip_flac)),
    _Rule("WAV", "audio/x-wav", _riff(b"WAVE"), _alone(chunks.strip_wav)),
    _Rule("AVI", "video/x-msvideo", _riff(b"AVI "), _alone(chunks.strip_avi)),
    _Rule("AIFF", "audio/x-aiff", chunks.is_aiff, _alone(chunks.strip_aiff)),
    _Rule("BMP", "image/bmp", rasters.is_bmp, _alone(rasters.strip_bmp)),
    _Rule("Netpbm", "", rasters.is_netpbm, _alone(rasters.strip_netpbm)),
    _Rule("SVG", "image/svg+xml", svg.is_svg, svg.strip_svg),
)
