# SPDX-License-Identifier: Apache-2.0
"""Zones as text, signed where asked for, served by knot and validated by unbound.

A root zone, signed with a key of its own, delegates to all others; unbound trusts that key alone.
"""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.name
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.internet.world.place import AUTHORITY, RESOLVER, Daemon, program

_HEAD = """\
$TTL 1
@ SOA ns.root. hostmaster.root. 1 3600 600 86400 1
@ NS ns.root.
"""
_LIFETIME_SECONDS = 7 * 86_400


@dataclass
class Zone:
    """A zone's records as lines of its file; `is_signed` makes it DNSSEC's."""

    name: str
    lines: list[str] = field(default_factory=list)
    is_signed: bool = False

    def text(self) -> str:
        """Return the zone's file, not signed."""
        return _HEAD + "\n".join(self.lines) + "\n"


@dataclass
class Zones:
    """All zones; `publish` writes them and lets knot read them again."""

    folder: Path
    zones: dict[str, Zone] = field(default_factory=dict)
    _keys: dict[str, Any] = field(default_factory=dict)
    _knot: Daemon | None = None
    _unbound: Daemon | None = None

    def add(self, name: str, *lines: str, is_signed: bool = False) -> Zone:
        """Add or replace a zone; its records as they stand in a file, names relative to it."""
        self.zones[name] = Zone(name, list(lines), is_signed)
        return self.zones[name]

    def start(self) -> None:
        """Start knot and unbound."""
        self.publish()
        knotd, unbound = program("knotd"), program("unbound")
        assert knotd
        assert unbound
        self._knot = Daemon([knotd, "-c", str(self.folder / "knot.conf")], self.folder, "knot.log")
        self._knot.wait_for(AUTHORITY, 53)
        config = self.folder / "unbound.conf"
        config.write_text(self._unbound_config())
        self._unbound = Daemon([unbound, "-d", "-p", "-c", str(config)], self.folder, "unbound.log")
        self._unbound.wait_for(RESOLVER, 53)

    def stop(self) -> None:
        """End both."""
        for daemon in (self._unbound, self._knot):
            if daemon is not None:
                daemon.end()

    def publish(self) -> None:
        """Write all zones; a running knot reads them again. The resolver keeps nothing."""
        for zone in self.zones.values():
            self._write(zone.name, zone.text(), is_signed=zone.is_signed)
        self._write(".", self._root(), is_signed=True)
        (self.folder / "knot.conf").write_text(self._knot_config())
        if self._knot is not None:
            self.reload()

    def reload(self) -> None:
        """Let knot read what is written."""
        knotc = program("knotc")
        assert knotc
        # A zone whose serial stayed is read again only when it is asked for by itself.
        for command in (["reload"], ["-f", "zone-reload"]):
            line = [knotc, "-b", "-c", str(self.folder / "knot.conf"), *command]
            done = subprocess.run(line, check=False, capture_output=True, timeout=30)
            assert done.returncode == 0, (line, done.stderr)

    def _root(self) -> str:
        delegations = [f"ns.root. A {AUTHORITY}"]
        for name, zone in self.zones.items():
            delegations.append(f"{name}. NS ns.root.")
            if zone.is_signed:
                origin = dns.name.from_text(name)
                ds = dns.dnssec.make_ds(origin, self._key(name)[1], "SHA256")
                delegations.append(f"{name}. DS {ds.to_text()}")
        return _HEAD + "\n".join(delegations) + "\n"

    def _write(self, name: str, text: str, *, is_signed: bool) -> None:
        zone = dns.zone.from_text(text, origin=name.rstrip(".") + ".", relativize=False)
        if is_signed:
            dns.dnssec.sign_zone(
                zone, keys=[self._key(name)], lifetime=_LIFETIME_SECONDS, dnskey_ttl=1
            )
        self._file(name).write_text(zone.to_text(want_origin=True))

    def _key(self, name: str) -> Any:
        if name not in self._keys:
            private = ec.generate_private_key(ec.SECP256R1())
            public = dns.dnssec.make_dnskey(private.public_key(), "ECDSAP256SHA256", flags=257)
            self._keys[name] = (private, public)
        return self._keys[name]

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.rstrip('.') or 'root'}.zone"

    def _knot_config(self) -> str:
        zones = "".join(
            f"  - domain: {name}\n    file: {self._file(name)}\n" for name in (".", *self.zones)
        )
        return f"""\
server:
  listen: {AUTHORITY}@53
  rundir: {self.folder}
  pidfile: {self.folder}/knot.pid
database:
  storage: {self.folder}/knot-state
template:
  - id: default
    journal-content: none
    zonefile-sync: -1
    zonefile-load: whole
    semantic-checks: off
zone:
{zones}"""

    def _unbound_config(self) -> str:
        anchor = f". DNSKEY {self._key('.')[1].to_text()}"
        return f"""\
server:
  interface: {RESOLVER}
  access-control: 127.0.0.0/8 allow
  directory: "{self.folder}"
  pidfile: "{self.folder}/unbound.pid"
  username: ""
  chroot: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 1
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor: "{anchor}"
  val-bogus-ttl: 0
stub-zone:
  name: "."
  stub-addr: {AUTHORITY}
remote-control:
  control-enable: no
"""
