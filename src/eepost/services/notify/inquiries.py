# SPDX-License-Identifier: Apache-2.0
"""Who somebody is to the network's services: WHOIS, and what comes back.

Trust: the server. Only what answers a question of ours counts, so that nothing is believed of
anybody before it is asked.
"""

from dataclasses import dataclass, field
from typing import Final

from eepost.services.notify.commands import Command
from eepost.services.notify.lines import folded, is_services_account

# Over I2P an answer takes seconds, behind a queue of ours a minute or two.
ANSWER_SECONDS: Final = 300.0
MAX_OPEN: Final = 32
MAX_OPEN_OF_STRANGERS: Final = 16  # the rest is for news
MAX_COMMANDS: Final = 3  # of one nick while its WHOIS is under way


@dataclass(frozen=True, slots=True)
class Finding:
    """What the server said of a nick. `services_account` is "" where it is logged in to none."""

    nick: str = field(repr=False)
    is_there: bool
    services_account: str = field(repr=False)


@dataclass(slots=True, repr=False)
class _Open:
    nick: str
    expires: float
    commands: list[tuple[Command, str]]  # each with where it came from
    is_for_news: bool = False
    is_there: bool = False
    whence: str = ""
    services_account: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """An inquiry that ended, and for what it was made."""

    finding: Finding
    commands: tuple[Command, ...]
    is_for_news: bool


class Inquiries:
    """Those that are under way."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def begin(
        self, nick: str, command: Command | None, now: float, whence: str = ""
    ) -> bool | None:
        """Ask who `nick` is: for its command, or for news for it.

        `whence` is user and host of who gave the command: by the time of the answer the nick may
        be somebody else's, for whom it must not count.

        Return True where a WHOIS has to be sent, False where one is under way, None where there
        are too many.
        """
        found = self._open.get(folded(nick))
        is_new = found is None
        if found is None:
            if len(self._open) >= (MAX_OPEN if command is None else MAX_OPEN_OF_STRANGERS):
                return None
            found = self._open[folded(nick)] = _Open(nick, now + ANSWER_SECONDS, [])
        if command is None:
            found.is_for_news = True
        elif len(found.commands) < MAX_COMMANDS:
            found.commands.append((command, whence))
        return is_new

    def is_there(self, nick: str, whence: str) -> None:
        """RPL_WHOISUSER (311)."""
        found = self._open.get(folded(nick))
        if found is not None:
            found.is_there = True
            found.whence = whence

    def is_logged_in(self, nick: str, services_account: str) -> None:
        """RPL_WHOISACCOUNT (330)."""
        found = self._open.get(folded(nick))
        if found is not None and is_services_account(services_account):
            found.services_account = services_account

    def end(self, nick: str) -> Answered | None:
        """RPL_ENDOFWHOIS (318) or ERR_NOSUCHNICK (401)."""
        found = self._open.pop(folded(nick), None)
        return None if found is None else _answered(found)

    def expire(self, now: float) -> list[Answered]:
        """Return what was not answered in time: as nobody."""
        late = [key for key, each in self._open.items() if each.expires <= now]
        gone = [self._open.pop(key) for key in late]
        for each in gone:
            each.is_there, each.services_account = False, ""
        return [_answered(each) for each in gone]

    def due(self) -> float | None:
        """Return when the first one expires."""
        return min((each.expires for each in self._open.values()), default=None)


def _answered(each: _Open) -> Answered:
    # Who is logged in but was not said to be there is not there.
    account = each.services_account if each.is_there else ""
    finding = Finding(each.nick, each.is_there, account)
    own = (command for command, whence in each.commands if whence == each.whence or not account)
    return Answered(finding, tuple(own), each.is_for_news)
