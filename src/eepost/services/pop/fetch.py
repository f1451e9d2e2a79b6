# SPDX-License-Identifier: Apache-2.0
"""Gives users their mail: journey 4, docs/journeys/fetch.md.

Trust: before PASS anybody who can reach the port; after it the account's owner, who sees nothing
but his own maildrop.

A session works on a snapshot and takes no exclusive lock: messages never change, deletions happen
at QUIT, and deleting twice is harmless. A deliberate reading of RFC 1939 8.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from eepost.accounts.authenticator import Authenticator, Busy, OpenMaildrop, WrongCredentials
from eepost.accounts.model import Account
from eepost.accounts.places import Places
from eepost.accounts.ports import Compute
from eepost.maildrop.model import StoredEntry
from eepost.maildrop.opening import Listed, Opener, pack_listing, unpack_listing
from eepost.maildrop.ports import MaildropStore
from eepost.seal.broken import SealBroken
from eepost.seal.segments import SEGMENT_OCTETS
from eepost.services.pop import refusals
from eepost.services.pop.parts import Source, in_parts
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
from eepost.wire.pop3.server import Pop3Server

Answers = tuple[Answer, ...] | Coroutine[Any, Any, tuple[Answer, ...]] | AsyncIterator[Answer]

# Messages read ahead of a client that fetches one after the other: one question to the store for
# many. Bounded in octets, since thousands of sessions may each hold this much.
READ_AHEAD_OCTETS = 262_144
READ_AHEAD_MESSAGES = 64

# Sealing keys that may be opened in the event loop; others wait a millisecond for these.
MAX_KEYS_IN_LOOP = 8
# Entries that may be opened in the event loop, 5 us each: a user can fill his maildrop with tens
# of thousands and log in again and again, and nobody else shall wait for that.
MAX_LISTED_IN_LOOP = 200


@dataclass(slots=True)
class Counts:
    """What fetching has done; numbers only."""

    logins: int = 0
    retrieved: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What all POP3 sessions share."""

    authenticator: Authenticator
    places: Places
    maildrops: MaildropStore
    offload: Compute
    make_engine: Callable[[], Pop3Server]
    counts: Counts


