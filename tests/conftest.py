# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office import PostOffice


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
