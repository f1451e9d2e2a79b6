# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import signal
import smtplib
import socket
import threading
from pathlib import Path

import pytest

from tests.office import PASSWORD, PostOffice, address, mail


def test_service_manager_is_told_when_it_serves_and_when_it_stops(new_office: PostOffice) -> None:
    # A path for a socket may have 107 octets, which a temporary folder's often exceeds.
    name = f"\0eepost-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(30)
        new_office.environment = {"NOTIFY_SOCKET": "@" + name[1:]}
        new_office.start()
        assert manager.recv(100) == b"READY=1"
        assert new_office.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def wait_until_refused(port: int) -> None:
    """Return when nobody listens any more."""
    # Reset where it stood in the queue when the listener closed, refused afterwards.
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        for _ in range(10_000):
            socket.create_connection(("127.0.0.1", port), 5).close()
        pytest.fail("it still listens")


def test_stop_lets_an_open_transaction_finish(office: PostOffice) -> None:
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=30) as smtp:
        smtp.login("alice", PASSWORD)
        smtp.mail(address("alice"))
        smtp.rcpt(address("bob"))
        code, _ = smtp.docmd("DATA")
        assert code == 354
        stopping = threading.Thread(target=office.stop)
        os.kill(office.pid, signal.SIGTERM)
        wait_until_refused(office.smtp_port)
        smtp.send(mail("alice", "bob") + b".\r\n")
        assert smtp.getreply()[0] == 250
        assert smtp.getreply()[0] == 421
        stopping.start()
        stopping.join(40)
    office.start()
    assert len(office.fetch("bob")) == 1


def test_idle_session_is_told_that_the_service_stops(office: PostOffice) -> None:
    with socket.create_connection(("127.0.0.1", office.pop3_port), 30) as stream:
        assert stream.recv(1000).startswith(b"+OK")
        assert office.stop() == 0
        assert b"stopping" in stream.recv(1000)
        assert stream.recv(1000) == b""


def test_start_key_beside_the_data_is_named_with_what_it_costs(office: PostOffice) -> None:
    notices = {line["event"]: line.get("text", "") for line in office.lines}
    assert "keep the start" in notices["start key beside the data"]
    assert "role assign" in notices["no postmaster"]


def test_start_key_elsewhere_is_not_complained_about(
    new_office: PostOffice, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "key"
    (new_office.directory / "start.key").rename(elsewhere)
    new_office.change_config('#name = "start.key"', f'name = "{elsewhere}"')
    new_office.start()
    assert "start key beside the data" not in {line["event"] for line in new_office.lines}


def test_port_in_use_is_a_sentence(office: PostOffice, tmp_path: Path) -> None:
    settings = {"smtp": {"listen": f"127.0.0.1:{office.smtp_port}"}}
    other = PostOffice(tmp_path / "other", settings=settings).create()
    with other, pytest.raises(AssertionError, match="did not start"):
        other.start()
    assert any("in use" in str(line.get("text")) for line in other.lines)
    assert not any("Traceback" in str(line.get("text")) for line in other.lines)
