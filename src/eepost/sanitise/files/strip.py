# SPDX-License-Identifier: Apache-2.0
"""Which stripper a file needs: by what it is, never by what it is called."""

from collections.abc import Callable
from dataclasses import dataclass

from eepost.sanitise.files import gif, jpeg, pdf, png
from eepost.sanitise.files.archive import strip_archive
from eepost.sanitise.files.webp import strip_webp


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file as it may go on. `kind` names the rules that were used, "" where there are none."""

    octets: bytes
    kind: str
    media_type: str  # of what it was found to be, "" where that leaves a choice


def strip_file(octets: bytes) -> Cleaned:
    """Return the file without metadata. Raises Unclean where its rules could not be followed."""
    for magic, kind, media_type, strip in _RULES:
        if octets.startswith(magic):
            return Cleaned(strip(octets), kind, media_type)
    if octets[:4] == b"RIFF" and octets[8:12] == b"WEBP":
        return Cleaned(strip_webp(octets), "WebP", "image/webp")
    return Cleaned(octets, "", "")


def strip_picture(octets: bytes) -> bytes:
    """Return a picture without metadata, anything else as it is."""
    for magic, _, _, strip in _PICTURES:
        if octets.startswith(magic):
            return strip(octets)
    return octets


def _strip_archive(octets: bytes) -> bytes:
    return strip_archive(octets, strip_picture)


_Rule = tuple[bytes, str, str, Callable[[bytes], bytes]]
_PICTURES: tuple[_Rule, ...] = (
    (jpeg.MAGIC, "JPEG", "image/jpeg", jpeg.strip_jpeg),
    (png.MAGIC, "PNG", "image/png", png.strip_png),
    (gif.MAGIC, "GIF", "image/gif", gif.strip_gif),
)
_RULES: tuple[_Rule, ...] = (
    *_PICTURES,
    (pdf.MAGIC, "PDF", "application/pdf", pdf.strip_pdf),
    (b"PK\x03\x04", "archive", "", _strip_archive),
)
