# SPDX-License-Identifier: Apache-2.0
"""The gateways that a core is paired with: a file each in `gateways/` of the data directory.

A running core looks at the folder every few seconds, so gateways come and go without a restart.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from eepost.app.config import ConfigError, read_typed
from eepost.app.invitation import toml_lines
from eepost.app.ownership import make_private_folder
from eepost.app.way import parse_way
from eepost.net.connect import Route
from eepost.net.i2p.keys import write_private
from eepost.net.peers import b32_address
from eepost.wire.link.pairing import Pairing, Role, Side

FOLDER = "gateways"
SUFFIX = ".toml"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


class KnownGateway(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gateway as its file says; hashes and secret in hexadecimal."""

    way: str
    port: int  # where its link listens in I2P
    gateway: str  # SHA-256 of its link destination
    core: str  # SHA-256 of ours
    secret: str
    is_drained: bool = False

    def __repr__(self) -> str:
        return "KnownGateway()"  # a traceback must not show the secret

    def pairing(self) -> Pairing:
        """Return the pairing as the core sees it. Raises ValueError."""
        return Pairing(
            own=Side(Role.CORE, bytes.fromhex(self.core)),
            other=Side(Role.GATEWAY, bytes.fromhex(self.gateway)),
            secret=bytes.fromhex(self.secret),
        )

    def route(self, name: str, random_octets: Callable[[int], bytes]) -> Route:
        """Return the way to it. Raises ValueError with a reason to show."""
        address = b32_address(bytes.fromhex(self.gateway))
        return Route(name, parse_way(self.way, address, self.port, random_octets))


def require_name(name: str) -> str:
    """Return `name` if a gateway can be called so. Raises ValueError with a reason to show."""
    if not _NAME.fullmatch(name):
        raise ValueError("is up to 32 small letters, digits and hyphens")
    return name


def file_of(directory: Path, name: str) -> Path:
    """Return where a gateway is written down. Raises ValueError for what is no name."""
    return directory / FOLDER / (require_name(name) + SUFFIX)


def read_gateway(directory: Path, name: str) -> KnownGateway:
    """Return a gateway by its name. Raises ConfigError."""
    file = file_of(directory, name)
    try:
        found = read_typed(file, KnownGateway, "eepost gateway list shows them all")
    except ConfigError as error:
        if not file.exists():
            raise
        # The parser quotes what it could not read, and that may be the secret.
        raise ConfigError(file, error.key, "is not a gateway's file", "add it anew") from None
    try:
        found.pairing()
        found.route(name, bytes)
    except ValueError:
        raise ConfigError(file, "", "is not a gateway's file", "add it anew") from None
    return found


def write_gateway(directory: Path, name: str, gateway: KnownGateway) -> None:
    """Write a gateway down, in place of what stood there; for its owner alone. Raises OSError."""
    file = file_of(directory, name)
    make_private_folder(file.parent)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    write_private(new, toml_lines("# Written by eepost gateway add.", gateway).encode("utf-8"))
    new.replace(file)


def remove_gateway(directory: Path, name: str) -> None:
    """Forget a gateway. Raises ConfigError where there is none."""
    file = file_of(directory, name)
    try:
        file.unlink()
    except FileNotFoundError:
        hint = "eepost gateway list shows them all"
        raise ConfigError(file, "", "there is no such gateway", hint) from None


def gateway_names(directory: Path) -> list[str]:
    """Return the names of all gateways, sorted."""
    files = (directory / FOLDER).glob(f"*{SUFFIX}")
    return sorted(file.stem for file in files if _NAME.fullmatch(file.stem))


def stamps(directory: Path) -> dict[str, tuple[int, int]]:
    """Return what changes when a gateway's file does, by name."""
    found = {}
    for name in gateway_names(directory):
        try:
            stat = file_of(directory, name).stat()
        except FileNotFoundError:
            continue
        found[name] = (stat.st_mtime_ns, stat.st_ino)
    return found
