# SPDX-License-Identifier: Apache-2.0
"""Keeps the program's memory, with keys and plain mail in it, out of files and other hands."""

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4  # prctl(2)


def keep_memory_private() -> None:
    """Leave no core dump, and let no other process of the same user look in.

    A core limit of 0 alone is not enough: dumps that are piped to a collector ignore it (core(5)).
    Raises OSError.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None, use_errno=True)
    if system.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
