# SPDX-License-Identifier: Apache-2.0
"""A message as its reader gets it: decrypted where he has the key, its signature told.

What is encrypted is shown alone, never beside anything that came with it in the clear: else a
stranger could put an old message into a new one and have its text sent on (known as EFAIL).

Trust: anybody may have written the message.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from eepost.mail.message import Part
from eepost.services.letterbox.webmail.openpgp import (
    KeyRing,
    Reader,
    Shut,
    Signature,
    TooLarge,
    verify,
)
from eepost.services.letterbox.webmail.reading import Reading, read_message

_INLINE: Final = re.compile(
    r"\s*(-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----)\s*", re.S
)
_SIGNED_PARTS: Final = 2
_SIGNATURE: Final = "application/pgp-signature"


class Cover(Enum):
    """How a message came."""

    OPEN = "open"
    ENCRYPTED = "encrypted"
    SHUT = "shut"  # encrypted, and none of the user's keys opens it
    TOO_LARGE = "too large"  # encrypted, and more than can be shown


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """A message, opened as far as it can be."""

    reading: Reading
    cover: Cover = Cover.OPEN
    signature: Signature | None = None

    @property
    def is_by_its_author(self) -> bool:
        """Its signature is good, and by a key with the address that it says it is from."""
        author = self.reading.head.author
        signer = self.signature.signer if self.signature is not None else None
        return (
            signer is not None
            and author is not None
            and str(author.address).lower() in signer.addresses
        )


def open_mail(octets: bytes, ring: KeyRing, openpgp: Reader) -> Mail:
    """Return what `octets` (CRLF lines) hold. Takes a core for what large mail needs."""
    reading = read_message(octets)
    root = reading.root
    if root is None:
        return Mail(reading)
    match root.content_type.value:
        case "multipart/encrypted" if len(root.children) > 1:
            return _decrypted(reading, root.children[1], ring, openpgp)
        case "multipart/signed":
            return Mail(reading, signature=_signature(reading, root, ring))
    inline = _INLINE.fullmatch(reading.text)
    return _inline(reading, inline[1], ring, openpgp) if inline else Mail(reading)


def _decrypted(reading: Reading, part: Part, ring: KeyRing, openpgp: Reader) -> Mail:
    try:
        opened = openpgp.decrypt(reading.content(part), ring)
    except Shut:
        return Mail(reading, Cover.SHUT)
    except TooLarge:
        return Mail(reading, Cover.TOO_LARGE)
    inner = read_message(opened.octets)
    signature = opened.signature
    if signature is None and inner.root is not None and _is_signed(inner.root):
        signature = _signature(inner, inner.root, ring)  # RFC 3156 6.1
    return Mail(replace(inner, head=reading.head), Cover.ENCRYPTED, signature)


def _is_signed(root: Part) -> bool:
    return root.content_type.value == "multipart/signed"


def _inline(reading: Reading, armored: str, ring: KeyRing, openpgp: Reader) -> Mail:
    try:
        opened = openpgp.decrypt(armored.encode("utf-8", "replace"), ring)
    except Shut:
        return Mail(reading, Cover.SHUT)
    except TooLarge:
        return Mail(reading, Cover.TOO_LARGE)
    text = opened.octets.decode("utf-8", "replace").replace("\r\n", "\n")
    return Mail(replace(reading, text=text, html=()), Cover.ENCRYPTED, opened.signature)


def _signature(reading: Reading, root: Part, ring: KeyRing) -> Signature | None:
    """Return what a signature is worth, None where it is none of OpenPGP's."""
    if "pgp" not in root.content_type.get("protocol").lower():
        return None
    # Two parts, and the second shows nothing (RFC 3156 5): else what is shown was not signed.
    if len(root.children) != _SIGNED_PARTS or root.children[1].content_type.value != _SIGNATURE:
        return Signature(None)
    signed, signature = root.children
    content = reading.octets[signed.start : signed.end]
    return verify(content, reading.content(signature), ring)
