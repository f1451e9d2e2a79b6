# SPDX-License-Identifier: Apache-2.0
"""Files that are known to tell of people, machines or times, and that nobody here can clean."""

import bz2
import lzma

from eepost.sanitise.files.packed import is_tar

_MAGICS = (
    (b"Rar!\x1a\x07", "RAR archives"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archives"),
    (b"8BPS", "Photoshop documents"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media files"),
    (b"FLV\x01", "Flash films"),
    (b".RMF", "RealMedia files"),
    (b"AT&TFORM", "DjVu documents"),
    (b"!BDN", "Outlook's folders"),
    (b"\0\1\0\0Standard ", "Access databases"),
    (b"AC10", "AutoCAD drawings"),
    (b"IIRO", "raw pictures"),
    (b"IIU\0", "raw pictures"),
    (b"FUJIFILMCCD-RAW", "raw pictures"),
    (b"L\0\0\0\x01\x14\x02\0", "Windows shortcuts"),
    (b"\0\0\0\1Bud1", "a Mac's notes on folders"),
    (b"\0\5\x16\0", "a Mac's notes on files"),
    (b"\0\5\x16\7", "a Mac's notes on files"),
)
_BZIP2, _XZ = b"BZh", b"\xfd7zXZ\0"
# Enough to see what is inside.
_SEEN_OCTETS = 1_024


def rules_missing(octets: bytes) -> str:
    """Return why nobody here can clean a file, "" where nothing is known against it."""
    for magic, name in _MAGICS:
        if octets.startswith(magic):
            return f"there are no rules for {name}"
    if is_tar(_first_unpacked(octets)):
        # Times and owners stand inside; packing it again would take too long.
        return "there are no rules for tar archives in bzip2 or xz"
    return ""


def _first_unpacked(octets: bytes) -> bytes:
    unpacker: bz2.BZ2Decompressor | lzma.LZMADecompressor
    if octets.startswith(_BZIP2):
        unpacker = bz2.BZ2Decompressor()
    elif octets.startswith(_XZ):
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 * 1024 * 1024)
    else:
        return b""
    try:
        return unpacker.decompress(octets, _SEEN_OCTETS)
    except (OSError, lzma.LZMAError):
        return b""
