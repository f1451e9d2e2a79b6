# SPDX-License-Identifier: Apache-2.0
"""Writes out the constructors of dataclasses in sources that are about to be compiled.

`dataclasses` makes a constructor when a module is imported, so mypyc can't compile it: a frozen
value of four fields took 0.35 us to make, of which a submission needs dozens, and takes 0.02 us
with its constructor in the source. Done to the compiler's copy only, so that the sources stay
short; each constructor takes the place of an empty line, so that line numbers stay as well.

Classes with bases, default factories or fields that are no parameters are left as they are.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

_FIELD_OPTIONS = {"default", "repr", "compare"}  # what leaves a field a plain parameter


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    annotation: str
    default: str | None

    def __str__(self) -> str:
        said = f"{self.name}: {self.annotation}"
        return said if self.default is None else f"{said} = {self.default}"


def with_constructors(source: str) -> str:
    """Return `source` with a constructor in every dataclass that can have one."""
    lines, tree = source.splitlines(), ast.parse(source)
    field_names = _field_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            _construct(node, field_names, lines)
    return "\n".join(lines) + "\n"


def _field_names(tree: ast.Module) -> set[str]:
    """Return what the module calls `dataclasses.field`."""
    imports = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom))
    names = (name for each in imports if each.module == "dataclasses" for name in each.names)
    return {name.asname or name.name for name in names if name.name == "field"}


def _construct(node: ast.ClassDef, field_names: set[str], lines: list[str]) -> None:
    decorator = next(filter(_is_dataclass, node.decorator_list), None)
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    parameters = [_parameter(each, field_names) for each in fields]
    if decorator is None or node.bases or _has_own_constructor(node) or None in parameters:
        return
    at = (fields or node.body)[-1].end_lineno or 0
    if at == len(lines):
        lines.append("")
    if lines[at].strip():
        return
    lines[at] = " " * (node.col_offset + 4) + _constructor(list(filter(None, parameters)))
    if parameters and _is_frozen(decorator):
        lines[at] += "  # type: ignore[misc]"  # it may set what nobody else may
    row = decorator.lineno - 1
    lines[row] = (
        lines[row].replace("@dataclass(", "@dataclass(init=False, ")
        if isinstance(decorator, ast.Call)
        else lines[row] + "(init=False)"
    )


def _is_dataclass(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "dataclass"


def _is_frozen(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(
        each.arg == "frozen" for each in decorator.keywords
    )


def _has_own_constructor(node: ast.ClassDef) -> bool:
    own = {"__init__", "__post_init__"}
    return any(isinstance(each, ast.FunctionDef) and each.name in own for each in node.body)


def _parameter(field: ast.AnnAssign, field_names: set[str]) -> _Parameter | None:
    """Return the parameter that sets the field, None where there is no plain one."""
    annotation, value = ast.unparse(field.annotation), field.value
    if not isinstance(field.target, ast.Name) or annotation.startswith(("ClassVar", "InitVar")):
        return None
    if isinstance(value, ast.Call) and ast.unparse(value.func) in field_names:
        options = {each.arg: each.value for each in value.keywords}
        if not options.keys() <= _FIELD_OPTIONS:
            return None
        value = options.get("default")
    return _Parameter(field.target.id, annotation, None if value is None else ast.unparse(value))


def _constructor(parameters: list[_Parameter]) -> str:
    taken = ", ".join(["self", *map(str, parameters)])
    body = "; ".join(f"self.{each.name} = {each.name}" for each in parameters) or "pass"
    return f"def __init__({taken}) -> None: {body}"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(with_constructors(path.read_text()))
