# SPDX-License-Identifier: Apache-2.0
"""Ogg (Vorbis, Opus, Speex, FLAC, Theora) without comments and encoders' names (RFC 3533).

Each stream begins with header packets on pages of their own; those pages are written anew, all
others keep their packets and get new numbers and checksums.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from eepost.sanitise.files.outcome import Unclean, most_pieces

MAGIC = b"OggS"
# Streams in one file: sound, film, subtitles.
MAX_STREAMS = 50
# Octets of a stream's headers: codebooks take ten thousand, a picture of the cover some millions.
MAX_HEADER_OCTETS = 16 * 1024 * 1024

_HEADER = struct.Struct("<4sBBQIIIB")
_CONTINUED, _FIRST = 0x01, 0x02
_NO_POSITION = 0xFFFF_FFFF_FFFF_FFFF
_DAMAGED = "Ogg file is damaged, or of a kind that is not known here"
_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))

# By how its first packet begins: a stream's number of header packets, and what its second becomes.
_NO_COMMENT = bytes(8)  # no vendor, no comments
_CODECS = {
    b"\x01vorbis": (3, b"\x03vorbis" + _NO_COMMENT + b"\x01"),
    b"OpusHead": (2, b"OpusTags" + _NO_COMMENT),
    b"Speex   ": (2, _NO_COMMENT),
    b"\x80theora": (3, b"\x81theora" + _NO_COMMENT),
}


@dataclass(slots=True)
class _Stream:
    wanted: int  # header packets
    comment: bytes
    packets: list[bytes] = field(default_factory=list)
    open_packet: bytearray = field(default_factory=bytearray)
    octets: int = 0
    number: int = 0  # of the next page


@dataclass(frozen=True, slots=True)
class Page:
    """A page: packets in pieces of up to 255 octets, which the lacing counts."""

    flags: int
    position: int
    serial: int
    lacing: bytes
    body: bytes


def strip_ogg(octets: bytes) -> bytes:
    """Return the file without metadata. Raises Unclean where it can't be followed."""
    streams: dict[int, _Stream] = {}
    written: list[bytes] = []
    for page in pages(octets):
        if page.flags & _FIRST:
            if len(streams) >= MAX_STREAMS:
                raise Unclean(_DAMAGED)
            streams[page.serial] = _begun(page)
        stream = streams.get(page.serial)
        if stream is None:
            raise Unclean(_DAMAGED)
        if len(stream.packets) < stream.wanted:
            _gather(stream, page)
            written += _headers(stream, page)
        else:
            written.append(_numbered(stream, page))
    return b"".join(written)


def pages(octets: bytes) -> Iterator[Page]:
    """Yield the pages of a file. Raises Unclean where something else stands."""
    at = 0
    left = most_pieces(octets)
    while at < len(octets):
        left -= 1
        if not left or octets[at : at + 4] != MAGIC or at + _HEADER.size > len(octets):
            raise Unclean(_DAMAGED)
        _, _, flags, position, serial, _, _, count = _HEADER.unpack_from(octets, at)
        start = at + _HEADER.size + count
        lacing = octets[at + _HEADER.size : start]
        at = start + sum(lacing)
        yield Page(flags, position, serial, lacing, octets[start:at])


def _begun(page: Page) -> _Stream:
    for magic, (wanted, comment) in _CODECS.items():
        if page.body.startswith(magic):
            return _Stream(wanted, comment)
    raise Unclean(_DAMAGED)


def _gather(stream: _Stream, page: Page) -> None:
    """Add a page to its stream's header packets."""
    stream.octets += len(page.body)
    if stream.octets > MAX_HEADER_OCTETS:
        raise Unclean(_DAMAGED)
    at = 0
    for size in page.lacing:
        stream.open_packet += page.body[at : at + size]
        at += size
        if size < 255:
            stream.packets.append(bytes(stream.open_packet))
            stream.open_packet.clear()
    # The last header ends its page: sound on the same one would have to move (RFC 7845 3).
    if len(stream.packets) >= stream.wanted:
        is_whole = len(stream.packets) == stream.wanted and not stream.open_packet
        if not is_whole:
            raise Unclean(_DAMAGED)


def _headers(stream: _Stream, page: Page) -> Iterator[bytes]:
    """Yield the first page as it is, and the other headers when they are all there."""
    if page.flags & _FIRST:
        yield _numbered(stream, page)
    if len(stream.packets) == stream.wanted:
        packets = [stream.comment, *stream.packets[2:]]
        lacing = b"".join(
            b"\xff" * (len(each) // 255) + bytes((len(each) % 255,)) for each in packets
        )
        body = b"".join(packets)
        for first in range(0, len(lacing), 255):
            piece = lacing[first : first + 255]
            before, size = sum(lacing[:first]), sum(piece)
            is_continued = first > 0 and lacing[first - 1] == 255
            ends = any(each < 255 for each in piece)
            made = Page(
                _CONTINUED if is_continued else 0,
                0 if ends else _NO_POSITION,
                page.serial,
                piece,
                body[before : before + size],
            )
            yield _numbered(stream, made)


def _numbered(stream: _Stream, page: Page) -> bytes:
    count = len(page.lacing)
    blank = _HEADER.pack(MAGIC, 0, page.flags, page.position, page.serial, stream.number, 0, count)
    stream.number += 1
    made = blank + page.lacing + page.body
    return made[:22] + struct.pack("<I", _checksum(made)) + made[26:]


def _checksum(octets: bytes) -> int:
    """Return the checksum of RFC 3533 6: zlib's with all bits mirrored and no inversion."""
    mirrored = zlib.crc32(octets.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(struct.pack("<I", mirrored).translate(_REVERSED), "big")
