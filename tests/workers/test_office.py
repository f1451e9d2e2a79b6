# SPDX-License-Identifier: Apache-2.0
"""Workers of a running post office, looked at from outside and killed."""

import os
import re
import signal
import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from eepost.seal.startkey import StartKey
from tests.office import PASSWORD, PostOffice, address, mail
from tests.workers.rig import children, is_running, needs_root, wait_until_gone

HTML = "Content-Type: text/html\r\n"
# Takes a worker some tenths of a second.
LONG = '<p class="x">Hello <b>Bob</b>, look at <a href="http://x.example/">this</a></p>\r\n' * 8_000
SENDERS = ("alice", "carol", "dave", "erin")


def forkserver_of(office: PostOffice) -> int:
    (pid,) = children(office.pid)
    return pid


def workers_of(office: PostOffice) -> list[int]:
    return [worker for pid in children(office.pid) for worker in children(pid)]


def wait_for_workers(office: PostOffice) -> list[int]:
    until = time.monotonic() + 20
    while not (found := workers_of(office)):
        assert time.monotonic() < until
        time.sleep(0.002)
    return found


def reply_to(office: PostOffice, sender: str, number: int) -> int:
    """Send a heavy message and return the code that answers it."""
    message = mail(sender, "bob", LONG, f"X-Number: {number}\r\n{HTML}")
    message = message.replace(b"Subject: test", b"Subject: number %d" % number)
    try:
        office.submit(address(sender), address("bob"), message)
    except smtplib.SMTPDataError as error:
        return error.smtp_code
    except smtplib.SMTPResponseException as error:
        # To QUIT, after the message was taken: a post office that stops says so there.
        if type(error) is not smtplib.SMTPResponseException or error.smtp_code != 421:
            raise
    return 250


def numbers_in(messages: list[bytes]) -> list[int]:
    return sorted(int(re.findall(rb"Subject: number (\d+)", each)[0]) for each in messages)


def events(office: PostOffice, name: str) -> int:
    return sum(line["event"] == name for line in office.lines)


def test_text_needs_no_worker_and_all_else_does(office: PostOffice) -> None:
    office.submit(address("alice"), address("bob"), mail("alice", "bob"))
    assert workers_of(office) == []
    office.submit(address("alice"), address("bob"), mail("alice", "bob", "<p>Hi</p>\r\n", HTML))
    assert len(workers_of(office)) == 1
    assert len(office.fetch("bob")) == 2


def test_killed_worker_costs_its_message_a_try_and_nothing_else(new_office: PostOffice) -> None:
    new_office.add("bob", *SENDERS)
    office = new_office.start()
    done = threading.Event()
    killed = []

    def kill_now_and_then() -> None:
        while not done.wait(0.15):
            for pid in workers_of(office)[:1]:
                with suppress(ProcessLookupError):  # it has ended in between
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        with ThreadPoolExecutor(len(SENDERS)) as threads:
            codes = list(
                threads.map(lambda n: reply_to(office, SENDERS[n % len(SENDERS)], n), range(24))
            )
    finally:
        done.set()
        killer.join()
    deferred = [number for number, code in enumerate(codes) if code == 451]
    delivered = [number for number, code in enumerate(codes) if code == 250]
    assert len(deferred) + len(delivered) == 24, codes
    assert 0 < len(deferred) <= len(killed)
    assert events(office, "worker died") == len(deferred)
    assert events(office, "fault") == 0
    # What was put off is sent again, as every mail program does, and nothing is there twice.
    assert [reply_to(office, "alice", number) for number in deferred] == [250] * len(deferred)
    assert numbers_in(office.fetch("bob")) == list(range(24))


def test_killed_forkserver_is_replaced(office: PostOffice) -> None:
    assert reply_to(office, "alice", 1) == 250
    workers = workers_of(office)
    os.kill(forkserver_of(office), signal.SIGKILL)
    for pid in workers:
        wait_until_gone(pid)
    assert reply_to(office, "alice", 2) == 250
    assert numbers_in(office.fetch("bob")) == [1, 2]


def test_stop_lets_the_message_in_a_worker_finish_and_leaves_no_process(
    office: PostOffice,
) -> None:
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(reply_to, office, "alice", 1)
        pids = [*wait_for_workers(office), forkserver_of(office)]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)  # as a service manager sends it to all of them
        assert office.stop() == 0
        assert answer.result() == 250
    assert [pid for pid in pids if is_running(pid)] == []


def test_power_cut_of_the_post_office_alone_leaves_no_process(office: PostOffice) -> None:
    assert reply_to(office, "alice", 1) == 250
    pids = [*wait_for_workers(office), forkserver_of(office)]
    office.kill()
    for pid in pids:
        wait_until_gone(pid)


def holds(pid: int, secret: bytes) -> bool:
    """Say whether a secret stands anywhere in a process's memory, where that can be written."""
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
            area, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in area.split("-"))
            memory.seek(start)
            if secret in memory.read(end - start):
                return True
    return False


@needs_root
def test_start_key_and_passwords_are_in_the_post_office_and_in_no_process_beside_it(
    office: PostOffice,
) -> None:
    key_text = (office.directory / "start.key").read_text(encoding="ascii").strip()
    key = StartKey.from_text(key_text)._octets
    office.submit(address("alice"), address("bob"), mail("alice", "bob", "<p>Hi</p>\r\n", HTML))
    (worker,) = workers_of(office)
    assert holds(office.pid, key)
    for pid in (worker, forkserver_of(office)):
        assert holds(pid, b"eepost.workers")  # the search finds what is there
        for secret in (key, key_text.encode(), PASSWORD.encode()):
            assert not holds(pid, secret)
    assert holds(worker, address("alice").encode())  # it knows whose mail it cleans
    assert not holds(forkserver_of(office), address("alice").encode())


def test_processes_beside_the_post_office_show_nothing_in_their_names(office: PostOffice) -> None:
    commands = [
        Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (office.pid, forkserver_of(office))
    ]
    assert str(office.directory).encode() in commands[0]
    assert str(office.directory).encode() not in commands[1]
    assert b"eepost.workers.forkserver" in commands[1]
