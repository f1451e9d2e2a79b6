# SPDX-License-Identifier: Apache-2.0
"""Constructors written out for the compiler: what they make is what dataclasses would make."""

import ast
import importlib.util
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

VALUES = '''
from dataclasses import dataclass, field
from dataclasses import field as attribute
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Point:
    """A value."""

    x: int
    y: int = 2
    hidden: str = field(default="secret", repr=False)
    marks: frozenset[int] = frozenset()

    def far(self) -> int:
        return self.x + self.y


@dataclass
class Tally:
    count: int = attribute(repr=False)


@dataclass(frozen=True, slots=True)
class Nothing:
    """No fields."""


@dataclass(slots=True)
class Made:
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Checked:
    count: int

    def __post_init__(self) -> None:
        self.count += 1


class Plain:
    count: int


@dataclass(frozen=True, slots=True)
class Last:
    octets: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class End:
    z: bytes
'''


def with_constructors() -> Callable[[str], str]:
    path = ROOT / "scripts/constructors.py"
    specification = importlib.util.spec_from_file_location("constructors", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    written: Callable[[str], str] = module.with_constructors
    return written


def written() -> str:
    return with_constructors()(VALUES)


def constructed(source: str) -> set[str]:
    return {
        each.name
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.ClassDef)
        and any(isinstance(it, ast.FunctionDef) and it.name == "__init__" for it in each.body)
    }


def test_every_plain_dataclass_gets_a_constructor_and_no_other_class_does() -> None:
    assert constructed(VALUES) == set()
    assert constructed(written()) == {"Point", "Tally", "Nothing", "End"}


def test_no_line_of_the_source_moves() -> None:
    def places(source: str) -> dict[str, int]:
        nodes = ast.walk(ast.parse(source))
        named = (each for each in nodes if isinstance(each, ast.ClassDef | ast.FunctionDef))
        return {each.name: each.lineno for each in named if each.name != "__init__"}

    assert places(written()) == places(VALUES)


def test_names_annotations_and_defaults_are_those_of_the_fields() -> None:
    source = written()
    assert "def __init__(self, x: int, y: int = 2, hidden: str = 'secret', marks" in source
    assert "def __init__(self, count: int) -> None: self.count = count\n" in source
    assert "def __init__(self, z: bytes) -> None: self.z = z  # type: ignore[misc]" in source


def test_everything_else_of_a_dataclass_stays() -> None:
    # Plain Python refuses what a compiled constructor may do, so these are not frozen here.
    space: dict[str, Any] = {"__name__": "values"}
    exec(written().replace("frozen=True, ", ""), space)
    point = space["Point"](1, hidden="x")
    assert repr(point) == "Point(x=1, y=2, marks=frozenset())"
    assert point == space["Point"](1, 2, "x") != space["Point"](1)
    assert replace(point, y=5).far() == 6
    assert repr(space["Nothing"]()) == "Nothing()"
    assert space["Checked"](1).count == 2


def test_plain_python_would_not_let_a_frozen_value_be_made_so() -> None:
    # Why the compiler's copy alone is changed: mypyc sets the attribute itself.
    space: dict[str, Any] = {"__name__": "values"}
    exec(written(), space)
    with pytest.raises(FrozenInstanceError):
        space["Point"](1)
