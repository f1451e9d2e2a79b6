# SPDX-License-Identifier: Apache-2.0
"""OpenPGP armor without the lines that name its program (RFC 9580 6.2); the rest to the octet."""

import re

# Version, Comment and Charset speak of the program; MessageID of the machine. Others stay: Hash is
# part of what is signed in the cleartext framework (RFC 9580 7), and Autocrypt has its own.
_HEADERS = re.compile(
    rb"(?m)^(-----BEGIN PGP [A-Z0-9 ,/]{1,60}-----[ \t]*\r?\n)((?:[A-Za-z]{1,40}:[^\r\n]*\r?\n)+)"
)
_DROPPED = re.compile(rb"(?mi)^(?:Version|Comment|Charset|MessageID):[^\r\n]*\r?\n")


def strip_armor_headers(octets: bytes) -> bytes:
    """Return `octets` with those header lines of every armor block removed."""
    return _HEADERS.sub(_without, octets)


def _without(block: re.Match[bytes]) -> bytes:
    return block[1] + _DROPPED.sub(b"", block[2])


def holds_armor(octets: bytes) -> bool:
    """Say whether an armor block or clear-signed text begins somewhere."""
    return b"-----BEGIN PGP " in octets
