# SPDX-License-Identifier: Apache-2.0
"""A gateway on disk: its directory, its checked settings, what it knows of its core."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eepost.app.config import ConfigError, check_domain, check_loopback, read_typed
from eepost.app.config_text import commented_toml
from eepost.app.gateway_keys import make_keys as make_signing_keys
from eepost.app.gateway_settings import GatewaySettings
from eepost.app.invitation import Invitation, read_invitation
from eepost.app.ownership import make_private_folder
from eepost.app.way import parse_way
from eepost.net.clock import random_octets
from eepost.net.connect import LocalPort, Socks5
from eepost.net.i2p.keys import Keys, KeysUnusable, make_keys, read_keys, write_keys, write_private
from eepost.net.listeners import parse_endpoint

FILE_NAME = "gateway.toml"
CORE_FILE_NAME = "core.toml"
I2P_FOLDER = "i2p"
LINK_KEYS = "eepost-link.dat"
_MAKE = "eepost gateway init --data DIR --host NAME --official DOMAIN --internal DOMAIN makes one"
_PAIR = "eepost gateway pair FILE takes the core's invitation"


@dataclass(frozen=True, slots=True)
class GatewayOffice:
    """A gateway's directory and its checked settings."""

    directory: Path
    settings: GatewaySettings

    @property
    def config_file(self) -> Path:
        """Where the settings stand."""
        return self.directory / FILE_NAME

    @property
    def core_file(self) -> Path:
        """Where it stands what is known of the core."""
        return self.directory / CORE_FILE_NAME

    def core(self) -> Invitation:
        """Return what is known of the core. Raises ConfigError where it was not paired."""
        if not self.core_file.exists():
            raise ConfigError(self.core_file, "", "this gateway is not paired with a core", _PAIR)
        return read_invitation(self.core_file)

    def core_way(self) -> LocalPort | Socks5:
        """Return the way to the core. Raises ConfigError."""
        core = self.core()
        return parse_way(self.settings.link.core, core.address, core.port, random_octets)

    def link_keys(self) -> Keys:
        """Return the keys of this gateway's destination in I2P. Raises ConfigError."""
        file = self.directory / I2P_FOLDER / LINK_KEYS
        try:
            return read_keys(file)
        except FileNotFoundError:
            raise ConfigError(file, "", "there is no such file", "restore it") from None
        except KeysUnusable as reason:
            raise ConfigError(file, "", str(reason), f"chmod 600 {file}, or restore it") from None


def open_gateway(directory: Path) -> GatewayOffice:
    """Return the gateway in `directory`. Raises ConfigError or PrivacyError."""
    file = directory / FILE_NAME
    settings = read_typed(file, GatewaySettings, _MAKE)
    for check in _CHECKS:
        check(file, settings)
    return GatewayOffice(directory, settings)


def create_gateway(directory: Path, given: dict[str, dict[str, Any]]) -> GatewayOffice:
    """Make a gateway: configuration and keys. Raises ConfigError, OSError.

    Nothing that exists is overwritten.
    """
    file = directory / FILE_NAME
    if file.exists():
        raise ConfigError(file, "", "there is a gateway already", "choose another --data")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private_folder(directory / I2P_FOLDER)
    write_private(file, commented_toml(given, GatewaySettings, "gateway").encode("utf-8"))
    try:
        office = open_gateway(directory)
    except ConfigError:
        file.unlink()
        raise
    make_signing_keys(directory)
    keys = directory / I2P_FOLDER / LINK_KEYS
    if not keys.exists():
        write_keys(keys, make_keys(random_octets))
    return office


def accept_invitation(office: GatewayOffice, invitation_file: Path) -> Invitation:
    """Pair with the core that wrote `invitation_file`. Raises ConfigError."""
    invitation = read_invitation(invitation_file)
    own = office.link_keys().destination_hash
    if invitation.pairing().own.destination != own:
        raise ConfigError(
            invitation_file,
            "gateway",
            "is meant for a gateway with another address",
            "eepost gateway check shows this one's",
        )
    office.core_file.unlink(missing_ok=True)
    write_private(office.core_file, invitation_file.read_bytes())
    return invitation


def _check_names(file: Path, settings: GatewaySettings) -> None:
    names = settings.gateway
    check_domain(file, "gateway.host", names.host)
    check_domain(file, "gateway.internal_domain", names.internal_domain)
    if not names.official_domains:
        raise ConfigError(file, "gateway.official_domains", "names no domain")
    for domain in names.official_domains:
        check_domain(file, "gateway.official_domains", domain)
    if names.internal_domain in names.official_domains:
        raise ConfigError(file, "gateway.internal_domain", "is an official domain as well")


def _check_ways(file: Path, settings: GatewaySettings) -> None:
    check_loopback(file, "link.listen", settings.link.listen)
    try:
        parse_way(settings.link.core, "core.i2p", 1, bytes)
    except ValueError as reason:
        raise ConfigError(file, "link.core", str(reason)) from None
    named = [("dns.resolver", settings.dns.resolver)]
    named += [("mx.listen", each) for each in settings.mx.listen]
    for key, text in named:
        try:
            parse_endpoint(text)
        except ValueError as reason:
            raise ConfigError(file, key, f"{text!r} {reason}") from None


_CHECKS: tuple[Callable[[Path, GatewaySettings], None], ...] = (_check_names, _check_ways)
