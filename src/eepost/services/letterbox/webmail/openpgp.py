# SPDX-License-Identifier: Apache-2.0
"""OpenPGP with the user's own keys, which lie sealed in the letterbox: PGP/MIME (RFC 3156).

Duty: make, take in and give out keys; encrypt and sign; decrypt; verify. Whose a signature is, is
said by certificates that the user has taken in, never by what came with the message.

Trust: anybody may have written what is decrypted, verified or imported. The library raises whatever
its parser raises, and its texts quote the input, so nothing of them is shown.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import pysequoia
from msgspec import Struct, field
from pysequoia import ArmorKind, Cert, PyDecryptor, PySigner, Sig, Tsk
from pysequoia.packet import PacketPile, Tag

from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.violation import PeerViolation

# Real certificates without foreign signatures take 1 to 10 kB; post-quantum ones some hundred.
MAX_KEY_OCTETS = 131_072
# All certificates together are one sealed record.
MAX_CERTIFICATES_OCTETS = 3_000_000
MAX_SIGNATURE_OCTETS = 65_536
# A key that nobody can extend any more should end by itself; it is made anew in time.
VALIDITY_SECONDS: Final = 3 * 366 * 86_400
ARMORED: Final = b"-----BEGIN PGP MESSAGE-----"


class KeyRefused(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """What was given can't be used; `reason` says why, without anything of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Shut(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """None of the user's keys opens this message."""


class TooLarge(Exception):  # noqa: N818 - an outcome for the user, not a fault
    """What a few octets stand for takes more memory or time than a message may."""


class OwnKey(Struct, frozen=True, tag="own key"):
    """A private key as it was made or taken in; the cabinet seals both."""

    octets: bytes
    passphrase: str = ""

    def __repr__(self) -> str:
        return "OwnKey()"

    @property
    def certificate(self) -> Cert:
        """Its public half."""
        return Tsk.from_bytes(self.octets).extract_certificate()

    @property
    def fingerprint(self) -> str:
        """Lower-case hexadecimal."""
        found: str = self.certificate.fingerprint
        return found


class KeyRing(Struct, frozen=True):
    """What is kept: the user's own keys, the newest first, and other people's certificates."""

    own: tuple[OwnKey, ...] = ()
    certificates: dict[str, bytes] = field(default_factory=dict)  # by fingerprint

    def __repr__(self) -> str:
        return "KeyRing()"

    def with_own(self, key: OwnKey) -> "KeyRing":
        """Return the ring with a key that signs from here on; older ones still decrypt."""
        left = tuple(each for each in self.own if each.fingerprint != key.fingerprint)
        return KeyRing((key, *left), self.certificates)

    def with_certificates(self, found: Mapping[str, bytes]) -> "KeyRing":
        """Return the ring with other people's certificates, in place of older forms of them."""
        return KeyRing(self.own, {**self.certificates, **found})

    def without(self, fingerprint: str) -> "KeyRing":
        """Return the ring without a key of anybody's."""
        own = tuple(each for each in self.own if each.fingerprint != fingerprint)
        others = {key: each for key, each in self.certificates.items() if key != fingerprint}
        return KeyRing(own, others)


class Known(Struct, frozen=True):
    """A certificate as people see it."""

    fingerprint: str
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        return "Known()"


class Signature(Struct, frozen=True):
    """What a signature is worth: whose it is, None where it can't be told or does not fit."""

    signer: Known | None
    is_checked: bool = True  # False: the library can't look at it


class Opened(Struct, frozen=True, tag="opened"):
    """What was encrypted: CRLF lines; None where it was not signed at all."""

    octets: bytes
    signature: Signature | None

    def __repr__(self) -> str:
        return "Opened()"


