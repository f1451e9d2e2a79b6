# SPDX-License-Identifier: Apache-2.0
"""Says whether mail from the Internet may come in for an address, and to whom no more is told.

A gateway asks for every recipient that somebody on the Internet names, so whoever can send to it
could find out who has an account here. What is answered is coarse, and budgeted: who asks for too
many that nobody has is put off, and where all of a gateway's peers together ask for too many, it
hears yes to everything, and what nobody has is dropped in silence later on.

Trust: the gateway may have been seized; what it says of its peers only serves to be fair to them.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from eepost.accounts.directory import Directory
from eepost.accounts.model import Account, State
from eepost.accounts.names import RESERVED, local_name
from eepost.accounts.preferences import InternetMail
from eepost.mail.address import Address, parse_address
from eepost.services.mta.local import LocalDelivery
from eepost.services.mta.ports import Correspondents
from eepost.wire.transfer.messages import Standing

# A reserved name: to this address whoever wants no mail from here writes.
OPT_OUT = "unsubscribe"
# RFC 5321 4.5.1 and RFC 2142 4: never refused for good.
ALWAYS_TAKEN = frozenset(("postmaster", "abuse"))
# Peers remembered; one costs about 200 octets.
MAX_PEERS = 10_000
WINDOW_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class ProbeBudget:
    """Unknown recipients that may be asked for in an hour."""

    of_a_peer: int = 20  # a mailing list that lost touch with its members has a few
    of_a_gateway: int = 1_000


@dataclass(slots=True)
class _Window:
    """What was counted since `begins`."""

    begins: float
    count: int = 0


class Pressure(Enum):
    """How much is being asked in vain."""

    USUAL = "usual"
    PEER_IS_OVER = "peer"
    GATEWAY_IS_OVER = "gateway"


class Probes:
    """Counts unknown recipients by peer and by gateway, in memory only."""

    __slots__ = ("_budget", "_clock", "_gateways", "_peers")

    def __init__(self, budget: ProbeBudget, clock: Callable[[], float]) -> None:
        """Take a clock of seconds that only goes forward."""
        self._budget = budget
        self._clock = clock
        self._gateways: dict[str, _Window] = {}
        self._peers: OrderedDict[tuple[str, bytes], _Window] = OrderedDict()

    def pressure(self, gateway: str, peer: bytes) -> Pressure:
        """Return how it stands with those who ask by this gateway and for this peer."""
        if self._spent(self._gateways.get(gateway)) >= self._budget.of_a_gateway:
            return Pressure.GATEWAY_IS_OVER
        if self._spent(self._peers.get((gateway, peer))) >= self._budget.of_a_peer:
            return Pressure.PEER_IS_OVER
        return Pressure.USUAL

    def note(self, gateway: str, peer: bytes, more: int = 1) -> None:
        """Count more that nobody has."""
        # Gateways are few and named by the operator.
        self._gateways[gateway] = self._counted(self._gateways.get(gateway), more)
        self._peers[gateway, peer] = self._counted(self._peers.get((gateway, peer)), more)
        self._peers.move_to_end((gateway, peer))
        if len(self._peers) > MAX_PEERS:
            self._peers.popitem(last=False)

    def _spent(self, window: _Window | None) -> int:
        if window is None or self._clock() - window.begins >= WINDOW_SECONDS:
            return 0
        return window.count

    def _counted(self, window: _Window | None, more: int) -> _Window:
        if window is None or self._clock() - window.begins >= WINDOW_SECONDS:
            window = _Window(self._clock())
        window.count += more
        return window


@dataclass(frozen=True, slots=True)
class Welcome:
    """Mail may come in for `account`; with `is_role` whatever the account's own wishes are."""

    account: Account
    is_role: bool


@dataclass(frozen=True, slots=True)
class OptOut:
    """Nobody's mailbox: who writes there wants no mail from here any more."""


Found = Welcome | OptOut | Standing


@dataclass(frozen=True, slots=True)
class Author:
    """Who stands in From; whether nothing speaks against that; whether something proves it."""

    address: Address | None = field(default=None, repr=False)
    is_credible: bool = True
    is_proven: bool = False  # each of them, where several stand there
    others: tuple[Address, ...] = field(default=(), repr=False)
    shown: str = field(default="", repr=False)  # all of it, as a reader may show it, lower case


@dataclass(frozen=True, slots=True)
class Standings:
    """Finds out who may get what. Every call may raise StoreUnavailable."""

    directory: Directory
    delivery: LocalDelivery
    correspondents: Correspondents
    official_domains: frozenset[str]

    async def of(self, recipient: str, sender: Address | None) -> Found:
        """Return how it stands with `recipient` as far as an envelope tells.

        Whether an account that takes mail from people it wrote to only takes this, the author
        decides as well, who is not known yet: see `takes_from`.
        """
        address = parse_address(recipient)
        if recipient.lower() == "postmaster":
            address = Address("postmaster", "")
        if address is None or not self._is_ours(address):
            return Standing.UNKNOWN
        if address.local_part.lower() == OPT_OUT:
            return OptOut()
        account = await self.directory.find(address)
        is_open = account is not None and account.state is not State.DISABLED
        name = local_name(address.local_part)
        if name in RESERVED and account and is_open:
            return Welcome(account, is_role=True)
        if name in ALWAYS_TAKEN:
            return Standing.LATER  # where nobody answers for it yet, somebody should soon
        if account is None or not is_open or not _is_wanted(account, sender):
            return Standing.UNKNOWN
        return Welcome(account, is_role=False)

    async def is_full(self, account: Account) -> bool:
        """Nothing more goes in."""
        if self.delivery.remembered_room(account) is not None:
            return False
        return (await self.delivery.room(account)).is_full

    async def takes_from(
        self, account: Account, reverse_path: Address | None, author: Author
    ) -> bool:
        """Whether the account's owner wants this message."""
        senders = [each for each in (reverse_path, author.address) if each is not None]
        if not all(_is_wanted(account, each) for each in (*senders, *author.others)):
            return False
        if account.preferences.internet_mail is InternetMail.FROM_ALL:
            return True
        # Whoever is refused by the author's own domain is not the author.
        known = senders if author.is_credible else senders[:1]
        for each in known:
            if await self.correspondents.has_written_to(account, each):
                return True
        return False

    def _is_ours(self, address: Address) -> bool:
        # The internal domain is not to be asked for from outside, not even whether it exists.
        return address.domain in self.official_domains or not address.domain


def _is_wanted(account: Account, sender: Address | None) -> bool:
    if account.preferences.internet_mail is InternetMail.FROM_NONE:
        return False
    return not is_blocked(account, sender)


def is_blocked(account: Account, sender: Address | None) -> bool:
    """Whether the account's owner wants nothing from `sender`."""
    blocked = account.preferences.blocked
    if sender is None or not blocked:
        return False
    text, domain = str(sender).lower(), f"@{sender.domain.lower()}"
    # All are compared, so that the time does not tell which one it was.
    matches = [
        hmac.compare_digest(each.encode(), other.encode())
        for each in blocked
        for other in (text, domain)
    ]
    return any(matches)
