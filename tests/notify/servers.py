# SPDX-License-Identifier: Apache-2.0
"""Real IRC servers from Debian on loopback, and services that a few lines stand in for.

Services link as a server does and say who is logged in, as Atheme or Anope would.
"""

import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.internet.gateway import free_port
from tests.notify.conversation import Conversation, Person

START_SECONDS = 20.0
STOP_SECONDS = 20.0
_SECRET = "linked"  # between server and services on loopback


@dataclass
class IrcServer:
    """One server in a directory of its own; a subclass says which."""

    directory: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None
    _services: "Services | None" = None
    _people: list[Person] = field(default_factory=list)
    _watcher: Person | None = None

    def command(self) -> list[str]:
        """Write the configuration and return the command that serves in the foreground."""
        raise NotImplementedError

    def link(self) -> "Services":
        """Return newly linked services."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start it and wait until it takes connections."""
        self.directory.mkdir(exist_ok=True)
        log = (self.directory / "log").open("ab")
        self._process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
        )
        log.close()
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                Conversation(self.port).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise AssertionError((self.directory / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return self

    def clear(self) -> None:
        """Let everybody go, and wait until nobody is there."""
        gone = [each.nick for each in self._people]
        self._hang_up()
        wait_until(lambda: not any(map(self.has, gone)))

    def kill(self) -> None:
        """End it as a crash would."""
        self._hang_up()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def _hang_up(self) -> None:
        for each in (*self._people, *([self._services] if self._services else [])):
            each.close()
        self._services = None
        self._people.clear()

    @property
    def services(self) -> "Services":
        """The network's services, linked when they are first asked for."""
        if self._services is None:
            self._services = self.link()
        return self._services

    def person(self, nick: str, services_account: str = "") -> Person:
        """Return somebody who is there, logged in if an account is named."""
        person = Person(self.port, nick)
        self._people.append(person)
        if services_account:
            self.log_in(person, services_account)
        return person

    def log_in(self, person: Person, services_account: str) -> None:
        """Let services say that somebody is logged in, and wait until the server knows."""
        self.services.log_in(person.nick, services_account)
        wait_until(lambda: self.account_of(person) == services_account)

    def log_out(self, person: Person) -> None:
        """Let services say that somebody is logged out."""
        self.services.log_out(person.nick)
        wait_until(lambda: self.account_of(person) == "")

    def account_of(self, person: Person) -> str:
        """Return whom the server takes somebody for."""
        person.say(f"WHOIS {person.nick}")
        found = person.wait_for(r" 330 \S+ \S+ (\S+) | (318) ")
        if not found[2]:
            person.wait_for(" 318 ")
        return found[1] or ""

    def has(self, nick: str) -> bool:
        """Whether a nick is there."""
        # One for all questions: InspIRCd lets nobody in sooner than after a second.
        if self._watcher is None:
            self._watcher = Person(self.port, "watcher")
        self._watcher.say(f"ISON {nick}")
        found = self._watcher.wait_for(r" 303 \S+ :?(.*)")[1].strip()
        return found.lower() == nick.lower()


class Services(Conversation):
    """Linked services."""

    def log_in(self, nick: str, services_account: str) -> None:
        """Say that somebody is logged in."""
        raise NotImplementedError

    def log_out(self, nick: str) -> None:
        """Say that somebody is logged out."""
        raise NotImplementedError


class Ngircd(IrcServer):
    """ngIRCd: no MONITOR, and no SASL."""

    def command(self) -> list[str]:
        """Write ngircd.conf."""
        config = self.directory / "ngircd.conf"
        config.write_text(
            f"""[Global]
Name = irc.test
Info = test
Listen = 127.0.0.1
Ports = {self.port}
MotdPhrase = hello
[Limits]
ConnectRetry = 60
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
PingTimeout = 120
PongTimeout = 20
[Options]
DNS = no
Ident = no
PAM = no
[Server]
Name = services.test
MyPassword = {_SECRET}
PeerPassword = {_SECRET}
Passive = yes
ServiceMask = *Serv
[Operator]
Name = oper
Password = oper
"""
        )
        return ["/usr/sbin/ngircd", "--nodaemon", "--config", str(config)]

    def link(self) -> Services:
        """Link by RFC 2813 with the extensions of ngIRCd's doc/Protocol.txt."""
        services = NgircdServices(self.port)
        services.say(f"PASS {_SECRET} 0210-IRC+ ngIRCd|26:M", "SERVER services.test 1 :services")
        services.wait_for("SERVER irc.test")
        return services


class NgircdServices(Services):
    """Services as ngIRCd wants them."""

    def log_in(self, nick: str, services_account: str) -> None:
        """Say that somebody is logged in."""
        self.say(f":services.test METADATA {nick} accountname :{services_account}")

    def log_out(self, nick: str) -> None:
        """Say that somebody is logged out."""
        self.say(f":services.test METADATA {nick} accountname :")


class Inspircd(IrcServer):
    """InspIRCd: MONITOR, and accounts as Atheme and Anope set them."""

    link_port: int = 0

    def command(self) -> list[str]:
        """Write inspircd.conf."""
        self.link_port = self.link_port or free_port()
        config = self.directory / "inspircd.conf"
        modules = ("monitor", "services_account", "spanningtree", "botmode", "sajoin", "cap")
        loaded = "\n".join(f'<module name="{each}">' for each in modules)
        config.write_text(
            f"""<config format="xml">
<server name="irc.test" description="test" network="Test" id="1AA">
<admin name="x" nick="x" email="x@irc.test">
<bind address="127.0.0.1" port="{self.port}" type="clients">
<bind address="127.0.0.1" port="{self.link_port}" type="servers">
<connect allow="*" timeout="30" pingfreq="120" softsendq="65536" hardsendq="262144"
 recvq="65536" localmax="100" globalmax="100" maxconnwarn="no" useident="no" threshold="100"
 commandrate="100000" fakelag="no" resolvehostnames="no">
<performance clonesonconnect="no">
<options prefixquit="Quit: " nosnoticestack="yes">
<security hideulines="no" runasuser="" runasgroup="">
<pid file="{self.directory}/inspircd.pid">
<path configdir="{self.directory}" datadir="{self.directory}" logdir="{self.directory}"
 runtimedir="{self.directory}" moduledir="/usr/lib/inspircd/modules">
<class name="All" commands="*" privs="*" usermodes="*" chanmodes="*">
<type name="Root" classes="All">
<oper name="oper" password="oper" host="*@*" type="Root">
<monitor maxentries="{_MONITOR_ENTRIES}">
<link name="services.test" ipaddr="127.0.0.1" port="7000" allowmask="127.0.0.0/8"
 sendpass="{_SECRET}" recvpass="{_SECRET}">
<uline server="services.test" silent="yes">
{loaded}
"""
        )
        return ["/usr/sbin/inspircd", "--nofork", "--runasroot", "--config", str(config)]

    def link(self) -> Services:
        """Link by InspIRCd's server protocol, version 1205."""
        services = InspircdServices(self.link_port)
        services.say("CAPAB START 1205", "CAPAB CAPABILITIES :PROTOCOL=1205", "CAPAB END")
        services.say(f"SERVER services.test {_SECRET} 0 9SV :services")
        services.wait_for("^SERVER irc.test")
        services.say(f":9SV BURST {int(time.time())}", ":9SV ENDBURST")
        services.wait_for("ENDBURST")
        return services


_MONITOR_ENTRIES = 3


class InspircdServices(Services):
    """Services as InspIRCd wants them: everybody by the id that the server gave."""

    def log_in(self, nick: str, services_account: str) -> None:
        """Say that somebody is logged in."""
        self.say(f":9SV METADATA {self._id_of(nick)} accountname :{services_account}")

    def log_out(self, nick: str) -> None:
        """Say that somebody is logged out."""
        self.say(f":9SV METADATA {self._id_of(nick)} accountname :")

    def _id_of(self, nick: str) -> str:
        def found() -> list[str]:
            with suppress(AssertionError):
                self.wait_for("no such line", 0.05)
            said = "\n".join(self.heard)
            renamed = re.findall(rf"^:(\S+) NICK {re.escape(nick)} ", said, re.MULTILINE)
            return [*re.findall(rf" UID (\S+) \S+ {re.escape(nick)} ", said), *renamed]

        wait_until(lambda: bool(found()))
        return found()[-1]


def wait_until(holds: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Wait for something that has to come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "did not come"
        time.sleep(0.05)