class Reader(Protocol):
    """Reads what strangers wrote; as this module does, but so that it can't take the program along.

    Every call blocks, and raises TooLarge.
    """

    def decrypt(self, encrypted: bytes, ring: KeyRing) -> Opened:
        """As `decrypt`."""

    def read_certificates(self, given: bytes) -> dict[str, bytes]:
        """As `read_certificates`."""

    def read_own_key(self, given: bytes, passphrase: str) -> OwnKey:
        """As `read_own_key`."""


def make_key(address: str) -> OwnKey:
    """Return a fresh key for an address: the address alone, no name."""
    made = Tsk.generate(user_id=f"<{address}>", validity_seconds=VALIDITY_SECONDS)
    return OwnKey(bytes(made))


def read_own_key(given: bytes, passphrase: str) -> OwnKey:
    """Return a private key that was made elsewhere. Raises KeyRefused."""
    _check_size(given)
    try:
        key = Tsk.from_bytes(given)
    except Exception:  # see above
        raise KeyRefused("It can't be read as a private OpenPGP key.") from None
    try:
        probe = pysequoia.encrypt(b"x", recipients=[key.extract_certificate()])
        pysequoia.decrypt(probe, decryptor=key.decryptor(passphrase or None))
        key.signer(passphrase or None)
    except Exception:  # see above
        raise KeyRefused("Its passphrase is another, or it can't sign and decrypt.") from None
    return OwnKey(bytes(key), passphrase)


def read_certificates(given: bytes) -> dict[str, bytes]:
    """Return certificates by their fingerprints. Raises KeyRefused."""
    _check_size(given)
    try:
        is_secret = any(each.tag in _SECRETS for each in PacketPile.from_bytes(given))
        found = Cert.split_bytes(given)
    except Exception:  # see above
        raise KeyRefused("It can't be read as an OpenPGP public key.") from None
    if is_secret:
        raise KeyRefused("This is a private key. If it is yours, take it in as your own.")
    if not found:
        raise KeyRefused("It can't be read as an OpenPGP public key.")
    for each in found:
        _check_usable(each)
    return {each.fingerprint: bytes(each) for each in found}


_SECRETS: Final = (Tag.SecretKey, Tag.SecretSubkey)


def _check_size(given: bytes) -> None:
    if len(given) > MAX_KEY_OCTETS:
        raise KeyRefused("It is too large: export it without other people's signatures.")


def _check_usable(certificate: Cert) -> None:
    if certificate.is_revoked:
        raise KeyRefused("It is revoked.")
    try:
        pysequoia.encrypt(b"x", recipients=[certificate])
    except Exception:  # see above
        raise KeyRefused(
            "Nothing can be encrypted to it: its key is missing, expired or weak."
        ) from None


def describe(octets: bytes) -> Known:
    """Return a kept certificate as people see it."""
    return _known(Cert.from_bytes(octets))


def _known(certificate: Cert) -> Known:
    found: list[str] = []
    for each in certificate.user_ids:
        try:
            boxes = parse_mailboxes(str(each).encode("utf-8", "replace")[:1_000]).mailboxes
        except PeerViolation:
            continue
        found += [str(box.address).lower() for box in boxes]
    return Known(certificate.fingerprint, tuple(dict.fromkeys(found)))


def public_text(key: OwnKey) -> str:
    """Return a key's public half as text."""
    return _text(bytes(key.certificate), ArmorKind.PublicKey)


def certificate_text(octets: bytes) -> str:
    """Return a certificate as text."""
    return _text(octets, ArmorKind.PublicKey)


def private_text(key: OwnKey) -> str:
    """Return a private key as text, under its passphrase where it came with one."""
    return _text(key.octets, ArmorKind.SecretKey)


def _text(octets: bytes, kind: ArmorKind) -> str:
    made: bytes | str = pysequoia.armor(octets, kind)
    return made if isinstance(made, str) else made.decode("ascii")


