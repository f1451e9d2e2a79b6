# SPDX-License-Identifier: Apache-2.0
"""Searches a seized disk as somebody would who knows what to look for, in every usual disguise."""

import base64
import binascii
import bz2
import contextlib
import gzip
import lzma
import quopri
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

# What is looked into of one compressed stream, and how many streams of one file.
STREAM_OCTETS = 4_000_000
MAX_STREAMS = 2_000
# Shorter shapes turn up by chance.
MIN_SHAPE_OCTETS = 6


def shapes(needle: bytes) -> dict[str, bytes]:
    """Return the shapes in which a needle may lie on a disk, by name, folded to lower case."""
    text = needle.decode()
    plain = {
        "plain": needle,
        "quoted-printable": "".join(f"={octet:02X}" for octet in needle).encode(),
        "quoted-printable, at sign only": needle.replace(b"@", b"=40"),
        "percent": needle.replace(b"@", b"%40"),
        "UTF-16LE": text.encode("utf-16-le"),
        "UTF-16BE": text.encode("utf-16-be"),
        "UTF-32": text.encode("utf-32-le"),
        "hex": binascii.hexlify(needle),
        "reversed": needle[::-1],
    }
    for shift in range(3):
        # Base64 cuts octets into threes; a needle may begin at any of three places.
        whole = base64.b64encode(b"x" * shift + needle + b"x" * 3)
        start, end = (0, 2, 3)[shift], (len(needle) + shift) * 8 // 6
        plain[f"base64 at {shift}"] = whole[start:end]
    return {name: each.lower() for name, each in plain.items() if len(each) >= MIN_SHAPE_OCTETS}


def found_in(files: Iterable[Path], needles: Iterable[bytes]) -> dict[bytes, set[str]]:
    """Return which needles the files or their names hold, and in which shapes."""
    wanted = {needle: shapes(needle) for needle in needles}
    found: dict[bytes, set[str]] = {}
    for octets in _readings(files):
        folded = octets.lower()
        for needle, forms in wanted.items():
            seen = {name for name, shape in forms.items() if shape in folded}
            if seen:
                found.setdefault(needle, set()).update(seen)
    return found


def files_below(*folders: Path) -> list[Path]:
    """Return every file there is."""
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def _readings(files: Iterable[Path]) -> Iterator[bytes]:
    for file in files:
        octets = file.read_bytes()
        yield file.name.encode()
        # Lines that a transfer encoding or a log has cut are joined as well.
        yield octets
        yield octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"\\n", b"")
        yield octets.replace(b"=\r\n", b"").replace(b"=\n", b"")
        yield from _inflated(octets)


def _inflated(octets: bytes) -> Iterator[bytes]:
    """Yield what compressed streams hold that begin anywhere in `octets`."""
    for magic, opened in (
        (b"\x78\x01", _zlib),
        (b"\x78\x9c", _zlib),
        (b"\x78\xda", _zlib),
        (b"\x1f\x8b", _gzip),
        (b"BZh", lambda stream: bz2.BZ2Decompressor().decompress(stream, STREAM_OCTETS)),
        (b"\xfd7zXZ", lambda stream: lzma.LZMADecompressor().decompress(stream, STREAM_OCTETS)),
        (b"PK\x03\x04", _zip_member),
    ):
        at, streams = octets.find(magic), 0
        while at >= 0 and streams < MAX_STREAMS:
            with contextlib.suppress(zlib.error, OSError, EOFError, ValueError, lzma.LZMAError):
                yield opened(octets[at : at + STREAM_OCTETS])
            at, streams = octets.find(magic, at + 1), streams + 1


def _zlib(stream: bytes) -> bytes:
    return zlib.decompressobj().decompress(stream, STREAM_OCTETS)


def _gzip(stream: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(stream, STREAM_OCTETS)


def _zip_member(stream: bytes) -> bytes:
    start = 30 + int.from_bytes(stream[26:28], "little") + int.from_bytes(stream[28:30], "little")
    return zlib.decompressobj(wbits=-15).decompress(stream[start:], STREAM_OCTETS)


def disguised(octets: bytes) -> dict[str, bytes]:
    """Return `octets` as a careless program might leave them, for the search's own control."""
    text = octets.decode("utf-8", "replace")
    return {
        "plain": octets,
        "base64": base64.encodebytes(b"a" + octets),
        "quoted-printable": quopri.encodestring(octets, quotetabs=True),
        "utf-16": text.encode("utf-16"),
        "hex": binascii.hexlify(octets),
        "gzip": b"junk" + gzip.compress(octets),
        "zlib": zlib.compress(octets, 9),
        "bzip2": bz2.compress(octets),
        "xz": lzma.compress(octets),
    }
