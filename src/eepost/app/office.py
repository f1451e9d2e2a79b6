# SPDX-License-Identifier: Apache-2.0
"""The data directory of a post office: what lies in it, how it is made, how its key is read."""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Any

from eepost.app.config import FILE_NAME, ConfigError, read_settings
from eepost.app.config_text import commented_toml
from eepost.app.settings import Settings
from eepost.net.clock import random_octets
from eepost.seal.startkey import StartKey, StartKeyDamaged
from eepost.store.quarantine import FOLDER as QUARANTINE_FOLDER
from eepost.store.quarantine import Quarantine
from eepost.store.sqlite.store import SqliteStore

# A start key is one short line; a wrong file may be anything.
MAX_KEY_OCTETS = 4_096
KEY_FILE_NAME = "start.key"
LOCK_FILE_NAME = "serve.lock"


@dataclass(frozen=True, slots=True)
class Office:
    """A post office on disk: its directory and its checked settings."""

    directory: Path
    settings: Settings

    @property
    def config_file(self) -> Path:
        """Where the settings stand."""
        return self.directory / FILE_NAME

    @property
    def keeps_key_beside_data(self) -> bool:
        """The start key lies in the data directory, so a seized disk opens itself."""
        chosen = self.settings.start_key
        path = (self.directory / chosen.name).resolve()
        return chosen.source == "file" and path.is_relative_to(self.directory.resolve())

    def start_key(self) -> StartKey:
        """Read the start key from where the settings say. Raises ConfigError."""
        try:
            return StartKey.from_text(self._key_text())
        except StartKeyDamaged as error:
            raise ConfigError(self.config_file, "start_key", str(error)) from None

    def _key_text(self) -> str:
        chosen = self.settings.start_key
        if chosen.source == "stdin":
            if sys.stdin.isatty():  # typed or pasted: not for whoever looks at the screen
                return getpass("Start key: ")
            return sys.stdin.readline(MAX_KEY_OCTETS)
        if chosen.source == "credential":
            folder = os.environ.get("CREDENTIALS_DIRECTORY")
            if not folder:
                raise ConfigError(
                    self.config_file,
                    "start_key.source",
                    "is `credential`, but systemd gave none",
                    f"put LoadCredential={chosen.name}:/path/to/key into the unit",
                )
            # Its mode says nothing: systemd lets User= in by an access list, and its mask shows.
            return self._read_key(Path(folder) / chosen.name, forbidden_mode=0)
        return self._read_key(self.directory / chosen.name, forbidden_mode=0o077)

    def _read_key(self, path: Path, forbidden_mode: int) -> str:
        try:
            if stat.S_IMODE(path.stat().st_mode) & forbidden_mode:
                raise ConfigError(
                    self.config_file,
                    "start_key.name",
                    f"{path} can be read by others",
                    f"chmod 600 {path}",
                )
            with path.open("r", encoding="ascii", errors="replace") as stream:
                return stream.readline(MAX_KEY_OCTETS)
        except OSError as error:
            raise ConfigError(
                self.config_file,
                "start_key.name",
                f"{path}: {error.strerror}",
                "bring the start key back to where it is kept, or change start_key.source",
            ) from None

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Be the one program that serves from this directory. Raises ConfigError.

        A second one would clean up, as the remains of a crash, what the first is storing right
        now of a large message that it then answers with 250. The kernel lets go of the lock when
        the program ends, however it ends.
        """
        handle = os.open(self.directory / LOCK_FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    self.directory,
                    "",
                    "another eepost serves from this directory already",
                    "stop that one first; accounts can be changed while it runs",
                ) from None
            yield
        finally:
            os.close(handle)

    def quarantine(self, key: StartKey) -> Quarantine:
        """Return where infected mail is kept that nobody could be told of any more."""
        return Quarantine(
            self.directory / QUARANTINE_FOLDER,
            lambda octets, name: key.seal("quarantine", random_octets, octets, name),
            lambda octets, name: key.open("quarantine", octets, name),
            random_octets,
        )

    def open_store(self, key: StartKey) -> SqliteStore:
        """Open the store, migrating it if needed."""
        return SqliteStore.open(
            self.directory,
            key,
            randomness=random_octets,
            default_limit_octets=self.settings.mail.maildrop_octets,
        )


def open_office(directory: Path) -> Office:
    """Return the post office in `directory`. Raises ConfigError."""
    return Office(directory, read_settings(directory / FILE_NAME))


def create_office(directory: Path, given: dict[str, dict[str, Any]]) -> Office:
    """Make a post office: configuration, start key, empty store. Raises ConfigError.

    Nothing that exists is overwritten; what this call made is removed again if it fails.
    """
    file = directory / FILE_NAME
    if file.exists():
        raise ConfigError(file, "", "there is a post office already", "choose another --data")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: list[Path] = []
    try:
        _write_private(file, commented_toml(given), made)
        office = open_office(directory)
        key = StartKey.generate(random_octets)
        _write_private(directory / KEY_FILE_NAME, key.to_text() + "\n", made)
        SqliteStore.create(directory, key, randomness=random_octets)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return office


def _write_private(path: Path, text: str, made: list[Path]) -> None:
    """Write a file that only its owner can read, durable on return."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    made.append(path)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
