# SPDX-License-Identifier: Apache-2.0
"""Sound and plain pictures, made here octet by octet: which octets stay."""

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import ogg
from eepost.sanitise.files.chunks import strip_avi, strip_flac, strip_wav
from eepost.sanitise.files.mp3 import MAX_TAGS, is_mp3, strip_mp3
from eepost.sanitise.files.ogg import strip_ogg
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.rasters import is_netpbm, strip_netpbm
from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.tools import SECRET

HIDDEN = SECRET.encode()

# ---- MP3

FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 128 kilobits, 44,100 samples a second
SLOW = b"\xff\xf3\x40\x00" + bytes(100)  # 32 kilobits, 22,050 samples a second
ID3V2 = b"ID3\x04\0\0\0\0\0\x0f" + HIDDEN
FOOTED = b"ID3\x04\0\x10\0\0\0\x0f" + HIDDEN + b"3DI\x04\0\x10\0\0\0\x0f"
ID3V1 = b"TAG" + HIDDEN.ljust(125)
EXTENDED = b"TAG+" + HIDDEN.ljust(223)
APE = b"APETAGEX" + struct.pack("<IIII", 2_000, 32 + 15, 1, 0) + bytes(8)
APE_HEADED = APE[:20] + struct.pack("<I", 0x80000000) + bytes(8)
LYRICS = b"LYRICSBEGIN" + HIDDEN + b"000026LYRICS200"


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (ID3V2, b""),
        (FOOTED + ID3V2, ID3V1),
        (b"", EXTENDED + ID3V1),
        (b"", HIDDEN + APE + ID3V1),
        (b"", APE_HEADED + HIDDEN + APE_HEADED),
        (b"", LYRICS + ID3V1),
        (ID3V2 * MAX_TAGS, ID3V1 * MAX_TAGS),
    ],
)
def test_tags_at_both_ends_of_an_mp3_go(before: bytes, behind: bytes) -> None:
    octets = before + FRAME + FRAME + behind
    assert is_mp3(octets)
    assert strip_file(octets).octets == FRAME + FRAME


def test_octets_that_look_like_a_tag_stay() -> None:
    for sound in (b"LYRICS200", b"xxxxxxLYRICS200", b"ID3", b""):
        assert strip_mp3(sound) == sound


def test_encoder_in_the_first_frame_goes() -> None:
    for name in (b"LAME3.100", b"Lavc59.37"):
        first = FRAME[:36] + b"Xing\0\0\0\x0f" + bytes(112) + name + FRAME[36 + 8 + 112 + 9 :]
        padded = FRAME[:-20] + b"LAME3.100UUUUUUUUUUU"
        made = strip_mp3(first + padded)
        assert b"LAME\0\0\0\0\0" in made
        assert made.endswith(b"U" * 20)
        assert len(made) == len(first + FRAME)
    assert strip_mp3(FRAME[:36] + b"Xing") == FRAME[:36] + b"Xing"
    unnamed = FRAME[:36] + b"Info" + FRAME[40:] + FRAME
    assert strip_mp3(unnamed) == unnamed


def test_only_two_frames_make_an_mp3() -> None:
    assert is_mp3(SLOW + SLOW)
    for octets in (
        FRAME,
        FRAME + b"\xff\xfe\x00\x00",
        "\ufeffwords in UTF-16".encode("utf-16-le"),
        b"\xff\xeb\x90\x00",  # a version that does not exist
        b"\xff\xfb\xf0\x00",  # nor does this rate
        b"\xff\xfb\x9c\x00",
        b"\xff",
    ):
        assert not is_mp3(octets)


# ---- chunks


def test_flac_without_its_first_block_or_end_is_refused() -> None:
    described = b"\x80\0\0\x02ab"
    assert strip_flac(b"fLaC" + described + b"sound") == b"fLaC" + described + b"sound"
    for octets in (b"fLaC", b"fLaC\0\0\0\x02ab", b"fLaC\x84\0\0\x02ab"):
        with pytest.raises(Unclean):
            strip_flac(octets)


