# SPDX-License-Identifier: Apache-2.0
"""What the core's operator hands to a gateway's: all that the gateway ever knows of the core.

It holds the link's secret: it goes over a safe way, and is deleted there afterwards.
"""

import hashlib
from pathlib import Path

import msgspec

from eepost.app.config import ConfigError, read_typed
from eepost.net.i2p.keys import write_private
from eepost.wire.link.pairing import Pairing, Role, Side

VERSION = 1


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pairing as the gateway gets it; hashes and secret in hexadecimal."""

    version: int = VERSION
    core: str  # SHA-256 of the core's link destination
    gateway: str  # SHA-256 of the gateway's
    secret: str
    address: str  # where the core's link is found in I2P
    port: int
    internal_domain: str
    official_domains: tuple[str, ...]
    lease_key: str = ""  # with which a hidden link is found

    def __repr__(self) -> str:
        return "Invitation()"  # a traceback must not show the secret

    def pairing(self) -> Pairing:
        """Return the pairing as the gateway sees it. Raises ValueError."""
        return Pairing(
            own=Side(Role.GATEWAY, bytes.fromhex(self.gateway)),
            other=Side(Role.CORE, bytes.fromhex(self.core)),
            secret=bytes.fromhex(self.secret),
        )


def read_invitation(file: Path) -> Invitation:
    """Return the invitation in `file`. Raises ConfigError."""
    hint = "on the core, eepost gateway add makes one"
    try:
        invitation = read_typed(file, Invitation, hint)
    except ConfigError as error:
        # The parser quotes what it could not read, and that may be the secret.
        raise ConfigError(file, error.key, "is not an invitation of a core", hint) from None
    try:
        invitation.pairing()
    except ValueError:
        raise ConfigError(file, "", "is not an invitation of a core", hint) from None
    if invitation.version != VERSION:
        raise ConfigError(file, "version", "is of another version", "update the older side")
    return invitation


def write_invitation(file: Path, invitation: Invitation) -> None:
    """Write `invitation` for its owner alone. Raises FileExistsError, OSError."""
    title = "# What an eepost gateway knows of its core. Keep it private."
    write_private(file, toml_lines(title, invitation).encode("utf-8"))


def toml_lines(title: str, values: msgspec.Struct) -> str:
    """Return a flat struct as TOML: its strings, numbers and lists of them are JSON's as well."""
    fields = msgspec.to_builtins(values)
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in fields.items()]
    return "\n".join([title, *lines, ""])


def check_words(secret: bytes) -> str:
    """Return what both operators can compare aloud: equal where both have the same secret."""
    digest = hashlib.sha256(b"eepost pairing\n" + secret).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 20, 4))
