# SPDX-License-Identifier: Apache-2.0
"""How a post office is reached over I2P: which router, which destinations, which tunnels.

What was chosen stands in `i2p/setup.toml` in the data directory. Keys lie where the router reads
them and nowhere else. The gateway link gets a tunnel only when a gateway is paired with it: without
an access list anybody in I2P could reach its port.
"""

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from eepost.app.config import ConfigError, endpoints
from eepost.app.office import Office
from eepost.net.clock import random_octets
from eepost.net.i2p.checks import (
    Finding,
    State,
    Stranger,
    file_is_current,
    fine,
    keys_are_private,
    peers_are_told_apart,
    proxy_answers,
    service_is_reached,
    strangers_are_refused,
    unchecked,
    wrong,
)
from eepost.net.i2p.found import Found, Kind, find_routers
from eepost.net.i2p.keys import Keys, KeysUnusable, make_keys, read_keys, write_keys, write_private
from eepost.net.i2p.own import TUNNELS_FOLDER
from eepost.net.i2p.tunnels import (
    ClientTunnel,
    ServerTunnel,
    Shape,
    SocksTunnel,
    Tunnel,
    i2pd_text,
    java_text,
)
from eepost.net.listeners import Endpoint
from eepost.net.peers import destination_hash
from eepost.wire.link.pairing import SECRET_OCTETS, Pairing, Role, Side, format_pairing

FOLDER = "i2p"
SETUP_FILE = "setup.toml"
ROUTER_FOLDER = "router"
PAIRING_FILE = "link.pairing"
TUNNELS_FILE = "eepost.conf"
MAIL_KEYS = "eepost-mail.dat"
LINK_KEYS = "eepost-link.dat"
# Not stored: the probe is a new stranger at every start of the router.
PROBE_KEYS = "transient-eepost-probe"
# A user's destination is another one after each start of his router: the post office can't tell
# that he is the same, and a restarted router is not taken for the one before (measured: answers
# went to the tunnels of the old one for 99 seconds).
USER_KEYS = "transient-eepost"

PORTAL = Endpoint("127.0.0.1", 7661)
LINK = Endpoint("127.0.0.1", 7662)
LINK_OUT = Endpoint("127.0.0.1", 7663)
PROBE = Endpoint("127.0.0.1", 7664)
# Where users' mail programs find the post office: the ports they know from other I2P mail.
CLIENT_SMTP = Endpoint("127.0.0.1", 7659)
CLIENT_POP3 = Endpoint("127.0.0.1", 7660)
SMTP_PORT, POP3_PORT, PORTAL_PORT, LINK_PORT = 25, 110, 80, 7662

RouterKind = Literal["i2pd", "java", "own"]


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `eepost i2p setup` chose, as it stands in setup.toml."""

    router: RouterKind
    keys_folder: str
    tunnels_folder: str
    hops: int = 3
    quantity: int = 3
    socks: str = ""
    paired: tuple[str, ...] = ()
    # Further options of i2pd for each tunnel, for a network that is not the public one.
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """A post office and the way to it."""

    office: Office
    setup: Setup

    @property
    def folder(self) -> Path:
        """Where this is kept in the data directory."""
        return self.office.directory / FOLDER

    @property
    def keys_folder(self) -> Path:
        """Where the router reads keys files."""
        return Path(self.setup.keys_folder)

    @property
    def tunnels_file(self) -> Path:
        """The file with our tunnels."""
        return Path(self.setup.tunnels_folder) / TUNNELS_FILE

    @property
    def shape(self) -> Shape:
        """How long and how many the tunnels are."""
        return Shape(self.setup.hops, self.setup.quantity, self.setup.extra)

    def keys(self, name: str) -> Keys:
        """Return the keys of one of our destinations. Raises ConfigError."""
        file = self.keys_folder / name
        try:
            return read_keys(file)
        except FileNotFoundError:
            raise ConfigError(file, "", "there is no such file", "run eepost i2p setup") from None
        except KeysUnusable as reason:
            raise ConfigError(file, "", str(reason), f"chmod 600 {file}, or restore it") from None

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Return the post office's own tunnels."""
        listeners = endpoints(self.office.settings)
        shape = self.shape
        mail: tuple[Tunnel, ...] = (
            ServerTunnel(
                "eepost-smtp", listeners["smtp.listen"], SMTP_PORT, MAIL_KEYS, shape=shape
            ),
            ServerTunnel(
                "eepost-pop3", listeners["pop3.listen"], POP3_PORT, MAIL_KEYS, shape=shape
            ),
            ServerTunnel(
                "eepost-portal", PORTAL, PORTAL_PORT, MAIL_KEYS, is_http=True, shape=shape
            ),
        )
        return (*mail, *self._link(), *self._probe())

    def _link(self) -> tuple[Tunnel, ...]:
        if not self.setup.paired:
            return ()
        paired, shape = self.setup.paired, self.shape
        return (
            ServerTunnel("eepost-link", LINK, LINK_PORT, LINK_KEYS, only_from=paired, shape=shape),
            SocksTunnel("eepost-link-out", LINK_OUT, LINK_KEYS, shape),
        )

    def _probe(self) -> tuple[Tunnel, ...]:
        if self.setup.router != "own":
            return ()
        return (SocksTunnel("eepost-probe", PROBE, PROBE_KEYS, self.shape),)

    def client_tunnels(self) -> tuple[Tunnel, ...]:
        """Return what a user's router needs to reach this post office."""
        b32 = self.keys(MAIL_KEYS).b32
        shape = Shape(extra=self.setup.extra)
        return (
            ClientTunnel("eepost-smtp", CLIENT_SMTP, b32, SMTP_PORT, USER_KEYS, shape),
            ClientTunnel("eepost-pop3", CLIENT_POP3, b32, POP3_PORT, USER_KEYS, shape),
        )

    def text(self, tunnels: tuple[Tunnel, ...]) -> str:
        """Return tunnels in the language of our router."""
        return java_text(tunnels) if self.setup.router == "java" else i2pd_text(tunnels)


