# SPDX-License-Identifier: Apache-2.0
"""Somebody takes a gateway away: nothing on it tells who wrote to whom, and what.

It has worked under load with mail queued both ways, and was killed in the middle of transfers. Its
whole disk is searched: data, configuration, temporary files, what it logged. The control is the
same search of a gateway that keeps what passes through it.
"""

import contextlib
import json
import os
import shutil
import smtplib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from eepost.accounts.preferences import Delay, Preferences
from tests.internet.search import disguised, files_below, found_in
from tests.internet.station import Peer, Station, newest, station, wait_until
from tests.internet.world.place import host
from tests.internet.world.world import World

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEOPLE = ("marguerite", "balthasar", "wilhelmina")
PEERS = ("zacharias@kuckucksuhr.example", "leopoldine@weihnachtsmarkt.example")
FAR = ("friedrich@far.example", "gertrude@silent.example")  # the second takes no mail now
SUBJECT = "Zwetschgenkuchen"
BODY = "oberammergau-um-mitternacht"
PEER_NUMBER = 38
TURNS = 60
# The core's machine has this address too; no gateway ever needs it.
CORE_ADDRESS = host(39)


def needles() -> list[bytes]:
    words = [*PEOPLE, *PEERS, *FAR, SUBJECT, BODY, host(PEER_NUMBER), CORE_ADDRESS]
    words += [f"{name}@{domain}" for name in PEOPLE for domain in ("mail.i2p", "example.org")]
    words += [each.partition("@")[2] for each in (*PEERS, *FAR)]
    return [word.encode() for word in words]


def letter(sender: str, recipient: str, number: int) -> bytes:
    return (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {SUBJECT} {number}\r\n\r\n"
        + f"{BODY} {number}\r\n" * 30
    ).encode()


def bring(number: int) -> None:
    sender, recipient = PEERS[number % 2], f"{PEOPLE[number % 3]}@example.org"
    with Peer(PEER_NUMBER, name="mail.kuckucksuhr.example") as peer:
        code, text = peer.bring(letter(sender, recipient, number), recipient, sender)
        assert code == 250, text


def send(ours: Station, number: int) -> None:
    sender, recipient = f"{PEOPLE[number % 3]}@mail.i2p", FAR[number % 2]
    ours.core.submit(sender, recipient, letter(sender, recipient, number))


def busy_hour(ours: Station) -> None:
    """Mail to and fro, in the end more of it than gets through."""
    ours.core.add(*PEOPLE)
    for name in PEOPLE:
        with ours.core.registry() as registry:
            registry.adjust(name, _without_delay)
    for number in range(9):
        bring(number)
        send(ours, number)
    ours.mail(PEOPLE[0], 3)
    wait_until(lambda: len(ours.net.postfix.mail.now(FAR[0])) >= 3)
    ours.core.kill()
    wait_until(lambda: newest(ours.gateway, "core_is_up") == 0)
    for number in range(9, 15):
        bring(number)
    assert len(list((ours.gateway.directory / "kept").iterdir())) == 6


def _without_delay(preferences: Preferences) -> Preferences:
    return replace(preferences, delay=Delay.NONE)


@contextlib.contextmanager
def running(net: World, folder: Path, environment: dict[str, str]) -> Iterator[Station]:
    """Run a core and a gateway whose temporary files lie on the disk that is taken."""
    (folder / "temporary").mkdir(parents=True)
    environment = {"TMPDIR": str(folder / "temporary"), **environment}
    with station(net, folder, environment=environment) as ours:
        yield ours


def disk_of(ours: Station, folder: Path) -> list[Path]:
    """Return the files of the gateway's machine, its journal among them."""
    journal = folder / "temporary" / "journal"
    journal.write_text("\n".join(map(json.dumps, ours.gateway.lines)), "utf-8")
    return files_below(ours.gateway.directory, folder / "temporary", folder / "leaked")


@pytest.fixture(scope="module")
def _zones(net: World) -> None:
    for peer in PEERS:
        net.zones.add(peer.partition("@")[2], f'@ TXT "v=spf1 ip4:{host(PEER_NUMBER)} -all"')
    net.ours()


