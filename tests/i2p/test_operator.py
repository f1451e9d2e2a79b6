# SPDX-License-Identifier: Apache-2.0
"""What an operator sees: the doctor's findings, with the router up and in trouble."""

import socket
import subprocess
from pathlib import Path

import pytest

from eepost.app.i2p import LINK_KEYS, MAIL_KEYS
from tests.i2p.village import MALLORY, Village, eepost
from tests.office import PostOffice

pytestmark = pytest.mark.interop


def findings(output: str) -> dict[str, str]:
    """Return subject -> state as the doctor prints them."""
    lines = [line for line in output.splitlines() if line[:1].strip()]
    return {line[13:].partition(":")[0]: line[:13].strip() for line in lines}


def doctor(post: PostOffice, *more: str) -> tuple[int, dict[str, str], str]:
    """Ask the doctor."""
    done = eepost("i2p", "doctor", "--data", post.directory, "--wait", "30", *more)
    return done.returncode, findings(done.stdout), done.stdout + done.stderr


def test_doctor_finds_everything_fine_through_i2p(village: Village, post: PostOffice) -> None:
    code, found, output = doctor(post)
    assert set(found.values()) == {"ok"}, output
    assert code == 0
    assert {"SMTP", "POP3", "peers", "peers (portal)", "gateway link", "tunnels"} <= found.keys()


def test_doctor_finds_a_link_that_is_open_to_a_stranger(village: Village, post: PostOffice) -> None:
    """The gateway's own SOCKS5 port plays a stranger whom the access list lets in."""
    code, found, output = doctor(post, "--socks", f"127.0.0.1:{MALLORY.socks}")
    assert found["gateway link"] == "ok", output
    gateway_socks = MALLORY.socks + 100
    code, found, output = doctor(post, "--socks", f"127.0.0.1:{gateway_socks}")
    assert found["gateway link"] == "wrong", output
    assert code == 1


def test_doctor_says_which_file_others_can_read(village: Village, post: PostOffice) -> None:
    file = village.reach.keys_folder / LINK_KEYS
    file.chmod(0o644)
    try:
        code, found, output = doctor(post)
    finally:
        file.chmod(0o600)
    assert code == 1
    assert found["link destination"] == "wrong"
    assert f"chmod 600 {file}" in output


def test_doctor_says_where_nothing_listens(village: Village, post: PostOffice) -> None:
    code, found, output = doctor(post, "--socks", "127.0.0.1:1")
    assert code == 1
    assert found["a stranger's eye"] == "wrong"
    assert "--socks" in output


def test_keys_are_the_owners_alone_and_the_address_is_shown(
    village: Village, post: PostOffice
) -> None:
    for name in (MAIL_KEYS, LINK_KEYS):
        assert (village.reach.keys_folder / name).stat().st_mode & 0o777 == 0o600
    assert village.invitation.stat().st_mode & 0o777 == 0o600
    shown = eepost("i2p", "show", "--data", post.directory).stdout
    client = eepost("i2p", "tunnels", "--data", post.directory, "--side", "client").stdout
    b32 = village.reach.keys(MAIL_KEYS).b32
    assert b32 in shown
    assert f"destination = {b32}" in client
    assert "port = 7659" in client
    assert "port = 7660" in client


def test_router_that_is_killed_is_started_again_with_a_line_in_the_journal(
    village: Village, tmp_path: Path
) -> None:
    log = (village.invitation.parent / "operator.log").read_text()
    assert log.count("router_started") >= 1
    assert ".b32.i2p" not in log


def test_nothing_leads_out_of_the_network_that_all_this_runs_in(village: Village) -> None:
    routes = subprocess.run(
        ["ip", "route", "show", "table", "main"], capture_output=True, check=True, timeout=10
    )
    assert routes.stdout == b""
    with socket.socket() as stream, pytest.raises(OSError, match="unreachable"):
        stream.connect(("192.0.2.1", 80))
    with socket.create_connection(("9.66.0.2", 27_100), 5):
        pass  # positive control: the routers' own addresses are there