def open_reach(office: Office) -> Reach:
    """Return how `office` is reached. Raises ConfigError where it was not set up."""
    file = office.directory / FOLDER / SETUP_FILE
    try:
        setup = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Setup)
    except FileNotFoundError:
        raise ConfigError(
            file, "", "this post office is not set up for I2P", "run eepost i2p setup"
        ) from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(file, "", str(error), "run eepost i2p setup again") from None
    return Reach(office, setup)


def choose(office: Office, wanted: str, root: Path, home: Path) -> Setup:
    """Return the set-up for the wanted router: auto, i2pd, java or own. Raises ConfigError.

    `auto` takes a router that runs, and one of our own where none does.
    """
    found = [one for one in find_routers(root, home) if wanted in {"auto", one.kind.value}]
    running = [one for one in found if one.pid is not None]
    own = office.directory.resolve() / FOLDER / ROUTER_FOLDER
    others = [one for one in running if one.folder.resolve() != own]
    if wanted == "own" or (wanted == "auto" and not others):
        return Setup("own", str(own), str(own / TUNNELS_FOLDER), socks=str(PROBE))
    if not others and not found:
        raise ConfigError(
            office.directory,
            "",
            f"no {wanted} router was found on this machine",
            "install one, or use --router own with an installed i2pd",
        )
    return _setup_for((others or found)[0], own.parent)


def _setup_for(found: Found, folder: Path) -> Setup:
    if found.kind is Kind.JAVA:
        return Setup("java", str(folder), str(folder))  # its own files stay its owner's work
    socks = str(found.socks) if found.socks and found.socks.is_loopback else ""
    return Setup("i2pd", str(found.folder), str(found.tunnels_folder), socks=socks)


def save(office: Office, setup: Setup) -> Reach:
    """Make what is missing: folders, keys, setup.toml. Existing keys always stay."""
    reach = Reach(office, setup)
    for folder in (reach.folder, *([reach.keys_folder] if setup.router == "own" else [])):
        folder.mkdir(mode=0o700, exist_ok=True)
        _give_to_owner(folder)
    for name in (MAIL_KEYS, LINK_KEYS):
        if not (reach.keys_folder / name).exists():
            write_keys(reach.keys_folder / name, make_keys(random_octets))
    (reach.folder / SETUP_FILE).write_text(_toml(setup), "utf-8")
    _give_to_owner(reach.folder / SETUP_FILE)
    return reach


def _give_to_owner(path: Path) -> None:
    """Let what root makes in a data directory belong to the user that the directory belongs to."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def router_notice(root: Path, home: Path) -> str | None:
    """Return a sentence on a router that runs on this machine and could lead here, or None."""
    running = [found for found in find_routers(root, home) if found.pid is not None]
    if not running:
        return None
    name = {Kind.I2PD: "i2pd", Kind.JAVA: "Java I2P"}[running[0].kind]
    return f"An I2P router ({name}) runs here: eepost i2p setup makes its tunnels lead to this."


def _toml(setup: Setup) -> str:
    fields = msgspec.to_builtins(setup)
    # JSON's strings, numbers and lists of them are TOML's as well.
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in fields.items()]
    return "\n".join(["# Written by eepost i2p setup.", *lines, ""])


def write_tunnels(reach: Reach) -> None:
    """Write our tunnels where the router reads them. Raises OSError."""
    reach.tunnels_file.parent.mkdir(parents=True, exist_ok=True)
    reach.tunnels_file.write_text(reach.text(reach.tunnels()), "utf-8")


def paired_names(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return b32 addresses as access lists want them. Raises ValueError with a reason."""
    return tuple(_b32_name(address) for address in addresses)


