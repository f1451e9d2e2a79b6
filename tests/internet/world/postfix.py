# SPDX-License-Identifier: Apache-2.0
"""One Postfix that plays many hosts: a listener each, with a name, address and TLS of its own."""

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.internet.world.maildir import MAIL_UID, Maildir
from tests.internet.world.place import Daemon, program, with_resolver
from tests.internet.world.rules import PORT, rules


@dataclass(frozen=True)
class Listener:
    """A host. `tls`: none, may or encrypt; `options` are Postfix's own."""

    name: str
    address: str
    tls: str = "none"
    chain: Path | None = None
    options: tuple[str, ...] = ()

    def line(self) -> str:
        """Return its line of master.cf."""
        options = [f"myhostname={self.name}", f"smtpd_tls_security_level={self.tls}", *self.options]
        if self.chain is not None:
            options.append(f"smtpd_tls_chain_files={self.chain}")
        words = "".join(f" -o {option}" for option in options)
        return f"{self.address}:25 inet n - n - - smtpd{words}\n"


class Postfix:
    """Takes mail for `domains` into Maildir; what `refuse` says is refused at RCPT."""

    def __init__(self, folder: Path, listeners: list[Listener], domains: list[str]) -> None:
        self.mail = Maildir(folder / "mail")
        self._folder = folder
        self._config = folder / "config"
        self._listeners = listeners
        self._domains = domains
        self._master: Daemon | None = None
        self._replies: dict[str, str] = {}
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """Write its files, start it, wait until all hosts greet."""
        for name in ("config", "state", "queue"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "state", "postfix")
        (self._config / "main.cf").write_text(self._main())
        lines = "".join(listener.line() for listener in self._listeners)
        (self._config / "master.cf").write_text(lines + _SERVICES)
        self._stack.enter_context(rules(self._reply_to))
        self._run("postfix", "check")
        postfix = program("postfix")
        assert postfix
        command = (*with_resolver(self._folder), postfix, "-c", str(self._config), "start-fg")
        self._master = Daemon(command, self._folder)
        for listener in self._listeners:
            self._master.wait_for(listener.address, 25)

    def stop(self) -> None:
        """End it and all of its processes."""
        if self._master is not None:
            with contextlib.suppress(AssertionError):
                self._run("postfix", "stop")
            self._master.end()
        self._stack.close()

    def refuse(self, replies: dict[str, str]) -> None:
        """Answer RCPT for a `user@domain` or `user@` with a reply of the caller's from now on."""
        self._replies = replies

    def _reply_to(self, recipient: str) -> str:
        user = recipient.partition("@")[0] + "@"
        return self._replies.get(recipient) or self._replies.get(user) or "DUNNO"

    def log(self) -> str:
        """Return its log."""
        file = self._folder / "maillog"
        return file.read_text(errors="replace") if file.exists() else ""

    def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Let it send a message of its own to the Internet."""
        sendmail = program("sendmail")
        assert sendmail
        command = [sendmail, "-C", str(self._config), "-f", sender, "-i", recipient]
        subprocess.run(command, input=message.replace(b"\r\n", b"\n"), check=True, timeout=30)

    def _run(self, name: str, *arguments: str) -> None:
        command = [program(name) or name, "-c", str(self._config), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, (command, done.stderr.decode(errors="replace"))

    def _main(self) -> str:
        return f"""\
compatibility_level = 3.6
config_directory = {self._config}
queue_directory = {self._folder}/queue
data_directory = {self._folder}/state
syslog_name = internet
maillog_file = {self._folder}/maillog
maillog_file_prefixes = /tmp, /var
myhostname = {self._listeners[0].name}
mydestination =
inet_interfaces = 127.0.0.1 {" ".join(each.address for each in self._listeners)}
inet_protocols = ipv4
smtp_bind_address = {self._listeners[0].address}
smtp_tls_security_level = may
smtp_tls_loglevel = 1
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:nothing is local here
smtputf8_enable = yes
append_dot_mydomain = no
biff = no
smtpd_peername_lookup = no
smtpd_tls_loglevel = 1
smtpd_client_connection_count_limit = 0
default_process_limit = 100
in_flow_delay = 0
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{PORT}
virtual_mailbox_domains = {" ".join(self._domains)}
virtual_mailbox_base = {self.mail.root}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{MAIL_UID}
virtual_gid_maps = static:{MAIL_UID}
virtual_minimum_uid = 100
"""


_SERVICES = """\
pickup    unix  n - n 60  1 pickup
cleanup   unix  n - n -   0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -   - trivial-rewrite
bounce    unix  - - n -   0 bounce
defer     unix  - - n -   0 bounce
trace     unix  - - n -   0 bounce
verify    unix  - - n -   1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -   - proxymap
proxywrite unix - - n -   1 proxymap
smtp      unix  - - n -   - smtp
showq     unix  n - n -   - showq
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
virtual   unix  - n n -   - virtual
anvil     unix  - - n -   1 anvil
scache    unix  - - n -   1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""
