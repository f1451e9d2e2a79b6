# SPDX-License-Identifier: Apache-2.0
"""Postfix and Dovecot as private instances: own folders, own ports on loopback, no way out.

They run as Debian installs them, with what a full submission service needs; `settings/` holds
their files. Nothing of the machine's own mail service is touched.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.dialogues import Delivery, Login, Submission
from bench.load import Address, Dialogue
from bench.offices import DOMAIN, HOST, Unfit, fill, free_port, spawn, tool, wait_for
from bench.processes import end, sweep, tree

_SETTINGS = Path(__file__).parent / "settings"
_MAIL_UID = 5000  # owns the maildrops; needs no entry in passwd
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Variant:
    """How Dovecot keeps and serves mail."""

    mail_location: str
    tuning: str  # a file of settings/, or nothing


MAILDIR = Variant("maildir:~/Maildir", "")
SDBOX_TUNED = Variant("sdbox:~/sdbox", "dovecot-tuned.conf")


class Dovecot:
    """Dovecot alone: POP3, and LMTP to fill the maildrops."""

    def __init__(self, folder: Path, logins: Sequence[Login], variant: Variant) -> None:
        self.logins = logins
        self.roots: tuple[int, ...] = ()
        self.pop3: Address = (HOST, free_port())
        self.lmtp: Address = (HOST, free_port())
        self.smtp: Address = self.lmtp  # letters come in here, see `sending`
        self._folder = folder
        self._settings = folder / "dovecot.conf"
        self._write(variant)

    def _write(self, variant: Variant) -> None:
        for name in ("mail", "sockets"):
            (self._folder / name).mkdir(parents=True)
        os.chown(self._folder / "mail", _MAIL_UID, _MAIL_UID)
        values: dict[str, object] = {
            "DIR": self._folder,
            "DOMAIN_AT": f"@{DOMAIN}",
            "MAIL_UID": _MAIL_UID,
            "MAIL_LOCATION": variant.mail_location,
            "POP3_PORT": self.pop3[1],
            "LMTP_PORT": self.lmtp[1],
            "CORES": os.cpu_count(),
        }
        tuning = fill(_SETTINGS / variant.tuning, values) if variant.tuning else ""
        settings = fill(_SETTINGS / "dovecot.conf", values | {"TUNING": tuning})
        self._settings.write_text(settings)
        users = self._folder / "users"
        users.write_text("".join(map(self._user_line, self.logins)))

    def _user_line(self, login: Login) -> str:
        # A salted digest costs next to nothing to check, which is to Dovecot's favour.
        salt = b"eepost-bench"
        digest = base64.b64encode(hashlib.sha512(login.password + salt).digest() + salt).decode()
        user = login.user.decode()
        home = self._folder / "mail" / user
        return f"{user}:{{SSHA512}}{digest}:{_MAIL_UID}:{_MAIL_UID}::{home}\n"

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start Dovecot and wait until it greets. Raises Unfit."""
        command = (*prefix, tool("dovecot"), "-F", "-c", str(self._settings))
        self._dovecot = spawn(command, self._folder)
        self.roots = (self._dovecot.pid,)
        wait_for(self.pop3, self._dovecot)

    def stop(self) -> None:
        """End Dovecot."""
        if self.roots:
            end(self._dovecot, _STOP_SECONDS)
        self.roots = ()

    def sending(self, sender: Login, recipient: bytes, letter: bytes) -> Dialogue:
        """Return the dialogue that brings a letter in: LMTP, as there is no submission."""
        return Delivery(sender, recipient, letter)

    def is_settled(self) -> bool:
        """Say yes: LMTP answers when the message lies in the maildrop."""
        return True


class PostfixDovecot(Dovecot):
    """Postfix takes submissions (Dovecot checks the passwords) and delivers to Dovecot by LMTP."""

    def __init__(self, folder: Path, logins: Sequence[Login]) -> None:
        super().__init__(folder, logins, MAILDIR)
        self.smtp = (HOST, free_port())
        self._postfix_folder = folder / "postfix"
        self._write_postfix()

    def _write_postfix(self) -> None:
        for name in ("postfix", "postfix-state", "queue"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "postfix-state", "postfix")
        values: dict[str, object] = {
            "DIR": self._folder,
            "DOMAIN": DOMAIN,
            "SMTP_PORT": self.smtp[1],
        }
        for name in ("main.cf", "master.cf", "header_checks"):
            (self._postfix_folder / name).write_text(fill(_SETTINGS / name, values))
        users = [login.user.decode() for login in self.logins]
        for name in ("senders", "mailboxes"):
            table = self._postfix_folder / name
            table.write_text("".join(f"{user} {user}\n" for user in users))
            self._postfix("postmap", f"hash:{table}")

    def _postfix(self, command: str, argument: str) -> None:
        line = (tool(command), "-c", str(self._postfix_folder), argument)
        done = subprocess.run(line, capture_output=True, check=False)
        if done.returncode:
            raise Unfit(f"{' '.join(line)}: {done.stderr.decode(errors='replace').strip()}")

    def start(self, prefix: Sequence[str] = ()) -> None:
        """Start Dovecot, then Postfix, and wait until both greet. Raises Unfit."""
        self._postfix("postfix", "check")  # makes the queue's folders
        super().start(prefix)
        command = (*prefix, tool("postfix"), "-c", str(self._postfix_folder), "start-fg")
        self._master = spawn(command, self._folder)
        self.roots = (*self.roots, self._master.pid)
        wait_for(self.smtp, self._master)

    def stop(self) -> None:
        """End Postfix, then Dovecot."""
        if len(self.roots) > 1:
            pids = tree([self._master.pid])
            with contextlib.suppress(Unfit):  # it ended by itself
                self._postfix("postfix", "stop")
            sweep(self._master, pids, _STOP_SECONDS)
        super().stop()

    def sending(self, sender: Login, recipient: bytes, letter: bytes) -> Dialogue:
        """Return the dialogue that brings a letter in."""
        return Submission(sender, recipient, letter)

    def is_settled(self) -> bool:
        """Tell whether the queue is empty: LMTP has delivered everything."""
        return not any(
            entry.is_file()
            for name in ("maildrop", "incoming", "active", "deferred")
            for entry in (self._folder / "queue" / name).rglob("*")
        )


def why_unfit() -> str | None:
    """Say why the peers cannot run here, None when they can."""
    if os.geteuid() != 0:
        return "Postfix and Dovecot start as root only; run `make bench` as root"
    try:
        for name in ("postfix", "postmap", "dovecot"):
            tool(name)
    except Unfit as reason:
        return str(reason)
    return None