FORBIDDEN = (
    *("eepost.accounts", "eepost.maildrop", "eepost.queue", "eepost.store", "eepost.services.mta"),
    *("eepost.services.pop", "eepost.services.portal", "eepost.app.core", "eepost.app.office"),
    *("sqlite3", "sqlalchemy"),
)


@pytest.mark.usefixtures("_zones")
def test_seized_gateway_tells_nothing_and_its_process_has_loaded_no_account(
    net: World, tmp_path: Path
) -> None:
    folder = tmp_path / "silent"
    told = tmp_path / "modules"
    path = os.pathsep.join((str(HERE / "telling"), os.environ.get("PYTHONPATH", "")))
    environment = {"PYTHONPATH": path, "MODULES_FILE": str(told)}
    with running(net, folder, environment) as ours:
        busy_hour(ours)
        assert found_in(disk_of(ours, folder), needles()) == {}
        ours.core.start()
        ours.wait_for_link()
        # Killed in the middle of it: some are being received, some handed over, some relayed.
        for life in range(2):
            done: list[int] = []
            loads = [threading.Thread(target=_load, args=(ours, life, n, done)) for n in range(6)]
            for each in loads:
                each.start()
            wait_until(partial(_has_done, done, 6 + 12 * life))
            ours.gateway.kill()
            for each in loads:
                each.join()
            assert 0 < len(done) < 6 * TURNS, "it was killed in the middle"
            assert found_in(disk_of(ours, folder), needles()) == {}
            ours.gateway.start()
            ours.wait_for_link()
        wait_until(lambda: newest(ours.gateway, "kept") == 0)
        bring(0)
        assert ours.gateway.stop() == 0
        assert found_in(disk_of(ours, folder), needles()) == {}
        assert len(files_below(ours.gateway.directory)) >= 4
    loaded = set(told.read_text("utf-8").split())
    assert "eepost.services.gateway.reception.session" in loaded
    assert sorted(loaded.intersection(FORBIDDEN)) == []


def _has_done(done: list[int], count: int) -> bool:
    return len(done) >= count


def _load(ours: Station, life: int, number: int, done: list[int]) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        for turn in range(TURNS):
            at = (life * 6 + number) * TURNS + turn
            if number % 3:
                bring(at)
            else:
                send(ours, at)
            done.append(at)


@pytest.mark.usefixtures("_zones")
def test_same_search_finds_all_of_it_in_a_leaky_gateway(net: World, tmp_path: Path) -> None:
    folder = tmp_path / "leaky"
    path = os.pathsep.join((str(HERE / "leaky"), str(ROOT), os.environ.get("PYTHONPATH", "")))
    leaked = str(folder / "leaked")
    with running(net, folder, {"PYTHONPATH": path, "LEAK_FOLDER": leaked}) as ours:
        busy_hour(ours)
        files = disk_of(ours, folder)
        found = found_in(files, needles())
        outgoing = {each.encode() for each in FAR} | {
            each.partition("@")[2].encode() for each in FAR
        }
        internal = {f"{name}@mail.i2p".encode() for name in PEOPLE}
        expected = set(needles()) - outgoing - internal - {CORE_ADDRESS.encode()}
        assert expected <= set(found)
        # In each of the disguises by itself.
        for disguise in disguised(b"x"):
            of_one = [each for each in files if each.suffix == f".{disguise}"]
            assert expected <= set(found_in(of_one, expected)), disguise


def test_search_sees_what_it_is_told_to_look_for(tmp_path: Path) -> None:
    for number, needle in enumerate(needles()):
        for name, octets in disguised(b"some words " + needle + b" and more").items():
            file = tmp_path / f"{number}.{name}"
            file.write_bytes(octets)
            assert needle in found_in([file], needles()), (needle, name)
    (tmp_path / SUBJECT).write_bytes(b"")
    assert SUBJECT.encode() in found_in([tmp_path / SUBJECT], needles())
    shutil.rmtree(tmp_path)
