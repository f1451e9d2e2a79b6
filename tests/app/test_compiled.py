# SPDX-License-Identifier: Apache-2.0
"""What `make fast` compiles; the compiled modules themselves are tried by `make test-compiled`."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import eepost

ROOT = Path(__file__).parents[2]
PACKAGE = Path(eepost.__path__[0])


def listed() -> list[Path]:
    specification = importlib.util.spec_from_file_location("compiled", ROOT / "scripts/compiled.py")
    assert specification is not None
    assert specification.loader is not None
    hook = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(hook)
    found: list[Path] = hook.modules(PACKAGE)
    return found


def asynchronous_generators(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef) and any(
            isinstance(each, ast.Yield) for each in ast.walk(node)
        ):
            yield node.name


def test_every_module_that_is_compiled_is_there() -> None:
    assert [str(each) for each in listed() if not (PACKAGE / each).is_file()] == []


def test_engines_are_among_them() -> None:
    assert {Path("wire/smtp/server.py"), Path("wire/pop3/server.py")} < set(listed())


def test_none_holds_what_mypyc_does_not_know() -> None:
    found = {
        str(each): list(asynchronous_generators((PACKAGE / each).read_text())) for each in listed()
    }
    assert {name for name, generators in found.items() if generators} == set()


def test_asynchronous_generator_would_be_found() -> None:
    assert list(asynchronous_generators("async def parts():\n    yield 1\n")) == ["parts"]
