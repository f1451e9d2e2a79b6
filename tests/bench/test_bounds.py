# SPDX-License-Identifier: Apache-2.0
"""What a real server costs, bounded generously; rates are not asserted, they are the machine's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.eepost import Eepost, Prepared
from bench.measure import count_flushes, idle_pop3, idle_smtp, submit
from bench.offices import DOMAIN, HOST, PostOffice, free_port, logins, running
from bench.processes import FlushCount

from tests.office import PostOffice as Office

ACCOUNTS = 50
CLIENTS = 50
SECONDS = 1.5
TRIES = 6  # a machine that does other things meanwhile makes a load cost more, never less
MAX_CPU_MS = 0.9  # three times the goal: plain Python, beside another test
MAX_FLUSHES = 0.2
MAX_OCTETS = 10_000
CONNECTIONS = 1_000

Make = Callable[[], Eepost]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    folder = tmp_path_factory.mktemp("bench")
    smtp, pop3 = (HOST, free_port()), (HOST, free_port())
    office = Office(
        folder / "prepared",
        {
            "mail": {"domain": DOMAIN},
            "smtp": {"listen": f"{HOST}:{smtp[1]}"},
            "pop3": {"listen": f"{HOST}:{pop3[1]}"},
        },
    ).create()
    accounts = logins(ACCOUNTS)
    for login in accounts:
        office.add(login.user.decode().partition("@")[0], password=login.password.decode())
    prepared = Prepared(office.directory, smtp, pop3, accounts)

    def fresh() -> Eepost:
        place = folder / f"office-{len(list(folder.iterdir()))}"
        place.mkdir()
        return Eepost(place, prepared)

    return fresh


@pytest.fixture
def office(make: Make) -> Iterator[PostOffice]:
    fresh = make()
    with running(fresh):
        yield fresh


def _least(tries: Callable[[], float], bound: float) -> float:
    """Return the least of some tries; the first one within the bound will do."""
    least = tries()
    for _ in range(TRIES - 1):
        if least <= bound:
            break
        least = min(least, tries())
    return least


def test_a_submission_costs_little_cpu_and_every_letter_is_there(make: Make) -> None:
    def cpu_ms() -> float:
        fresh = make()
        with running(fresh):
            return submit(fresh, 4_096, CLIENTS, SECONDS)["cpu_ms"]

    assert _least(cpu_ms, MAX_CPU_MS) <= MAX_CPU_MS


def test_submissions_share_their_flushes(make: Make, tmp_path: Path) -> None:
    assert FlushCount.is_possible(), "strace counts flushes; requirements/ lists it"
    counts = iter(FlushCount(tmp_path / f"try-{number}") for number in range(TRIES))

    def flushes() -> float:
        fresh, count = make(), next(counts)
        with running(fresh, count.prefix):
            return count_flushes(fresh, count, CLIENTS, SECONDS)["flushes"]

    assert 0 < _least(flushes, MAX_FLUSHES) <= MAX_FLUSHES


def test_one_client_alone_gets_a_flush_for_each_letter(make: Make, tmp_path: Path) -> None:
    # The control of the test above: a count that misses flushes would pass it.
    count = FlushCount(tmp_path / "alone")
    alone = make()
    with running(alone, count.prefix):
        assert count_flushes(alone, count, 1, SECONDS)["flushes"] >= 1


@pytest.mark.parametrize("idle", [idle_pop3, idle_smtp], ids=["POP3", "SMTP"])
def test_a_logged_in_connection_takes_little_memory(
    office: PostOffice, idle: Callable[[PostOffice, int], dict[str, float]]
) -> None:
    octets = idle(office, CONNECTIONS)["octets"]
    assert 100 < octets <= MAX_OCTETS
