# SPDX-License-Identifier: Apache-2.0
"""A gateway's signing keys: made once, kept in its data directory, published in the DNS.

Each gateway has keys and selectors of its own, so that one that was seized is ended by taking its
records out of the DNS, and no other gateway notices.
"""

from base64 import b32encode, b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from eepost.app.config import ConfigError
from eepost.app.ownership import make_private_folder
from eepost.net.clock import random_octets
from eepost.net.i2p.keys import write_private
from eepost.services.gateway.signing import SigningKey

FOLDER = "dkim"
RSA_SUFFIX, ED25519_SUFFIX = ".rsa", ".ed25519"
# RFC 8301 3.2 asks for 2048; longer keys don't fit one string of a TXT record everywhere.
RSA_BITS = 2048
# A string in a TXT record holds so many octets (RFC 1035 3.3).
STRING_OCTETS = 255


@dataclass(frozen=True, slots=True)
class Published:
    """What the DNS says of a key: a selector, and the text of its TXT record."""

    selector: str
    text: str


def make_keys(directory: Path) -> None:
    """Make both keys under selectors that nobody else has. Raises OSError."""
    make_private_folder(directory / FOLDER)
    make_keys_in(directory / FOLDER)


def make_keys_in(folder: Path) -> None:
    """Make both keys in a folder that holds nothing yet, and none in another. Raises OSError."""
    if any(folder.iterdir()):
        return
    stem = "e" + b32encode(random_octets(5)).decode("ascii").lower()
    rsa = generate_private_key(65_537, RSA_BITS)
    pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    write_private(folder / f"{stem}r{RSA_SUFFIX}", pem)
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    write_private(folder / f"{stem}e{ED25519_SUFFIX}", b64encode(seed) + b"\n")


def read_keys(directory: Path) -> tuple[SigningKey, ...]:
    """Return the keys, RSA first. Raises ConfigError where there are none."""
    folder = directory / FOLDER
    found = keys_in(folder)
    if not found:
        raise ConfigError(folder, "", "holds no signing keys", "restore them from your copy")
    return found


def keys_in(folder: Path) -> tuple[SigningKey, ...]:
    """Return the keys in a folder, RSA first; none where there is no folder."""
    return tuple(
        SigningKey(file.stem, file.read_bytes().strip() + b"\n")
        for suffix in (RSA_SUFFIX, ED25519_SUFFIX)
        for file in sorted(folder.glob(f"*{suffix}"))
    )


def published(key: SigningKey) -> Published:
    """Return what the DNS has to say of a key (RFC 6376 3.6.1, RFC 8463 4)."""
    return Published(key.selector, _record(key))


def _record(key: SigningKey) -> str:
    if key.is_rsa:
        private = load_pem_private_key(key.private, None)
        assert isinstance(private, RSAPrivateKey)  # noqa: S101 - is_rsa
        der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={b64encode(der).decode('ascii')}"
    seed = Ed25519PrivateKey.from_private_bytes(b64decode(key.private))
    public = seed.public_key().public_bytes_raw()
    return f"v=DKIM1; k=ed25519; p={b64encode(public).decode('ascii')}"


def zone_lines(keys: Sequence[Published], host: str, domains: tuple[str, ...]) -> list[str]:
    """Return what has to stand in the DNS, as lines of a zone file."""
    lines = []
    for domain in domains:
        lines += [
            f"{domain}. MX 10 {host}.",
            f'{domain}. TXT "v=spf1 mx -all"',
            f'_dmarc.{domain}. TXT "v=DMARC1; p=reject; adkim=s; aspf=s"',
        ]
        lines += [f"{key.selector}._domainkey.{domain}. TXT {_strings(key.text)}" for key in keys]
    return lines


def _strings(text: str) -> str:
    pieces = [text[at : at + STRING_OCTETS] for at in range(0, len(text), STRING_OCTETS)]
    return " ".join(f'"{piece}"' for piece in pieces)
