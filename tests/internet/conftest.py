# SPDX-License-Identifier: Apache-2.0
"""One Internet for all tests here, in a network without any way out."""

from collections.abc import Iterator

import pytest

from tests.internet.world.place import internet, why_not
from tests.internet.world.world import World, world


@pytest.fixture(scope="package", autouse=True)
def _no_way_out() -> Iterator[None]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with internet():
        yield


@pytest.fixture(scope="package")
def net(_no_way_out: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The Internet, started once."""
    with world(tmp_path_factory.mktemp("internet")) as running:
        yield running
