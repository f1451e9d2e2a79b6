# SPDX-License-Identifier: Apache-2.0
"""Writes compound files (MS-CFB) for tests: streams in one storage, large ones in sectors of
their own, small ones in the small sectors of the first entry.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

SECTOR, MINI = 512, 64
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
TIMES = b"\x01\x02\x03\x04\x05\x06\x07\x08" * 2


@dataclass
class _Writer:
    leftover: bytes
    sectors: list[bytes] = field(default_factory=list)
    fat: list[int] = field(default_factory=list)
    mini: bytes = b""
    mini_fat: list[int] = field(default_factory=list)

    def put(self, octets: bytes, slack: bytes = b"") -> int:
        """Append a chain of sectors; return the first one's number."""
        if not octets:
            return END
        count = -(-len(octets) // SECTOR)
        padded = (octets + slack)[: count * SECTOR].ljust(count * SECTOR, b"\0")
        first = len(self.sectors)
        self.sectors += [padded[at : at + SECTOR] for at in range(0, len(padded), SECTOR)]
        self.fat += [*range(first + 1, first + count), END]
        return first

    def put_stream(self, octets: bytes) -> int:
        """Append a stream, small or large; return where it starts."""
        if len(octets) >= 4_096:
            return self.put(octets, self.leftover)
        count = -(-len(octets) // MINI)
        first = len(self.mini_fat)
        self.mini_fat += [*range(first + 1, first + count), END]
        self.mini += (octets + self.leftover)[: count * MINI].ljust(count * MINI, b"\0")
        return first

    def put_table(self) -> list[int]:
        """Append the table of sectors, one for each 128; return their numbers."""
        count = 1
        while len(self.sectors) + count > 128 * count:
            count += 1
        first = len(self.sectors)
        self.fat += [FAT] * count
        self.fat += [FREE] * (128 * count - len(self.fat))
        table = struct.pack(f"<{len(self.fat)}I", *self.fat)
        self.sectors += [table[at : at + SECTOR] for at in range(0, len(table), SECTOR)]
        return [*range(first, first + count)]


def compound_file(streams: Mapping[str, bytes], *, leftover: bytes = b"") -> bytes:
    """Return a compound file; `leftover` stands in a sector that no stream uses, and in slack."""
    writer = _Writer(leftover)
    ordered = sorted(streams.items(), key=lambda each: (len(each[0]), each[0].upper()))
    entries = []
    for number, (name, octets) in enumerate(ordered, 1):
        follower = number + 1 if number < len(ordered) else FREE
        start = writer.put_stream(octets)
        entries.append(_entry(name, 2, start, len(octets), right=follower))
    root = _entry("Root Entry", 5, writer.put(writer.mini), len(writer.mini), child=1)
    mini_fat = writer.mini_fat + [FREE] * (-len(writer.mini_fat) % 128)
    mini_start = writer.put(struct.pack(f"<{len(mini_fat)}I", *mini_fat))
    directory = b"".join([root, *entries])
    directory += _entry("deleted", 0, 0, 0) * (-len(directory) // 128 % 4)
    directory_start = writer.put(directory)
    writer.sectors.append(leftover.ljust(SECTOR, b"\0"))
    writer.fat.append(FREE)
    table = writer.put_table()
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<IIII", len(table), directory_start, 0, 4_096)
    header += struct.pack("<IIII", mini_start, len(mini_fat) // 128, END, 0)
    listed = table + [FREE] * (109 - len(table))
    return header + struct.pack("<109I", *listed) + b"".join(writer.sectors)


def _entry(
    name: str, kind: int, start: int, size: int, *, right: int = FREE, child: int = FREE
) -> bytes:
    written = name.encode("utf-16-le")
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBB", len(written) + 2, kind, 1)
        # Names in their order, each to the right of the one before: a tree, if a tall one.
        + struct.pack("<III", FREE, right, child)
        + bytes(20)
        + TIMES
        + struct.pack("<IQ", start, size)
    )
