# SPDX-License-Identifier: Apache-2.0
"""Pictures and documents that real programs made: drawn as before, with nothing left that tells."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.tools import SECRET, run, telling_tags, written_into

PICTURE_TAGS = (
    f"-XMP:Creator={SECRET}",
    f"-IPTC:By-line={SECRET}",
    f"-EXIF:Artist={SECRET}",
    "-EXIF:Make=Pear",
    "-EXIF:GPSLatitude=51.7",
    "-EXIF:GPSLatitudeRef=N",
    "-EXIF:DateTimeOriginal=2026:11:20 01:02:03",
)


def picture() -> Image.Image:
    made = Image.linear_gradient("L").resize((40, 30))
    return Image.merge(
        "RGB", (made, made.rotate(90, expand=False), made.transpose(Image.Transpose.ROTATE_180))
    )


def profile() -> bytes:
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = struct.pack(">6H", 2026, 11, 20, 1, 2, 3)
    made[40:44], made[48:52], made[80:84] = b"APPL", b"PEAR", b"alic"
    return bytes(made)


def saved(file: Path, **options: Any) -> None:
    picture().save(file, icc_profile=profile(), **options)


def pixels(file: Path) -> list[bytes]:
    found = []
    with Image.open(file) as shown:
        for number in range(getattr(shown, "n_frames", 1)):
            shown.seek(number)
            found.append(shown.convert("RGBA").tobytes())
    return found


SAVED: dict[str, Callable[[Path], None]] = {
    "jpg": saved,
    "png": saved,
    "webp": lambda file: saved(file, lossless=True),
    "tiff": lambda file: saved(file, compression="tiff_lzw"),
    "tif": lambda file: saved(file, compression="jpeg", save_all=True, append_images=[picture()]),
    "avif": saved,
    "jp2": saved,
    "gif": lambda file: picture().save(file, comment=SECRET),
}


@pytest.mark.parametrize("kind", SAVED)
def test_pixels_stay_and_what_tells_goes(kind: str, tmp_path: Path) -> None:
    file, after = tmp_path / f"before.{kind}", tmp_path / f"after.{kind}"
    SAVED[kind](file)
    before = written_into(file, *PICTURE_TAGS[: 1 if kind in {"webp", "gif", "avif", "jp2"} else 9])
    assert SECRET.encode() in before
    cleaned = strip_file(before)
    after.write_bytes(cleaned.octets)
    assert telling_tags(file), "exiftool finds nothing even before"
    assert SECRET.encode() not in cleaned.octets
    assert telling_tags(after) == {}
    assert pixels(after) == pixels(file)
    assert strip_file(cleaned.octets).octets == cleaned.octets


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
def test_colours_stay_as_their_profile_makes_them(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"before.{kind}"
    SAVED[kind](file)
    with Image.open(io.BytesIO(strip_file(file.read_bytes()).octets)) as shown:
        kept = shown.info["icc_profile"]
    assert kept != profile()
    assert b"APPL" not in kept
    lab = ImageCms.createProfile("LAB")
    made = [
        ImageCms.applyTransform(
            picture(), ImageCms.buildTransform(io.BytesIO(each), lab, "RGB", "LAB")
        )
        for each in (kept, profile())
    ]
    assert made[0] is not None
    assert made[1] is not None
    assert made[0].tobytes() == made[1].tobytes()


def test_heic_keeps_its_pixels_and_loses_its_exif(tmp_path: Path) -> None:
    source, file = tmp_path / "source.jpg", tmp_path / "before.heic"
    saved(source)
    written_into(source, *PICTURE_TAGS)
    run("heif-enc", "-q", "60", "-o", file, source)
    before = file.read_bytes()
    assert SECRET.encode() in before
    after = tmp_path / "after.heic"
    after.write_bytes(strip_file(before).octets)
    assert SECRET.encode() not in after.read_bytes()
    assert telling_tags(after) == {}
    shown = []
    for each in (file, after):
        run("heif-convert", each, each.with_suffix(".png"))
        shown.append(pixels(each.with_suffix(".png")))
    assert shown[0] == shown[1]
