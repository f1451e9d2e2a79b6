# SPDX-License-Identifier: Apache-2.0
"""A gateway in a process of its own, and its pairing with a core, by the operators' commands."""

import socket
from dataclasses import dataclass

from typer.testing import CliRunner

from tests.office import DOMAIN, OFFICIAL, PostOffice
from tests.role import Role

HOST = "mx.example.org"


def free_port() -> int:
    """Return a port on loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eepost(*arguments: str) -> str:
    """Run a command of eepost that has to succeed, and return what it prints.

    In this process: a new one takes a second to load everything, and tests do this often.
    """
    from eepost.app.cli.tree import app

    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@dataclass
class Gateway(Role):
    """`eepost gateway serve`; `name` is the core's word for it."""

    name: str = "first"
    host: str = HOST
    official: tuple[str, ...] = (OFFICIAL,)
    internal: str = DOMAIN
    printed: str = ""  # by `init`

    def arguments(self) -> list[str]:
        """Return the command that serves."""
        return ["gateway", "serve", "--data", str(self.directory)]

    def create(self) -> "Gateway":
        """Make it on disk as an operator would; `settings` then replace what was commented."""
        official = [word for each in self.official for word in ("--official", each)]
        self.printed = eepost(
            *("gateway", "init", "--data", str(self.directory)),
            *("--host", self.host, *official, "--internal", self.internal),
        )
        for section, values in self.settings.items():
            for key, value in values.items():
                self.set(section, key, value)
        return self

    def set(self, section: str, key: str, value: object) -> None:
        """Change a setting that stands in the configuration, commented or not."""
        file = self.directory / "gateway.toml"
        head, mark, tail = file.read_text("utf-8").partition(f"\n[{section}]\n")
        assert mark, section
        lines = tail.split("\n")
        at = next(at for at, line in enumerate(lines) if line.lstrip("#").startswith(f"{key} = "))
        shown = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
        lines[at] = f"{key} = {shown}"
        file.write_text(head + mark + "\n".join(lines), "utf-8")

    def records(self) -> list[str]:
        """Return the records that `init` asks for, as lines of the official domain's zone."""
        wanted = (" TXT ",)
        return [line for line in self.printed.splitlines() if any(each in line for each in wanted)]

    @property
    def address(self) -> str:
        """Its address in I2P."""
        from eepost.app.gateway_config import open_gateway

        return open_gateway(self.directory).link_keys().b32


def pair(office: PostOffice, gateway: Gateway) -> None:
    """Pair them over loopback: ports are chosen here, and both are told."""
    link, core = free_port(), gateway_port(office)
    gateway.set("link", "listen", f"127.0.0.1:{link}")
    gateway.set("link", "core", f"port 127.0.0.1:{core}")
    invitation = gateway.directory / "invitation"
    core_side = eepost(
        *("gateway", "add", gateway.name, gateway.address, "--data", str(office.directory)),
        *("--out", str(invitation), "--way", f"port 127.0.0.1:{link}"),
    )
    gateway_side = eepost("gateway", "pair", str(invitation), "--data", str(gateway.directory))
    compared = [text.partition("Compare with the ")[2] for text in (core_side, gateway_side)]
    words = {text.partition(": ")[2].split("\n")[0] for text in compared}
    assert len(words) == 1, "both operators read the same words"
    invitation.unlink()


def gateway_port(office: PostOffice) -> int:
    """Return the port on which `office` takes gateways' streams, chosen once."""
    file = office.directory / "eepost.toml"
    text = file.read_text("utf-8")
    head, mark, tail = text.partition("\n[gateways]\n")
    before, key, rest = tail.partition('\nlisten = "127.0.0.1:')
    port, _, end = rest.partition('"')
    assert mark, key
    if port == "0":
        port = str(free_port())
        file.write_text(head + mark + before + key + port + '"' + end, "utf-8")
    return int(port)
