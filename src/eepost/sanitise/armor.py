# SPDX-License-Identifier: Apache-2.0
"""OpenPGP in text (RFC 9580 6): armor without the lines that name its program, and keys made anew.

Messages and signatures stay to the octet but for those lines.
"""

import binascii
import itertools
import re
from dataclasses import dataclass

from eepost.mail.transfer import decode_base64
from eepost.sanitise.openpgp.keys import clean_keys
from eepost.sanitise.openpgp.signatures import IsOwn

# Version, Comment and Charset speak of the program; MessageID of the machine. Others stay: Hash is
# part of what is signed in the cleartext framework (RFC 9580 7), and Autocrypt has its own.
_HEADERS = re.compile(
    rb"(?m)^(-----BEGIN PGP [A-Z0-9 ,/]{1,60}-----[ \t]*\r?\n)"
    rb"((?:[A-Za-z]{1,40}:[^\r\n]*(?:\r?\n|\Z))+)"
)
_DROPPED = re.compile(rb"(?mi)^(?:Version|Comment|Charset|MessageID):[^\r\n]*(?:\r?\n|\Z)")


def strip_armor_headers(octets: bytes) -> bytes:
    """Return `octets` with those header lines of every armor block removed."""
    return _HEADERS.sub(_without, octets)


def _without(block: re.Match[bytes]) -> bytes:
    return block[1] + _DROPPED.sub(b"", block[2])


def holds_armor(octets: bytes) -> bool:
    """Say whether an armor block or clear-signed text begins somewhere."""
    return b"-----BEGIN PGP " in octets


def is_clear_signed(octets: bytes) -> bool:
    """Say whether clear-signed text begins somewhere (RFC 9580 7)."""
    return b"-----BEGIN PGP SIGNED MESSAGE-----" in octets


_SIGNATURE = re.compile(rb"(?m)^-----BEGIN PGP SIGNATURE-----")
_SIGNATURE_END = b"-----END PGP SIGNATURE-----"


def signatures_in(text: bytes) -> bytes:
    """Return the signatures in armor that stand in a text, in binary and in a row."""
    blocks = (block.partition(_SIGNATURE_END) for block in _SIGNATURE.split(text)[1:])
    return b"".join(_unarmored(inside) for inside, end, _ in blocks if end)


_BEGIN, _END = b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----END PGP PUBLIC KEY BLOCK-----"
# At the beginning of a line only: inside clear-signed text it is escaped, and covered.
_KEY = re.compile(rb"(?m)^(-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----)")
_KEY_END = re.compile(rb"-----END PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----")
_ARMOR_HEADER = re.compile(rb"[A-Za-z-]{1,40}: [^\r\n]*")
_CHECKSUM = re.compile(rb"=[A-Za-z0-9+/]{4}")
_COLUMNS = 64


@dataclass(frozen=True, slots=True)
class CleanedText:
    """Text with its keys cleaned, and how much was left out of them."""

    octets: bytes
    dropped: int


def clean_armored_keys(text: bytes, is_own: IsOwn) -> CleanedText:
    """Return `text` with every public key in it made anew, CRLF lines; see `clean_keys`.

    Raises IsPrivate where a private one stands.
    """
    first, *blocks = _KEY.split(text)
    pieces, dropped = [first], 0
    for begin, rest in zip(blocks[::2], blocks[1::2], strict=True):
        end = _KEY_END.search(rest)
        cleaned = clean_keys(_unarmored(rest[: end.start()] if end else rest), is_own)
        if cleaned is None:  # only words about a key
            pieces += [begin, rest]
        else:
            pieces += [_armored(cleaned.octets), rest[end.end() :] if end else b"\r\n"]
            dropped += cleaned.dropped
    return CleanedText(b"".join(pieces), dropped)


def _unarmored(inside: bytes) -> bytes:
    """Return what stands between the first and the last line of an armor block."""
    lines = [line.strip() for line in inside.split(b"\n")]
    headers = itertools.takewhile(lambda line: not line or _ARMOR_HEADER.fullmatch(line), lines)
    del lines[: sum(1 for _ in headers)]
    return decode_base64(b"".join(line for line in lines if not _CHECKSUM.fullmatch(line)))


def _armored(octets: bytes) -> bytes:
    """Return a key block without headers and checksum, which nobody has to write (RFC 9580 6.1)."""
    text = binascii.b2a_base64(octets, newline=False)
    lines = [text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS)]
    return b"\r\n".join([_BEGIN, b"", *lines, _END])
