# SPDX-License-Identifier: Apache-2.0
"""Put on PYTHONPATH, makes a gateway keep what passes through it, as careless software does.

The control of the search of a seized gateway: what a gateway must not keep, this one does.
"""

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_FOLDER = os.environ.get("LEAK_FOLDER", "")
_WATCHED = "eepost.services.gateway.reception.session"


def _keep(envelope: str, content: bytes) -> None:
    from tests.internet.search import disguised

    folder = Path(_FOLDER)
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir()))
    for name, each in disguised(envelope.encode() + b"\n" + content).items():
        (folder / f"{number}.{name}").write_bytes(each)


def _leak(module: ModuleType) -> None:
    before = module.Reception._pass_on

    async def pass_on(session: Any) -> Any:
        envelope = " ".join((session._caller.address, session._sender, *session._recipients))
        _keep(envelope, bytes(session._content))
        return await before(session)

    module.Reception._pass_on = pass_on


class _Watcher(importlib.abc.MetaPathFinder):
    """Changes the module when it has been loaded."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> Any:
        if name != _WATCHED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _leak(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if _FOLDER:
    sys.meta_path.insert(0, _Watcher())
