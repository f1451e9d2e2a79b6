# SPDX-License-Identifier: Apache-2.0
"""A disk with no room left: mail is put off, what was accepted stays, and it heals by itself."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bad_input.aftermath import (
    RECIPIENT,
    SENDER,
    betrayals,
    inbox,
    message,
    send,
    settle,
)
from tests.interop.letters import subject_of
from tests.interop.running import Desk
from tests.office import PostOffice

SIZE_MEGABYTES = 24


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    options = f"size={SIZE_MEGABYTES}m"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def _moved(desk: Desk, office: PostOffice) -> Desk:
    return replace(desk, smtp_port=office.smtp_port, pop3_port=office.pop3_port)


def test_a_full_disk_puts_mail_off_and_loses_nothing(small_disk: Path) -> None:
    office = PostOffice(small_disk / "office").create().start()
    try:
        sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
        large = message(sender) + b"".join(b"%07d of bread\r\n" % n for n in range(60_000))
        accepted = 0
        while (reply := send(sender, recipient, large)).startswith(b"250 "):
            accepted += 1
            assert accepted < SIZE_MEGABYTES
        assert reply.startswith((b"451 4.3.0 ", b"452 4.3.1 ")), reply
        assert accepted >= 3
        fetched = inbox(recipient)
        assert len(fetched) == accepted
        assert all(each.endswith(large.partition(b"\r\n\r\n")[2]) for each in fetched)
        subprocess.run(
            ["mount", "-o", f"remount,size={2 * SIZE_MEGABYTES}m", str(small_disk)], check=True
        )
        assert send(sender, recipient, message(sender)).startswith(b"250 ")
        assert len(inbox(recipient)) == accepted + 1
        assert betrayals(office.lines) == []
        assert office.stop() == 0
        office.start()
        again = settle(office, RECIPIENT)
        assert send(_moved(sender, office), again, message(sender)).startswith(b"250 ")
        [late] = inbox(again)
        assert subject_of(late) == "zephyrine"
        assert len(inbox(_moved(recipient, office))) == accepted + 1
    finally:
        office.kill()
