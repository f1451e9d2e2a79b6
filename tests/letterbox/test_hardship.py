# SPDX-License-Identifier: Apache-2.0
"""Power cuts, full disks and telling attachments, with a letterbox in a process of its own."""

import email.message
import re
import smtplib
import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.running import Desk
from tests.interop.wiretap import Wiretap
from tests.letterbox.box import Letterbox
from tests.letterbox.test_proxy import inbox, send
from tests.letterbox.waiting import until
from tests.office import PASSWORD, PostOffice

KILLS = 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_what_was_accepted_survives_any_number_of_kills(
    post: PostOffice, alice: Desk, bob: Desk, tmp_path: Path
) -> None:
    accepted: list[str] = []
    box = Letterbox(tmp_path / "box").add(post.smtp_port, post.pop3_port).start()
    try:
        for kill in range(KILLS):
            inbox(box.pop3_port, alice.account)
            killer = threading.Timer(0.2 + 0.03 * kill, box.kill)
            for number in range(1_000):
                name = f"letter {kill} {number} end"
                try:
                    send(box.smtp_port, alice.account, bob.address, body=f"{name}\r\n")
                except (OSError, smtplib.SMTPException):
                    break
                accepted.append(name)
                if number == 0:
                    killer.start()
            killer.join()
            box.start()
        assert len(accepted) > KILLS
        inbox(box.pop3_port, alice.account)  # signs in: what waits is brought

        def missing() -> list[str]:
            found = b"".join(post.fetch(bob.account))
            return [name for name in accepted if name.encode() not in found]

        until(lambda: not missing())
    finally:
        box.kill()


def test_a_full_disk_refuses_mail_and_loses_none(
    post: PostOffice, alice: Desk, bob: Desk, small_disk: Path
) -> None:
    tap = Wiretap(post.smtp_port)
    box = Letterbox(small_disk / "box").add(tap.port, post.pop3_port).start()
    try:
        inbox(box.pop3_port, alice.account)
        tap.target_port = 1  # the route is away: everything has to wait here
        bread = "All work and no play makes a full disk of any size.\r\n" * 14_000
        kept, reply = _fill(box, alice, bob.address, bread)
        assert reply.smtp_code == 452
        assert b"full" in reply.smtp_error
        assert kept >= 3
        tap.target_port = post.smtp_port
        inbox(box.pop3_port, alice.account)  # the route is there again, and is noticed
        found = until(lambda: (all_ := post.fetch(bob.account))[kept - 1 :] and all_)
        assert len(found) == kept
        for number in range(kept):
            assert any(b"number %d\r\n" % number in each for each in found)
        # What was sent made room again.
        send(box.smtp_port, alice.account, bob.address, body="there is room")
        until(lambda: len(post.fetch(bob.account)) == kept + 1)
        assert all(line["event"] != "fault" for line in box.lines), box.lines
    finally:
        box.kill()
        tap.close()


def _fill(
    box: Letterbox, sender: Desk, recipient: str, bread: str
) -> tuple[int, smtplib.SMTPDataError]:
    """Send until it is refused; return how many letters were kept, and the refusal."""
    for kept in range(20):
        try:
            send(box.smtp_port, sender.account, recipient, body=f"number {kept}\r\n{bread}")
        except smtplib.SMTPDataError as refused:
            return kept, refused
    raise AssertionError("the disk is never full")


def telling_picture() -> bytes:
    """Return a PNG of one dot that says who drew it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        octets = kind + content
        return struct.pack(">I", len(content)) + octets + struct.pack(">I", zlib.crc32(octets))

    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
            chunk(b"tEXt", b"Author\0Alice of the North Tower"),
            chunk(b"tIME", struct.pack(">HBBBBB", 2026, 11, 23, 1, 2, 3)),
            chunk(b"IDAT", zlib.compress(b"\0\0")),
            chunk(b"IEND", b""),
        )
    )


def test_attached_files_tell_nothing_to_the_service(
    post: PostOffice, alice: Desk, bob: Desk, tmp_path: Path
) -> None:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = alice.address, bob.address, "a picture"
    message.set_content("Look!\n")
    message.add_attachment(
        telling_picture(), maintype="image", subtype="png", filename="Alice-1234.png"
    )
    tap = Wiretap(post.smtp_port)
    with Letterbox(tmp_path / "box").add(tap.port, post.pop3_port).start() as box:
        for port, is_told in ((tap.port, True), (box.smtp_port, False)):
            tap.sessions.clear()
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
                smtp.login(alice.account, PASSWORD)
                smtp.send_message(message)
            until(lambda: b"\r\n.\r\n" in tap.heard)
            pictures = _pictures(tap.heard)
            assert len(pictures) == 1
            assert (b"North Tower" in pictures[0]) is is_told
            assert (b"tIME" in pictures[0]) is is_told
            assert b"IDAT" in pictures[0]
    tap.close()


def _pictures(heard: bytes) -> list[bytes]:
    letter = re.search(rb"(?is)\r\ndata\r\n(.*?)\r\n\.\r\n", heard)
    assert letter is not None
    parsed = email.message_from_bytes(letter[1])
    parts = (part.get_payload(decode=True) for part in parsed.walk())
    return [part for part in parts if isinstance(part, bytes) and part.startswith(b"\x89PNG")]


def test_fetched_mail_is_made_harmless_whatever_the_service_let_pass(
    alice: Desk, tmp_path: Path
) -> None:
    from tests.letterbox.relays import saying

    harm = (
        b'Subject: look\r\nContent-Type: text/html\r\n\r\n<p>Hello</p><img src="http://evil.i2p/x">'
        b"<script>alert(1)</script>\r\n"
    )
    said = (
        *(b"+OK hi\r\n", b"+OK\r\nPIPELINING\r\n.\r\n", b"+OK\r\n+OK in\r\n"),
        *(b"+OK\r\n1 99\r\n.\r\n+OK\r\n1 aa\r\n.\r\n", b"+OK\r\n" + harm + b".\r\n", b"+OK\r\n"),
    )
    with saying(*said) as stand, Letterbox(tmp_path / "box") as box:
        box.add(1, stand.port).start()
        begun = time.monotonic()
        (found,) = until(lambda: inbox(box.pop3_port, alice.account))
        assert time.monotonic() - begun < 20
    assert b"Hello" in found
    for word in (b"<script", b"evil.i2p/x", b"<img"):
        assert word in harm
        assert word not in found


def test_a_letter_for_oneself_comes_back_as_it_was_cleaned(
    post: PostOffice, box: Letterbox, alice: Desk
) -> None:
    send(box.smtp_port, alice.account, alice.address, body="to myself\r\n")
    (found,) = until(lambda: inbox(box.pop3_port, alice.account))
    assert b"to myself" in found