def chunk(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def test_unknown_chunks_of_a_wav_go() -> None:
    body = b"WAVE" + chunk(b"fmt ", bytes(16)) + chunk(b"LIST", HIDDEN) + chunk(b"data", b"abc")
    made = strip_wav(b"RIFF" + struct.pack("<I", len(body)) + body + HIDDEN)
    assert made == chunk(b"RIFF", b"WAVE", chunk(b"fmt ", bytes(16)), chunk(b"data", b"abc"))


def test_lists_of_an_avi_are_gone_through() -> None:
    stream = chunk(b"LIST", b"strl", chunk(b"strh", b"kept"), chunk(b"strn", HIDDEN))
    head = chunk(b"LIST", b"hdrl", chunk(b"avih", b"kept"), stream)
    film = head + chunk(b"LIST", b"INFO", HIDDEN) + chunk(b"LIST", b"movi", b"frames")
    more = chunk(b"RIFF", b"AVIX", chunk(b"JUNK", HIDDEN), chunk(b"LIST", b"movi", b"more"))
    octets = chunk(b"RIFF", b"AVI ", film) + more
    made = strip_avi(octets)
    assert len(made) == len(octets)
    assert HIDDEN not in made
    assert made.count(b"kept") == 2
    assert made.count(b"movi") == 2


# ---- Ogg

SERIAL = 7


def page(
    body: bytes, *, first: bool = False, serial: int = SERIAL, lacing: bytes | None = None
) -> bytes:
    if lacing is None:
        lacing = b"\xff" * (len(body) // 255) + bytes((len(body) % 255,))
    head = struct.pack("<4sBBQIIIB", b"OggS", 0, 2 * first, 0, serial, 0, 0, len(lacing))
    return head + lacing + body


OPUS = page(b"OpusHead kept", first=True)
TAGGED = page(b"OpusTags" + HIDDEN)


def test_comments_of_an_ogg_go_and_sound_stays() -> None:
    cleaned = strip_ogg(OPUS + TAGGED + page(b"sound"))
    assert HIDDEN not in cleaned
    assert b"OpusHead kept" in cleaned
    assert b"OpusTags" + bytes(8) in cleaned
    assert cleaned.endswith(b"sound")


def test_headers_over_several_pages_are_gathered() -> None:
    books = b"\x05vorbis" + bytes(range(250)) * 270
    comment = b"\x03vorbis" + HIDDEN * 100
    packets = comment + books
    lacing = b"".join(
        b"\xff" * (len(each) // 255) + bytes((len(each) % 255,)) for each in (comment, books)
    )
    at, pages = 0, []
    for start in range(0, len(lacing), 200):
        piece = lacing[start : start + 200]
        pages.append(page(packets[at : at + sum(piece)], lacing=piece))
        at += sum(piece)
    cleaned = strip_ogg(page(b"\x01vorbis kept", first=True) + b"".join(pages) + page(b"sound"))
    assert HIDDEN not in cleaned
    sound = list(ogg.pages(cleaned))
    assert b"".join(each.body for each in sound[1:-1]) == b"\x03vorbis" + bytes(8) + b"\1" + books
    assert cleaned.count(b"OggS") == 4
    assert strip_ogg(cleaned) == cleaned


@pytest.mark.parametrize(
    "octets",
    [
        b"OggS",
        OPUS + b"noise",
        page(b"unknown codec", first=True),
        OPUS + page(b"x", serial=9),
        OPUS + page(b"OpusTagsab" + b"sound", lacing=b"\x0a\x05"),
        OPUS + page(b"OpusTags" + bytes(247) + bytes(9), lacing=b"\x08\xff"),
    ],
)
def test_ogg_that_cannot_be_followed_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_ogg(octets)


def test_ogg_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogg, "MAX_STREAMS", 0)
    with pytest.raises(Unclean):
        strip_ogg(OPUS)
    monkeypatch.setattr(ogg, "MAX_STREAMS", 1)
    monkeypatch.setattr(ogg, "MAX_HEADER_OCTETS", 20)
    with pytest.raises(Unclean):
        strip_ogg(OPUS + TAGGED)


# ---- plain pictures


@pytest.mark.parametrize(
    ("octets", "made"),
    [
        (b"P4\n# CREATOR: SECRET\n3 2\n#x", b"P4\n\n3 2\n#x"),
        (b"P6 # SECRET\n3 # SECRET\n 2\n255\n\1\2#", b"P6 \n3 \n 2\n255\n\1\2#"),
        (b"P2\n3 2 9\n1 2 # SECRET\n3", b"P2\n3 2 9\n1 2 \n3"),
        (b"P5\n3 #SECRET", b"P5\n3 "),
    ],
)
def test_comments_of_a_netpbm_go(octets: bytes, made: bytes) -> None:
    assert is_netpbm(octets)
    assert strip_netpbm(octets) == made
    assert strip_file(octets).kind == "Netpbm"


def test_octets_behind_a_bitmap_go() -> None:
    octets = b"BM" + struct.pack("<IIII", 60, 0, 54, 40) + bytes(42)
    assert strip_file(octets + HIDDEN).octets == octets
    unsized = b"BM" + bytes(8) + octets[10:]
    assert strip_file(unsized).octets == unsized


SAMPLES: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "MP3": (strip_mp3, ID3V2 + FRAME * 2 + APE_HEADED + HIDDEN + APE_HEADED + ID3V1),
    "Ogg": (strip_ogg, OPUS + TAGGED + page(b"sound")),
    "FLAC": (strip_flac, b"fLaC\0\0\0\x02ab\x84\0\0\x02absound"),
    "WAV": (strip_wav, chunk(b"RIFF", b"WAVE", chunk(b"data", b"abc"))),
    "AVI": (strip_avi, chunk(b"RIFF", b"AVI ", chunk(b"LIST", b"hdrl", chunk(b"avih", b"a")))),
    "Netpbm": (strip_netpbm, b"P6 # x\n3 2\n255\nabc"),
}


@pytest.mark.parametrize("kind", SAMPLES)
@given(data=st.data())
def test_any_damage_gives_a_file_or_a_refusal(kind: str, data: st.DataObject) -> None:
    strip, sample = SAMPLES[kind]
    octets = bytearray(sample)
    for _ in range(3):
        octets[data.draw(st.integers(4, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets = octets[: data.draw(st.integers(4, len(octets)))]
    with contextlib.suppress(Unclean):
        assert len(strip(bytes(octets))) <= len(octets) + 40
