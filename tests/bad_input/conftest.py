# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bad_input.aftermath import RECIPIENT, SENDER, assert_goes_on, settle
from tests.interop.running import Desk
from tests.office import PostOffice

OpenOffice = Callable[[dict[str, dict[str, Any]]], PostOffice]


@pytest.fixture(scope="package")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A running post office for most tests here: each works with accounts of its own."""
    office = PostOffice(tmp_path_factory.mktemp("bad") / "office").create().start()
    yield office
    office.kill()


@pytest.fixture
def steady(post: PostOffice) -> Iterator[PostOffice]:
    """The same, and a look afterwards whether it goes on and kept silent."""
    yield post
    assert_goes_on(post)


@pytest.fixture
def open_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenOffice]:
    """Start a post office with settings of the test's own."""
    offices: list[PostOffice] = []

    def start(settings: dict[str, dict[str, Any]]) -> PostOffice:
        directory = tmp_path_factory.mktemp("own") / "office"
        offices.append(PostOffice(directory, settings).create().start())
        return offices[-1]

    yield start
    for each in offices:
        each.kill()


@pytest.fixture
def sender(post: PostOffice) -> Desk:
    """A user who sends."""
    return settle(post, SENDER)


@pytest.fixture
def recipient(post: PostOffice) -> Desk:
    """A user who gets mail, or should not."""
    return settle(post, RECIPIENT)
