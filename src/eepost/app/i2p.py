# SPDX-License-Identifier: Apache-2.0
"""How a post office is reached over I2P: which router, which destinations, which tunnels.

What was chosen stands in `i2p/setup.toml` in the data directory. Keys lie where the router reads
them and nowhere else. The gateway link gets a tunnel only when a gateway is paired with it: without
an access list anybody in I2P could reach its port.
"""

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from eepost.app.config import ConfigError, endpoints
from eepost.app.office import Office
from eepost.app.ownership import give_to_owner, make_private_folder
from eepost.net.clock import random_octets
from eepost.net.i2p.found import Found, Kind, find_binary, find_routers
from eepost.net.i2p.keys import (
    Keys,
    KeysUnusable,
    make_blindable_keys,
    make_keys,
    make_lease_key,
    read_keys,
    write_keys,
    write_private,
)
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
from eepost.net.i2p.version import ask_version, can_encrypt_leases
from eepost.net.listeners import Endpoint
from eepost.net.peers import destination_hash

FOLDER = "i2p"
SETUP_FILE = "setup.toml"
ROUTER_FOLDER = "router"
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
LINK_OUT = Endpoint("127.0.0.1", 7663)
PROBE = Endpoint("127.0.0.1", 7664)
# Where users' mail programs find the post office: the ports they know from other I2P mail.
CLIENT_SMTP = Endpoint("127.0.0.1", 7659)
CLIENT_POP3 = Endpoint("127.0.0.1", 7660)
SMTP_PORT, POP3_PORT, PORTAL_PORT, LINK_PORT = 25, 110, 80, 7662

