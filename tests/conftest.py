# SPDX-License-Identifier: Apache-2.0
import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.office import PostOffice

# No example fails because the machine is busy: what is slow is found by tests/costs.
settings.register_profile("eepost", deadline=None)
settings.load_profile("eepost")


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def new_office(tmp_path: Path) -> Iterator[PostOffice]:
    """A post office on disk that does not run yet."""
    office = PostOffice(tmp_path / "office").create()
    yield office
    office.kill()


@pytest.fixture
def office(new_office: PostOffice) -> PostOffice:
    """A running post office with the accounts alice and bob."""
    new_office.add("alice", "bob")
    return new_office.start()
