# SPDX-License-Identifier: Apache-2.0
"""What people may say to the notifier, and what it says to them.

Trust: anybody on IRC. A text that is no command is passed over in silence, so that two robots do
not talk to each other for ever (RFC 2812 3.3.2); answers are NOTICEs for the same reason.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Final

MAX_QUIET_SECONDS: Final = 30 * 86_400
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400}
_SPAN: Final = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
# Longer than any token; what is longer is none.
_MAX_ARGUMENT: Final = 64
# More is not counted out loud.
_MANY: Final = 1_000


class Verb(Enum):
    """The commands."""

    BIND = "bind"
    UNBIND = "unbind"
    STATUS = "status"
    QUIET = "quiet"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it came; its argument may be a token."""

    verb: Verb
    argument: str = field(default="", repr=False)


def parse_command(text: str) -> Command | None:
    """Return the command in a private message; None for anything else."""
    word, _, argument = text.strip().partition(" ")
    if not word.startswith(".") or len(argument) > _MAX_ARGUMENT:
        return None
    try:
        return Command(Verb(word[1:].lower()), argument.strip())
    except ValueError:
        return None


def parse_quiet(text: str) -> int | None:
    """Return for how many seconds to be quiet, 0 for no longer; None for what is no such span."""
    if text.lower() in {"off", "0"}:
        return 0
    found = _SPAN.fullmatch(text.lower())
    if found is None:
        return None
    seconds = int(found[1]) * _UNITS[found[2]]
    return seconds if seconds <= MAX_QUIET_SECONDS else None


HELP: Final = (
    "I say how many new mails you have, and nothing else. Commands: .bind TOKEN (the portal shows"
    " one), .unbind, .status, .quiet 8h (or 30m, 2d), .quiet off, .help"
)
NOT_LOGGED_IN: Final = "Log in to this network's services first; I go by their account."
NOT_OURS: Final = (
    "This token is wrong, used, or older than 15 minutes. The portal shows you a new one."
)
BOUND_ALREADY: Final = "You are bound to a mailbox already; .unbind first."
NOT_BOUND: Final = "You are not bound to a mailbox. The portal shows you a token for .bind."
UNBOUND: Final = "You are bound no more, and will hear nothing from me."
QUIET_SPAN: Final = (
    "Say for how long, at most 30 days: .quiet 8h, .quiet 30m, .quiet 2d, .quiet off"
)
NO_LONGER_QUIET: Final = "I am quiet no longer."
TRY_LATER: Final = "This can't be done just now; please try again later."


def bound(window_minutes: int) -> str:
    """Say that a nick was bound."""
    return (
        f"You are bound. News comes here within {window_minutes} minutes, while you use this nick"
        " and are logged in to services."
    )


def quiet_until(utc: int) -> str:
    """Say until when there will be no news."""
    return f"I am quiet until {_when(utc)}."


def status(nick: str, window_minutes: int, quiet_until_utc: int, now_utc: float) -> str:
    """Say how things stand."""
    text = f"News comes to {nick} within {window_minutes} minutes."
    return f"{text} {quiet_until(quiet_until_utc)}" if quiet_until_utc > now_utc else text


def news(count: int) -> str:
    """Say how many new mails there are, and nothing else."""
    if count == 1:
        return "You have 1 new mail."
    return f"You have {count} new mails." if count < _MANY else "You have very many new mails."


def _when(utc: int) -> str:
    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M UTC")
