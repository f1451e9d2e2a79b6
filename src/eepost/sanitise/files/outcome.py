# SPDX-License-Identifier: Apache-2.0
"""What the strippers share."""

from typing import Protocol

# Octets unpacked from one attached file, archives in archives counted together. Messages have at
# most 10 MB; what grows more is a bomb.
MAX_UNPACKED_OCTETS = 64 * 1024 * 1024
# Of a file in an archive so much is looked at to see what it is.
SEEN_OCTETS = 4_096


# Pieces that pictures and sound are made of: so many, and one more for so many octets. Real ones
# have a tenth of that; each takes half a microsecond, and archives may hold thousands of files.
_PIECES, _OCTETS_FOR_A_PIECE = 128, 64


def most_pieces(octets: bytes | bytearray, octets_for_a_piece: int = _OCTETS_FOR_A_PIECE) -> int:
    """Return how many chunks, segments or blocks of a file are gone through."""
    return _PIECES + len(octets) // octets_for_a_piece


class Unclean(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The file could not be cleaned; the text is public and constant."""


class Inner(Protocol):
    """How files in a file are cleaned: by the same rules, within what is left of the bounds."""

    octets: int  # that may still be unpacked

    def take(self, octets: int) -> None:
        """Count what was unpacked. Raises Unclean where it is too much."""

    def is_known(self, beginning: bytes) -> bool:
        """Say whether there are rules for a file, by its first SEEN_OCTETS."""

    def strip(self, octets: bytes) -> bytes:
        """Return a file without metadata, or as it is. Raises Unclean as for any file."""
