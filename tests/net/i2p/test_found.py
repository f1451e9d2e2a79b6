# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from eepost.net.i2p.found import (
    Found,
    Kind,
    find_binary,
    find_certificates,
    find_routers,
    read_config,
)
from eepost.net.listeners import Endpoint

SERVICE = [
    "/usr/sbin/i2pd",
    "--conf=/etc/i2pd/i2pd.conf",
    "--tunnelsdir=/etc/i2pd/tunnels.conf.d",
    "--daemon",
    "--service",
]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine without a router."""
    (tmp_path / "home").mkdir()
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/1").mkdir()
    (tmp_path / "proc/1/cmdline").write_bytes(b"/sbin/init\0")
    (tmp_path / "proc/2").mkdir()
    (tmp_path / "proc/2/cmdline").write_bytes(b"")
    (tmp_path / "proc/3").mkdir()  # it ended while we looked
    return tmp_path


def install(machine: Path, *, system: bool = False) -> None:
    binary = machine / "usr/sbin/i2pd"
    binary.parent.mkdir(parents=True)
    binary.write_text("")
    binary.chmod(0o755)
    if system:
        (machine / "var/lib/i2pd").mkdir(parents=True)


def start(machine: Path, pid: int, *words: str) -> None:
    (machine / f"proc/{pid}").mkdir()
    (machine / f"proc/{pid}/cmdline").write_bytes("\0".join(words).encode() + b"\0")


def find(machine: Path) -> list[Found]:
    return find_routers(machine, machine / "home")


def test_machine_without_a_router_has_none(machine: Path) -> None:
    assert find(machine) == []
    assert find_binary(machine) is None
    assert find_certificates(machine) is None
    assert find_routers(machine / "no such folder", machine) == []


def test_running_service_is_found_with_the_folders_of_its_command_line(machine: Path) -> None:
    install(machine, system=True)
    start(machine, 77, *SERVICE)
    (machine / "etc/i2pd").mkdir(parents=True)
    (machine / "etc/i2pd/i2pd.conf").write_text(
        "ipv4 = true  # all of it\n[socksproxy]\naddress = 127.0.0.1\nport = 4450\n"
    )
    assert find(machine) == [
        Found(
            Kind.I2PD,
            machine / "var/lib/i2pd",
            machine / "etc/i2pd/tunnels.conf.d",
            77,
            Endpoint("127.0.0.1", 4450),
        )
    ]


def test_users_own_router_lives_below_the_home(machine: Path) -> None:
    start(machine, 78, "i2pd")
    [found] = find(machine)
    assert found.folder == machine / "home/.i2pd"
    assert found.tunnels_folder == machine / "home/.i2pd/tunnels.d"
    assert found.socks == Endpoint("127.0.0.1", 4447)


def test_folders_may_stand_in_the_configuration_or_in_separate_words(machine: Path) -> None:
    (machine / "a.conf").write_text("datadir = /srv/i2pd\ntunnelsdir=/srv/tunnels\n")
    start(machine, 78, "i2pd", "--conf", "/a.conf")
    [found] = find(machine)
    assert (found.folder, found.tunnels_folder) == (machine / "srv/i2pd", machine / "srv/tunnels")


@pytest.mark.parametrize(
    "settings", ["[socksproxy]\nenabled = false\n", "[socksproxy]\nport = many\n"]
)
def test_shut_or_unreadable_socks_port_is_none(machine: Path, settings: str) -> None:
    (machine / "a.conf").write_text(settings)
    start(machine, 78, "i2pd", "--conf=/a.conf")
    assert find(machine)[0].socks is None


def test_installed_router_that_does_not_run_has_no_process(machine: Path) -> None:
    install(machine)
    [found] = find(machine)
    assert (found.kind, found.pid, found.folder) == (Kind.I2PD, None, machine / "home/.i2pd")
    assert find_binary(machine) == machine / "usr/sbin/i2pd"


def test_running_routers_come_first_and_are_named_once(machine: Path) -> None:
    install(machine, system=True)
    (machine / "home/.i2p/i2ptunnel.config.d").mkdir(parents=True)
    start(machine, 79, *SERVICE)
    kinds = [(found.kind, found.pid) for found in find(machine)]
    assert kinds == [(Kind.I2PD, 79), (Kind.JAVA, None)]


def test_running_java_router_is_found_by_its_main_class(machine: Path) -> None:
    words = ["/usr/bin/java", "-Di2p.dir.config=/srv/i2p", "net.i2p.router.RouterLaunch"]
    start(machine, 80, *words)
    [found] = find(machine)
    assert (found.kind, found.pid, found.folder) == (Kind.JAVA, 80, machine / "srv/i2p")
    assert found.tunnels_folder == machine / "srv/i2p/i2ptunnel.config.d"


def test_java_router_of_the_debian_package_is_known_by_its_folder(machine: Path) -> None:
    start(machine, 81, "java", "net.i2p.router.Router")
    assert find(machine)[0].folder == machine / "home/.i2p"
    (machine / "var/lib/i2p/i2p-config").mkdir(parents=True)
    assert find(machine)[0].folder == machine / "var/lib/i2p/i2p-config"


def test_certificates_are_the_packages_own(machine: Path) -> None:
    (machine / "usr/share/i2pd/certificates").mkdir(parents=True)
    assert find_certificates(machine) == machine / "usr/share/i2pd/certificates"


def test_configuration_that_is_missing_or_binary_is_no_fault(tmp_path: Path) -> None:
    assert read_config(tmp_path / "none") == {}
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 10)
    assert isinstance(read_config(tmp_path / "noise"), dict)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_process_of_another_user_that_calls_itself_i2pd_is_no_router(machine: Path) -> None:
    start(machine, 79, *SERVICE)
    os.chown(machine / "proc/79", 12_345, 12_345)
    assert [found.pid for found in find(machine)] == []
    (machine / "var/lib/i2pd").mkdir(parents=True)
    os.chown(machine / "var/lib/i2pd", 12_345, 12_345)
    assert [found.pid for found in find(machine)] == [79]
