# SPDX-License-Identifier: Apache-2.0
"""Makes the workers that the settings ask for, and tells the journal what becomes of them."""

import os
from collections.abc import Mapping
from typing import Final

from eepost.app.settings import Workers
from eepost.observe.journal import Journal
from eepost.sanitise.cleaner import Why
from eepost.workers import seccomp
from eepost.workers.answers import Fault
from eepost.workers.pool import Bounds, Pool
from eepost.workers.starter import Starter

# Workers at most where the settings leave the number to us: a core each, and some memory.
MOST_BY_CORES = 4

_EVENTS: Final[Mapping[Why, str]] = {
    Why.TIME: "worker out of time",
    Why.DIED: "worker died",
    Why.ABSENT: "worker absent",
}


def make_starter(settings: Workers) -> Starter:
    """Return what starts workers: enter it before a key is read or a socket opened."""
    return Starter(settings.memory_octets)


def make_pool(settings: Workers, starter: Starter, journal: Journal) -> Pool:
    """Return the pool of workers that `starter` starts."""
    count = settings.count or min(len(os.sched_getaffinity(0)), MOST_BY_CORES)
    bounds = Bounds(count, settings.seconds, settings.waiting)
    return Pool(starter, bounds, lambda why, fault: _note(journal, why, fault))


def _note(journal: Journal, why: Why, fault: Fault | None) -> None:
    if fault is not None:
        journal.reported_fault("worker", fault.kind, fault.places)
    elif why in _EVENTS:
        journal.event(_EVENTS[why])


def counters(pool: Pool) -> dict[str, int]:
    """Return what the pool has done, by name."""
    failed = {f"workers_{why.value.replace(' ', '_')}": n for why, n in pool.counts.failed.items()}
    done = {"workers_cleaned": pool.counts.cleaned, "workers_started": pool.counts.started}
    return done | failed


def warn_where_less_confined(journal: Journal) -> None:
    """Tell the operator where one of the walls around workers is missing."""
    if not seccomp.is_known_machine():
        journal.notice(
            "workers less confined",
            "on this kind of machine workers are kept in by limits and namespaces, without a list"
            " of system calls; docs/workers.md says what that means",
        )