def _b32_name(address: str) -> str:
    full = address if address.endswith(".b32.i2p") else f"{address}.b32.i2p"
    if destination_hash(full.encode("utf-8")) is None:
        raise ValueError(f"{address} is not a b32 address: 52 characters and .b32.i2p")
    return full.removesuffix(".b32.i2p").lower()


def pair(reach: Reach, gateway: str, file: Path) -> Reach:
    """Pair the core with a gateway's destination; `file` is what the gateway's operator gets.

    Both files hold the new secret and are written for their owner alone. Raises FileExistsError,
    ConfigError and ValueError.
    """
    name = paired_names([gateway])[0]
    digest = destination_hash(f"{name}.b32.i2p".encode())
    if digest is None:  # paired_names has refused it
        raise ValueError(name)
    pairing = Pairing(
        own=Side(Role.CORE, reach.keys(LINK_KEYS).destination_hash),
        other=Side(Role.GATEWAY, digest),
        secret=random_octets(SECRET_OCTETS),
    )
    write_private(file, format_pairing(pairing.mirrored()).encode("utf-8"))
    own = reach.folder / PAIRING_FILE
    own.unlink(missing_ok=True)
    write_private(own, format_pairing(pairing).encode("utf-8"))
    paired = tuple(dict.fromkeys((*reach.setup.paired, name)))
    return save(reach.office, msgspec.structs.replace(reach.setup, paired=paired))


async def examine(reach: Reach, stranger: Stranger | None, root: Path, home: Path) -> list[Finding]:
    """Look at everything between I2P and our listeners, the cheap questions first."""
    findings = [*_at_rest(reach, root, home)]
    if stranger is None:
        reason = "the router's SOCKS5 port is shut, and a stranger's eye needs one"
        return [*findings, unchecked("from I2P", reason, "enable the SOCKS proxy, or --socks")]
    findings.append(await proxy_answers("a stranger's eye", stranger))
    if findings[-1].state is State.WRONG:
        return findings
    return findings + await _from_outside(reach, stranger)


async def _from_outside(reach: Reach, stranger: Stranger) -> list[Finding]:
    findings: list[Finding] = []
    try:
        mail = reach.keys(MAIL_KEYS).b32
        link = reach.keys(LINK_KEYS).b32
    except (ConfigError, PermissionError):
        return [unchecked("from I2P", "our own address can't be read", "ask as root")]
    listeners = endpoints(reach.office.settings)
    for subject, port, key in (
        ("SMTP", SMTP_PORT, "smtp.listen"),
        ("POP3", POP3_PORT, "pop3.listen"),
    ):
        findings += await service_is_reached(subject, stranger, mail, port, listeners[key])
    findings += await peers_are_told_apart("peers", stranger, mail, PORTAL_PORT, PORTAL)
    if reach.setup.paired:
        findings.append(
            await strangers_are_refused("gateway link", stranger, link, LINK_PORT, LINK)
        )
    else:
        findings.append(fine("gateway link", "no gateway is paired, so no tunnel leads to it"))
    return findings


def _at_rest(reach: Reach, root: Path, home: Path) -> Iterator[Finding]:
    yield _router_runs(reach, root, home)
    for subject, name in (("mail destination", MAIL_KEYS), ("link destination", LINK_KEYS)):
        yield keys_are_private(subject, reach.keys_folder / name)
    if reach.setup.router == "java":
        yield unchecked("tunnels", "Java I2P keeps its tunnels its own way", "eepost i2p tunnels")
    else:
        yield file_is_current("tunnels", reach.tunnels_file, reach.text(reach.tunnels()))


def _router_runs(reach: Reach, root: Path, home: Path) -> Finding:
    own = reach.setup.router == "own"
    kind = Kind.JAVA if reach.setup.router == "java" else Kind.I2PD
    for found in find_routers(root, home):
        is_ours = found.folder.resolve() == reach.keys_folder.resolve()
        if found.kind is kind and found.pid is not None and (is_ours or kind is Kind.JAVA):
            return fine("router", f"{reach.setup.router} runs")
    mend = "run eepost i2p run" if own else "start it, for instance systemctl start i2pd"
    return wrong("router", f"{reach.setup.router} does not run", mend)
