# SPDX-License-Identifier: Apache-2.0
"""Brings what waits in the outbox to the service: tried again with growing pauses, never silent.

A letter leaves the outbox when the service has said yes or no for each of its recipients, or has
said neither for days. A no becomes a message in the inbox.

Trust: the service's words are shown as text and obeyed in nothing but yes, later and no.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Final

from msgspec.structs import replace

from eepost.letters.changes import Change, Ended, Filed, Spooled
from eepost.letters.model import Folder, Recipient, State, Waiting
from eepost.letters.ports import DiskFull, NoSuchMessage
from eepost.letters.summarising import summarise
from eepost.services.letterbox.ground import Ground
from eepost.services.letterbox.ports import Fate, Letter, NotServed, Outcome, Submission, Verdict


@dataclass(frozen=True, slots=True)
class Timing:
    """When what could not be brought is tried again, in seconds."""

    first_pause: float = 30.0  # an I2P route is often back by then
    longest_pause: float = 1_800.0
    # RFC 5321 4.5.4.1 asks for four to five days before giving up.
    give_up: float = 432_000.0
    # That counts only with so many attempts, a day of them: a machine that was off for a week, or
    # whose clock was set, has hardly tried.
    least_attempts: int = 48


_STATES: Final = {
    Fate.TAKEN: State.SENT,
    Fate.PUT_OFF: State.WAITING,
    Fate.REFUSED: State.REFUSED,
}
GAVE_UP: Final = "Given up: it was put off for five days"
LOST: Final = "Its octets could not be read from the disk any more"


class Carrier:
    """One account's way out. `run` it as a task."""

    def __init__(self, ground: Ground, timing: Timing) -> None:
        self._ground = ground
        self._letters = ground.letters
        self._timing = timing
        self._woken = asyncio.Event()
        self._in_hand: int | None = None
        self._at_rest = asyncio.Event()  # nothing is in hand
        self._at_rest.set()
        self._taken_back: set[int] = set()  # by its user, the disk being told of it
        self._is_cut_off = False  # the last session could not begin, or broke
        self._unwritten: list[Change] = []  # has happened, but the disk was full

    def wake(self) -> None:
        """Look again at what is due: something was put there, or may be tried earlier."""
        self._woken.set()

    def hurry(self) -> None:
        """Try all that waits now: the password was changed, or its user asks for it."""
        shelf = self._letters.keeping.cabinet.shelf
        for each in shelf.due_order():
            shelf.apply(Spooled(replace(each, due_utc=0)))
        self.wake()

    async def finish(self, within_seconds: float) -> None:
        """Wait for the answer to the letter in hand, but not for ever: it would be sent twice."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._at_rest.wait(), within_seconds)

    def route_is_there(self) -> None:
        """Take note that the service was reached just now: what waited for that waits no more."""
        if self._is_cut_off:
            self._is_cut_off = False
            self.hurry()

    async def cancel(self, number: int) -> bool:
        """Take back what waits; False where it is being sent just now, or was already."""
        shelf = self._letters.keeping.cabinet.shelf
        waiting = shelf.find_waiting(number)
        if waiting is None or number == self._in_hand or number in self._taken_back:
            return False
        if any(each.state is not State.WAITING for each in waiting.recipients):
            return False  # some have it already: their answer would come out of nowhere
        self._taken_back.add(number)
        try:
            await self._letters.drop(number)
        finally:
            self._taken_back.discard(number)
            self.wake()  # the disk was full: it waits again
        return True

    async def run(self) -> None:
        """Carry what is due, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._write_down()
                await self._carry_all()
            except Exception as fault:
                self._ground.journal.fault("carrier", fault)
                await asyncio.sleep(self._timing.first_pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause())

    def _pause(self) -> float | None:
        if self._unwritten:
            return self._timing.first_pause
        first = self._first()
        return None if first is None else self._left(first)

    def _due(self) -> Waiting | None:
        first = self._first()
        return first if first is not None and self._left(first) <= 0 else None

    def _first(self) -> Waiting | None:
        waiting = self._letters.keeping.cabinet.shelf.due_order()
        return next((each for each in waiting if each.number not in self._taken_back), None)

    def _left(self, waiting: Waiting) -> float:
        """Return how long it is until `waiting` is due, in seconds."""
        left = waiting.due_utc - self._letters.keeping.now_utc()
        # Longer than any pause: the clock was set back.
        return 0.0 if left > ceil(self._timing.longest_pause) else max(0.0, left)

    async def _carry_all(self) -> None:
        """Carry all that is due, in one session as long as it holds."""
        while self._due() is not None:
            password = self._letters.keeping.cabinet.password
            login = self._ground.account.login
            try:
                async with self._ground.service.submission(login, password) as session:
                    await self._carry_by(session)
            except NotServed as reason:
                self._is_cut_off = reason.verdict is Verdict.UNREACHABLE
                await self._put_all_off(reason.text)

    async def _carry_by(self, session: Submission) -> None:
        """Carry what is due until the session breaks.

        A letter that breaks it is put off alone: it must not keep the others from leaving.
        """
        while (waiting := self._due()) is not None:
            self._in_hand = waiting.number
            self._at_rest.clear()
            try:
                await self._carry(session, waiting)
            except NotServed as reason:
                await self._move_on(waiting, reason.text)
                return
            finally:
                self._in_hand = None
                self._at_rest.set()

    async def _carry(self, session: Submission, waiting: Waiting) -> None:
        try:
            content = await self._letters.message(waiting.number)
        except NoSuchMessage:
            lost = [Outcome(Fate.REFUSED, LOST) for _ in waiting.recipients]
            await self._settle(waiting, lost)
            return
        self._show(replace(waiting, state=State.SENDING))
        recipients = [each for each in waiting.recipients if each.state is State.WAITING]
        letter = Letter(waiting.reverse_path, [each.address for each in recipients], content)
        await self._settle(waiting, await session.carry(letter))

    def _show(self, waiting: Waiting) -> None:
        self._letters.keeping.cabinet.shelf.apply(Spooled(waiting))

    async def _settle(self, waiting: Waiting, outcomes: Sequence[Outcome]) -> None:
        answers = iter(outcomes)
        recipients = tuple(
            _answered(each, next(answers)) if each.state is State.WAITING else each
            for each in waiting.recipients
        )
        words = next((each.words for each in recipients if each.state is State.WAITING), "")
        await self._move_on(replace(waiting, recipients=recipients), words)

    async def _put_all_off(self, words: str) -> None:
        """Put off what was due: there was no session, or it broke."""
        while (waiting := self._due()) is not None:
            await self._move_on(waiting, words)

    async def _move_on(self, waiting: Waiting, words: str) -> None:
        """Note what an attempt brought: an end for all recipients, or when to try again."""
        now = self._letters.keeping.now_utc()
        is_long = now - waiting.since_utc > self._timing.give_up
        if is_long and waiting.attempts + 1 >= self._timing.least_attempts:
            waiting = replace(waiting, recipients=tuple(map(_given_up, waiting.recipients)))
        if any(each.state is State.WAITING for each in waiting.recipients):
            tried = replace(
                waiting,
                state=State.WAITING,
                attempts=waiting.attempts + 1,
                due_utc=now + ceil(self._delay(waiting.attempts)),
                words=words,
            )
            await self._note([Spooled(tried)])
        else:
            await self._end(waiting, now)

    async def _end(self, waiting: Waiting, now: int) -> None:
        refused = [each for each in waiting.recipients if each.state is State.REFUSED]
        state = State.REFUSED if refused else State.SENT
        ended = replace(waiting, state=state, words="", ended_utc=now)
        if refused:
            await self._tell(ended, refused, now)
        await self._note([Ended(ended)])
        await self._letters.remove([waiting.number])

    async def _tell(self, ended: Waiting, refused: Sequence[Recipient], now: int) -> None:
        content = b""
        with suppress(NoSuchMessage):
            content = await self._letters.message(ended.number)
        notice = self._ground.notices.refused(ended, refused, content, now)
        with suppress(DiskFull):  # the outbox's page tells of it all the same
            await self._letters.put([notice], lambda number: [_filed(notice, number, now)])

    def _delay(self, attempts: int) -> float:
        return min(self._timing.first_pause * 2.0 ** min(attempts, 32), self._timing.longest_pause)

    async def _note(self, changes: Sequence[Change]) -> None:
        """Let it be so, on the disk as soon as there is room."""
        try:
            await self._letters.change(*changes)
        except DiskFull:
            for each in changes:
                self._letters.keeping.cabinet.shelf.apply(each)
            self._unwritten += changes

    async def _write_down(self) -> None:
        if self._unwritten:
            with suppress(DiskFull):
                await self._letters.change(*self._unwritten)
                self._unwritten.clear()


def _answered(recipient: Recipient, outcome: Outcome) -> Recipient:
    return Recipient(recipient.address, _STATES[outcome.fate], outcome.words)


def _given_up(recipient: Recipient) -> Recipient:
    if recipient.state is not State.WAITING:
        return recipient
    return Recipient(recipient.address, State.REFUSED, recipient.words or GAVE_UP)


def _filed(notice: bytes, number: int, now: int) -> Filed:
    return Filed(summarise(notice, number, Folder.INBOX, now))
