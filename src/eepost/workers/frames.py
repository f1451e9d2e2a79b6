# SPDX-License-Identifier: Apache-2.0
"""What goes over the socket between the post office and a worker: sizes, a head, a body.

The worker's side blocks and needs nothing but `os`: by then nothing else can be opened.
"""

import os
from collections.abc import Sequence
from struct import Struct

# Octets of head and body, in network order, before either.
SIZES = Struct("!II")
# A job's head is a sender's context: his addresses, keys, what his message may refer to.
MAX_JOB_OCTETS = 1_048_576
# An answer's head is a report and identifiers: 81 of 250 octets at most, some dozen counts.
MAX_HEAD_OCTETS = 262_144
# Up to here one copy is cheaper than a second system call.
JOINED_OCTETS = 65_536


def receive(handle: int) -> tuple[bytes, bytearray] | None:
    """Return head and body of the next job, or None where there will be no other."""
    sizes = _read(handle, SIZES.size)
    if sizes is None:
        return None
    head_octets, body_octets = SIZES.unpack(sizes)
    head, body = _read(handle, head_octets), _read(handle, body_octets)
    return (bytes(head), body) if head is not None and body is not None else None


def _read(handle: int, octets: int) -> bytearray | None:
    target = bytearray(octets)
    with memoryview(target) as view:
        at = 0
        while at < octets:
            count = os.readv(handle, [view[at:]])
            if not count:
                return None
            at += count
    return target


def send(handle: int, head: bytes, pieces: Sequence[bytes | memoryview]) -> None:
    """Write an answer. Raises OSError where nobody reads it any more."""
    size = sum(map(len, pieces))
    start = SIZES.pack(len(head), size) + head
    if size <= JOINED_OCTETS:
        _write(handle, b"".join((start, *pieces)))
        return
    for each in (start, *pieces):
        _write(handle, each)


def _write(handle: int, octets: bytes | memoryview) -> None:
    with memoryview(octets) as view:
        at = 0
        while at < len(view):
            at += os.writev(handle, [view[at:]])
