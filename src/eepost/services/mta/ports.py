# SPDX-License-Identifier: Apache-2.0
"""What the mail services need of the world: gateways to the Internet, and who was written to."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Protocol

from eepost.accounts.model import Account
from eepost.mail.address import Address
from eepost.maildrop.model import SealedMessage, SentId
from eepost.maildrop.ports import Outcome
from eepost.queue.allowance import OverQuota
from eepost.queue.books import Entry, Move, Superseded
from eepost.queue.ports import QueueStore
from eepost.wire.transfer.messages import Outcome as Reported
from eepost.wire.transfer.messages import Relay

Pieces = Sequence[bytes | memoryview]


class GatewayLost(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The gateway can't be reached, or the link broke before it had reported every recipient.

    What it reported before holds; whether the others got the message is not known.
    """


class GatewayDeclined(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The gateway won't deal with this message now, and did nothing of it (`Declined`)."""


class Gateways(Protocol):
    """The gateways that this post office is paired with, by name.

    A name is the operator's word for a gateway. It may change from call to call what is returned:
    gateways are added, drained and removed while the post office runs.
    """

    def known(self) -> Sequence[str]:
        """Return all that are paired and not drained; mail for the Internet is taken if any is."""

    def working(self) -> Sequence[str]:
        """Return those of `known` that nothing is known against right now; cheap, never waits.

        Who tries one that fails all the same gets GatewayLost and passes it over for some time
        by himself.
        """

    def relay(self, gateway: str, order: Relay, content: Pieces) -> AsyncGenerator[Reported, None]:
        """Hand a message over and yield each recipient's outcome as soon as it comes.

        `order.exchange` is chosen by the adapter, whatever stands there. `content` is the whole
        message, `order.octets` long, CRLF lines, not dot-stuffed, unchanged until the end. Ends by
        itself when every recipient was reported (`Reported`); closing it earlier abandons the
        exchange. Raises GatewayLost (also for a gateway that is not known any more) and
        GatewayDeclined. The adapter bounds how long a silent gateway is waited for.
        """


class Correspondents(Protocol):
    """Remembers for some months whom on the Internet an account wrote to."""

    def has_written_to(self, account: Account, address: Address) -> Awaitable[bool]:
        """Say whether the account wrote to `address`, in any case. Raises StoreUnavailable."""


class OutgoingStore(QueueStore, Protocol):
    """A queue whose items come and go in one commit with mail to maildrops.

    Every call may raise StoreUnavailable.
    """

    def accept(
        self, messages: Sequence[SealedMessage], sent: SentId | None, entry: Entry
    ) -> Awaitable[Outcome | OverQuota]:
        """Deliver, and write `entry` into the books, or do neither; durable when it returns."""

    def move(
        self, move: Move, messages: Sequence[SealedMessage] = ()
    ) -> Awaitable[Outcome | Superseded]:
        """Change an item and deliver, or do neither; durable when it returns."""
