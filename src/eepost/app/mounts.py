# SPDX-License-Identifier: Apache-2.0
"""Tells on what kind of file system a path lies; proc(5), /proc/PID/mountinfo."""

import os
import re
from pathlib import Path

# Gone when the power is; tmpfs may go out to swap, which should be off or encrypted.
IN_MEMORY = frozenset(("tmpfs", "ramfs"))

_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_of(path: Path, mountinfo: str) -> str:
    """Return the type of the file system that holds `path`, "" where `mountinfo` does not say."""
    wanted = os.path.realpath(path)
    found, kind = "", ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        words, behind = before.split(" "), after.split(" ")
        if len(words) < 5 or not behind[0]:
            continue
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), words[4])
        is_above = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        # Of two that cover each other, the later one is seen.
        if is_above and len(point) >= len(found):
            found, kind = point, behind[0]
    return kind
