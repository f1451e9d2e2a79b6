# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest

from tests.notify.servers import Inspircd, IrcServer, Ngircd


@pytest.fixture(params=[Ngircd, Inspircd], scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IrcServer]:
    """A real IRC server, and then another one."""
    kind: type[IrcServer] = request.param
    server = kind(tmp_path_factory.mktemp("irc"))
    yield server.start()
    server.kill()


@pytest.fixture
def irc(server: IrcServer) -> Iterator[IrcServer]:
    """The server with nobody there."""
    yield server
    server.clear()
