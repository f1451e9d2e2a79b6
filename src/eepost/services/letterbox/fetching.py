# SPDX-License-Identifier: Apache-2.0
"""Gives the user's own programs their mail: the trusted proxy's way in, docs/letterbox.md.

A login looks for new mail at the service and waits a while for it; then what is here is served,
and what comes later is served the next time. A message that a program deletes goes to the trash
here and is deleted at the service.

Trust: any program on this machine may connect; after PASS it is the account's owner.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eepost.letters.model import Folder, Order, Summary
from eepost.letters.ports import DiskFull, InUse, LockDamaged, NoSuchMessage, WrongPassword
from eepost.services.letterbox import replies
from eepost.services.letterbox.entrance import Entrance
from eepost.services.letterbox.mailbox import OpenMailbox
from eepost.services.letterbox.ports import OldPasswordNeeded, TooManyGuesses, Unreachable
from eepost.wire.pop3.events import (
    Admitted,
    Answer,
    Arrived,
    Connected,
    Content,
    Entry,
    Event,
    Finished,
    LoginGiven,
    MessageWanted,
    Proceed,
    RefreshGiven,
    Refused,
    UpdateGiven,
)
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server

Answers = tuple[Answer, ...] | Coroutine[Any, Any, tuple[Answer, ...]]

_NOT_SIGNED_IN: Final[Mapping[type[Exception], Refused]] = {
    WrongPassword: replies.POP3_WRONG_PASSWORD,
    TooManyGuesses: replies.POP3_GUESSED,
    OldPasswordNeeded: replies.POP3_OLD_PASSWORD_NEEDED,
    Unreachable: replies.POP3_UNREACHABLE,
    DiskFull: replies.POP3_NOT_OPENED,
    LockDamaged: replies.POP3_NOT_OPENED,
    InUse: replies.POP3_NOT_OPENED,
}


@dataclass(frozen=True, slots=True)
class FetchingDesk:
    """What all POP3 sessions of one identity share."""

    entrance: Entrance
    identity: str
    limits: Pop3Limits
    wait_seconds: float  # for new mail, at a login


class Fetching:
    """One session: the owner of a Pop3Server."""

    _mailbox: OpenMailbox

    def __init__(self, desk: FetchingDesk, is_welcome: bool) -> None:
        self.engine = Pop3Server(desk.limits)
        self._desk = desk
        self._is_welcome = is_welcome
        self._is_known = False
        self._listed: list[Summary] = []

    # What the pump calls.

    def respond(self, event: Event) -> Answers:
        """Return the answers to `event`."""
        return _RESPONSES[type(event)](self, event)

    def fault(self, _event: Event) -> tuple[Answer, ...]:
        """Answer for now where something inside failed; never as if the password were wrong."""
        return (replies.POP3_FAULT,)

    def expire(self, *, is_shutdown: bool) -> None:
        """End the session; deletions are forgotten (RFC 1939 3)."""
        self.engine.expire(replies.POP3_SHUTDOWN if is_shutdown else replies.POP3_EXPIRED)

    @property
    def is_idle(self) -> bool:
        """No answer is under way; what was not updated by QUIT is not promised."""
        return True

    @property
    def is_known(self) -> bool:
        """Somebody logged in."""
        return self._is_known

    def close(self) -> None:
        """Nothing is held."""

    # One method for each event.

    def _greet(self, _event: Connected) -> Answers:
        return (Proceed() if self._is_welcome else replies.POP3_TURNED_AWAY,)

    async def _login(self, event: LoginGiven) -> tuple[Answer, ...]:
        desk = self._desk
        try:
            mailbox = await desk.entrance.sign_in(desk.identity, event.login, event.password)
        except tuple(_NOT_SIGNED_IN) as reason:
            return (_NOT_SIGNED_IN[type(reason)],)
        self._mailbox, self._is_known = mailbox, True
        mailbox.start_fetching()
        await mailbox.fetched(desk.wait_seconds)
        return (Admitted(self._new()),)

    def _refresh(self, _event: RefreshGiven) -> Answers:
        return (Arrived(self._new()),)

    def _new(self) -> list[Entry]:
        """Append what this session has not seen to its listing, and return it."""
        last = self._listed[-1].number if self._listed else 0
        inbox = self._mailbox.summaries(Folder.INBOX, order=Order.NUMBER, count=MAX_LISTED)
        new = [each for each in inbox.summaries if each.number > last]
        self._listed += new
        return [Entry(each.size_octets, self._mailbox.unique_id(each.number)) for each in new]

    async def _message(self, event: MessageWanted) -> tuple[Answer, ...]:
        try:
            content = await self._mailbox.message(self._listed[event.index].number)
        except NoSuchMessage:
            return (replies.POP3_GONE,)
        return (Content(content), Finished())

    async def _update(self, event: UpdateGiven) -> tuple[Answer, ...]:
        numbers = [self._listed[index].number for index in event.deleted]
        try:
            await self._mailbox.move(numbers, Folder.TRASH)
        except DiskFull:
            return (replies.POP3_NOT_UPDATED,)
        self._mailbox.start_fetching()  # so that the service hears of it
        return (Proceed(),)


# A maildrop that nobody ever empties; the engine's answers to LIST stay below some megabytes.
MAX_LISTED: Final = 200_000
_RESPONSES: Final[dict[type, Callable[[Fetching, Any], Answers]]] = {
    Connected: Fetching._greet,
    LoginGiven: Fetching._login,
    RefreshGiven: Fetching._refresh,
    MessageWanted: Fetching._message,
    UpdateGiven: Fetching._update,
}
