# SPDX-License-Identifier: Apache-2.0
import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from eepost.sanitise.files.gif import strip_gif
from eepost.sanitise.files.jpeg import strip_jpeg
from eepost.sanitise.files.png import strip_png
from eepost.sanitise.files.strip import Cleaned, Unpacking, strip_file
from eepost.sanitise.files.webp import strip_webp

SECRET = b"secret-of-a-camera"


def picture() -> Image.Image:
    image = Image.new("RGB", (24, 16))
    image.putdata([(at % 256, at * 7 % 256, at * 3 % 256) for at in range(24 * 16)])
    return image


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[0x010F] = SECRET.decode()
    if orientation != 1:
        tags[0x0112] = orientation
    return tags


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture().save(file, kind, **options)
    return file.getvalue()


def pixels(octets: bytes) -> bytes:
    with Image.open(io.BytesIO(octets)) as image:
        return image.convert("RGBA").tobytes()


def png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    return saved("PNG", pnginfo=text, exif=exif())


def gif() -> bytes:
    file = io.BytesIO()
    frames = [picture().quantize(8), picture().rotate(90).quantize(8)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], loop=3, comment=SECRET)
    return file.getvalue()


def jpeg(orientation: int = 1, **options: object) -> bytes:
    return saved("JPEG", exif=exif(orientation), comment=SECRET, **options)


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG": jpeg,
    "progressive JPEG": lambda: jpeg(progressive=True),
    "PNG": png,
    "GIF": gif,
    "WebP": lambda: saved("WEBP", exif=exif(), xmp=SECRET, lossless=True),
}


@pytest.mark.parametrize("kind", FILES)
def test_metadata_goes_and_every_pixel_stays(kind: str) -> None:
    octets = FILES[kind]() + SECRET  # something after the end, too
    assert octets.count(SECRET) > 1
    cleaned = strip_file(octets)
    assert SECRET not in cleaned.octets
    assert cleaned.kind in kind
    assert pixels(cleaned.octets) == pixels(octets)
    assert strip_file(cleaned.octets).octets == cleaned.octets


@pytest.mark.parametrize("kind", FILES)
@given(cut=st.floats(0, 1))
def test_picture_that_is_cut_short_breaks_nothing(kind: str, cut: float) -> None:
    octets = FILES[kind]()
    strip_file(octets[: int(cut * len(octets))])


STRIPPERS: list[tuple[Callable[[bytes], bytes], bytes]] = [
    (strip_gif, b"GIF89a"),
    (strip_jpeg, b"\xff\xd8\xff"),
    (lambda octets: strip_png(octets, Unpacking()), b"\x89PNG\r\n\x1a\n"),
    (strip_webp, b"RIFF    WEBP"),
]


@pytest.mark.parametrize(("strip", "magic"), STRIPPERS)
@given(noise=st.binary(max_size=60))
def test_noise_behind_the_magic_breaks_nothing(
    strip: Callable[[bytes], bytes], noise: bytes, magic: bytes
) -> None:
    assert isinstance(strip(magic + noise), bytes)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_stays(orientation: int) -> None:
    with Image.open(io.BytesIO(strip_jpeg(jpeg(orientation)))) as image:
        assert dict(image.getexif()) == {0x0112: orientation}


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"XX*\0\0\0\0\x08",
        b"MM\0*\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\0\x02" + bytes(11),
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0",
        b"MM\0*\0\0\0\x08\0\x01" + bytes(12),
    ],
)
def test_broken_exif_means_no_orientation(tiff: bytes) -> None:
    plain = strip_jpeg(jpeg())
    segment = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff
    assert strip_jpeg(plain[:2] + segment + plain[2:]) == plain


def test_orientation_stands_first_where_there_is_no_jfif() -> None:
    plain = strip_jpeg(jpeg(6))
    at = plain.index(b"\xff\xe0")
    without = plain[:at] + plain[at + 18 :]
    assert strip_jpeg(without)[2:4] == b"\xff\xe1"


def test_segments_of_programs_go_and_colours_stay() -> None:
    plain = strip_jpeg(jpeg())
    segments = {
        b"\xe2\x00\x06MPF\0": False,
        b"\xee\x00\x0eAdobe\0d\0\0\0\0\x01": True,
        b"\xee\x00\x06XXXX": False,
        b"\xe0\x00\x07JFXX\0": False,
        b"\xed\x00\x06IPTC": False,
    }
    for segment, stays in segments.items():
        made = strip_jpeg(plain[:20] + b"\xff" + segment + plain[20:])
        assert (segment in made) is stays, segment


def test_fill_octets_before_a_marker_are_skipped() -> None:
    plain = strip_jpeg(jpeg())
    assert strip_jpeg(plain[:20] + b"\xff\xff" + plain[20:]) == plain


def test_restart_markers_belong_to_the_scan() -> None:
    scan = b"\xff\xda\x00\x02ab\xff\x00c\xff\xd0d\xff\xff\x00\xff\xd9"
    assert strip_jpeg(b"\xff\xd8" + scan) == b"\xff\xd8" + scan


def test_file_without_rules_stays() -> None:
    assert strip_file(b"anything") == Cleaned(b"anything", "", "")
