# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.servers import Inspircd, IrcServer, Ngircd


@pytest.fixture(params=[Ngircd, Inspircd])
def irc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IrcServer]:
    """A real IRC server, and then another one."""
    kind: type[IrcServer] = request.param
    server = kind(tmp_path / "irc")
    yield server.start()
    server.kill()
