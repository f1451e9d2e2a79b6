# SPDX-License-Identifier: Apache-2.0
"""Who is there: by MONITOR where the server offers it, by asking with ISON where it does not.

Only nicks for whom news waits are watched, so that the server does not learn from here who else
has a mailbox; and no channel is ever joined.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from eepost.services.notify.lines import folded, is_nick, say

# What a server without a number in MONITOR is trusted with.
MONITOR_UNSPOKEN: Final = 100
# Nicks watched at once. More would make the round of ISON longer than people are patient.
MAX_WATCHED: Final = 2_000
# Nicks in one ISON: even the longest leave it and its answer within a line.
ISON_NICKS: Final = 7
# Between two ISON. A server counts them like any other line.
ISON_SECONDS: Final = 20.0


class Watch:
    """Nicks that are waited for. Each is reported once when it is seen, and then forgotten."""

    __slots__ = ("_limit", "_monitored", "_next_ison", "_nicks")

    def __init__(self) -> None:
        self._nicks: OrderedDict[str, str] = OrderedDict()  # as compared -> as written
        self._monitored: set[str] = set()
        self._limit = 0
        self._next_ison = 0.0

    def offered(self, text: str | None) -> None:
        """Note what the server says of MONITOR; None where it takes that back."""
        if text is None:
            self._limit = 0
        elif text.isascii() and text.isdigit() and len(text) < 6:
            self._limit = int(text)
        else:
            self._limit = MONITOR_UNSPOKEN

    def add(self, nick: str) -> bytes:
        """Wait for `nick`; return the line that says so, if one has to."""
        key = folded(nick)
        if key in self._nicks or len(self._nicks) >= MAX_WATCHED:
            return b""
        self._nicks[key] = nick
        if len(self._monitored) >= self._limit:
            return b""
        self._monitored.add(key)
        return say("MONITOR", "+", nick)

    def remove(self, nick: str) -> bytes:
        """Wait for `nick` no more; return the line that says so, if one has to."""
        key = folded(nick)
        self._nicks.pop(key, None)
        if key not in self._monitored:
            return b""
        self._monitored.discard(key)
        return say("MONITOR", "-", nick)

    def refused(self, nicks: str) -> None:
        """Ask by ISON for whom the server can't monitor any more (734)."""
        for nick in nicks.split(","):
            self._monitored.discard(folded(nick))
        self._limit = min(self._limit, len(self._monitored))

    def seen(self, names: Iterable[str]) -> list[str]:
        """Return which of `names`, nicks or whole masks, are waited for, as we write them."""
        keys = (folded(name.partition("!")[0]) for name in names)
        return [self._nicks[key] for key in dict.fromkeys(keys) if key in self._nicks]

    def ison(self, now: float) -> bytes:
        """Return a question after the next few, if it is time for one."""
        if now < self._next_ison:
            return b""
        asked = [key for key in self._nicks if key not in self._monitored][:ISON_NICKS]
        if not asked:
            return b""
        for key in asked:
            self._nicks.move_to_end(key)  # everybody gets a turn
        self._next_ison = now + ISON_SECONDS
        return say("ISON", *(self._nicks[key] for key in asked))

    def due(self) -> float | None:
        """Return when `ison` has a question, None if nobody is asked for by ISON."""
        has_any = any(key not in self._monitored for key in self._nicks)
        return self._next_ison if has_any else None


def nicks_in(text: str) -> list[str]:
    """Return the nicks in a list with blanks, as ISON answers it (RFC 2812 4.9)."""
    return [each for each in text.split(" ") if is_nick(each)]
