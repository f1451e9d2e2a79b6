# SPDX-License-Identifier: Apache-2.0
"""MP3 without tags (ID3, APE, Lyrics3) and the encoder's version; the sound to the octet."""

import re

# Tags in a row at either end of a file: two or three happen.
MAX_TAGS = 20

_ID3 = b"ID3"
_ID3V1_OCTETS, _EXTENDED_OCTETS = 128, 227
_APE, _APE_OCTETS, _HAS_APE_HEADER = b"APETAGEX", 32, 0x80
_LYRICS, _LYRICS_OCTETS = b"LYRICS200", 15
# What the first frame says of its encoder. The name announces the delays behind it, which players
# leave out, so the most frequent one stays for all of them.
_ENCODERS = frozenset((b"LAME", b"Lavf", b"Lavc", b"GOGO"))
# LAME fills frames with its name, where decoders find no sound.
_PADDING = re.compile(rb"LAME3\.[0-9]{1,3}")
_ENCODER_OCTETS = 9
_FIRST_FRAME_OCTETS = 2_048

# ISO 11172-3 2.4.2.3 and ISO 13818-3, layer III: kilobits and samples a second by index.
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def is_mp3(octets: bytes) -> bool:
    """Say whether a file begins with a tag or with two frames."""
    if octets.startswith(_ID3):
        return True
    size = _frame_octets(octets)
    return size > 0 and _frame_octets(octets[size : size + 4]) > 0


def _frame_octets(header: bytes) -> int:
    """Return the size of the frame that begins here, 0 where none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in {0, 15} or rate == 3:
        return 0
    kilobits = (_BITRATES_1 if version == 3 else _BITRATES_2)[bitrate]
    samples = 144_000 if version == 3 else 72_000
    return samples * kilobits // _RATES[version][rate] + (header[2] >> 1 & 1)


def strip_mp3(octets: bytes) -> bytes:
    """Return the file without metadata."""
    sound = octets[_start(octets) : _end(octets)]
    at = _encoder_at(sound)
    if at and sound[at : at + 4] in _ENCODERS:
        sound = sound[:at] + b"LAME\0\0\0\0\0" + sound[at + _ENCODER_OCTETS :]
    return _PADDING.sub(lambda found: b"U" * len(found[0]), sound)


def _encoder_at(sound: bytes) -> int:
    """Return where the first frame names its encoder, 0 where it does not."""
    frame = sound[:_FIRST_FRAME_OCTETS]
    mark = max(frame.find(b"Xing"), frame.find(b"Info"))
    if mark < 0 or mark + 8 > len(frame):
        return 0
    flags = frame[mark + 7]
    # Numbers of frames and octets, a table for seeking, the quality: each if its flag is set.
    sizes = (4, 4, 100, 4)
    return mark + 8 + sum(size for bit, size in enumerate(sizes) if flags >> bit & 1)


def _start(octets: bytes) -> int:
    """Return where the tags at the beginning end."""
    at = 0
    for _ in range(MAX_TAGS):
        if octets[at : at + 3] != _ID3 or len(octets) < at + 10:
            break
        # ID3v2 3.1: seven bits an octet; a footer repeats the header.
        size = 0
        for octet in octets[at + 6 : at + 10]:
            size = size << 7 | octet & 0x7F
        at += 10 + size + (10 if octets[at + 5] & 0x10 else 0)
    return min(at, len(octets))


def _end(octets: bytes) -> int:
    """Return where the tags at the end begin."""
    end = len(octets)
    for _ in range(MAX_TAGS):
        before = end - _tag_octets(octets, end)
        if before == end:
            break
        end = max(0, before)
    return end


def _tag_octets(octets: bytes, end: int) -> int:
    """Return the size of the tag that ends here, 0 where none does."""
    if octets[max(0, end - _ID3V1_OCTETS) :].startswith(b"TAG") and end >= _ID3V1_OCTETS:
        return _ID3V1_OCTETS
    if octets[max(0, end - _EXTENDED_OCTETS) :].startswith(b"TAG+"):
        return _EXTENDED_OCTETS
    if octets[max(0, end - _APE_OCTETS) :].startswith(_APE):
        footer = octets[end - _APE_OCTETS : end]
        has_header = footer[23] & _HAS_APE_HEADER
        return int.from_bytes(footer[12:16], "little") + (_APE_OCTETS if has_header else 0)
    if octets[max(0, end - len(_LYRICS)) : end] == _LYRICS:
        digits = octets[max(0, end - _LYRICS_OCTETS) : end - len(_LYRICS)]
        return int(digits) + _LYRICS_OCTETS if digits.isdigit() else 0
    return 0
