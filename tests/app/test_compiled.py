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


def unknown_to_mypyc(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef) and any(
            isinstance(each, ast.Yield) for each in ast.walk(node)
        ):
            yield f"the asynchronous generator {node.name}"
        if isinstance(node, ast.Name) and node.id == "runtime_checkable":
            yield "a protocol that is checked at run time"


def test_every_module_that_is_compiled_is_there() -> None:
    assert [str(each) for each in listed() if not (PACKAGE / each).is_file()] == []


def test_engines_are_among_them() -> None:
    assert {Path("wire/smtp/server.py"), Path("wire/pop3/server.py")} < set(listed())


def test_none_holds_what_mypyc_does_not_know() -> None:
    found = {str(each): [*unknown_to_mypyc((PACKAGE / each).read_text())] for each in listed()}
    assert {name: what for name, what in found.items() if what} == {}


def test_what_mypyc_does_not_know_would_be_found() -> None:
    source = "@runtime_checkable\nclass Known(Protocol): ...\nasync def parts():\n    yield 1\n"
    assert sorted(unknown_to_mypyc(source)) == [
        "a protocol that is checked at run time",
        "the asynchronous generator parts",
    ]
