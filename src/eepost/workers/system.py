# SPDX-License-Identifier: Apache-2.0
"""The two system calls that Python has no words for: prctl(2) and unshare(2)."""

import ctypes
import os


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set something about this process. Raises OSError."""
    _call("prctl", option, *map(ctypes.c_ulong, (first, second, 0, 0)))


def unshare(flags: int) -> None:
    """Leave the namespaces of `flags` for new ones. Raises OSError."""
    _call("unshare", flags)


def _call(name: str, *arguments: int | ctypes.c_ulong) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
