# SPDX-License-Identifier: Apache-2.0
"""Reads eepost.toml into typed settings and refuses what is wrong or would leak.

Every error names the file, the key, the reason and a hint; unknown keys are errors, because a
misspelt safety setting that is silently ignored is worse than a refusal to start.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from eepost.app.settings import Irc, Settings
from eepost.app.way import parse_way as parse_peer_way
from eepost.net.connect import LocalPort, Socks5
from eepost.net.instream import parse_way
from eepost.net.listeners import Endpoint, parse_endpoint

FILE_NAME = "eepost.toml"
# A configuration is a page or two; a wrong path may lead to anything.
MAX_FILE_OCTETS = 1_000_000

S = TypeVar("S", bound=msgspec.Struct)

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_NICK = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,29}")
_SERVICES_ACCOUNT = re.compile(r"[!-9;-~][!-~]{0,62}")
_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


class ConfigError(Exception):
    """The configuration can't be used: which file and key, why, and what to do about it."""

    def __init__(self, file: Path, key: str, reason: str, hint: str = "") -> None:
        where = f"{file}: {key}: " if key else f"{file}: "
        super().__init__(where + reason + (f"\n  hint: {hint}" if hint else ""))
        self.file = file
        self.key = key
        self.reason = reason
        self.hint = hint


class PrivacyError(ConfigError):
    """The configuration would break a promise to the users; the program refuses to start."""


def read_settings(file: Path) -> Settings:
    """Return the checked settings in `file`. Raises ConfigError or PrivacyError."""
    settings = read_typed(file, Settings, "eepost init --data DIR --domain DOMAIN makes one")
    for check in _CHECKS:
        check(file, settings)
    return settings


def read_typed(file: Path, kind: type[S], hint: str) -> S:
    """Return what a TOML file says, as `kind`. Raises ConfigError; `hint`: how to make the file."""
    raw = _parse(file, hint)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _explained(file, raw, kind, str(error)) from None


