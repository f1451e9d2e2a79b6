# SPDX-License-Identifier: Apache-2.0
"""Reads clamd.conf, to see what clamd was told; clamd.conf(5). It is never written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The configuration of a daemon is a page or two.
MAX_FILE_OCTETS = 1_000_000

# What holds where nothing is said, in clamd 1.4.
DEFAULTS: Final[Mapping[str, str]] = {
    "AlertExceedsMax": "no",
    "DatabaseDirectory": "/var/lib/clamav",
    "LeaveTemporaryFiles": "no",
    "MaxFileSize": "100M",
    "MaxScanSize": "400M",
    "MaxScanTime": "120000",
    "MaxThreads": "10",
    "StreamMaxLength": "100M",
}
_UNITS = {"k": 1_024, "m": 1_048_576, "g": 1_073_741_824}
_YES = frozenset(("yes", "true", "1"))


@dataclass(frozen=True, slots=True)
class ClamdConf:
    """What a clamd.conf says. Of an option that stands there twice, the last one."""

    given: Mapping[str, str]

    def word(self, option: str) -> str:
        """Return the value of `option`, "" where there is none."""
        return self.given.get(option, DEFAULTS.get(option, ""))

    def is_on(self, option: str) -> bool:
        """Return a BOOL."""
        return self.word(option).lower() in _YES

    def number(self, option: str) -> int:
        """Return a SIZE in octets or a NUMBER; 0, no limit, becomes a very large one."""
        text = self.word(option).lower()
        unit = _UNITS.get(text[-1:], 1)
        digits = text[:-1] if unit > 1 else text
        value = int(digits) * unit if digits.isascii() and digits.isdigit() else 0
        return value or 2**63


def read_clamd_conf(file: Path) -> ClamdConf:
    """Return what `file` says. Raises OSError."""
    with file.open("rb") as stream:
        text = stream.read(MAX_FILE_OCTETS).decode("utf-8", "replace")
    given = {}
    for line in text.splitlines():
        option, _, value = line.strip().partition(" ")
        if option and not option.startswith("#"):
            given[option] = value.strip().strip('"')
    return ClamdConf(given)