_LEASE_KEY = re.compile(r"[0-9A-Za-z~-]{43}=")

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
    # Of the i2pd that serves us, as it was at setup; empty where it is not known.
    version: str = ""
    # Whether the link's lease set is encrypted, so that only paired gateways find it.
    hides_link: bool = False
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
        # The server comes first: the router makes their common destination as the first one says.
        return (
            ServerTunnel(
                "eepost-link",
                endpoints(self.office.settings)["gateways.listen"],
                LINK_PORT,
                LINK_KEYS,
                only_from=self.setup.paired,
                lease_keys=tuple(filter(None, map(self._lease_key, self.setup.paired))),
                shape=self.shape,
            ),
            SocksTunnel("eepost-link-out", LINK_OUT, LINK_KEYS, self.shape),
        )

    def lease_key_file(self, gateway: str) -> Path:
        """Return where the key is kept with which a paired gateway finds the link."""
        return self.folder / f"gateway-{gateway}.key"

    def _lease_key(self, gateway: str) -> str:
        if not self.setup.hides_link:
            return ""
        file = self.lease_key_file(gateway)
        try:
            text = file.read_text("ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            text = ""
        if not _LEASE_KEY.fullmatch(text):
            mend = f"remove {file}, run eepost i2p setup, and give the gateway its tunnel again"
            raise ConfigError(file, "", "holds no key of the gateway", mend)
        return text

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

    def gateway_tunnels(self, gateway: str) -> tuple[Tunnel, ...]:
        """Return what a paired gateway's router needs to reach the link. Raises ConfigError.

        It dials under the destination that was paired, from a keys file of its own.
        """
        link = self.keys(LINK_KEYS)
        return (
            ClientTunnel(
                "eepost-link",
                LINK_OUT,
                link.b33 if self.setup.hides_link else link.b32,
                LINK_PORT,
                LINK_KEYS,
                Shape(extra=self.setup.extra),
                self._lease_key(gateway),
            ),
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
    binary = find_binary(root)
    version = ask_version(binary) if binary else ""
    others = [one for one in running if one.folder.resolve() != own]
    if wanted == "own" or (wanted == "auto" and not others):
        folder = str(own / TUNNELS_FOLDER)
        return Setup("own", str(own), folder, socks=str(PROBE), version=version)
    if not others and not found:
        raise ConfigError(
            office.directory,
            "",
            f"no {wanted} router was found on this machine",
            "install one, or use --router own with an installed i2pd",
        )
    return _setup_for((others or found)[0], own.parent, version)


def _setup_for(found: Found, folder: Path, version: str) -> Setup:
    if found.kind is Kind.JAVA:
        return Setup("java", str(folder), str(folder))  # its own files stay its owner's work
    socks = str(found.socks) if found.socks and found.socks.is_loopback else ""
    tunnels = str(found.tunnels_folder)
    return Setup("i2pd", str(found.folder), tunnels, socks=socks, version=version)


def save(office: Office, setup: Setup) -> Reach:
    """Make what is missing: folders, keys, setup.toml. Existing keys always stay.

    Whether the link is hidden follows from the router's version and the link's keys. Raises
    ConfigError.
    """
    reach = Reach(office, setup)
    for folder in (reach.folder, *([reach.keys_folder] if setup.router == "own" else [])):
        make_private_folder(folder)
    can_hide = can_encrypt_leases(setup.version)
    link_keys = make_blindable_keys if can_hide else make_keys
    for name, make in ((MAIL_KEYS, make_keys), (LINK_KEYS, link_keys)):
        if not (reach.keys_folder / name).exists():
            write_keys(reach.keys_folder / name, make(random_octets))
    hides = can_hide and reach.keys(LINK_KEYS).is_blindable
    setup = msgspec.structs.replace(setup, hides_link=hides)
    reach = Reach(office, setup)
    for gateway in setup.paired if hides else ():
        if not reach.lease_key_file(gateway).exists():
            key = make_lease_key(random_octets)
            write_private(reach.lease_key_file(gateway), f"{key}\n".encode("ascii"))
    (reach.folder / SETUP_FILE).write_text(_toml(setup), "utf-8")
    give_to_owner(reach.folder / SETUP_FILE)
    return reach


def _toml(setup: Setup) -> str:
    fields = msgspec.to_builtins(setup)
    # JSON's strings, numbers and lists of them are TOML's as well.
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in fields.items()]
    return "\n".join(["# Written by eepost i2p setup.", *lines, ""])


def write_tunnels(reach: Reach) -> None:
    """Write our tunnels where the router reads them. Raises OSError."""
    file, text = reach.tunnels_file, reach.text(reach.tunnels())
    file.parent.mkdir(parents=True, exist_ok=True)
    if reach.setup.hides_link:
        _hide(file, reach.keys_folder)
    file.write_text(text, "utf-8")


def _hide(file: Path, like: Path) -> None:
    """Make a file, or what there is, readable for the router's user alone: it will hold keys."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        if os.geteuid() == 0:
            owner = like.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def link_secrecy(reach: Reach) -> str:
    """Say whether strangers can find the link's destination, and why if they can."""
    setup = reach.setup
    if setup.hides_link:
        return "hidden: nobody finds it without a key, and each gateway has its own"
    if setup.router == "java":
        return "not hidden: eepost writes encrypted lease sets for i2pd only"
    if not can_encrypt_leases(setup.version):
        which = f"i2pd {setup.version}" if setup.version else "an i2pd of unknown version"
        return f"not hidden: {which} can't, 2.56 and newer can"
    file = reach.keys_folder / LINK_KEYS
    return f"not hidden: {file} is of type 7; remove it, run setup and pair anew to hide the link"


def paired_names(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return b32 addresses as access lists want them. Raises ValueError with a reason."""
    return tuple(_b32_name(address) for address in addresses)


def _b32_name(address: str) -> str:
    full = address if address.endswith(".b32.i2p") else f"{address}.b32.i2p"
    if destination_hash(full.encode("utf-8")) is None:
        raise ValueError(f"{address} is not a b32 address: 52 characters and .b32.i2p")
    return full.removesuffix(".b32.i2p").lower()


def admit(reach: Reach, gateway: str) -> Reach:
    """Let a gateway's destination reach the link; what hides the link from others is made anew.

    `gateway` is its b32 address. Raises ConfigError and ValueError.
    """
    name = _b32_name(gateway)
    reach.lease_key_file(name).unlink(missing_ok=True)  # a new pairing has all secrets new
    paired = tuple(dict.fromkeys((*reach.setup.paired, name)))
    return save(reach.office, msgspec.structs.replace(reach.setup, paired=paired))


def expel(reach: Reach, gateway: str) -> Reach:
    """Let a gateway's destination reach the link no more. Raises ConfigError and ValueError."""
    name = _b32_name(gateway)
    reach.lease_key_file(name).unlink(missing_ok=True)
    paired = tuple(each for each in reach.setup.paired if each != name)
    return save(reach.office, msgspec.structs.replace(reach.setup, paired=paired))


def lease_key(reach: Reach, gateway: str) -> str:
    """Return the key with which a gateway finds a hidden link, empty where it is not hidden."""
    if not reach.setup.hides_link:
        return ""
    return reach.lease_key_file(_b32_name(gateway)).read_text("ascii").strip()
