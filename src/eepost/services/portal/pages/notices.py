# SPDX-License-Identifier: Apache-2.0
"""Of what the post office tells its users by itself: full mailboxes, and new mail on IRC."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from eepost.accounts.preferences import WINDOWS_MINUTES, Preferences
from eepost.services.portal.visits import Answer, Moved, Page, Shown, Visit, Wrong


async def show_notices(visit: Visit) -> Answer:
    """Show the choices."""
    return Shown("notices.html", _values(visit))


async def keep_notices(visit: Visit) -> Answer:
    """Do what one of the forms asks for."""
    act = _ACTS.get(visit.form.get("what", ""))
    return await (act or _keep_warnings)(visit)


def _values(visit: Visit) -> Mapping[str, Any]:
    preferences = visit.account.preferences
    return {
        "preferences": preferences,
        "bound": preferences.irc,
        "irc": visit.desk.irc,
        "windows": WINDOWS_MINUTES,
    }


async def _keep_warnings(visit: Visit) -> Answer:
    is_warned = visit.form.get("filling") == "yes"
    await _adjust(visit, lambda old: replace(old, is_warned=is_warned))
    return Moved("/notices", "Your choice was kept.")


async def _show_token(visit: Visit) -> Answer:
    irc = visit.desk.irc
    if irc is None:
        return await show_notices(visit)
    # Shown here and now, never kept with the session: it is good for minutes only.
    return Shown("notices.html", {**_values(visit), "token": irc.token(visit.account)})


async def _keep_window(visit: Visit) -> Answer:
    chosen = visit.form.get("window", "")
    minutes = next((each for each in WINDOWS_MINUTES if str(each) == chosen), None)
    if minutes is None:
        raise Wrong({"window": "Choose one of these."})

    def change(old: Preferences) -> Preferences:
        return (
            old if old.irc is None else replace(old, irc=replace(old.irc, window_minutes=minutes))
        )

    await _adjust(visit, change)
    return Moved("/notices", "Your choice was kept.")


async def _unbind(visit: Visit) -> Answer:
    await _adjust(visit, lambda old: replace(old, irc=None))
    return Moved("/notices", "You will hear nothing on IRC any more.")


async def _adjust(visit: Visit, change: Callable[[Preferences], Preferences]) -> None:
    desk, name = visit.desk, visit.account.name
    await desk.compute(lambda: desk.registry.adjust(name, change))


_ACTS: Final[Mapping[str, Callable[[Visit], Awaitable[Answer]]]] = {
    "token": _show_token,
    "window": _keep_window,
    "unbind": _unbind,
}

PAGES = (Page("/notices", show_notices, keep_notices),)
