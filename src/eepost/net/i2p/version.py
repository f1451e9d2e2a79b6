# SPDX-License-Identifier: Apache-2.0
"""Asks an installed i2pd for its version, and says what that version can do."""

import re
import subprocess
import threading
from pathlib import Path

# It prints three lines and ends at once; another program under that name may do neither.
MAX_ANSWER_OCTETS = 4_096
ANSWER_SECONDS = 5.0
# Debian 12's 2.45.1 can't do it; 2.56 and newer can.
ENCRYPTS_SINCE = (2, 56)

_VERSION = re.compile(rb"i2pd version (\d{1,4})\.(\d{1,4})\.(\d{1,4})")


def ask_version(binary: Path, answer_seconds: float = ANSWER_SECONDS) -> str:
    """Return the version of an i2pd, such as "2.45.1", or "" where the program does not say."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the router that is to be used anyway
            [binary, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return ""
    limit = threading.Timer(answer_seconds, process.kill)
    limit.start()
    with process:
        answer = process.stdout.read(MAX_ANSWER_OCTETS) if process.stdout else b""
        limit.cancel()
        process.kill()
    return parse_version(answer)


def parse_version(answer: bytes) -> str:
    """Return the version in what `i2pd --version` prints, or ""."""
    found = _VERSION.search(answer[:MAX_ANSWER_OCTETS])
    return b".".join(found.groups()).decode("ascii") if found else ""


def can_encrypt_leases(version: str) -> bool:
    """Tell whether an i2pd of this version keeps an encrypted lease set with keys reachable."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    return numbers[:2] >= ENCRYPTS_SINCE
