# SPDX-License-Identifier: Apache-2.0
"""One claimed item: its recipients here and on the Internet are tried, and what came of it kept.

Duty: commit each outcome as soon as it is known, so that a lost link or a crash repeats only what
nobody reported. Must not let anything leave that the rules for it (`to_internet`) refuse.

Trust: a gateway may have been seized. It can say of a message what it likes, within the bounds
of `Outcome`; nothing that it says goes further than a status code.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final

from eepost.accounts.model import Account, State
from eepost.mail.address import Address
from eepost.mail.header import Field, split_header
from eepost.mail.msgid import ids_in
from eepost.mail.trace import received_field, return_path_field
from eepost.maildrop.ports import Delivered, StoreUnavailable
from eepost.maildrop.ports import Outcome as MaildropOutcome
from eepost.queue.books import Move, Superseded
from eepost.queue.item import Item
from eepost.queue.item import State as Standing
from eepost.queue.lifecycle import (
    Conclusion,
    begin,
    conclude,
    give_up,
    postpone,
    report,
    told,
    unreported,
    untold,
)
from eepost.queue.release import minute_of
from eepost.queue.sealing import StoredItem, open_content, segments_of
from eepost.sanitise.cleaner import CleaningFailed
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.redate import redate
from eepost.sanitise.report import Report
from eepost.sanitise.to_internet import ToInternet
from eepost.seal.broken import SealBroken
from eepost.services.mta.fitting import DoesNotFit, Renderings
from eepost.services.mta.local import Copy
from eepost.services.mta.ports import GatewayDeclined, GatewayLost, Pieces
from eepost.services.mta.relay_desk import RelayDesk
from eepost.wire.transfer.messages import (
    MAX_RECIPIENTS,
    TRANSFER_OCTETS,
    UNNUMBERED,
    Fate,
    Outcome,
    Relay,
)

OPTED_OUT: Final = "5.7.1"
NOT_CLEAN: Final = "5.6.0"
DAMAGED: Final = "5.3.0"
_NOT_NOW: Final = "4.3.0"
_FULL: Final = "4.2.2"
_UNKNOWN: Final = "5.1.1"
_DISABLED: Final = "5.2.1"
# How soon mail of an account that is disabled is looked at again.
DISABLED_SECONDS = 900
# How long a gateway's last word is waited for when nothing depends on it any more.
FAREWELL_SECONDS = 5.0
# Between tries to keep something while the store is unavailable.
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


class ClaimLost(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """Somebody else has changed the item: it is his now."""


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Attempt:
    """Work on one claimed item. Methods raise ClaimLost and StoreUnavailable."""

    desk: RelayDesk
    stored: StoredItem
    item: Item
    content: bytearray
    is_settled: bool = False  # what came of the attempt is kept, and the claim has ended

    @classmethod
    async def open(cls, desk: RelayDesk, stored: StoredItem, item: Item) -> "Attempt":
        """Read the content. Where it is damaged, the message has failed for all who wait."""
        segments = await desk.store.content(item.number, segments_of(item))
        try:
            content = open_content(item, segments)
        except SealBroken as fault:
            desk.counts.damaged += 1
            desk.fault("damaged content of the queue", fault)
            return cls(desk, stored, give_up(item, desk.now(), DAMAGED), bytearray())
        redate(content, item.departs * 60)
        return cls(desk, stored, item, content)

    async def run(self) -> None:
        """Try everybody who waits, and keep what came of it."""
        if self.item.waiting:
            sender = await self._sender()
            if sender is not None and sender.state is State.DISABLED:
                # Whoever disables an account may mean its mail too. Of one that was deleted, what
                # was accepted is delivered.
                await self.settle(postpone(self.item, self.desk.now(), DISABLED_SECONDS))
                return
            self.item = begin(self.item)
            await self._deliver_here()
            await self._relay()
        if not self.is_settled:
            await self._conclude()

    # Recipients here.

    async def _deliver_here(self) -> None:
        here = [at for at in unreported(self.item) if self.item.forwards[at].is_local]
        if not here:
            return
        renderings = self._renderings()
        for at in here:
            await self._deliver_to(at, renderings)

    def _renderings(self) -> Renderings:
        header = split_header(self.content)
        pieces = (
            bytes(self.content[: header.body_start]),
            memoryview(self.content)[header.body_start :],
        )
        message = Sanitised(pieces, Report(), _thread_ids(header.fields))
        return Renderings(self.desk.cleaner, self.desk.randomness, message, str(self._author))

    @property
    def _author(self) -> Address:
        return Address(self.item.name, self.desk.internal_domain)

    async def _deliver_to(self, at: int, renderings: Renderings) -> None:
        account = await self.desk.directory.find(self.item.forwards[at].address)
        if account is None or account.state is State.DISABLED:
            status = _DISABLED if account else _UNKNOWN
            self.item = report(self.item, at, Fate.FAILED, status)
            return
        try:
            copy = await self._copy(account, renderings)
        except CleaningFailed:
            self.item = report(self.item, at, Fate.DEFERRED, _NOT_NOW)
            return
        except DoesNotFit:
            self.item = report(self.item, at, Fate.FAILED, NOT_CLEAN)
            return
        done = report(self.item, at, Fate.DELIVERED, "2.1.5")
        if isinstance(await self._note(done, [copy]), Delivered):
            self.item = done
            self.desk.counts.delivered += 1
        else:
            self.item = report(self.item, at, Fate.DEFERRED, _FULL)

    async def _copy(self, account: Account, renderings: Renderings) -> Copy:
        """Return what a reader here gets. Raises CleaningFailed, DoesNotFit."""
        desk = self.desk
        message = await renderings.for_reader(account)
        trace = return_path_field(self._author) + received_field(
            desk.internal_domain, self.item.departs * 60
        )
        return Copy(
            account,
            [trace + self.item.mark, *await desk.conversations.pieces_for(account, message)],
            desk.conversations.tags(account, message),
        )

    # Recipients on the Internet.

    async def _relay(self) -> None:
        await self._respect_refusals()
        if not self._outside():
            return
        try:
            pieces = await self._as_it_leaves()
        except CleaningFailed:
            self._report_outside(Fate.DEFERRED, _NOT_NOW)
            return
        if pieces is None:
            self.desk.counts.unclean += 1
            self._report_outside(Fate.FAILED, NOT_CLEAN)
            return
        for gateway in self.desk.choice(self.item):
            with suppress(GatewayLost, GatewayDeclined):
                await self._relay_by(gateway, pieces)
            if not self._outside():
                return

    async def _respect_refusals(self) -> None:
        for at in self._outside():
            if await self.desk.opt_outs.has(self.item.forwards[at].address):
                self.item = report(self.item, at, Fate.FAILED, OPTED_OUT)

    async def _as_it_leaves(self) -> Pieces | None:
        """Return the message for gateways, None where it may not leave. Raises CleaningFailed."""
        context = ToInternet(self.desk.internal_domain, self.desk.official_domain)
        made = await self.desk.cleaner.to_internet(self.content, context, str(self._author))
        return None if isinstance(made, Refused) else made.pieces

    async def _relay_by(self, gateway: str, pieces: Pieces) -> None:
        """Hand the message to one gateway. Raises GatewayLost, GatewayDeclined."""
        places = self._outside()[:MAX_RECIPIENTS]
        self.item = replace(self.item, gateway=gateway)
        order = self._order(gateway, places, pieces)
        try:
            async with aclosing(self.desk.gateways.relay(gateway, order, pieces)) as outcomes:
                async for outcome in outcomes:
                    await self._take(places, outcome)
                    if not unreported(self.item):
                        await _farewell(outcomes)
                        break
            if any(at in places for at in self._outside()):
                raise GatewayLost  # it said that it had reported everybody
        except GatewayLost:
            self.desk.counts.gateways_lost += 1
            self.desk.passed_over.failed(gateway)
            raise
        self.desk.passed_over.worked(gateway)

    async def _take(self, places: Sequence[int], outcome: Outcome) -> None:
        """Keep one outcome at once, the last one together with what follows from all."""
        if outcome.recipient >= len(places):
            raise GatewayLost
        at = places[outcome.recipient]
        self.item = report(self.item, at, outcome.fate, outcome.status)
        if unreported(self.item):
            await self._note(self.item)
        else:
            await self._conclude()

    def _order(self, gateway: str, places: list[int], pieces: Pieces) -> Relay:
        return Relay(
            UNNUMBERED,
            transfer=_transfer(self.item, gateway),
            reverse_path=str(Address(self.item.name, self.desk.official_domain)),
            recipients=tuple(str(self.item.forwards[at].address) for at in places),
            octets=sum(map(len, pieces)),
            is_first_try=self.item.attempt == 1,
        )

    def _report_outside(self, fate: Fate, status: str) -> None:
        for at in self._outside():
            self.item = report(self.item, at, fate, status)

    def _outside(self) -> list[int]:
        return [at for at in unreported(self.item) if not self.item.forwards[at].is_local]

    # What is kept.

    async def _conclude(self) -> None:
        desk = self.desk
        end = conclude(self.item, desk.now(), desk.plan, desk.randomness)
        if self._outside() and not desk.usable():
            # Not late by its own fault: it leaves as soon as there is a gateway.
            end = replace(end, item=replace(end.item, due=minute_of(desk.now())))
        self._count(end)
        reader = await self._sender() if end.told else None
        if reader is not None and reader.state is State.ENABLED:
            content = desk.writer.write(end.item, end.told, self.content, int(desk.now()))
            after = None if end.is_over else told(end)
            if isinstance(await self.settle(after, [Copy(reader, content)]), Delivered):
                desk.counts.reports += 1
                return
        # Nobody is to be told, or nobody can be now: deleted, disabled, no room.
        if await self._sender() is None or not end.told:
            await self.settle(None if end.is_over else end.item)
        else:
            await self.settle(untold(end, desk.now(), desk.plan))

    async def _sender(self) -> Account | None:
        """Return the account that sent the message, None where it is deleted."""
        account = await self.desk.directory.find(self._author)
        return account if account and account.number == self.item.owner else None

    def _count(self, end: Conclusion) -> None:
        counts = self.desk.counts
        if not end.is_over:
            counts.deferred += 1
        elif any(each.state is Standing.FAILED for each in end.item.forwards):
            counts.failed += 1
        else:
            counts.relayed += 1

    async def _note(self, item: Item, copies: Sequence[Copy] = ()) -> MaildropOutcome:
        """Keep what is known so far with what is delivered, and go on."""
        after = replace(self.desk.sealer.seal(item), lease=self.stored.lease)
        return await self._move(after, copies)

    async def settle(self, item: Item | None, copies: Sequence[Copy] = ()) -> MaildropOutcome:
        """Keep an item, or let it go, with what is delivered, and end the claim."""
        outcome = await self._move(self.desk.sealer.seal(item) if item else None, copies)
        self.is_settled = isinstance(outcome, Delivered)
        return outcome

    async def _move(self, after: StoredItem | None, copies: Sequence[Copy]) -> MaildropOutcome:
        outcome = await self._insist(Move(self.stored, after, is_claimed=True), copies)
        if isinstance(outcome, Superseded):
            raise ClaimLost
        if after is not None and isinstance(outcome, Delivered):
            self.stored = after
        return outcome

    async def _insist(self, move: Move, copies: Sequence[Copy]) -> MaildropOutcome | Superseded:
        """Keep what only we know, as soon as the store can: forgotten, it would be done twice."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self.desk.delivery.deliver_by(
                    lambda sealed: self.desk.store.move(move, sealed), copies
                )
            except StoreUnavailable:
                self.desk.counts.store_pauses += 1
                await self.desk.pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _farewell(outcomes: AsyncGenerator[Outcome, None]) -> None:
    """Hear that everybody was reported, so that the exchange ends of itself."""
    with suppress(TimeoutError, GatewayLost, GatewayDeclined, StopAsyncIteration):
        await asyncio.wait_for(anext(outcomes), FAREWELL_SECONDS)


def _transfer(item: Item, gateway: str) -> bytes:
    """Return what stands for this attempt at this gateway, the same again after a crash."""
    text = f"transfer:{item.attempt}:{gateway}".encode()
    return hashlib.blake2b(text, key=item.key, digest_size=TRANSFER_OCTETS).digest()


def _thread_ids(fields: list[Field]) -> tuple[bytes, ...]:
    """Return the identifiers that a message holds, its own first (`Sanitised.thread_ids`)."""
    by_name = {name.lower(): value for name, _, value in fields}
    names = (b"message-id", b"in-reply-to", b"references")
    return tuple(each for name in names for each in ids_in(by_name.get(name, b"")))
