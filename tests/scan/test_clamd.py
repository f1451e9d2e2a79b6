# SPDX-License-Identifier: Apache-2.0
"""The adapter with a real clamd."""

import asyncio
import gzip
import os
import signal
from pathlib import Path

import pytest

from eepost.net.canary import eicar
from eepost.net.clamd import BELIEF_SECONDS, PAUSE_SECONDS, Bounds, Clamd, Standing
from eepost.net.instream import DOWN, OVER_LIMITS, ask
from eepost.sanitise.scan import Clean, Infected
from tests.scan.asking import Clock, scanner
from tests.scan.daemon import EICAR_NAME, Daemon, running
from tests.scan.letters import HEADER, TEXT, attached, mail_with, multipart, zipped

PATIENCE = Bounds(message_octets=1_000_000, seconds=1, at_once=2)
HARMLESS = HEADER + TEXT


async def test_harmless_mail_is_clean(clamd: Daemon) -> None:
    asked = scanner(clamd.socket)
    for message in (HARMLESS, mail_with(b"words"), mail_with(zipped(b"words"))):
        assert await asked.scan([message]) == Clean()


@pytest.mark.parametrize(
    "message",
    [
        HEADER + TEXT + eicar() + b"\r\n",
        HEADER + attached(eicar()),
        mail_with(eicar()),
        mail_with(zipped(eicar())),
        mail_with(gzip.compress(zipped(eicar()))),
        HEADER + multipart(TEXT, b"Content-Type: message/rfc822\r\n\r\n" + mail_with(eicar())),
    ],
    ids=["text", "whole body", "attachment", "zip", "zip in gzip", "message in message"],
)
async def test_virus_is_found_wherever_it_is(clamd: Daemon, message: bytes) -> None:
    assert await scanner(clamd.socket).scan([message]) == Infected(EICAR_NAME)


async def test_pieces_are_one_message(clamd: Daemon) -> None:
    message = mail_with(zipped(eicar()))
    pieces = [memoryview(message)[at : at + 7] for at in range(0, len(message), 7)]
    assert await scanner(clamd.socket).scan(pieces) == Infected(EICAR_NAME)


HIDDEN = {
    "first field of a picture": b"GIF89a: x\r\n" + mail_with(gzip.compress(eicar())),
    "first part of a signed one": HEADER
    + multipart(attached(gzip.compress(eicar())), TEXT, kind="signed; micalg=x; protocol=x/y"),
    "encoded message with a strange first field": HEADER
    + multipart(
        TEXT,
        attached(b"MZ: x\r\n" + mail_with(gzip.compress(eicar()))).replace(
            b"application/octet-stream", b"message/rfc822"
        ),
    ),
}


@pytest.mark.parametrize("trick", HIDDEN)
async def test_what_clamd_alone_would_miss_is_found(clamd: Daemon, trick: str) -> None:
    talking, writing = await asyncio.open_unix_connection(str(clamd.socket))
    message = HIDDEN[trick]
    writing.write(b"zINSTREAM\0" + len(message).to_bytes(4) + message + bytes(4))
    # Where clamd learns better one day, taking messages apart for it can go.
    assert await talking.read() == b"stream: OK\0"
    writing.close()
    await writing.wait_closed()
    assert await scanner(clamd.socket).scan([message]) == Infected(EICAR_NAME)


async def test_large_message_goes_through_in_chunks(clamd: Daemon) -> None:
    noise = os.urandom(3_000_000)
    assert await scanner(clamd.socket).scan([mail_with(noise)]) == Clean()
    assert await scanner(clamd.socket).scan([mail_with(noise + eicar())]) == Infected(EICAR_NAME)


async def test_message_over_our_own_bound_is_not_even_sent(short_path: Path) -> None:
    nowhere = scanner(short_path / "nobody", PATIENCE)
    assert await nowhere.scan([bytes(1_000_001)]) == OVER_LIMITS
    assert await nowhere.scan([bytes(1_000_000)]) == DOWN


