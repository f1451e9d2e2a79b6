# SPDX-License-Identifier: Apache-2.0
"""What the lane knows by heart: how full maildrops are, who takes mail, which keys are stored.

Each statement of a transaction makes the lane's thread give up the interpreter and wait for it
again while the event loop is busy, so a delivery should need few. What stands here is right as
long as no other process wrote; the writer checks that inside each transaction and calls `forget`
otherwise, and after every failure.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from eepost.accounts.model import State
from eepost.maildrop.model import SealedMessage, Usage
from eepost.maildrop.ports import AccountGone, Delivered, MaildropFull, Outcome
from eepost.store.records import Records

# About 300 octets each; what is forgotten is read again.
MAX_KNOWN = 20_000
_LOAD = """
    SELECT number, record, octets, messages FROM account JOIN usage ON usage.account = number
    WHERE number IN (SELECT value FROM json_each(?))
"""


@dataclass(slots=True)
class Room:
    """One maildrop as it is after the work done so far in this transaction."""

    accepts: bool
    limit_octets: int
    octets: int
    messages: int

    def usage(self) -> Usage:
        """Return it as a value."""
        return Usage(self.messages, self.octets, self.limit_octets)


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Ledger:
    """Knows maildrops by their account's number."""

    records: Records
    default_limit_octets: int
    rooms: dict[int, Room | None] = field(default_factory=dict)
    encapsulations: set[int] = field(default_factory=set)  # surely stored
    changed: set[int] = field(default_factory=set)  # accounts, in this transaction

    def forget(self) -> None:
        """Know nothing any more."""
        self.rooms.clear()
        self.encapsulations.clear()
        self.changed.clear()

    def trim(self) -> None:
        """Keep what is known within bounds; called between transactions."""
        self.changed.clear()
        if len(self.rooms) > MAX_KNOWN or len(self.encapsulations) > MAX_KNOWN:
            self.forget()

    def load(self, connection: sqlite3.Connection, accounts: Iterable[int]) -> None:
        """Read what is not yet known of `accounts`, inside the transaction."""
        missing = [account for account in accounts if account not in self.rooms]
        if not missing:
            return
        self.rooms.update(dict.fromkeys(missing))
        for number, record, octets, messages in connection.execute(_LOAD, (json.dumps(missing),)):
            account = self.records.open(number, record)
            limit = account.maildrop_octets
            self.rooms[number] = Room(
                accepts=account.state is State.ENABLED,
                limit_octets=self.default_limit_octets if limit is None else limit,
                octets=octets,
                messages=messages,
            )

    def refusal(self, messages: Iterable[SealedMessage]) -> MaildropFull | AccountGone | None:
        """Return why these messages can't all get in, None if they can."""
        wanted: dict[int, int] = {}
        for message in messages:
            wanted[message.account] = wanted.get(message.account, 0) + message.padded_octets
        for account, octets in wanted.items():
            room = self.rooms[account]
            if room is None or not room.accepts:
                return AccountGone(account)
            if room.octets + octets > room.limit_octets:
                return MaildropFull(account)
        return None

    def admit(self, messages: Iterable[SealedMessage]) -> Outcome:
        """Reserve room for all of these messages, or for none."""
        refusal = self.refusal(messages)
        if refusal is not None:
            return refusal
        usage: dict[int, Usage] = {}
        for message in messages:
            room = self.rooms[message.account]
            assert room is not None  # noqa: S101 - refusal() looked
            room.octets += message.padded_octets
            room.messages += 1
            usage[message.account] = room.usage()
        self.changed.update(usage)
        return Delivered(usage)

    def release(self, account: int, messages: int, octets: int) -> None:
        """Note that so much was taken out of a maildrop."""
        room = self.rooms[account]
        if room is not None:
            room.messages -= messages
            room.octets -= octets
            self.changed.add(account)
