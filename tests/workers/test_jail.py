# SPDX-License-Identifier: Apache-2.0
"""What a worker that was taken over could do. Each attempt is made outside the jail too."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.attempts import ATTEMPTS
from tests.workers.rig import (
    HOSTILE,
    Rig,
    children,
    may_be_read,
    needs_root,
    open_files,
    running,
    told_by_kernel,
    until,
    without_power,
)

# What holds without the list of system calls, where that exists for no machine of this kind: no
# file, socket or library can be opened. As root a process could still be begun.
WITHOUT_LIST = (
    *("connect", "connect_locally", "open_socket", "read_file", "write_file", "list_folder"),
    *("write_to_memory", "look_into_another", "load_library", "raise_limit"),
    "ask_kernel_for_a_ring",
)


def _greet(listener: socket.socket) -> None:
    while True:
        try:
            stream, _ = listener.accept()
        except OSError:
            return
        with stream:
            stream.sendall(b"hello")


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What each attempt is made on: a listener that greets, a file, this process."""
    file = tmp_path / "start.key"
    file.write_text("the start key", encoding="ascii")
    listener = socket.create_server(("127.0.0.1", 0))
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "socket"))
    local.listen()
    threads = [threading.Thread(target=_greet, args=(each,)) for each in (listener, local)]
    for thread in threads:
        thread.start()
    yield {
        **dict.fromkeys(ATTEMPTS, str(file)),
        "connect": str(listener.getsockname()[1]),
        "connect_locally": str(tmp_path / "socket"),
        "signal_another": str(os.getpid()),
        "look_into_another": str(os.getpid()),
    }
    for each in (listener, local):
        each.shutdown(socket.SHUT_RDWR)
        each.close()
    for thread in threads:
        thread.join()


async def outcomes(rig: Rig, names: tuple[str, ...], arguments: dict[str, str]) -> dict[str, str]:
    return {name: (await rig.ask(f"{name} {arguments[name]}")).decode() for name in names}


async def test_no_attempt_succeeds_in_a_worker(arguments: dict[str, str]) -> None:
    async with running() as rig:
        found = await outcomes(rig, tuple(ATTEMPTS), arguments)
    assert {name: what for name, what in found.items() if not what.startswith("refused")} == {}


async def test_most_attempts_fail_by_the_other_means_alone(arguments: dict[str, str]) -> None:
    async with running(*HOSTILE, "--without-list") as rig:
        found = await outcomes(rig, WITHOUT_LIST, arguments)
    assert {name: what for name, what in found.items() if not what.startswith("refused")} == {}


# Where no rings are allowed at all (kernel.io_uring_disabled), there is nothing to compare with.
_NOT_EVERYWHERE = {"ask_kernel_for_a_ring"}


@pytest.mark.parametrize("name", sorted(set(ATTEMPTS) - _NOT_EVERYWHERE - {"become_dumpable"}))
def test_the_same_attempt_succeeds_outside(name: str, arguments: dict[str, str]) -> None:
    assert ATTEMPTS[name](arguments[name])


def test_outside_the_attempts_get_what_they_are_after(arguments: dict[str, str]) -> None:
    assert ATTEMPTS["connect"](arguments["connect"]) == "hello"
    assert ATTEMPTS["read_file"](arguments["read_file"]) == "the start key"


@needs_root
async def test_worker_has_one_open_file_its_socket() -> None:
    async with running() as rig:
        assert await rig.ask("echo", b"x") == b"x"
        (worker,) = rig.workers()
        (only,) = open_files(worker)
        assert only.startswith("socket:")
        assert len(open_files(os.getpid())) > 1


async def test_environment_tells_where_the_program_is_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/eepost.service")
    async with running() as rig:
        environment = (await rig.ask("tell_environment")).decode()
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert names <= {"PYTHONPATH", "LC_CTYPE"}
    assert "/run/credentials" not in environment


async def test_memory_of_worker_and_forkserver_is_closed_to_their_own_user() -> None:
    async with running() as rig:
        worker = int(await rig.ask("tell_pid"))
        assert children(rig.starter.pid or 0) == [worker]
        for pid in (worker, rig.starter.pid):
            for secret in ("mem", "environ", "maps"):
                assert not may_be_read(f"/proc/{pid}/{secret}"), secret
    control = await asyncio.create_subprocess_exec(*without_power("sleep", "60"))
    try:
        await until(lambda: "sleep" in told_by_kernel(control.pid, "comm"))
        assert may_be_read(f"/proc/{control.pid}/maps")
    finally:
        control.kill()
        await control.wait()


async def test_kernel_confirms_what_was_set() -> None:
    async with running() as rig:
        worker = int(await rig.ask("tell_pid"))
        status = told_by_kernel(worker, "status")
        limits = told_by_kernel(worker, "limits")
        score = told_by_kernel(worker, "oom_score_adj")
    assert "Seccomp:\t2\n" in status
    assert "NoNewPrivs:\t1\n" in status
    assert "Threads:\t1\n" in status
    bounds = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert bounds["Max core file size"] == ["0", "0"]
    assert bounds["Max file size"] == ["0", "0"]
    assert bounds["Max processes"] == ["0", "0"]
    assert bounds["Max open files"] == ["1", "1"]
    assert bounds["Max address space"][0].isdecimal()
    assert score.strip() == "1000"


@needs_root
async def test_worker_is_in_namespaces_of_its_own() -> None:
    async with running() as rig:
        worker = int(await rig.ask("tell_pid"))
        for kind in ("user", "net", "ipc"):
            assert os.readlink(f"/proc/{worker}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
        devices = told_by_kernel(worker, "net/dev").splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in devices] == ["lo"]
