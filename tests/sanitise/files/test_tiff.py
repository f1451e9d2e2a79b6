# SPDX-License-Identifier: Apache-2.0
"""TIFF and colour profiles, made here octet by octet: what is followed how far."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eepost.sanitise.files import icc, tiff
from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.png import strip_png
from eepost.sanitise.files.strip import Unpacking, strip_file
from eepost.sanitise.files.tiff import strip_tiff
from tests.sanitise.files.inner import FakeInner
from tests.sanitise.files.test_drawings import profile
from tests.sanitise.files.tools import SECRET

HIDDEN = SECRET.encode()
SHORT, LONG, TEXT = 3, 4, 2


def made(*entries: tuple[int, int, int, int], order: str = "<", following: int = 0) -> bytes:
    """A TIFF with one directory; its values stand behind it at 200."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    listed = b"".join(struct.pack(order + "HHII", *each) for each in entries)
    directory = struct.pack(order + "H", len(entries)) + listed
    directory += struct.pack(order + "I", following)
    return (head + directory).ljust(200, b"\xee") + HIDDEN + b"0123456789"


SIZE = ((256, LONG, 1, 2), (257, LONG, 1, 5))
STRIP = ((273, LONG, 1, 215), (279, LONG, 1, 10))


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_what_is_seen_stays(order: str) -> None:
    octets = made(*SIZE, (270, TEXT, 15, 200), *STRIP, (315, TEXT, 4, 0x41414141), order=order)
    cleaned = strip_tiff(octets)
    assert len(cleaned) == len(octets)
    assert HIDDEN not in cleaned
    assert b"AAAA" not in cleaned
    assert b"\xee" not in cleaned
    assert cleaned.endswith(bytes(15) + b"0123456789")
    assert strip_tiff(cleaned) == cleaned


def test_strip_that_is_cut_short_stays_so() -> None:
    assert strip_tiff(made(*SIZE, (273, LONG, 1, 215), (279, LONG, 1, 99))).endswith(b"9")


def test_picture_of_a_camera_in_a_strip_loses_what_it_tells() -> None:
    file = io.BytesIO()
    tags = Image.Exif()
    tags[0x010F] = SECRET
    Image.new("RGB", (9, 7)).save(file, "JPEG", exif=tags)
    strip = file.getvalue()
    octets = made(*SIZE, (259, SHORT, 1, 7), (273, LONG, 1, 225), (279, LONG, 1, len(strip)))
    octets = octets[:225].ljust(225, b"\0") + strip
    assert HIDDEN in octets
    cleaned = strip_tiff(octets)
    assert HIDDEN not in cleaned
    with Image.open(io.BytesIO(cleaned[225:])) as picture:
        assert picture.size == (9, 7)


def test_strange_profile_becomes_zero() -> None:
    assert HIDDEN not in strip_tiff(made(*SIZE, (34675, 7, 15, 200)))


@pytest.mark.parametrize(
    "octets",
    [
        b"II*\0",
        made(*SIZE, following=8),
        made(*SIZE, (330, LONG, 1, 8)),
        made(*SIZE, (259, SHORT, 1, 6)),
        made(*SIZE, (259, TEXT, 1, 6)),
        made(*SIZE, (273, LONG, 1, 215)),
        made(*SIZE, (282, 5, 1, 9_999)),
        made(*SIZE, (273, LONG, 99, 215), (279, LONG, 99, 215)),
        made(*SIZE, *((tag, 7, 200, 0) for tag in (301, 318, 319, 320, 321))),
    ],
)
def test_picture_that_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_tiff(octets)


def test_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "MAX_PAGES", 0)
    with pytest.raises(Unclean):
        strip_tiff(made(*SIZE))


