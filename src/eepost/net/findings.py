# SPDX-License-Identifier: Apache-2.0
"""What was found when something was looked at, for the commands that look: a table to read."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How a finding turned out."""

    FINE = "ok"
    WRONG = "wrong"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    subject: str
    state: State
    text: str
    mend: str = ""


def fine(subject: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject, State.FINE, text)


def wrong(subject: str, text: str, mend: str) -> Finding:
    """Return a finding that needs a mend."""
    return Finding(subject, State.WRONG, text, mend)


def unchecked(subject: str, text: str, mend: str = "") -> Finding:
    """Return that something could not be looked at."""
    return Finding(subject, State.UNCHECKED, text, mend)
