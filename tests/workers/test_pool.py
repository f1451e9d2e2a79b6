# SPDX-License-Identifier: Apache-2.0
"""Which worker gets which message, how long it lives, and what the pool leaves behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest
import uvloop

from eepost.sanitise.cleaner import Why
from eepost.workers import pool as pool_module
from eepost.workers.starter import Starter
from tests.workers.rig import (
    Rig,
    children,
    is_running,
    needs_root,
    open_files,
    running,
    told_by_kernel,
    until,
    wait_until_gone,
)


async def test_no_worker_is_started_before_it_is_needed() -> None:
    async with running() as rig:
        assert rig.workers() == []


async def test_owner_keeps_his_worker() -> None:
    async with running() as rig:
        assert len({await rig.ask("tell_pid", whose="alice") for _ in range(5)}) == 1


async def test_worker_never_gets_mail_of_two_owners() -> None:
    async with running(count=1) as rig:
        owners = ["alice", "bob", "alice", "bob"]
        assert len({await rig.ask("tell_pid", whose=each) for each in owners}) == 4


async def test_mail_without_an_owner_gets_a_worker_each() -> None:
    async with running() as rig:
        assert len({await rig.ask("tell_pid", whose=None) for _ in range(4)}) == 4
        await rig.settle(0)


async def test_no_more_workers_than_allowed_whoever_comes() -> None:
    async with running(count=2) as rig:
        for n in range(6):
            await rig.ask("echo", whose=f"user {n}")
        await rig.settle(2)


async def test_worker_ends_after_so_many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_MESSAGES", 3)
    async with running() as rig:
        pids = [await rig.ask("tell_pid") for _ in range(6)]
        assert [pids.count(each) for each in pids] == [3] * 6


async def test_worker_ends_after_a_large_message() -> None:
    async with running() as rig:
        pid = await rig.ask("tell_pid")
        await rig.ask("echo", bytes(5_000_000))
        assert await rig.ask("tell_pid") != pid


async def test_idle_worker_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", 0.05)
    async with running() as rig:
        await rig.ask("echo")
        await rig.settle(0)
        assert await rig.ask("echo", b"later") == b"later"


async def test_idle_worker_that_was_killed_costs_no_message() -> None:
    async with running() as rig:
        os.kill(int(await rig.ask("tell_pid")), signal.SIGKILL)
        await rig.settle(0)
        assert await rig.ask("echo", b"x") == b"x"
        assert rig.told == []


async def test_killed_forkserver_is_replaced() -> None:
    async with running() as rig:
        worker = int(await rig.ask("tell_pid"))
        first = rig.starter.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until_gone(worker)
        assert await rig.ask("echo", b"x") == b"x"
        assert rig.starter.begun == 2
        assert not is_running(first)


async def test_forkserver_that_can_not_be_begun_fails_messages_only() -> None:
    async with running("-c", "raise SystemExit") as rig:
        first = rig.starter.pid
        await until(lambda: "State:\tZ" in told_by_kernel(first, "status"))
        assert await rig.fails("echo") in {Why.ABSENT, Why.DIED}


async def test_message_beyond_the_line_is_turned_away() -> None:
    async with running(count=1, waiting=2, seconds=2) as rig:
        first = asyncio.create_task(rig.fails("hang", whose="mallory"))
        await asyncio.sleep(0)
        second = asyncio.create_task(rig.fails("spin", whose="mallory"))
        await asyncio.sleep(0)
        assert await rig.fails("echo", whose="mallory") is Why.BUSY
        assert await rig.ask("echo", b"x", whose="alice") == b"x"
        assert [await first, await second] == [Why.TIME, Why.TIME]


async def test_message_waits_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "WAIT_SECONDS", 0.1)
    async with running(count=1, seconds=1) as rig:
        first = asyncio.create_task(rig.fails("hang"))
        await asyncio.sleep(0)
        assert await rig.fails("echo") is Why.BUSY
        assert await first is Why.TIME


async def cut_off(rig: Rig) -> None:
    waiting = asyncio.create_task(rig.ask("hang"))
    await rig.settle(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await rig.settle(0)
    for n in range(20):
        assert await rig.ask("echo", b"%d" % n, whose=str(n)) == b"%d" % n


async def test_worker_whose_message_is_not_waited_for_any_more_ends() -> None:
    async with running() as rig:
        await cut_off(rig)


def test_the_same_in_the_loop_that_is_served_with() -> None:
    async def run() -> None:
        async with running() as rig:
            await cut_off(rig)
            assert await rig.fails("abort") is Why.DIED
            large = os.urandom(3_000_000)
            assert await rig.ask("echo", large) == large

    uvloop.run(run())


async def test_signals_to_the_whole_group_leave_it_to_the_post_office() -> None:
    """Ctrl-C and a service manager's SIGTERM reach all; open transactions shall still finish."""
    async with running() as rig:
        pid = await rig.ask("tell_pid")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for each in (int(pid), rig.starter.pid or 0):
                os.kill(each, number)
        assert await rig.ask("tell_pid") == pid


async def test_stop_leaves_no_process() -> None:
    async with running() as rig:
        pids = [int(await rig.ask("tell_pid", whose=each)) for each in ("alice", "bob")]
        hanging = asyncio.create_task(rig.fails("hang", whose="bob"))
        await asyncio.sleep(0.05)
        pids.append(rig.starter.pid or 0)
    assert [pid for pid in pids if is_running(pid)] == []
    assert await hanging is Why.DIED


def test_stop_ends_a_forkserver_that_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eepost.workers.starter.END_SECONDS", 0.1)
    with Starter(1, ("-c", "import time; time.sleep(60)")) as starter:
        pid = starter.pid or 0
        assert is_running(pid)
    assert not is_running(pid)


_ENDS_SUDDENLY = """
import asyncio, sys
from tests.workers.rig import running
async def main():
    async with running() as rig:
        worker = await rig.ask("tell_pid")
        asyncio.get_running_loop().create_task(rig.ask("spin", whose="bob"))
        await asyncio.sleep(0.2)
        print(rig.starter.pid, *rig.workers(), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def test_killed_post_office_takes_forkserver_and_workers_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDS_SUDDENLY],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as post_office:
        assert post_office.stdout is not None
        pids = [int(each) for each in post_office.stdout.readline().split()]
        post_office.kill()
    assert len(pids) == 3
    for pid in pids:
        wait_until_gone(pid)


@needs_root
async def test_forkserver_inherits_nothing_but_its_orders() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)  # the worst case
        async with running() as rig:
            await rig.ask("echo")
            links = open_files(rig.starter.pid)
            inode = os.fstat(listener.fileno()).st_ino
        assert f"socket:[{inode}]" not in links
        kinds = sorted(each.partition(":")[0] for each in links)
        assert kinds.count("socket") == 3  # orders, and a pair to be woken by
        assert len(kinds) == 5


async def test_forkserver_buries_its_dead() -> None:
    async with running() as rig:
        for _ in range(20):
            await rig.fails("abort")
        await until(lambda: not children(rig.starter.pid or 0, buried=False))