async def test_message_over_clamds_own_bound_is_over_limits(short_path: Path) -> None:
    with running(short_path / "clamd", StreamMaxLength="100K") as daemon:
        asked = scanner(daemon.socket)
        assert await asked.scan([HEADER, TEXT, b"words\r\n" * 10_000]) == Clean()
        for size in (200_000, 5_000_000):
            assert await asked.scan([HEADER, TEXT, b"words\r\n" * (size // 7)]) == OVER_LIMITS


async def test_many_at_once_get_each_their_own_verdict(clamd: Daemon) -> None:
    asked = scanner(clamd.socket)
    messages = [mail_with(eicar() if n % 3 == 0 else b"words %d" % n) for n in range(60)]
    verdicts = await asyncio.gather(*(asked.scan([each]) for each in messages))
    assert verdicts == [Infected(EICAR_NAME) if n % 3 == 0 else Clean() for n in range(60)]


async def test_scanner_that_is_not_there_is_down(short_path: Path) -> None:
    told: list[Standing] = []
    asked = scanner(short_path / "nobody", tell=told.append)
    assert await asked.scan([HARMLESS]) == DOWN
    assert told == [Standing.DOWN]


async def test_scanner_that_hangs_is_down_in_bounded_time_and_back_later(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eepost.net.clamd.CANARY_SECONDS", 0.5)
    told: list[Standing] = []
    clock = Clock()
    with running(short_path / "clamd") as daemon:
        asked = scanner(daemon.socket, PATIENCE, clock, told.append)
        assert await asked.scan([HARMLESS]) == Clean()
        daemon.send(signal.SIGSTOP)
        async with asyncio.timeout(5):
            # More than there are places: those who wait have no longer patience than the others.
            assert await asked.scan([HARMLESS]) == DOWN
            assert await asyncio.gather(*(asked.scan([HARMLESS]) for _ in range(9))) == [DOWN] * 9
        daemon.send(signal.SIGCONT)
        assert await asked.scan([HARMLESS]) == DOWN  # not asked again so soon
        clock.seconds += PAUSE_SECONDS
        assert await asked.scan([HARMLESS]) == Clean()
    assert told == [Standing.RELIABLE, Standing.DOWN, Standing.RELIABLE]


async def test_scanner_that_dies_in_the_middle_is_down(short_path: Path) -> None:
    with running(short_path / "clamd") as daemon:
        asked = scanner(daemon.socket)
        assert await asked.scan([HARMLESS]) == Clean()
        daemon.send(signal.SIGSTOP)
        # Too much for the socket's buffer, so that it is in the middle of sending.
        waiting = asyncio.create_task(asked.scan([HEADER, TEXT, b"words\r\n" * 1_000_000]))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        daemon.end()
        assert await waiting == DOWN
        assert await asked.scan([HARMLESS]) == DOWN


async def test_scanner_without_signatures_is_not_believed(short_path: Path) -> None:
    daemon = Daemon(short_path / "clamd").create()
    try:
        (daemon.signatures / "local.ndb").unlink()
        daemon.start()
        asked = scanner(daemon.socket)
        assert await asked.scan([HARMLESS]) == DOWN
        assert await asked.standing() is Standing.BLIND
    finally:
        daemon.end()


async def test_scanner_that_looks_into_no_archives_is_not_believed(short_path: Path) -> None:
    with running(short_path / "clamd", ScanArchive="no") as daemon:
        assert await scanner(daemon.socket).standing() is Standing.BLIND


async def test_scanner_that_calls_clean_what_it_could_not_see_is_not_believed(
    short_path: Path,
) -> None:
    with running(short_path / "clamd", AlertExceedsMax="no") as daemon:
        asked = scanner(daemon.socket)
        assert await asked.standing() is Standing.LENIENT
        assert await asked.scan([HARMLESS]) == DOWN


async def test_belief_is_tried_again_after_a_while(short_path: Path) -> None:
    told: list[Standing] = []
    clock = Clock()
    with running(short_path / "clamd") as daemon:
        asked = scanner(daemon.socket, now=clock, tell=told.append)
        assert await asked.scan([HARMLESS]) == Clean()
        (daemon.signatures / "local.ndb").unlink()
        await reload(daemon, asked)
        assert await asked.scan([HARMLESS]) == Clean()
        clock.seconds += BELIEF_SECONDS
        assert await asked.scan([HARMLESS]) == DOWN
    assert told == [Standing.RELIABLE, Standing.BLIND]


async def reload(daemon: Daemon, asked: Clamd) -> None:
    """Let clamd read its signatures again and wait until it has."""
    assert await ask(daemon.socket, b"RELOAD") == b"RELOADING"
    async with asyncio.timeout(20):
        while await asked.scan([HEADER, TEXT, eicar()]) != Clean():
            pass
