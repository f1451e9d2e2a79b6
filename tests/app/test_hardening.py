# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

_LOOK = """
import ctypes, resource
from eepost.app.hardening import keep_memory_private
keep_memory_private()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_memory_is_neither_dumped_nor_shown_to_others() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True, timeout=60
    )
    assert seen.stdout == "(0, 0) 0\n"
