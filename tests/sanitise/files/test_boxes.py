# SPDX-License-Identifier: Apache-2.0
"""Films and pictures of boxes and elements, made here octet by octet: what is followed how far."""

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import bmff, items, matroska, samples
from eepost.sanitise.files.bmff import strip_bmff
from eepost.sanitise.files.matroska import strip_matroska
from eepost.sanitise.files.outcome import Unclean
from tests.sanitise.files.test_drawings import profile
from tests.sanitise.files.tools import SECRET

HIDDEN = SECRET.encode()
FULL = bytes(4)  # version and flags


def box(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I", 8 + len(body)) + name + body


def wide_box(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body


def handler(kind: bytes) -> bytes:
    return box(b"hdlr", FULL, bytes(4), kind, b"maker" + bytes(7), HIDDEN)


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


FILE_TYPE = box(b"ftyp", b"isom", bytes(4))
SIZES = box(b"stsz", FULL, numbers(0, 2, 15, 5))
RUNS = box(b"stsc", FULL, numbers(1, 1, 2, 1))


def track(kind: bytes, *tables: bytes, before: bytes = b"", media: bytes | None = None) -> bytes:
    inside = box(b"stbl", *tables)
    if media is None:
        media = box(b"mdia", handler(kind), box(b"minf", box(b"dinf"), inside))
    return box(b"trak", before, media)


def film(*tracks: bytes, start: int | None = None) -> bytes:
    """A film whose samples stand at its end: twenty octets."""
    head = FILE_TYPE + box(b"moov", box(b"mvhd", FULL, b"\1" * 96), *tracks)
    return head + box(b"mdat", HIDDEN + b"after")


def placed(offset_of: Callable[[int], bytes], *rest: bytes) -> bytes:
    """A film with one track whose table says where the samples are."""
    draft = film(track(b"meta", offset_of(0), *rest))
    return film(track(b"meta", offset_of(draft.index(b"mdat") + 4), *rest))


def narrow(at: int) -> bytes:
    return box(b"stco", FULL, numbers(1, at))


def wide(at: int) -> bytes:
    return box(b"co64", FULL, numbers(1, 0, at))


@pytest.mark.parametrize("offset", [narrow, wide])
def test_samples_of_tracks_that_hold_no_sound_or_film_go(offset: Callable[[int], bytes]) -> None:
    octets = placed(offset, SIZES, RUNS)
    cleaned = strip_bmff(octets)
    assert len(cleaned) == len(octets)
    assert HIDDEN not in cleaned
    assert cleaned.endswith(bytes(len(HIDDEN)) + bytes(5))
    assert b"trak" not in cleaned


def test_samples_of_one_size() -> None:
    octets = placed(narrow, box(b"stsz", FULL, numbers(10, 2)), RUNS)
    assert strip_bmff(octets).endswith(bytes(20))


@pytest.mark.parametrize(
    "tables",
    [
        (),
        (SIZES,),
        (narrow(60), RUNS),
        (SIZES, RUNS),
        (SIZES, narrow(60), box(b"stsc", FULL, numbers(9))),
        (SIZES, narrow(60), box(b"stsc", FULL, numbers(1, 1, 999_999, 1))),
        (SIZES, narrow(60), box(b"stsc", FULL, numbers(1, 1, 1, 1))),
        (SIZES, narrow(9_999), RUNS),
        (box(b"stsz", FULL, numbers(0, 9, 1)), narrow(60), RUNS),
    ],
)
def test_track_whose_samples_are_not_found_is_refused(tables: tuple[bytes, ...]) -> None:
    with pytest.raises(Unclean):
        strip_bmff(film(track(b"meta", *tables)))


def test_tracks_that_share_samples_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    each = track(b"meta", SIZES, narrow(60), RUNS)
    assert strip_bmff(film(each, each))
    # As many octets as are blanked are not in the file.
    shared = (
        box(b"stsz", FULL, numbers(200, 2)),
        narrow(60),
        box(b"stsc", FULL, numbers(1, 1, 2, 1)),
    )
    with pytest.raises(Unclean):
        strip_bmff(film(*[track(b"meta", *shared)] * 3))
    monkeypatch.setattr(samples, "MAX_SAMPLES", 3)
    with pytest.raises(Unclean):
        strip_bmff(film(each, each))


def test_track_without_a_handler_or_tables_is_refused() -> None:
    for each in (
        box(b"trak", box(b"tkhd", bytes(84))),
        track(b"meta", media=box(b"mdia", handler(b"meta"))),
        track(b"meta", media=box(b"mdia", box(b"minf"))),
    ):
        with pytest.raises(Unclean):
            strip_bmff(film(each))


def test_fragments_behind_a_lost_track_are_refused() -> None:
    fragment = box(b"moof", box(b"mfhd", bytes(8)), box(b"udta", HIDDEN))
    played = film(track(b"vide")).replace(HIDDEN, b"frames of films")
    assert HIDDEN not in strip_bmff(played + fragment)
    with pytest.raises(Unclean):
        strip_bmff(placed(narrow, SIZES, RUNS) + fragment)


def entry(kind: bytes, *children: bytes) -> bytes:
    fixed = bytes(8) + bytes(4) + b"appl" + bytes(26) + HIDDEN.ljust(32) + bytes(4)
    return box(kind, fixed, *children)


def test_makers_names_and_paths_in_a_track_go() -> None:
    colour = box(b"colr", b"prof", profile())
    kinds = box(
        b"stsd",
        FULL,
        numbers(2),
        entry(b"avc1", box(b"avcC", b"kept"), colour),
        box(b"tx3g", b"words"),
    )
    paths = box(b"dref", FULL, numbers(1), box(b"alis", FULL, HIDDEN))
    media = box(
        b"mdia",
        box(b"mdhd", b"\1\0\0\0", b"\7" * 16, b"rest"),
        handler(b"vide"),
        box(b"minf", box(b"dinf", paths), box(b"stbl", kinds, box(b"sgpd", b"kept"))),
    )
    octets = FILE_TYPE + box(b"moov", box(b"trak", box(b"tkhd", FULL, b"\7" * 8, b"rest"), media))
    octets += box(b"uuid", HIDDEN) + wide_box(b"mdat", b"x264 - core 164 options: " + HIDDEN)
    octets += struct.pack(">I", 0) + b"mdat" + b"to the end"
    cleaned = strip_bmff(octets)
    assert len(cleaned) == len(octets)
    for gone in (HIDDEN, b"appl", b"APPL", b"maker", b"\7\7", b"x264"):
        assert gone in octets
        assert gone not in cleaned
    for kept in (b"avcC" + b"kept", b"rest", b"words", b"to the end"):
        assert kept in cleaned


def test_profiles_that_are_none_become_zero() -> None:
    header = box(
        b"jp2h",
        box(b"ihdr", bytes(14)),
        box(b"colr", b"\2\0\0", HIDDEN),
        box(b"colr", b"\1\0\0", numbers(16)),
    )
    octets = (
        b"\0\0\0\x0cjP  \r\n\x87\n"
        + header
        + box(b"jp2c", b"\xff\x4f Created by OpenJPEG version 2.5.0")
    )
    cleaned = strip_bmff(octets)
    assert HIDDEN not in cleaned
    assert b"OpenJPEG" not in cleaned
    assert numbers(16) in cleaned


# ---- pictures


def item(number: int, kind: bytes, version: int = 2) -> bytes:
    written = struct.pack(">H" if version == 2 else ">I", number)
    return box(b"infe", bytes((version, 0, 0, 0)), written, bytes(2), kind, HIDDEN + b"\0")


EXIF = b"\0\0\0\0MM" + HIDDEN + b"padding"


def shown_picture(
    method: int, *, version: int = 1, info: int = 0, length: int | None = None
) -> bytes:
    listed_count = struct.pack(">H", 2) if info == 0 else numbers(2)
    listed = box(
        b"iinf",
        bytes((info, 0, 0, 0)),
        listed_count,
        item(1, b"hvc1", 2 + (info > 0)),
        item(2, b"Exif", 2 + (info > 0)),
    )

    def places(start: int) -> bytes:
        number = ">H" if version < 2 else ">I"
        made = bytes((version, 0, 0, 0)) + b"\x44\x00" + struct.pack(number, 2)
        for each, at, size in ((1, 0, 4), (2, start, len(EXIF) if length is None else length)):
            made += struct.pack(number, each)
            made += struct.pack(">H", method) if version else b""
            made += struct.pack(">HH", 0, 1) + numbers(at, size)
        return box(b"iloc", made)

    def whole(start: int) -> bytes:
        inner = box(b"idat", EXIF)
        meta = box(
            b"meta", FULL, handler(b"pict"), box(b"pitm", bytes(6)), places(start), listed, inner
        )
        return box(b"ftyp", b"heic", bytes(4)) + meta + box(b"mdat", EXIF)

    draft = whole(0)
    return whole(draft.index(b"mdat") + 4 if method == 0 else 0)


@pytest.mark.parametrize(
    ("method", "version", "info"), [(0, 0, 0), (0, 1, 0), (1, 1, 1), (0, 2, 1)]
)
def test_items_that_are_not_shown_go(method: int, version: int, info: int) -> None:
    octets = shown_picture(method, version=version, info=info)
    cleaned = strip_bmff(octets)
    assert len(cleaned) == len(octets)
    assert cleaned.count(HIDDEN) == octets.count(HIDDEN) - 4 == 1  # the other copy of EXIF


def test_small_item_becomes_zero() -> None:
    assert EXIF[:4] in strip_bmff(shown_picture(0, length=6))


@pytest.mark.parametrize(
    "octets",
    [
        shown_picture(2),
        shown_picture(0, length=9_999),
        shown_picture(0, length=0),
        shown_picture(0).replace(b"infe\2", b"infe\1"),
        shown_picture(0)[: shown_picture(0).index(b"iinf")],
        FILE_TYPE + struct.pack(">I4s", 9_999, b"moov"),
        FILE_TYPE + struct.pack(">I4s", 4, b"moov"),
        FILE_TYPE
        + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", b"x")))))),
        FILE_TYPE + struct.pack(">I4s", 1, b"mdat"),
        box(b"ftyp", b"heic")
        + box(b"meta", FULL, handler(b"pict"), box(b"iinf", bytes(6)), box(b"iloc", b"\0\0")),
    ],
)
def test_boxes_that_cannot_be_followed_are_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_bmff(octets)


def test_picture_without_a_list_of_items_stays() -> None:
    octets = box(b"ftyp", b"heic") + box(b"meta", FULL, handler(b"pict"), box(b"pitm", bytes(6)))
    assert strip_bmff(octets).endswith(box(b"pitm", bytes(6)))


def test_tags_of_a_film_go() -> None:
    octets = FILE_TYPE + box(b"meta", FULL, handler(b"mdir"), HIDDEN) + box(b"meta", FULL)
    assert HIDDEN not in strip_bmff(octets)
    assert b"meta" not in strip_bmff(octets)


@pytest.mark.parametrize("blankable", [items.Blankable(1, 10**6), items.Blankable(9, 9)])
def test_pieces_of_items_are_bounded_together(blankable: items.Blankable) -> None:
    place = b"\0\0\0\0\x44\0\0\1\0\1\0\0\0\2" + numbers(0, 5, 5, 5)
    made = bytearray(b"x" * 10)
    items.blank_items(made, place, {1: b"mime"}, 0, items.Blankable(2, 10))
    assert made == bytes(10)
    with pytest.raises(Unclean):
        items.blank_items(made, place, {1: b"mime"}, 0, blankable)


def test_numbers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmff, "MAX_BOXES", 3)
    with pytest.raises(Unclean):
        strip_bmff(film(track(b"vide")))
    monkeypatch.setattr(bmff, "MAX_BOXES", 99)
    monkeypatch.setattr(items, "MAX_ITEMS", 0)
    with pytest.raises(Unclean):
        strip_bmff(shown_picture(0))
    monkeypatch.setattr(samples, "MAX_SAMPLES", 1)
    with pytest.raises(Unclean):
        strip_bmff(placed(narrow, SIZES, RUNS))


# ---- elements


def element(name: str, *contents: bytes, size: bytes | None = None) -> bytes:
    body = b"".join(contents)
    written = (len(body) | 1 << 28).to_bytes(4, "big") if size is None else size
    return bytes.fromhex(name) + written + body


EBML = element("1a45dfa3", element("4282", b"webm"))
PARTS = (
    element("114d9b74", b"seek"),
    element("1549a966", element("7ba9", HIDDEN), element("4d80", HIDDEN), element("2ad7b1", b"\1")),
    element(
        "1654ae6b",
        element(
            "ae",
            element("536e", HIDDEN),
            element("86", b"V_VP8"),
            element("63a2", b"Lavc59.37.100"),
        ),
    ),
    element("1f43b675", b"x264 - core 164 " + HIDDEN),
    element("1254c367", HIDDEN),
    element("1c53bb6b", b"cues"),
    b"\xec\x81a",  # already void
    b"\xbf\x84abcd",
)


@pytest.mark.parametrize("size", [None, b"\x01" + b"\xff" * 7])
def test_what_tells_becomes_void(size: bytes | None) -> None:
    octets = EBML + element("18538067", *PARTS, size=size)
    cleaned = strip_matroska(octets)
    assert len(cleaned) == len(octets)
    assert HIDDEN not in cleaned
    assert b"Lavc" not in cleaned
    for kept in (b"V_VP8", b"cues", b"\x2a\xd7\xb1"):
        assert kept in cleaned
    assert strip_matroska(cleaned) == cleaned


@pytest.mark.parametrize(
    "octets",
    [
        EBML + b"\0",
        EBML + bytes.fromhex("18538067"),
        EBML + element("18538067", size=b"\x9f"),
        EBML + element("18538067", element("1f43b675", b"", size=b"\xff")),
    ],
)
def test_elements_that_cannot_be_followed_are_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_matroska(octets)


def test_elements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matroska, "MAX_ELEMENTS", 3)
    with pytest.raises(Unclean):
        strip_matroska(EBML + element("18538067", *PARTS))


SAMPLES: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "film": (strip_bmff, placed(narrow, SIZES, RUNS)),
    "picture": (strip_bmff, shown_picture(0)),
    "matroska": (strip_matroska, EBML + element("18538067", *PARTS)),
}


@pytest.mark.parametrize("kind", SAMPLES)
@given(data=st.data())
def test_any_damage_gives_a_file_of_the_same_size_or_a_refusal(
    kind: str, data: st.DataObject
) -> None:
    strip, sample = SAMPLES[kind]
    octets = bytearray(sample)
    for _ in range(3):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets = octets[: data.draw(st.integers(len(octets) // 2, len(octets)))]
    with contextlib.suppress(Unclean):
        assert len(strip(bytes(octets))) == len(octets)
