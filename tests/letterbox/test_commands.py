# SPDX-License-Identifier: Apache-2.0
"""`eepost letterbox` at the command line, and the settings that it refuses."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eepost.app.config import ConfigError, PrivacyError
from eepost.app.letterbox_config import add_identity, open_letterbox, way
from eepost.app.letterbox_tunnels import tunnels
from eepost.net.connect import LocalPort, Socks5
from eepost.net.i2p.tunnels import java_text

GIVEN: dict[str, dict[str, Any]] = {
    "account": {"domains": ("mail.i2p",)},
    "service": {"smtp": "port 127.0.0.1:7669", "pop3": "port 127.0.0.1:7670"},
}


def eepost(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "eepost", "letterbox", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def init(data: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    ways = ("--smtp", "port 127.0.0.1:7669", "--pop3", "port 127.0.0.1:7670")
    return eepost("init", "--data", str(data), "--domain", "Mail.I2P", *ways, *more)


def test_init_says_what_to_type_into_a_mail_program(tmp_path: Path) -> None:
    done = init(tmp_path / "box")
    assert done.returncode == 0, done.stderr
    for word in ("127.0.0.1, port 7660", "127.0.0.1, port 7659", "NAME@mail.i2p", "serve"):
        assert word in done.stdout
    shown = eepost("show", "--data", str(tmp_path / "box")).stdout
    assert shown[shown.index("Identity me") :] in done.stdout
    assert init(tmp_path / "box").returncode == 1  # nothing is overwritten


def test_tunnels_of_each_identity_have_a_destination_of_their_own(tmp_path: Path) -> None:
    add_identity(tmp_path / "box", "me", GIVEN)
    other = {"smtp": "port 127.0.0.1:8669", "pop3": "socks5 127.0.0.1:4447 pop.postman.i2p:110"}
    listen = {"smtp": "127.0.0.1:8659", "pop3": "127.0.0.1:8660"}
    add_identity(tmp_path / "box", "work", GIVEN | {"service": other, "listen": listen})
    here = ("--data", str(tmp_path / "box"))
    own = eepost("tunnels", "mail.b32.i2p", *here).stdout
    assert own.count("keys = transient-letterbox-me\n") == 2
    assert "destinationport = 25" in own
    assert "destinationport = 110" in own
    work = open_letterbox(tmp_path / "box").identities["work"]
    (tunnel,) = tunnels(work, "smtp.i2p", "pop.i2p")  # its POP3 goes by a SOCKS5 port
    assert tunnel.keys == "transient-letterbox-work"
    assert "targetDestination" in java_text((tunnel,))
    assert eepost("tunnels", "a.i2p", *here, "--identity", "none").returncode == 2


def test_a_way_leads_nowhere_but_into_the_network() -> None:
    assert isinstance(way("port 127.0.0.1:25", bytes), LocalPort)
    socks = way("socks5 127.0.0.1:4447 smtp.postman.i2p:25", bytes)
    assert isinstance(socks, Socks5)
    assert (socks.host, socks.port) == ("smtp.postman.i2p", 25)
    for text in (
        *("port 192.0.2.7:25", "socks5 127.0.0.1:4447 example.org:25", "127.0.0.1:25", ""),
        *("socks5 127.0.0.1:4447 a.i2p", "socks5 127.0.0.1:4447 a.i2p:x", "socks5 127.0.0.1:4447"),
        *("socks5 192.0.2.7:4447 a.i2p:25", "socks5 127.0.0.1:4447 a.i2p:99999999"),
    ):
        with pytest.raises(ValueError, match=r"^[a-z]"):
            way(text, bytes)


@pytest.mark.parametrize(
    ("section", "values", "kind"),
    [
        ("listen", {"smtp": "0.0.0.0:7659"}, PrivacyError),
        ("listen", {"pop3": "somewhere"}, ConfigError),
        ("service", {"smtp": "port 192.0.2.7:25", "pop3": "port 127.0.0.1:1"}, ConfigError),
        ("account", {"domains": ()}, ConfigError),
        ("account", {"domains": ("no domain",)}, ConfigError),
        ("account", {"domains": ("mail.i2p",), "login": "x"}, ConfigError),
    ],
)
def test_settings_that_would_leak_or_fail_are_refused(
    tmp_path: Path, section: str, values: dict[str, Any], kind: type[ConfigError]
) -> None:
    with pytest.raises(kind):
        add_identity(tmp_path / "box", "me", GIVEN | {section: values})
    with pytest.raises(ConfigError, match="no identity"):
        open_letterbox(tmp_path / "box")


def test_identities_need_names_and_ports_of_their_own(tmp_path: Path) -> None:
    add_identity(tmp_path / "box", "me", GIVEN)
    with pytest.raises(ConfigError, match="used twice"):
        add_identity(tmp_path / "box", "work", GIVEN)
    apart: dict[str, dict[str, Any]] = GIVEN | {
        "listen": {"smtp": "127.0.0.1:1", "pop3": "127.0.0.1:2"}
    }
    with pytest.raises(PrivacyError, match="one person"):
        add_identity(tmp_path / "box", "work", apart)
    for name in ("", "..", "a/b", "Me", "a" * 40):
        with pytest.raises(ConfigError, match="no name"):
            add_identity(tmp_path / "box", name, apart)
    assert list(open_letterbox(tmp_path / "box").identities) == ["me"]
