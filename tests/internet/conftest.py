# SPDX-License-Identifier: Apache-2.0
"""One Internet for all tests here, in a network without any way out."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.figures import figure, pytest_terminal_summary
from tests.internet.world.place import internet, why_not
from tests.internet.world.world import World, world

__all__ = ["figure", "pytest_terminal_summary"]


@pytest.fixture(scope="package", autouse=True)
def _no_way_out() -> Iterator[None]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with internet():
        yield


@pytest.fixture(scope="package")
def net(_no_way_out: None) -> Iterator[World]:
    """The Internet, started once.

    Not in pytest's own folder: that is root's alone, and Postfix writes as another user.
    """
    with TemporaryDirectory(prefix="eepost-internet-") as folder:
        Path(folder).chmod(0o755)
        with world(Path(folder)) as running:
            yield running
