# SPDX-License-Identifier: Apache-2.0
"""Takes mail that gateways bring from the Internet: journey 3, docs/journeys/from-the-internet.md.

While the sender still waits at the gateway (live) everything is taken or nothing is, so that he
can be told; what a gateway had to accept by itself (kept) goes to whoever is there for it, each
recipient by himself, and the rest is counted and never bounced: a bounce would go to whoever the
sender pretended to be.

Trust: the gateway has proven who it is and may have been seized all the same. Nothing that it
checked is relied on: addresses, content and wishes are looked at again. Only its verdict on the
sender can't be, and stands in the message as the gateway's.
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from eepost.accounts.model import Account
from eepost.accounts.ports import Compute
from eepost.mail.address import Address, parse_address
from eepost.mail.header import MAX_HEADER_OCTETS, split_header
from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.message import Bounds
from eepost.mail.reply import Reply
from eepost.mail.trace import arrival_field, return_path_field
from eepost.mail.unstructured import decode_unstructured
from eepost.mail.verdict import leading_verdict
from eepost.mail.violation import PeerViolation
from eepost.maildrop.model import Arrival
from eepost.maildrop.ports import AccountGone, Delivered, MaildropFull, TakenBefore
from eepost.sanitise.choices import Choices
from eepost.sanitise.cleaner import Cleaner, CleaningFailed
from eepost.sanitise.domains import Internalised
from eepost.sanitise.inbound import UNDECIDED, Inbound
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey
from eepost.seal.parcel import open_parcel
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import Copy, LocalDelivery
from eepost.services.mta.screening import Passed, Screening
from eepost.services.mta.standings import Author, OptOut, Pressure, Probes, Standings, Welcome
from eepost.wire.transfer.kept import KeptEnvelope, read_kept
from eepost.wire.transfer.messages import Incoming, Standing, Taken

# How long the answer about a full maildrop takes: whoever asks again and again to watch it fill
# and empty gets few answers, and a sender does not mind.
LATER_SECONDS = 2.0
_DAY_SECONDS = 86_400
# Whoever shares a transfer's recipients with it in the same instant is waited for so often.
_TRIES = 3


@dataclass(slots=True)
class Counts:
    """What came from the Internet and what became of it; numbers only, one for each recipient."""

    delivered: int = 0
    repeated: int = 0
    put_off: int = 0
    refused: int = 0
    unknown: int = 0  # dropped, since nobody has the address
    unwanted: int = 0  # dropped, since its owner wants nothing from the sender
    infected: int = 0  # kept by a gateway, and put into quarantine
    malformed: int = 0  # kept by a gateway, and dropped: malformed, or in the name of a user here
    unreadable: int = 0  # a parcel that this post office has no key for
    opted_out: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What all arrivals share."""

    name: str  # the internal domain
    standings: Standings
    probes: Probes
    delivery: LocalDelivery
    conversations: Conversations
    screening: Screening
    cleaner: Cleaner
    internalised: Internalised
    private_key: PrivateKey  # to which gateways seal what they keep
    tag: Callable[[bytes, Account], bytes]  # stands for a transfer to an account
    quarantine: Callable[[bytes], Awaitable[None]]
    opt_out: Callable[[Address], Awaitable[bool]]  # durable on return; False: he asks again
    offload: Compute
    randomness: Callable[[int], bytes]
    now_utc: Callable[[], int]
    pause: Callable[[float], Awaitable[None]]
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message that may come in, before it is fitted to each reader."""

    octets: bytes
    author: Author
    whose: str  # nobody else's mail passes through the worker that cleans it
    mark: bytes = b""  # a header field above it, if it could not be scanned


class Arrivals:
    """Answers the questions of gateways about incoming mail."""

    __slots__ = ("_desk",)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def standing(
        self, gateway: str, recipient: str, reverse_path: str, peer: bytes
    ) -> Standing:
        """Return whether mail may come in; durable nowhere. Raises StoreUnavailable."""
        desk = self._desk
        pressure = desk.probes.pressure(gateway, peer)
        if pressure is Pressure.PEER_IS_OVER:
            return await self._later()
        found = await desk.standings.of(recipient, parse_address(reverse_path))
        if found is Standing.UNKNOWN:
            desk.probes.note(gateway, peer)
            return Standing.WELCOME if pressure is Pressure.GATEWAY_IS_OVER else found
        if found is Standing.LATER:
            return await self._later()
        if not isinstance(found, Welcome):
            return Standing.WELCOME
        return (
            await self._later()
            if await desk.standings.is_full(found.account)
            else (Standing.WELCOME)
        )

    async def take(self, gateway: str, order: Incoming, content: bytearray) -> Taken | None:
        """Take a message in, durable on return; None where it should come again.

        Raises StoreUnavailable.
        """
        try:
            if order.is_sealed:
                return await self._take_kept(order.transfer, content)
            envelope = KeptEnvelope(order.reverse_path, order.recipients)
            return await self._take_live(gateway, order, envelope, bytes(content))
        except CleaningFailed:
            self._desk.counts.put_off += len(order.recipients)
            return None
        except PeerViolation:
            # It will never fit: to ask for it again would keep it for ever.
            self._desk.counts.malformed += max(1, len(order.recipients))
            nobody = (Standing.UNKNOWN,) * len(order.recipients)
            return Taken(order.exchange, nobody, is_refused=not order.is_sealed)

    async def _later(self) -> Standing:
        await self._desk.pause(LATER_SECONDS)
        return Standing.LATER

    # While the sender waits.

    async def _take_live(
        self, gateway: str, order: Incoming, envelope: KeptEnvelope, content: bytes
    ) -> Taken | None:
        desk = self._desk
        letter = await self._letter(envelope, content, order.transfer.hex())
        if not isinstance(letter, _Letter):
            if letter is not None and letter.is_transient:
                desk.counts.put_off += len(envelope.recipients)
                return None
            desk.counts.refused += len(envelope.recipients)
            return Taken(order.exchange, self._all(envelope, Standing.UNKNOWN), is_refused=True)
        standings, accounts = await self._sort(envelope, letter)
        if Standing.LATER not in standings:
            outcome = await self._deliver(order.transfer, envelope, letter, accounts)
            if outcome is not None:
                standings = tuple(
                    Standing.LATER if each is Standing.WELCOME else each for each in standings
                )
        if Standing.LATER in standings:
            desk.counts.put_off += len(envelope.recipients)
        else:
            desk.counts.unknown += standings.count(Standing.UNKNOWN)
        # A seized gateway asks by whole messages, of which nobody need get any.
        desk.probes.note(gateway, b"", standings.count(Standing.UNKNOWN))
        if desk.probes.pressure(gateway, b"") is Pressure.GATEWAY_IS_OVER:
            standings = tuple(
                Standing.WELCOME if each is Standing.UNKNOWN else each for each in standings
            )
        return Taken(order.exchange, standings)

    @staticmethod
    def _all(envelope: KeptEnvelope, standing: Standing) -> tuple[Standing, ...]:
        return (standing,) * len(envelope.recipients)

    async def _sort(
        self, envelope: KeptEnvelope, letter: _Letter
    ) -> tuple[tuple[Standing, ...], list[Account]]:
        """Return each recipient's standing, and the accounts that are to get the message."""
        standings: list[Standing] = []
        accounts: dict[int, Account] = {}
        for recipient in envelope.recipients:
            found = await self._destination(recipient, envelope, letter)
            if isinstance(found, Account):
                accounts[found.number] = found
                standings.append(Standing.WELCOME)
            else:
                standings.append(found)
        return tuple(standings), list(accounts.values())

    async def _destination(
        self, recipient: str, envelope: KeptEnvelope, letter: _Letter
    ) -> Account | Standing:
        standings = self._desk.standings
        reverse_path = parse_address(envelope.reverse_path)
        found = await standings.of(recipient, reverse_path)
        if isinstance(found, OptOut):
            return await self._opt_out(letter.author)
        if not isinstance(found, Welcome):
            return found
        if not found.is_role and not await standings.takes_from(
            found.account, reverse_path, letter.author
        ):
            self._desk.counts.unwanted += 1
            return Standing.UNKNOWN
        return found.account

    async def _opt_out(self, author: Author) -> Standing:
        """Let nobody here write to the author any more, if it is the author who asks for that."""
        if author.address is None or not author.is_proven:
            return Standing.UNKNOWN
        if not await self._desk.opt_out(author.address):
            return Standing.LATER
        self._desk.counts.opted_out += 1
        return Standing.WELCOME

    # What a gateway has accepted by itself.

    async def _take_kept(self, transfer: bytes, parcel: bytearray) -> Taken | None:
        desk = self._desk
        try:
            octets = await desk.offload(lambda: open_parcel(desk.private_key, parcel))
            envelope, content = read_kept(octets)
        except (SealBroken, PeerViolation):
            # It will never open: to ask for it again would keep it for ever.
            desk.counts.unreadable += 1
            return Taken(0, ())
        letter = await self._letter(envelope, content, transfer.hex())
        if isinstance(letter, _Letter):
            return await self._distribute(transfer, envelope, letter)
        if letter is None:
            desk.counts.malformed += len(envelope.recipients)
        elif letter.is_transient:
            return None
        else:
            await desk.quarantine(content)
            desk.counts.infected += len(envelope.recipients)
        return Taken(0, ())

    async def _distribute(
        self, transfer: bytes, envelope: KeptEnvelope, letter: _Letter
    ) -> Taken | None:
        """Deliver to each recipient by himself; None while there is one who has no room."""
        standings, accounts = await self._sort(envelope, letter)
        self._desk.counts.unknown += standings.count(Standing.UNKNOWN)
        is_done = Standing.LATER not in standings
        for account in accounts:
            outcome = await self._deliver(transfer, envelope, letter, [account])
            is_done = is_done and (outcome is None or isinstance(outcome, AccountGone))
            self._desk.counts.unknown += isinstance(outcome, AccountGone)
        return Taken(0, ()) if is_done else None

    # Both.

    async def _letter(
        self, envelope: KeptEnvelope, content: bytes, whose: str
    ) -> "_Letter | Reply | None":
        """Return the message as it may come in; why a scanner is against it; None if it may not."""
        desk = self._desk
        context = Inbound(
            desk.randomness,
            verdict=leading_verdict(content),
            choices=UNDECIDED,
            internalised=desk.internalised,
        )
        outcome = await desk.cleaner.from_internet(content, context, whose)
        if isinstance(outcome, Refused):
            return None
        author = _author(outcome, context.verdict)
        if author is None or self._is_in_our_name(envelope, author):
            return None
        passed = await desk.screening.screen(outcome)
        if not isinstance(passed, Passed):
            return passed
        return _Letter(b"".join(outcome.pieces), author, whose, passed.mark)

    def _is_in_our_name(self, envelope: KeptEnvelope, author: Author) -> bool:
        """Whether somebody outside writes as if he were a user here.

        The internal domain is nobody's outside. An official one comes back from lists and
        forwarders, with our signature on it.
        """
        senders = (parse_address(envelope.reverse_path), author.address, *author.others)
        domains = {each.domain for each in senders if each is not None}
        is_official = not domains.isdisjoint(self._desk.standings.official_domains)
        if self._desk.name in domains or (is_official and not author.is_proven):
            return True
        # In a name, or spelt as no address is here and as some reader takes it for one.
        return re.search(rf"@\s*{re.escape(self._desk.name)}(?![.-]?\w)", author.shown) is not None

    async def _deliver(
        self,
        transfer: bytes,
        envelope: KeptEnvelope,
        letter: _Letter,
        accounts: Sequence[Account],
    ) -> MaildropFull | AccountGone | TakenBefore | None:
        """Put the message into the maildrops of `accounts`, or say why into none of them."""
        desk = self._desk
        tags = {desk.tag(transfer, each): each for each in accounts}
        for _ in range(_TRIES):
            before = await desk.delivery.maildrops.arrived(tags)
            new = {tag: each for tag, each in tags.items() if tag not in before}
            if not new:
                desk.counts.repeated += len(before)
                return None
            copies = await self._copies(envelope, letter, list(new.values()))
            arrival = Arrival(tuple(new), desk.now_utc() // _DAY_SECONDS)
            keep = partial(desk.delivery.maildrops.arrive, arrival=arrival)
            outcome = await desk.delivery.deliver_by(keep, copies)
            if isinstance(outcome, Delivered):
                desk.counts.delivered += len(copies)
                desk.counts.repeated += len(before)
                return None
            if not isinstance(outcome, TakenBefore):
                return outcome
            # The same transfer came by another stream just now.
        return TakenBefore()

    async def _copies(
        self, envelope: KeptEnvelope, letter: _Letter, accounts: Sequence[Account]
    ) -> list[Copy]:
        desk = self._desk
        trace = return_path_field(parse_address(envelope.reverse_path)) + arrival_field(
            desk.name, desk.now_utc()
        )
        fitted: dict[Choices, Sanitised] = {}
        copies = []
        for account in accounts:
            choices = account.preferences.cleaning
            if choices not in fitted:
                fitted[choices] = await self._fit(letter, choices)
            message = fitted[choices]
            pieces = await desk.conversations.pieces_for(account, message)
            tags = desk.conversations.tags(account, message)
            copies.append(Copy(account, [trace + letter.mark, *pieces], tags))
        return copies

    async def _fit(self, letter: _Letter, choices: Choices) -> Sanitised:
        # What one policy has made, the next one reads, though addresses have grown longer.
        context = Inbound(self._desk.randomness, choices=choices, bounds=Bounds())
        made = await self._desk.cleaner.to_user(letter.octets, context, letter.whose)
        if isinstance(made, Refused):
            raise PeerViolation("message grew beyond the bounds")
        return made


def _author(message: Sanitised, verdict: bytes) -> Author | None:
    """Return who stands in From; None where the header has no end."""
    head = _head(message)
    if b"\r\n\r\n" not in head:
        return None
    value = next((each[2] for each in split_header(head).fields if each[0].lower() == b"from"), b"")
    authors = [each.address for each in parse_mailboxes(value).mailboxes]
    return Author(
        authors[0] if authors else None,
        is_credible=b" dmarc=fail" not in verdict,
        is_proven=bool(authors) and all(_is_proven(each, verdict) for each in authors),
        others=tuple(authors[1:]),
        shown=unicodedata.normalize("NFKC", decode_unstructured(value)).lower(),
    )


def _is_proven(author: Address, verdict: bytes) -> bool:
    domain = author.domain.encode("ascii", "replace")
    # A policy that was met, or a signature of the very domain.
    proofs = (b" dmarc=pass header.from=", b" dkim=pass header.d=")
    return any(re.search(each + re.escape(domain) + rb"[;\r]", verdict) for each in proofs)


def _head(message: Sanitised) -> bytes:
    """Return what the header lies in, whatever pieces the sanitiser has cut the message into."""
    head = b""
    for piece in message.pieces:
        head += piece[: MAX_HEADER_OCTETS - len(head)]
        if b"\r\n\r\n" in head:
            break
    return head