def _parse(file: Path, hint: str) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            octets = stream.read(MAX_FILE_OCTETS + 1)
    except FileNotFoundError:
        raise ConfigError(file, "", "there is no such file", hint) from None
    except OSError as error:
        raise ConfigError(file, "", error.strerror or "can't be read") from None
    if len(octets) > MAX_FILE_OCTETS:
        raise ConfigError(file, "", "is too large for a configuration", "is it the right file?")
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(file, "", "is not UTF-8 text", "TOML files are UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "", f"is not TOML: {error}", "see https://toml.io/en/") from None


def _explained(file: Path, raw: dict[str, Any], kind: Any, message: str) -> ConfigError:
    at = _AT.search(message)
    path = at[1] if at else ""
    unknown = _UNKNOWN.match(message)
    if unknown:
        key = f"{path}.{unknown[1]}".lstrip(".")
        near = difflib.get_close_matches(unknown[1], sorted(_known_keys(kind, path)), n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/settings.md lists all settings"
        return ConfigError(file, key, "is not a setting", hint)
    missing = re.match(r"Object missing required field `([^`]*)`", message)
    if missing:
        key = f"{path}.{missing[1]}".lstrip(".")
        return ConfigError(file, key, "is missing", "docs/settings.md says what it means")
    reason = _AT.sub("", message)
    return ConfigError(file, path, reason[:1].lower() + reason[1:], _given(raw, path))


def _given(raw: dict[str, Any], path: str) -> str:
    value: Any = raw
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return f"it is {value!r} now"[:200] if value is not None else ""


def _known_keys(kind: Any, path: str) -> Iterator[str]:
    struct = get_type_hints(kind).get(path, kind) if path else kind
    yield from struct.__struct_fields__


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """Return where the listeners listen, by the key of the setting."""
    return {key: parse_endpoint(text) for key, text in _listeners(settings)}


def _listeners(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "smtp.listen", settings.smtp.listen
    yield "pop3.listen", settings.pop3.listen
    yield "gateways.listen", settings.gateways.listen
    if settings.portal.listen:
        yield "portal.listen", settings.portal.listen


def all_domains(settings: Settings) -> tuple[str, ...]:
    """Return the internal domain and every official one."""
    return (settings.mail.domain, *settings.mail.official_domains)


def message_id_domain(settings: Settings) -> str:
    """Return the right side of Message-IDs."""
    return settings.mail.message_id_domain or settings.mail.domain


def check_loopback(file: Path, key: str, text: str) -> None:
    """Refuse what is not a loopback HOST:PORT. Raises ConfigError or PrivacyError."""
    try:
        endpoint = parse_endpoint(text)
    except ValueError as error:
        raise ConfigError(file, key, f"{text!r} {error}") from None
    if not endpoint.is_loopback:
        raise PrivacyError(
            file,
            key,
            f"{text} is not a loopback address: anybody on that network could find the service"
            " and read passwords",
            "listen on 127.0.0.1 and let the I2P router's server tunnel lead there",
        )


def check_domain(file: Path, key: str, domain: str) -> None:
    """Refuse what is not a domain as it stands in the DNS. Raises ConfigError."""
    if not _DOMAIN.fullmatch(domain):
        raise ConfigError(
            file,
            key,
            f"{domain!r} is not a domain in lower case",
            "for example mail.i2p; write international names in their xn-- form",
        )


def _check_listeners(file: Path, settings: Settings) -> None:
    for key, text in _listeners(settings):
        check_loopback(file, key, text)
    taken: dict[Endpoint, str] = {}
    for key, endpoint in endpoints(settings).items():
        if endpoint.port and endpoint in taken:
            reason = f"is the same as {taken[endpoint]}"
            raise ConfigError(file, key, reason, "take another port")
        taken[endpoint] = key


def _check_domains(file: Path, settings: Settings) -> None:
    named = {
        "mail.domain": (settings.mail.domain,),
        "mail.official_domains": settings.mail.official_domains,
        "mail.message_id_domain": (message_id_domain(settings),),
    }
    for key, domains in named.items():
        for domain in domains:
            check_domain(file, key, domain)
    if len(set(all_domains(settings))) < len(all_domains(settings)):
        raise ConfigError(file, "mail.official_domains", "names a domain twice")


def _check_sizes(file: Path, settings: Settings) -> None:
    # Rebuilding makes mail grow; a maildrop that can't take one largest message refuses for ever.
    if settings.mail.maildrop_octets < settings.smtp.message_octets * 3 // 2:
        raise ConfigError(
            file,
            "mail.maildrop_octets",
            "is too small for one message of smtp.message_octets",
            "it needs half as much again, since sanitising makes mail grow",
        )
    if settings.mail.in_transit_octets < settings.smtp.message_octets:
        raise ConfigError(
            file, "mail.in_transit_octets", "is too small for one message of smtp.message_octets"
        )


def _check_scanner(file: Path, settings: Settings) -> None:
    text = settings.scanner.clamd
    if not text:
        return
    try:
        way = parse_way(text)
    except ValueError as error:
        raise ConfigError(
            file, "scanner.clamd", f"{text!r} {error}", "for example /run/clamav/clamd.ctl"
        ) from None
    if isinstance(way, Endpoint) and not way.is_loopback:
        raise PrivacyError(
            file,
            "scanner.clamd",
            f"{text} is not a loopback address: plain mail would leave this machine",
            "run clamd here and let it listen at a socket file",
        )


def irc_way(
    file: Path, section: Irc, random_octets: Callable[[int], bytes]
) -> LocalPort | Socks5 | None:
    """Return the way to the IRC server, None where there is to be no bot.

    Raises ConfigError or PrivacyError.
    """
    if not section.way:
        return None
    kind, _, place = section.way.partition(" ")
    if kind in {"port", "socks5"}:
        check_loopback(file, "irc.way", place)
    host, _, port = section.server.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if kind == "socks5" and not (host and number):
        raise ConfigError(
            file, "irc.server", f"{section.server!r} is not HOST:PORT", "irc.example.i2p:6667"
        )
    try:
        return parse_peer_way(section.way, host, number, random_octets)
    except ValueError as error:
        raise ConfigError(file, "irc.way", f"{section.way!r} {error}") from None


def _check_irc(file: Path, settings: Settings) -> None:
    section = settings.irc
    irc_way(file, section, bytes)
    if not _NICK.fullmatch(section.nick):
        raise ConfigError(
            file, "irc.nick", f"{section.nick!r} is not a nick", "letters and digits, 30 at most"
        )
    if section.account and not _SERVICES_ACCOUNT.fullmatch(section.account):
        raise ConfigError(file, "irc.account", f"{section.account!r} is not an account")
    if section.login != "none" and not section.password_file:
        raise ConfigError(file, "irc.password_file", "is empty", "irc.login needs a password")


_CHECKS: tuple[Callable[[Path, Settings], None], ...] = (
    _check_domains,
    _check_listeners,
    _check_sizes,
    _check_scanner,
    _check_irc,
)