@given(st.data())
def test_any_damage_gives_a_picture_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(made(*SIZE, (270, TEXT, 15, 200), *STRIP))
    for _ in range(3):
        octets[data.draw(st.integers(4, 80))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        assert len(strip_tiff(bytes(octets))) == len(octets)


# ---- colour profiles


def with_tags(*tags: tuple[bytes, bytes]) -> bytes:
    table, values = b"", b""
    start = 132 + 12 * len(tags)
    for name, value in tags:
        table += struct.pack(">4sII", name, start + len(values), len(value))
        values += value
    header = bytes(36) + b"acsp" + bytes(88)
    return header + struct.pack(">I", len(tags)) + table + values


def test_texts_of_a_profile_become_empty() -> None:
    words = b"desc\0\0\0\0" + struct.pack(">I", 16) + HIDDEN + bytes(80)
    octets = with_tags(
        (b"desc", words),
        (b"cprt", b"text\0\0\0\0" + HIDDEN),
        (b"rXYZ", b"XYZ kept"),
        (b"vcgt", HIDDEN),
        (b"dmnd", words),
    )
    cleaned = strip_icc(octets)
    assert len(cleaned) == len(octets)
    assert HIDDEN not in cleaned
    assert b"XYZ kept" in cleaned
    assert struct.unpack_from(">I", cleaned, 128) == (3,)
    assert strip_icc(cleaned) == cleaned


def test_text_of_an_unknown_kind_goes() -> None:
    assert HIDDEN not in strip_icc(with_tags((b"desc", b"zzzz" + HIDDEN)))


def test_values_that_overlap_are_not_copied_often() -> None:
    size = 100_000
    names = sorted(icc._KEPT)
    start = 132 + 12 * len(names)
    table = b"".join(
        struct.pack(">4sII", name, start + at, size - at) for at, name in enumerate(names)
    )
    shared = b"".join(struct.pack(">4sII", name, start, size) for name in names)
    header = bytes(36) + b"acsp" + bytes(88) + struct.pack(">I", len(names))
    assert strip_icc(header + table + b"x" * size) == b""
    assert strip_icc(header + shared + b"x" * size) == header + shared + b"x" * size


@pytest.mark.parametrize("at", [0, 4, 127])
def test_no_value_stands_in_the_header(at: int) -> None:
    octets = bytearray(with_tags((b"rXYZ", b"XYZ kept")))
    octets[40:44] = b"PEAR"
    octets[132 + 4 : 132 + 12] = struct.pack(">II", at, 100 - min(at, 90))
    assert b"PEAR" not in strip_icc(bytes(octets))


def test_value_beyond_the_end_goes() -> None:
    assert struct.unpack_from(">I", strip_icc(with_tags((b"rXYZ", b"XYZ "))[:-2]), 128) == (0,)


def test_what_is_no_profile_becomes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert strip_icc(b"words") == b""
    assert strip_icc(with_tags((b"rXYZ", b""))[:134]) == b""
    monkeypatch.setattr(icc, "MAX_TAGS", 0)
    assert strip_icc(profile()) == b""


def png(chunk: bytes) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, "PNG")
    octets = file.getvalue()
    written = struct.pack(">I", len(chunk)) + b"iCCP" + chunk
    return octets[:33] + written + struct.pack(">I", zlib.crc32(written[4:])) + octets[33:]


def test_profile_of_a_png_gets_a_name_that_tells_nothing() -> None:
    cleaned = strip_png(png(HIDDEN + b"\0\0" + zlib.compress(profile())), FakeInner())
    assert HIDDEN not in cleaned
    with Image.open(io.BytesIO(cleaned)) as shown:
        shown.load()
        assert shown.info["icc_profile"] == strip_icc(profile())


@pytest.mark.parametrize("chunk", [b"name\0\0noise", b"name\0\0" + zlib.compress(b"no profile")])
def test_damaged_profile_of_a_png_goes(chunk: bytes) -> None:
    assert b"iCCP" not in strip_png(png(chunk), FakeInner())


def test_picture_has_one_profile() -> None:
    packed = b"name\0\0" + zlib.compress(profile())
    twice = png(packed)
    end = 33 + 12 + len(packed)
    twice = twice[:end] + twice[33:end] * 9 + twice[end:]
    assert twice.count(b"iCCP") == 10
    inner = FakeInner()
    assert strip_png(twice, inner) == strip_png(png(packed), FakeInner())
    # Packing it again takes longer than it took to unpack it.
    assert inner.octets == FakeInner().octets - 4 * len(profile())


def test_profiles_of_many_pictures_grow_within_bounds() -> None:
    bomb = png(b"name\0\0" + zlib.compress(bytes(icc.MAX_PROFILE_OCTETS)))
    inner = Unpacking()
    strip_png(bomb, inner)
    with pytest.raises(Unclean, match="too large"):
        [strip_png(bomb, inner) for _ in range(3)]


def test_profile_of_a_jpeg_over_several_segments_is_put_together() -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    plain = file.getvalue()
    half = len(profile()) // 2
    pieces = (profile()[:half], profile()[half:])
    segments = [
        b"\xff\xe2"
        + struct.pack(">H", 16 + len(piece))
        + b"ICC_PROFILE\0"
        + bytes((number, 2))
        + piece
        for number, piece in enumerate(pieces, 1)
    ]
    # In the wrong order, as nobody forbids.
    cleaned = strip_file(plain[:20] + segments[1] + segments[0] + plain[20:]).octets
    with Image.open(io.BytesIO(cleaned)) as shown:
        assert shown.info["icc_profile"] == strip_icc(profile())
    broken = strip_file(plain[:20] + segments[1] + plain[20:]).octets
    assert b"ICC_PROFILE" not in broken
