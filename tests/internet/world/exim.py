# SPDX-License-Identifier: Apache-2.0
"""An Exim: other code than Postfix's, at a host of its own."""

import os
import subprocess
from pathlib import Path

from tests.internet.world.maildir import MAIL_UID, Maildir
from tests.internet.world.place import Daemon, with_resolver

PROGRAM = Path(".venv/unpacked/exim4-daemon-light/usr/sbin/exim4")


class Exim:
    """Takes mail for `domain` into Maildir."""

    def __init__(self, folder: Path, name: str, address: str, domain: str, chain: Path) -> None:
        self.mail = Maildir(folder / "mail")
        self._folder = folder
        self._config = folder / "exim.conf"
        self._name, self._address, self._domain = name, address, domain
        self._chain = chain
        self._daemon: Daemon | None = None

    def start(self) -> None:
        """Start it and wait until it greets."""
        for name in ("spool", "log.d"):
            (self._folder / name).mkdir()
            os.chown(self._folder / name, MAIL_UID, MAIL_UID)
        self._config.write_text(self._text())
        command = (*self._command(), "-bdf", "-q1m")
        self._daemon = Daemon(command, self._folder)
        self._daemon.wait_for(self._address, 25)

    def stop(self) -> None:
        """End it."""
        if self._daemon is not None:
            self._daemon.end()

    def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Let it send a message of its own to the Internet."""
        command = (*self._command(), "-f", sender, "-i", recipient)
        subprocess.run(command, input=message.replace(b"\r\n", b"\n"), check=True, timeout=30)

    def _command(self) -> tuple[str, ...]:
        prefix = with_resolver(
            self._folder,
            users=f"Debian-exim:x:{MAIL_UID}:{MAIL_UID}::/nowhere:/bin/false\n",
            groups=f"Debian-exim:x:{MAIL_UID}:\n",
        )
        return (*prefix, str(PROGRAM.absolute()), "-C", str(self._config))

    def log(self) -> str:
        """Return its log."""
        files = sorted((self._folder / "log.d").glob("*"))
        return "".join(file.read_text(errors="replace") for file in files)

    def _text(self) -> str:
        return f"""\
exim_path = {PROGRAM.absolute()}
exim_user = {MAIL_UID}
exim_group = {MAIL_UID}
never_users =
primary_hostname = {self._name}
spool_directory = {self._folder}/spool
log_file_path = {self._folder}/log.d/%s
pid_file_path = {self._folder}/exim.pid
local_interfaces = {self._address}
daemon_smtp_ports = 25
tls_advertise_hosts = *
tls_certificate = {self._chain}
tls_privatekey = {self._chain}
smtputf8_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
domainlist local_domains = {self._domain}
acl_smtp_rcpt = check
keep_environment =
begin acl
check:
  accept hosts = :
  deny local_parts = refused
       message = 5.1.1 nobody of that name
  accept domains = +local_domains
  deny message = no relay
begin routers
remote:
  driver = dnslookup
  domains = ! +local_domains
  transport = smtp
  no_more
local:
  driver = accept
  transport = maildir
begin transports
smtp:
  driver = smtp
  interface = {self._address}
maildir:
  driver = appendfile
  directory = {self.mail.root}/all
  headers_add = Delivered-To: $local_part@$domain
  maildir_format
  create_directory
  user = {MAIL_UID}
  group = {MAIL_UID}
  delivery_date_add
  return_path_add
begin retry
* * F,1h,1m
begin rewrite
begin authenticators
"""
