# SPDX-License-Identifier: Apache-2.0
"""A letterbox on disk: its directory, its checked settings, its identities.

letterbox.toml                    what all identities share
identities/NAME/identity.toml     one identity
identities/NAME/letters/          its letters, sealed
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eepost.app.config import (
    ConfigError,
    PrivacyError,
    check_domain,
    check_loopback,
    read_typed,
)
from eepost.app.config_text import commented_toml
from eepost.app.letterbox_settings import IdentitySettings, LetterboxSettings
from eepost.app.way import parse_way
from eepost.net.connect import LocalPort, Socks5
from eepost.net.i2p.keys import write_private

FILE_NAME: Final = "letterbox.toml"
FOLDER: Final = "identities"
IDENTITY_FILE_NAME: Final = "identity.toml"
_MAKE = "eepost letterbox init --help says how to make one"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class OneIdentity:
    """An identity's folder and its checked settings."""

    name: str
    directory: Path
    settings: IdentitySettings

    @property
    def file(self) -> Path:
        """Where its settings stand."""
        return self.directory / IDENTITY_FILE_NAME

    @property
    def letters(self) -> Path:
        """Where its letters lie."""
        return self.directory / "letters"


@dataclass(frozen=True, slots=True)
class LetterboxHome:
    """A letterbox's directory, its checked settings and its identities, by name."""

    directory: Path
    settings: LetterboxSettings
    identities: Mapping[str, OneIdentity]


def open_letterbox(directory: Path) -> LetterboxHome:
    """Return the letterbox in `directory`. Raises ConfigError or PrivacyError."""
    settings = read_typed(directory / FILE_NAME, LetterboxSettings, _MAKE)
    if settings.pages.listen:
        check_loopback(directory / FILE_NAME, "pages.listen", settings.pages.listen)
    folders = sorted(file.parent for file in (directory / FOLDER).glob(f"*/{IDENTITY_FILE_NAME}"))
    identities = {folder.name: _read_identity(folder) for folder in folders}
    if not identities:
        raise ConfigError(directory / FOLDER, "", "there is no identity", _MAKE)
    _check_apart(list(identities.values()), settings.pages.listen)
    return LetterboxHome(directory, settings, identities)


def add_identity(
    directory: Path,
    name: str,
    given: dict[str, dict[str, Any]],
    shared_settings: dict[str, dict[str, Any]] | None = None,
) -> OneIdentity:
    """Make an identity, and the letterbox where there is none. Raises ConfigError, OSError.

    Nothing that exists is overwritten.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            directory, "", f"{name!r} is no name for an identity", "use a-z, 0-9 and hyphens"
        )
    folder = directory / FOLDER / name
    file = folder / IDENTITY_FILE_NAME
    if file.exists():
        raise ConfigError(file, "", "there is an identity of this name already")
    for each in (directory, folder.parent, folder):  # names of identities are their user's alone
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared = directory / FILE_NAME
    if not shared.exists():
        write_private(
            shared,
            commented_toml(shared_settings or {}, LetterboxSettings, "letterbox").encode("utf-8"),
        )
    write_private(file, commented_toml(given, IdentitySettings, "identity").encode("utf-8"))
    try:
        return open_letterbox(directory).identities[name]
    except ConfigError:
        file.unlink()
        raise


def way(text: str, random_octets: Any) -> LocalPort | Socks5:
    """Return the way to a service. Raises ValueError with a reason to show."""
    kind, _, rest = text.partition(" ")
    if kind != "socks5":
        return parse_way(text, "", 0, random_octets)
    proxy, _, name = rest.partition(" ")
    host, colon, port = name.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ValueError("is not `socks5 HOST:PORT NAME:PORT`")
    return parse_way(f"socks5 {proxy}", host, int(port[:6]), random_octets)


def _read_identity(folder: Path) -> OneIdentity:
    file = folder / IDENTITY_FILE_NAME
    settings = read_typed(file, IdentitySettings, _MAKE)
    if not settings.account.domains:
        raise ConfigError(file, "account.domains", "names no domain")
    for domain in settings.account.domains:
        check_domain(file, "account.domains", domain)
    check_loopback(file, "listen.smtp", settings.listen.smtp)
    check_loopback(file, "listen.pop3", settings.listen.pop3)
    for key, text in _ways(settings).items():
        try:
            way(text, bytes)
        except ValueError as reason:
            raise ConfigError(file, key, f"{text!r} {reason}") from None
    return OneIdentity(folder.name, folder, settings)


def _ways(settings: IdentitySettings) -> dict[str, str]:
    return {"service.smtp": settings.service.smtp, "service.pop3": settings.service.pop3}


def _check_apart(identities: list[OneIdentity], pages: str) -> None:
    """Refuse identities that a service, or a mail program, could take for one another."""
    listens: set[str] = {pages}
    tunnels: dict[str, OneIdentity] = {}
    for each in identities:
        listen = each.settings.listen
        for key, text in (("listen.smtp", listen.smtp), ("listen.pop3", listen.pop3)):
            if text in listens and not text.endswith(":0"):
                raise ConfigError(each.file, key, f"{text} is used twice", "choose another port")
            listens.add(text)
    for each in identities:
        for key, text in _ways(each.settings).items():
            if text.removeprefix("port ") in listens:
                raise ConfigError(
                    each.file,
                    key,
                    f"{text!r} leads back to this letterbox",
                    "if your router has its tunnel there, let the letterbox listen elsewhere:"
                    " --listen-smtp 127.0.0.1:7759 --listen-pop3 127.0.0.1:7760",
                )
            other = tunnels.setdefault(" ".join(text.split(" ")[:2]), each)
            if other is not each and not _may_share(each, other):
                raise PrivacyError(
                    each.file,
                    key,
                    f"identity {other.name!r} uses the same tunnel, so both come from one"
                    " destination and can be known to be one person",
                    "give it a tunnel with keys of its own, or set service.shares_destination",
                )


def _may_share(one: OneIdentity, other: OneIdentity) -> bool:
    return any(each.settings.service.shares_destination for each in (one, other))
