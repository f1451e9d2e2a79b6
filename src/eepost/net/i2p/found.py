# SPDX-License-Identifier: Apache-2.0
"""Finds the I2P router of this machine: which one, whether it runs, where its folders are.

It looks only at files: /proc, the folders where routers are installed, and their configuration.
All paths are taken below `root`, so that a tree made up for the purpose does as well.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from eepost.net.listeners import Endpoint, parse_endpoint

# An i2pd.conf is a few pages; a wrong path may lead to anything.
MAX_CONFIG_OCTETS = 262_144
BINARY_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin")
I2PD_SYSTEM_FOLDER = "var/lib/i2pd"
I2PD_CERTIFICATES = ("usr/share/i2pd/certificates", "var/lib/i2pd/certificates")
JAVA_SYSTEM_FOLDER = "var/lib/i2p/i2p-config"
JAVA_MAIN_CLASSES = ("net.i2p.router.RouterLaunch", "net.i2p.router.Router")


class Kind(Enum):
    """Which program a router is."""

    I2PD = "i2pd"
    JAVA = "java"


@dataclass(frozen=True, slots=True)
class Found:
    """A router on this machine."""

    kind: Kind
    folder: Path  # where keys files belong
    tunnels_folder: Path  # where a file with tunnels belongs
    pid: int | None  # None: it is installed and does not run
    socks: Endpoint | None  # its SOCKS5 port, under an identity that is not ours


def find_binary(root: Path) -> Path | None:
    """Return the installed i2pd."""
    for folder in BINARY_FOLDERS:
        binary = root / folder / "i2pd"
        if os.access(binary, os.X_OK):
            return binary
    return None


def find_certificates(root: Path) -> Path | None:
    """Return the certificates that reseed servers sign with, as the package brought them."""
    return next((p for name in I2PD_CERTIFICATES if (p := root / name).is_dir()), None)


def find_routers(root: Path, home: Path) -> list[Found]:
    """Return the machine's routers, running ones first."""
    running = [*_running(root, home)]
    folders = {found.folder for found in running}
    installed = [found for found in _installed(root, home) if found.folder not in folders]
    return running + installed


def _running(root: Path, home: Path) -> Iterator[Found]:
    trusted = _trusted_owners(root)
    for pid, words in sorted(_commands(root / "proc", trusted)):
        if words[0].rpartition("/")[2] == "i2pd":
            yield _i2pd(root, home, _options(words[1:]), pid)
        elif any(word in JAVA_MAIN_CLASSES for word in words):
            yield _java(_java_folder(root, home, words), pid)


def _trusted_owners(root: Path) -> set[int]:
    """Return whose processes may be the machine's router: root's, ours, the router's own user's.

    Keys of the post office are written where the router says its folders are. Anybody else's
    process could call itself i2pd, and root would write the keys into that user's folder.
    """
    folders = (root / I2PD_SYSTEM_FOLDER, root / JAVA_SYSTEM_FOLDER)
    return {0, os.geteuid(), *(each.stat().st_uid for each in folders if each.is_dir())}


def _commands(proc: Path, trusted: Collection[int]) -> Iterator[tuple[int, list[str]]]:
    for entry in proc.iterdir() if proc.is_dir() else ():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid not in trusted:
                continue
            octets = (entry / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        words = octets.decode("utf-8", "replace").rstrip("\0").split("\0")
        if words[0]:
            yield int(entry.name), words


def _options(words: list[str]) -> dict[str, str]:
    """Return --name=value, --name value and bare --name as a table."""
    options: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            options[name] = value
        elif name:
            options[name] = word
    return options


def _installed(root: Path, home: Path) -> Iterator[Found]:
    if find_binary(root) is not None:
        is_system = (root / I2PD_SYSTEM_FOLDER).is_dir()
        yield _i2pd(root, home, {"service": ""} if is_system else {}, None)
    for folder in (root / JAVA_SYSTEM_FOLDER, home / ".i2p"):
        if (folder / "i2ptunnel.config.d").is_dir() or (folder / "i2ptunnel.config").is_file():
            yield _java(folder, None)


def _i2pd(root: Path, home: Path, options: Mapping[str, str], pid: int | None) -> Found:
    default = root / I2PD_SYSTEM_FOLDER if "service" in options else home / ".i2pd"
    folder = _under(root, options["datadir"]) if "datadir" in options else default
    file = _under(root, options["conf"]) if "conf" in options else folder / "i2pd.conf"
    settings = {**read_config(file), **options}
    if "datadir" in settings:
        folder = _under(root, settings["datadir"])
    tunnels = settings.get("tunnelsdir")
    return Found(
        Kind.I2PD,
        folder,
        _under(root, tunnels) if tunnels else folder / "tunnels.d",
        pid,
        _socks(settings),
    )


def _socks(settings: Mapping[str, str]) -> Endpoint | None:
    if settings.get("socksproxy.enabled", "true") not in {"true", "1"}:
        return None
    host = settings.get("socksproxy.address", "127.0.0.1")
    try:
        return parse_endpoint(f"{host}:{settings.get('socksproxy.port', '4447')}")
    except ValueError:
        return None


def _java(folder: Path, pid: int | None) -> Found:
    return Found(Kind.JAVA, folder, folder / "i2ptunnel.config.d", pid, None)


def _java_folder(root: Path, home: Path, words: list[str]) -> Path:
    for word in words:
        if word.startswith("-Di2p.dir.config="):
            return _under(root, word.partition("=")[2])
    system = root / JAVA_SYSTEM_FOLDER
    return system if system.is_dir() else home / ".i2p"


def _under(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def read_config(file: Path) -> dict[str, str]:
    """Return an i2pd.conf as `section.key` -> value; {} where there is none to read."""
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_CONFIG_OCTETS).decode("utf-8", "replace")
    except OSError:
        return {}
    settings: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        line = line.partition("#")[0].strip()  # noqa: PLW2901 - the comment is gone from here on
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif "=" in line:
            key, _, value = line.partition("=")
            settings[section + key.strip()] = value.strip()
    return settings
