# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest

from tests.figures import figure, pytest_terminal_summary
from tests.office import PostOffice

__all__ = ["figure", "pytest_terminal_summary"]


@pytest.fixture(scope="package")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A running post office."""
    office = PostOffice(tmp_path_factory.mktemp("slow") / "office").create().start()
    office.add("alice", "bob", "carol", "dave")
    yield office
    office.kill()
