# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.interop.isolation import loopback_only
from tests.interop.running import Desk
from tests.letterbox.box import Letterbox
from tests.office import PostOffice

_NUMBERS = count(1)


@pytest.fixture(scope="package")
def _own_network() -> Iterator[None]:
    """For what runs foreign programs: nothing of theirs can leave the machine."""
    with loopback_only():
        yield


@pytest.fixture(scope="package")
def post(_own_network: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A running post office for all tests here: each works with accounts of its own."""
    office = PostOffice(tmp_path_factory.mktemp("post") / "office").create().start()
    yield office
    office.kill()


@pytest.fixture(scope="package")
def box(post: PostOffice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Letterbox]:
    """A running letterbox before it, for the accounts of all tests."""
    directory = tmp_path_factory.mktemp("box") / "letterbox"
    letterbox = Letterbox(directory).add(post.smtp_port, post.pop3_port).start()
    yield letterbox
    letterbox.kill()


@pytest.fixture
def alice(post: PostOffice, box: Letterbox, tmp_path: Path) -> Desk:
    """A user whose programs are set up for the letterbox."""
    return settle(post, box, tmp_path, "alice")


@pytest.fixture
def bob(post: PostOffice, box: Letterbox, tmp_path: Path) -> Desk:
    """Another one."""
    return settle(post, box, tmp_path, "bob")


def settle(post: PostOffice, box: Letterbox, folder: Path, name: str) -> Desk:
    """Make an account, and a home for its user."""
    account = f"{name}{next(_NUMBERS)}"
    post.add(account)
    home = folder / name
    home.mkdir()
    return Desk(home, box.smtp_port, box.pop3_port, account)
