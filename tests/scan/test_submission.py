# SPDX-License-Identifier: Apache-2.0
"""Scanning in a running post office, as a mail program sees it."""

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from eepost.net.canary import eicar
from tests.office import PostOffice
from tests.scan.daemon import EICAR_NAME, Daemon, running
from tests.scan.letters import HEADER, TEXT, attached, mail_with, multipart, zipped
from tests.scan.posting import events, fetched, serving, submitted

HARMLESS = HEADER + TEXT
# Within the sanitiser's limits, over those of the tests' clamd.
BOMB = mail_with(zipped(bytes(24_000_000)))
MARK = b"\r\nX-Virus-Status: Unscanned ("


def test_harmless_mail_arrives_without_a_mark(scanning: PostOffice) -> None:
    for message in (HARMLESS, mail_with(b"words"), mail_with(zipped(b"words"), "words.zip")):
        assert submitted(scanning, message)[0] == 250
    messages = fetched(scanning)
    assert len(messages) == 3
    assert not any(MARK in each for each in messages)


INFECTED = {
    "text": HEADER + TEXT + eicar() + b"\r\n",
    "attachment": mail_with(eicar()),
    "archive": mail_with(zipped(eicar()), "words.zip"),
    "message in message": HEADER
    + multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + mail_with(zipped(eicar()))),
    "signed": HEADER
    + multipart(
        multipart(TEXT, attached(zipped(eicar())), boundary="b2"),
        b"Content-Type: application/pgp-signature\r\n\r\nabc\r\n",
        kind='signed; micalg=pgp-sha256; protocol="application/pgp-signature"',
    ),
}


@pytest.mark.parametrize("where", INFECTED)
def test_virus_is_refused_with_its_name_and_not_delivered(scanning: PostOffice, where: str) -> None:
    code, text = submitted(scanning, INFECTED[where])
    assert code == 554
    assert text.startswith("5.7.1 A virus was found")
    assert EICAR_NAME in text
    assert fetched(scanning) == []


def test_what_is_encrypted_passes(scanning: PostOffice) -> None:
    armor = b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA0\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n"
    message = HEADER + multipart(
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
        b"Content-Type: application/octet-stream\r\n\r\n" + armor,
        kind='encrypted; protocol="application/pgp-encrypted"',
    )
    assert submitted(scanning, message)[0] == 250
    assert len(fetched(scanning)) == 1


def test_what_is_too_large_to_unpack_is_put_off_even_though_it_is_harmless(
    scanning: PostOffice,
) -> None:
    assert submitted(scanning, mail_with(zipped(bytes(4_000_000))))[0] == 250
    code, text = submitted(scanning, BOMB)
    assert (code, text[:5]) == (451, "4.7.1")
    assert len(fetched(scanning)) == 1


def test_mark_that_a_sender_writes_does_not_pass(scanning: PostOffice) -> None:
    assert submitted(scanning, b"X-Virus-Status: Unscanned (by me)\r\n" + HARMLESS)[0] == 250
    (message,) = fetched(scanning)
    assert b"X-Virus" not in message


def test_counts_tell_what_was_found_and_the_journal_no_names(tmp_path: Path, clamd: Daemon) -> None:
    with serving(tmp_path, clamd.socket) as office:
        office.stop()
        office.change_config("#counts_seconds = 3600", "counts_seconds = 1")
        office.start()
        submitted(office, HARMLESS)
        submitted(office, mail_with(eicar()))
        submitted(office, BOMB)
        counted: dict[str, int] = {}
        for _ in range(100):
            lines = [line for line in office.lines if line["event"] == "counts"]
            counted = {k: v for k, v in lines[-1].items() if "scanned" in k} if lines else {}
            if counted.get("unscanned_over_limits"):
                break
            threading.Event().wait(0.1)
        assert counted == {
            "scanned_clean": 1,
            "scanned_infected": 1,
            "unscanned_down": 0,
            "unscanned_over_limits": 1,
        }
        assert "Eicar" not in repr(office.lines)


def test_serve_says_that_the_scanner_can_be_relied_on(scanning: PostOffice) -> None:
    assert submitted(scanning, HARMLESS)[0] == 250  # by then it was tried
    fetched(scanning)
    assert events(scanning, "nothing is scanned") == []
    assert any("finds what it must find" in each for each in events(scanning, "virus scanner"))


def test_serve_without_a_scanner_says_so_and_delivers_unmarked(new_office: PostOffice) -> None:
    new_office.add("alice", "bob")
    new_office.start()
    assert "no mail is scanned" in events(new_office, "nothing is scanned")[0]
    assert submitted(new_office, mail_with(eicar()))[0] == 250
    (message,) = fetched(new_office)
    assert MARK not in message


# Ways in which a scanner does not answer.


def kill(daemon: Daemon) -> None:
    daemon.end()


def hang(daemon: Daemon) -> None:
    daemon.send(signal.SIGSTOP)


def blind(daemon: Daemon) -> None:
    daemon.end()
    (daemon.signatures / "local.ndb").unlink()
    daemon.start()


def lie(daemon: Daemon) -> None:
    """Leave somebody at the socket who says that everything is clean, and doesn't listen."""
    daemon.end()
    daemon.socket.unlink()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(daemon.socket))
    listening.listen()

    def answer() -> None:
        while True:
            talk, _ = listening.accept()
            with talk:
                talk.sendall(b"stream: OK\0")

    threading.Thread(target=answer, daemon=True).start()


FAILURES = [kill, hang, blind, lie]


@pytest.mark.parametrize("fail", FAILURES)
def test_mail_is_put_off_while_the_scanner_fails_and_taken_when_it_is_back(
    short_path: Path, fail: Callable[[Daemon], None]
) -> None:
    with (
        running(short_path / "clamd") as daemon,
        serving(short_path, daemon.socket, seconds=5) as office,
    ):
        assert submitted(office, HARMLESS)[0] == 250
        fail(daemon)
        if fail in (blind,):
            office.stop()
            office.start()  # or wait ten minutes until it is tried again
        code, text = submitted(office, HARMLESS)
        assert (code, text[:5]) == (451, "4.3.0")
        assert len(fetched(office)) == 1
        if fail is hang:
            daemon.send(signal.SIGCONT)
            threading.Event().wait(3.5)
            assert submitted(office, HARMLESS)[0] == 250


@pytest.mark.parametrize("fail", FAILURES)
def test_mail_passes_marked_where_the_operator_chose_so(
    short_path: Path, fail: Callable[[Daemon], None]
) -> None:
    with running(short_path / "clamd") as daemon:
        fail(daemon)
        with serving(short_path, daemon.socket, seconds=5, when_down="pass") as office:
            assert submitted(office, HARMLESS)[0] == 250
            (message,) = fetched(office)
    header = message.partition(b"\r\n\r\n")[0]
    assert header.count(MARK) == 1
    names = [line.partition(b":")[0] for line in header.split(b"\r\n")]
    assert names[:4] == [b"Return-Path", b"Received", b"X-Virus-Status", b"From"]


def test_over_limits_passes_marked_only_where_just_that_was_chosen(
    tmp_path: Path, clamd: Daemon
) -> None:
    with serving(tmp_path / "1", clamd.socket, when_down="pass") as office:
        assert submitted(office, BOMB)[0] == 451
    with serving(tmp_path / "2", clamd.socket, when_over_limits="pass") as office:
        assert submitted(office, BOMB)[0] == 250
        assert submitted(office, mail_with(eicar()))[0] == 554
        (message,) = fetched(office)
    assert MARK + b"too deep" in message
