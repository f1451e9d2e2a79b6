# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.interop.isolation import loopback_only
from tests.interop.running import Desk
from tests.interop.wiretap import Wiretap
from tests.office import PostOffice

MakeTap = Callable[[int], Wiretap]
_NUMBERS = count(1)


@pytest.fixture(scope="package", autouse=True)
def _own_network() -> Iterator[None]:
    with loopback_only():
        yield


@pytest.fixture(scope="package")
def post(_own_network: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A running post office for all tests here: each works with accounts of its own."""
    office = PostOffice(tmp_path_factory.mktemp("post") / "office").create().start()
    yield office
    office.kill()


@pytest.fixture
def tap() -> Iterator[MakeTap]:
    """Make a wiretap before a port of the post office."""
    taps: list[Wiretap] = []

    def make(port: int) -> Wiretap:
        taps.append(Wiretap(port))
        return taps[-1]

    yield make
    for each in taps:
        each.close()


@pytest.fixture
def alice(post: PostOffice, tmp_path: Path) -> Desk:
    """A user who sends."""
    return _settle(post, tmp_path, "alice")


@pytest.fixture
def bob(post: PostOffice, tmp_path: Path) -> Desk:
    """A user who fetches."""
    return _settle(post, tmp_path, "bob")


def _settle(post: PostOffice, tmp_path: Path, name: str) -> Desk:
    account = f"{name}{next(_NUMBERS)}"
    post.add(account)
    home = tmp_path / name
    home.mkdir()
    return Desk(home, post.smtp_port, post.pop3_port, account)
