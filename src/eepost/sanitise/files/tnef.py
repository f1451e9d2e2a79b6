# SPDX-License-Identifier: Apache-2.0
"""Unpacks TNEF (winmail.dat): the files and the plain text in it; its properties tell the rest.

Trust: anybody may have made the file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from eepost.mail.charset import decode_text
from eepost.sanitise.files.outcome import Unclean

MAGIC = b"\x78\x9f\x3e\x22"
# Files in one: as many as a message may have parts would be an attack already.
MAX_FILES = 200

_BODY, _RENDER, _TITLE, _DATA, _PROPERTIES = 0x800C, 0x9002, 0x8010, 0x800F, 0x9005
# MAPI: PR_ATTACH_LONG_FILENAME as an 8-bit and as a UTF-16 string.
_LONG_NAMES = {0x3707001E: "", 0x3707001F: "utf-16le"}


@dataclass(slots=True)
class Unpacked:
    """A file that was inside."""

    name: str = ""
    octets: bytes = b""


def unpack_tnef(octets: bytes) -> tuple[str, list[Unpacked]]:
    """Return the plain text and the files. Raises Unclean where it holds too many."""
    text = ""
    files: list[Unpacked] = []
    for kind, content in _attributes(octets):
        if kind == _RENDER:
            files.append(Unpacked())
            if len(files) > MAX_FILES:
                raise Unclean("TNEF holds too many files")
        elif kind == _BODY:
            text = decode_text(content.rstrip(b"\0"))
        elif not files:
            continue
        elif kind == _TITLE:
            files[-1].name = files[-1].name or decode_text(content.rstrip(b"\0"))
        elif kind == _DATA:
            files[-1].octets = content
        elif kind == _PROPERTIES:
            files[-1].name = _long_name(content) or files[-1].name
    return text, files


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at + 1)
        end = at + 9 + length
        if end > len(octets):
            return  # cut short on its way: what came is shown
        yield kind & 0xFFFF, octets[at + 9 : end]
        at = end + 2  # the checksum


def _long_name(properties: bytes) -> str:
    # A search for the tag instead of a walk over all property types: a wrong hit only names a file.
    for tag, codec in _LONG_NAMES.items():
        at = properties.find(struct.pack("<II", tag, 1))
        if at >= 0 and at + 12 <= len(properties):
            (length,) = struct.unpack_from("<I", properties, at + 8)
            name = properties[at + 12 : at + 12 + min(length, 1_000)]
            return decode_text(name, codec).rstrip("\0")
    return ""