class Fetch:
    """One session: the owner of a Pop3Server."""

    __slots__ = (
        "_account",
        "_ahead",
        "_desk",
        "_epoch",
        "_is_known",
        "_is_welcome",
        "_known",
        "_listed",
        "_maildrop",
        "_mark",
        "_opener",
        "_peer",
        "_place",
        "engine",
    )

    _account: Account
    _epoch: int  # of the accounts, when the login was last known to be in force
    _maildrop: OpenMaildrop
    _opener: Opener

    def __init__(self, desk: Desk, peer: bytes | None, is_welcome: bool) -> None:
        """Serve `peer` (its bucket for limits, None if unknown)."""
        self.engine = desk.make_engine()
        self._desk = desk
        self._peer = peer
        self._is_welcome = is_welcome
        self._is_known = False
        self._place: int | None = None  # the account whose place this session has
        self._listed: list[Listed] = []
        self._known: set[int] = set()
        self._mark: int | None = None  # of the maildrop, when it was last listed
        self._ahead: dict[int, bytes] = {}  # first sealed segments, by message number

    # What the pump calls.

    def respond(self, event: Event) -> Answers:
        """Return the answers to `event`."""
        return _RESPONSES[type(event)](self, event)

    def fault(self, event: Event) -> tuple[Answer, ...]:
        """Answer for now where something inside failed; never as if the password were wrong."""
        return (_FAULTS.get(type(event), refusals.FAULT),)

    def expire(self, *, is_shutdown: bool) -> None:
        """End the session; deletions are forgotten (RFC 1939 3)."""
        self.engine.expire(refusals.SHUTDOWN if is_shutdown else refusals.EXPIRED)

    @property
    def is_idle(self) -> bool:
        """No answer is under way; what was not updated by QUIT is not promised."""
        return True

    @property
    def is_known(self) -> bool:
        """Somebody logged in."""
        return self._is_known

    def close(self) -> None:
        """Let go of what was read ahead, and of the account's place."""
        self._ahead.clear()
        self._leave()

    # One method for each event.

    def _greet(self, _event: Connected) -> Answers:
        return (Proceed() if self._is_welcome else refusals.TURNED_AWAY,)

    async def _login(self, event: LoginGiven) -> tuple[Answer, ...]:
        authenticator = self._desk.authenticator
        # Before the account is looked at: what changes from here on is not missed.
        self._epoch = authenticator.epoch()
        found: OpenMaildrop | WrongCredentials | Busy | None
        found = authenticator.recall_maildrop(event.login, event.password)
        if found is None:
            found = await authenticator.check_maildrop(event.login, event.password, self._peer)
        match found:
            case OpenMaildrop() if not self._take(found.account.number):
                return (refusals.LOGIN_ELSEWHERE,)
            case OpenMaildrop():
                return (await self._admit(found),)
            case Busy():
                return (refusals.LOGIN_BUSY,)
            case WrongCredentials():
                return (refusals.WRONG_CREDENTIALS,)

    async def _admit(self, maildrop: OpenMaildrop) -> Answer:
        self._account, self._maildrop = maildrop.account, maildrop
        self._opener = Opener(maildrop.keys)
        admitted = Admitted(await self._refresh())
        self._is_known = True
        self._desk.counts.logins += 1
        return admitted

    def _take(self, account: int) -> bool:
        self._leave()  # where an earlier login could not be completed
        if self._desk.places.take(account):
            self._place = account
        return self._place is not None

    def _leave(self) -> None:
        if self._place is not None:
            self._desk.places.leave(self._place)
            self._place = None

    async def _is_in_force(self) -> bool:
        """The login still holds: a new password, disabling and deleting end it at once."""
        authenticator = self._desk.authenticator
        epoch = authenticator.epoch()
        if epoch != self._epoch:
            if not await authenticator.is_in_force(self._account):
                return False
            self._epoch = epoch
        return True

    async def _arrivals(self, _event: RefreshGiven) -> tuple[Answer, ...]:
        if not await self._is_in_force():
            return (refusals.LOGIN_ENDED,)
        return (Arrived(await self._refresh()),)

    async def _refresh(self) -> list[Entry]:
        """Append what is new to the listing and return it as entries."""
        account, maildrops = self._account.number, self._desk.maildrops
        mark = maildrops.mark(account)  # before the snapshot: what comes in between is not missed
        if mark is not None and mark == self._mark:
            return []
        is_first = not self._listed
        listed = self._remembered(mark) if is_first else []
        if not listed:
            listed = await self._look(await maildrops.snapshot(account))
            if is_first and mark is not None and 0 < len(listed) <= MAX_LISTED_IN_LOOP:
                packed = pack_listing(listed)
                self._desk.authenticator.remember_listing(self._maildrop, mark, packed)
        self._listed += listed
        self._known.update(each.number for each in listed)
        self._mark = mark  # only now: a refresh that failed is made good by the next
        return [Entry(each.entry.size_octets, each.entry.unique_id) for each in listed]

    def _remembered(self, mark: int | None) -> list[Listed]:
        """Return the listing that an earlier session of this login saw at the same mark."""
        authenticator, opener = self._desk.authenticator, self._opener
        octets = None if mark is None else authenticator.recall_listing(self._maildrop, mark)
        if octets is None:
            return []
        listed = unpack_listing(octets)
        opener.remind(authenticator.recall_sealing_keys(self._maildrop))
        return [] if opener.needs(listed) else listed

    async def _look(self, stored: Sequence[StoredEntry]) -> list[Listed]:
        """Open those of the stored entries that this session has not seen yet."""
        new = [each for each in stored if each.number not in self._known]
        opener = self._opener
        if opener.needs(new):
            opener.remind(self._desk.authenticator.recall_sealing_keys(self._maildrop))
        if opener.needs(new):
            await self._learn()
        if len(new) > MAX_LISTED_IN_LOOP:
            listed = await self._desk.offload(partial(opener.listing, new))
        else:
            listed = opener.listing(new)
        self._known.update(each.number for each in new)
        return listed

    async def _learn(self) -> None:
        desk, learn = self._desk, self._opener.learn
        encapsulations = await desk.maildrops.encapsulations(self._account.number)
        # Mail that trickled in for weeks lies under hundreds of keys, 0.1 ms each.
        if len(encapsulations) > MAX_KEYS_IN_LOOP:
            opened = await desk.offload(partial(learn, encapsulations))
        else:
            opened = learn(encapsulations)
        desk.authenticator.remember_sealing_keys(self._maildrop, opened)

    def _message(self, event: MessageWanted) -> Answers:
        listed = self._listed[event.index]
        if listed.entry.size_octets > SEGMENT_OCTETS:
            return self._large(event, listed)
        sealed = self._ahead.pop(listed.number, None)
        return self._read(event, listed) if sealed is None else self._whole(listed, sealed)

    def _whole(self, listed: Listed, sealed: bytes) -> tuple[Answer, ...]:
        try:
            content = self._opener.open_segment(listed, 0, sealed)
        except SealBroken:
            return (refusals.DAMAGED,)
        self._desk.counts.retrieved += 1
        return (Content(content), _FINISHED)

    async def _read(self, event: MessageWanted, listed: Listed) -> tuple[Answer, ...]:
        sealed = await self._first_segment(event, listed)
        return self._whole(listed, sealed) if isinstance(sealed, bytes) else (sealed,)

    async def _first_segment(self, event: MessageWanted, listed: Listed) -> bytes | Refused:
        """Read ahead and return what begins the wanted message, or why it can't be read."""
        if not await self._is_in_force():
            return refusals.LOGIN_ENDED
        numbers = self._worth_reading(event)
        found: Mapping[int, bytes]
        found = await self._desk.maildrops.fetch(self._account.number, numbers)
        self._ahead = dict(found)
        return self._ahead.pop(listed.number, refusals.GONE)

    def _large(self, event: MessageWanted, listed: Listed) -> AsyncIterator[Answer]:
        desk = self._desk
        source = Source(self._account.number, desk.maildrops, self._opener, desk.offload)
        desk.counts.retrieved += 1
        first = partial(self._first_segment, event, listed)
        return in_parts(source, listed, first, lambda: self.engine.has_enough)

    def _worth_reading(self, event: MessageWanted) -> list[int]:
        """Return the wanted message and those that a client in its stride will ask for next."""
        wanted = self._listed[event.index]
        numbers, octets = [wanted.number], wanted.entry.size_octets
        if event.body_lines is not None:
            octets = 0  # TOP of a large message still goes through the list in order
        for listed in self._listed[event.index + 1 : event.index + READ_AHEAD_MESSAGES]:
            octets += min(listed.entry.size_octets, SEGMENT_OCTETS)
            if octets > READ_AHEAD_OCTETS:
                break
            numbers.append(listed.number)
        return numbers

    async def _update(self, event: UpdateGiven) -> tuple[Answer, ...]:
        if not await self._is_in_force():
            return (refusals.LOGIN_ENDED,)
        numbers = [self._listed[index].number for index in event.deleted]
        await self._desk.maildrops.remove(self._account.number, numbers)
        self._desk.counts.removed += len(numbers)
        return (Proceed(),)


_FINISHED: Final = Finished()
_FAULTS: Final[dict[type, Refused]] = {
    MessageWanted: refusals.NOT_READ,
    UpdateGiven: refusals.NOT_UPDATED,
}
_RESPONSES: Final[dict[type, Callable[[Fetch, Any], Answers]]] = {
    Connected: Fetch._greet,
    LoginGiven: Fetch._login,
    RefreshGiven: Fetch._arrivals,
    MessageWanted: Fetch._message,
    UpdateGiven: Fetch._update,
}