def certificate_for(ring: KeyRing, address: str) -> bytes | None:
    """Return a certificate that can be encrypted to and names `address` (any case)."""
    wanted = address.lower()
    for octets in ring.certificates.values():
        if wanted in describe(octets).addresses:
            return octets
    for own in ring.own:
        if wanted in _known(own.certificate).addresses:
            return bytes(own.certificate)
    return None


def encrypt(content: bytes, ring: KeyRing, certificates: Iterable[bytes]) -> bytes:
    """Return `content` signed with the user's newest key and encrypted to him and to others.

    Armored, LF lines. Raises KeyRefused where a key has expired meanwhile.
    """
    own = ring.own[0]
    certs = {each.fingerprint: each for each in map(Cert.from_bytes, certificates)}
    certs[own.fingerprint] = own.certificate
    try:
        made: bytes = pysequoia.encrypt(
            content, recipients=list(certs.values()), signer=_signer(own)
        )
    except Exception:  # see above
        raise KeyRefused("A key has expired or can't be used any more.") from None
    return made


def _signer(own: OwnKey) -> PySigner:
    return Tsk.from_bytes(own.octets).signer(own.passphrase or None)


def decrypt(encrypted: bytes, ring: KeyRing) -> Opened:
    """Return what a message says, with whose signature. Raises Shut, TooLarge."""
    for own in ring.own:
        asked = _Asked(ring)
        try:
            found = pysequoia.decrypt(encrypted, decryptor=_decryptor(own), store=asked)
        except MemoryError:
            raise TooLarge from None
        except Exception as error:  # also where only its signature can't be told or does not fit
            if not asked.was_asked:
                continue
            is_checked = _UNTOLD not in str(error)
            return _opened_unsigned(encrypted, own, asked, is_checked=is_checked)
        signature = asked.result(found.valid_sigs) if asked.is_signed else None
        return Opened(_crlf(found.bytes or b""), signature)
    raise Shut


# What the library says of a signature in compressed data, as GnuPG writes it, good or not.
_UNTOLD: Final = "Unexpected message structure"


def _opened_unsigned(encrypted: bytes, own: OwnKey, asked: "_Asked", *, is_checked: bool) -> Opened:
    try:
        found = pysequoia.decrypt(encrypted, decryptor=_decryptor(own))
    except MemoryError:
        raise TooLarge from None
    except Exception:  # see above
        raise Shut from None
    signature = Signature(None, is_checked) if asked.is_signed else None
    return Opened(_crlf(found.bytes or b""), signature)


def _decryptor(own: OwnKey) -> PyDecryptor:
    return Tsk.from_bytes(own.octets).decryptor(own.passphrase or None)


def verify(content: bytes, signature: bytes, ring: KeyRing) -> Signature:
    """Return whose detached signature over `content` (CRLF lines) it is."""
    asked = _Asked(ring)
    if len(signature) > MAX_SIGNATURE_OCTETS:
        return Signature(None)
    try:
        found = pysequoia.verify(content, store=asked, signature=Sig.from_bytes(signature))
    except Exception:  # see above
        return Signature(None)
    return asked.result(found.valid_sigs)


class _Asked:
    """Gives the library the certificates that there are, and notes that it asked."""

    def __init__(self, ring: KeyRing) -> None:
        self._certificates = [Cert.from_bytes(each) for each in ring.certificates.values()]
        self._certificates += [own.certificate for own in ring.own]
        self.was_asked = False  # the message was decrypted
        self.is_signed = False

    def __call__(self, key_ids: Sequence[str]) -> list[Cert]:
        self.was_asked = True
        self.is_signed = bool(key_ids)
        return self._certificates

    def result(self, valid: Sequence[Any]) -> Signature:
        """Return whose the first valid signature is."""
        signers = {each.certificate for each in valid}
        found = next((each for each in self._certificates if each.fingerprint in signers), None)
        return Signature(None if found is None else _known(found))


_BARE_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


def _crlf(octets: bytes) -> bytes:
    return _BARE_LINE_END.sub(b"\r\n", octets)
