# SPDX-License-Identifier: Apache-2.0
"""Compiles the hottest modules with mypyc while a wheel is built, if EEPOST_COMPILED is 1.

A hook of hatchling (`pyproject.toml`). The sources stay the same plain Python that the tests and
their coverage run on; a compiled wheel holds them too, beside what was made of them. Where there is
no C compiler, or no headers of Python, the build says so and makes a plain wheel.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What a message or a poll passes through. None may hold an asynchronous generator or a protocol
# that is checked at run time, which mypyc does not know; tests/app/test_compiled.py looks.
ROOMS = ("mail", "maildrop", "seal", "wire", "wire/pop3", "wire/smtp")
MODULES = (
    "accounts/authenticator.py",
    "accounts/directory.py",
    "accounts/memory.py",
    "accounts/places.py",
    "net/peers.py",
    "net/sessions.py",
    "sanitise/fields.py",
    "sanitise/from_user.py",
    "sanitise/outcome.py",
    "sanitise/report.py",
    "sanitise/text.py",
    "sanitise/threads.py",
    "services/mta/local.py",
    "services/mta/replies.py",
    "services/mta/submission.py",
    "services/pop/fetch.py",
    "services/pop/refusals.py",
)

_SETUP = """
import sys
from setuptools import setup
from mypyc.build import mypycify
options = ["--config-file=", "--strict", "--follow-imports=silent", "--namespace-packages"]
modules = mypycify(options + sys.argv[3:], opt_level="2", group_name="eepost")
setup(name="eepost", packages=[], ext_modules=modules, script_args=sys.argv[1:3])
"""


class CompiledRooms(BuildHookInterface):  # type: ignore[type-arg]
    """Adds compiled modules to a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is an editable one or plain on purpose."""
        if version == "editable" or os.environ.get("EEPOST_COMPILED") != "1":
            return
        missing = _missing()
        if missing:
            print(f"eepost stays plain Python: {missing} is missing", file=sys.stderr)
            return
        print("compiling the hottest modules (a minute or two)", file=sys.stderr)
        self._work = Path(tempfile.mkdtemp(prefix="eepost-compiled-"))
        for made in _compile(Path(self.root), self._work):
            build_data["force_include"][str(made)] = str(made.relative_to(self._work))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the compiler left."""
        work = getattr(self, "_work", None)
        if work is not None:
            shutil.rmtree(work)


def _missing() -> str | None:
    """Say what compiling takes and is not there."""
    if shutil.which(os.environ.get("CC", "cc")) is None:
        return "a C compiler (Debian: gcc)"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        return "Python.h (Debian: python3-dev)"
    return next((name for name in ("mypyc", "setuptools") if find_spec(name) is None), None)


def modules(package: Path) -> list[Path]:
    """Return the modules to compile, as paths below `package`."""
    of_rooms = (path for room in ROOMS for path in (package / room).glob("[!_]*.py"))
    return sorted([*(path.relative_to(package) for path in of_rooms), *map(Path, MODULES)])


def _compile(root: Path, work: Path) -> list[Path]:
    """Return the compiled modules, made in `work` beside a copy of the sources."""
    shutil.copytree(root / "src" / "eepost", work / "eepost")
    named = [f"eepost/{each}" for each in modules(work / "eepost")]
    _run(work, str(root / "scripts" / "constructors.py"), *named)
    _run(work, "-c", _SETUP, "build_ext", "--inplace", *named)
    return sorted((work / "eepost").rglob("*.so")) + sorted(work.glob("*.so"))


def _run(work: Path, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=work, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"compiling failed:\n{(done.stdout + done.stderr)[-4000:]}")
