# SPDX-License-Identifier: Apache-2.0
"""An OpenPGP certificate as the address book shows it: one key, its owner's address, nothing else.

Duty: make one anew from what a user gives. Of its user ids only those with an address of the
account stay, each with the owner's own signatures; who else signed it, pictures and other addresses
say whom somebody knows and what he is called elsewhere.

Trust: anybody with an account may give anything.
"""

import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Final

import pysequoia
from pysequoia import Cert
from pysequoia.packet import Packet, PacketPile, PublicKeyAlgorithm, Tag

# Real certificates without foreign signatures take 1 to 10 kB; with them, and post-quantum keys,
# up to some hundred.
MAX_GIVEN_OCTETS = 98_304
MAX_KEPT_OCTETS = 49_152
# Of as many the library checks all signatures, and nothing else runs meanwhile: 40,000 empty ones
# took two seconds.
MAX_PACKETS = 250
# NIST SP 800-57 and Sequoia's own policy: shorter ones can be broken by who has the means.
MIN_RSA_BITS = 2_048


class CertificateRefused(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """It can't stand in the address book; the text says why, without anything of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that may be shown to everybody who uses the post office."""

    octets: bytes = field(repr=False)  # binary (RFC 9580 10.1)
    fingerprint: str = field(repr=False)  # lower-case hexadecimal
    expires_utc: int | None  # None: never

    @property
    def armored(self) -> str:
        """The certificate as text without telling headers."""
        return armored(self.octets)


def armored(octets: bytes) -> str:
    """Return a certificate as text; the library's own form would name its user ids beside it."""
    made: bytes | str = pysequoia.armor(octets, pysequoia.ArmorKind.PublicKey)
    return made if isinstance(made, str) else made.decode("ascii")


def read_certificate(octets: bytes) -> Certificate:
    """Return what `make_certificate` made and a store kept."""
    cert = Cert.from_bytes(octets)
    return Certificate(octets, cert.fingerprint, _expiry(cert))


def make_certificate(given: bytes, addresses: Collection[str], now_utc: int) -> Certificate:
    """Return the certificate in `given` (binary or armored) as `addresses` may show it.

    `addresses` are the account's, in lower case. Raises CertificateRefused.
    """
    if len(given) > MAX_GIVEN_OCTETS:
        raise CertificateRefused("it is too large; export it with --export-options export-minimal")
    cert = _parsed(given)
    if cert.has_secret_keys:
        raise CertificateRefused(
            "this is your private key: never give it away. Export the public one instead, and"
            " consider the private one known"
        )
    if cert.is_revoked:
        raise CertificateRefused("it is revoked")
    made = _rebuilt(cert, addresses)
    expires = _expiry(made)
    if expires is not None and expires <= now_utc:
        raise CertificateRefused("it has expired: extend it in your OpenPGP program first")
    _check_encryption(made)
    octets = bytes(made)
    if len(octets) > MAX_KEPT_OCTETS:
        raise CertificateRefused("it is too large")
    return Certificate(octets, made.fingerprint, expires)


def _parsed(given: bytes) -> Cert:
    octets = _binary(given)
    if _has_too_many_packets(octets):
        raise CertificateRefused("it has too many parts; use --export-options export-minimal")
    try:
        found = Cert.split_bytes(octets)
    except Exception:  # the library raises what its parser raises, and the texts quote the input
        raise CertificateRefused("it can't be read as an OpenPGP public key") from None
    if len(found) != 1:
        raise CertificateRefused("give exactly one public key")
    return found[0]


def _binary(given: bytes) -> bytes:
    """Return what is in an armored certificate (RFC 9580 6), several of them one after another."""
    if given[:1] >= b"\x80":  # RFC 9580 4.2: every packet begins so, and no text does
        return given
    blocks = _ARMOR.findall(given.replace(b"\r\n", b"\n"))
    try:
        octets = b"".join(b64decode(b"".join(each.split()), validate=True) for each in blocks)
    except ValueError:
        octets = b""
    if octets[:1] < b"\x80":
        raise CertificateRefused("it can't be read as an OpenPGP public key")
    return octets


# Header lines and an empty line, the lines of base 64, perhaps a checksum.
_ARMOR: Final = re.compile(
    rb"^-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY BLOCK-----[ \t]*\n(?:[^\n:]+:[^\n]*\n)*[ \t]*\n"
    rb"([A-Za-z0-9+/=\s]*?)(?:\n=[A-Za-z0-9+/]{4}[ \t]*)?\n-----END PGP ",
    re.MULTILINE,
)


def _has_too_many_packets(octets: bytes) -> bool:
    """Count packets by their headers alone (RFC 9580 4.2); partial lengths are no certificate's."""
    at = count = 0
    while at < len(octets) and count <= MAX_PACKETS:
        at = _next_packet(octets, at)
        count += 1
    return count > MAX_PACKETS


def _next_packet(octets: bytes, at: int) -> int:
    tag, first = octets[at], int.from_bytes(octets[at + 1 : at + 2], "big")
    if not tag & 0x40:
        size = (1, 2, 4, 0)[tag & 3]
        length = int.from_bytes(octets[at + 1 : at + 1 + size], "big") if size else len(octets)
        return at + 1 + size + length
    if first < 192:
        return at + 2 + first
    if first < 224:
        return at + 3 + ((first - 192) << 8) + int.from_bytes(octets[at + 2 : at + 3], "big") + 192
    if first == 255:
        return at + 6 + int.from_bytes(octets[at + 2 : at + 6], "big")
    raise CertificateRefused("it can't be read as an OpenPGP public key")


def _rebuilt(cert: Cert, addresses: Collection[str]) -> Cert:
    try:
        packets = list(PacketPile.from_bytes(bytes(cert)))
    except Exception:  # as above
        raise CertificateRefused("it can't be read as an OpenPGP public key") from None
    if len(packets) > MAX_PACKETS:
        raise CertificateRefused("it has too many parts")
    if not any(_is_own(packet, addresses) for packet in packets):
        shown = " or ".join(sorted(addresses))
        raise CertificateRefused(f"none of its user ids has your address, {shown}: add one first")
    kept = list(_kept(packets, addresses))
    try:
        made = Cert.from_packets(kept)
        if made.user_ids:
            return made
    except Exception:  # as above; no valid signature on the user id among the reasons
        raise CertificateRefused("its own signatures are missing or too weak") from None
    raise CertificateRefused("your address in it is revoked")


def _kept(packets: list[Packet], addresses: Collection[str]) -> Iterator[Packet]:
    """Yield what stays: keys, own user ids, and what the key itself signed behind them."""
    primary = packets[0]
    _check_strength(primary)
    is_wanted = True
    for packet in packets:
        if packet.tag == Tag.Signature:
            if is_wanted and _is_by(packet, primary):
                yield packet
            continue
        is_wanted = packet.tag in _KEYS or _is_own(packet, addresses)
        if is_wanted:
            yield packet


_KEYS: Final = (Tag.PublicKey, Tag.PublicSubkey)


def _is_own(packet: Packet, addresses: Collection[str]) -> bool:
    return packet.tag == Tag.UserID and (packet.user_id_email or "").lower() in addresses


def _is_by(signature: Packet, primary: Packet) -> bool:
    if signature.issuer_fingerprint is not None:
        return signature.issuer_fingerprint == primary.fingerprint
    return signature.issuer_key_id is not None and signature.issuer_key_id == primary.key_id


def _check_strength(key: Packet) -> None:
    algorithm = key.key_algorithm
    if algorithm == PublicKeyAlgorithm.DSA:
        raise CertificateRefused("it is a DSA key, which is too weak by now: make a new key")
    # RFC 9580 5.5.2: version, four octets of time, algorithm, then for RSA the modulus' bit length.
    if algorithm == PublicKeyAlgorithm.RSAEncryptSign and key.body[0] == 4:
        bits = int.from_bytes(key.body[6:8], "big")
        if bits < MIN_RSA_BITS:
            raise CertificateRefused(f"its RSA key has {bits} bits, too few: make a new key")


def _check_encryption(cert: Cert) -> None:
    """Encrypt to it: the library says no to keys that are weak, expired or not made for that."""
    try:
        pysequoia.encrypt(b"x", recipients=[cert])
    except Exception:  # as above
        raise CertificateRefused(
            "nothing can be encrypted to it: its encryption key is missing, expired or too weak"
        ) from None


def _expiry(cert: Cert) -> int | None:
    try:
        found = cert.expiration
    except Exception:  # no valid self-signature
        raise CertificateRefused("its own signatures are missing or too weak") from None
    return None if found is None else int(found.replace(tzinfo=found.tzinfo or UTC).timestamp())
