# SPDX-License-Identifier: Apache-2.0
"""Takes messages from the core and brings them to the Internet; stores nothing of them.

Everything is in memory, and only until the last recipient is reported. What the core hands over is
looked at again, gets its one Received field and, last of all, its signatures.

An outcome that is final is remembered for an hour under a keyed hash: where the link broke before
the core heard of it, the core asks for the same transfer again and gets the outcome, and the
recipient does not get the message twice.

Trust: the core has proven itself and may be faulty: what is not clean is refused here.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from eepost.mail.address import Address, parse_address
from eepost.mail.header import split_header
from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.trace import received_field
from eepost.sanitise.cleaner import Cleaner, CleaningFailed
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet
from eepost.services.gateway.delivery import Delivery
from eepost.services.gateway.ports import Asked, Dns
from eepost.services.gateway.signing import Signer
from eepost.wire.outward.hop import Letter
from eepost.wire.outward.verdict import (
    BAD_ADDRESS,
    NOT_CLEAN,
    NOT_NOW,
    TOO_LARGE,
    UNREACHABLE,
    Verdict,
)
from eepost.wire.transfer.messages import (
    UNNUMBERED,
    Fate,
    Outcome,
    Relay,
    Reported,
)

# From here on signing takes long enough to hold others up.
OFFLOAD_OCTETS = 131_072
# All that one domain's servers may take for a letter; the core gives up on us after an hour.
LETTER_SECONDS = 1_800.0
# How long and how many final outcomes are remembered; one costs about 300 octets.
REMEMBERED_SECONDS = 3_600.0
MAX_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to the Internet. `official_domains`: the current one first."""

    host: str
    internal_domain: str
    official_domains: tuple[str, ...]


@dataclass(slots=True)
class Counts:
    """What the core handed over."""

    messages: int = 0
    not_clean: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message as it leaves."""

    reverse_path: str
    content: bytes = field(repr=False)
    needs_utf8: bool
    needs_8bit: bool


@dataclass(slots=True)
class RelayDesk:
    """Answers Relay. `offload` runs work on another thread."""

    identity: Identity
    dns: Dns
    delivery: Delivery
    cleaner: Cleaner
    signer: Signer
    now_utc: Callable[[], int]
    clock: Callable[[], float]
    offload: Callable[[Callable[[], _Ready]], Awaitable[_Ready]]
    fault: Callable[[BaseException], None]
    key: bytes = field(repr=False)  # 32 random octets of this process
    counts: Counts = field(default_factory=Counts)
    _known: OrderedDict[bytes, tuple[float, Verdict]] = field(default_factory=OrderedDict)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def respond(self, asked: Asked) -> None:
        """Tell each recipient's outcome as soon as it is known, then that all were told."""
        order = asked.question
        assert isinstance(order, Relay)  # noqa: S101 - who registers us knows our questions
        self.counts.messages += 1
        verdicts: asyncio.Queue[tuple[int, Verdict]] = asyncio.Queue()
        wanted = _Wanted()
        try:
            await self._begin(asked, order, verdicts, wanted)
            for _ in order.recipients:
                at, verdict = await verdicts.get()
                await asked.answer(
                    Outcome(UNNUMBERED, at, verdict.fate, verdict.status, verdict.code)
                )
            await asked.answer(Reported(UNNUMBERED))
        finally:
            # Taken back, or the link is lost: what has not been sent yet is not sent any more,
            # and what is being sent goes on, so that its outcome is not lost as well.
            wanted.is_wanted = False

    async def settle(self) -> None:
        """Wait for what is being sent."""
        while self._running:
            await asyncio.wait(self._running)

    async def _begin(
        self,
        asked: Asked,
        order: Relay,
        verdicts: "asyncio.Queue[tuple[int, Verdict]]",
        wanted: "_Wanted",
    ) -> None:
        ready = await self._ready(asked, order)
        groups: dict[str, list[int]] = {}
        for at, recipient in enumerate(order.recipients):
            known = self._recall(order, at)
            if known is not None:
                self.counts.repeated += 1
                verdicts.put_nowait((at, known))
            elif isinstance(ready, Verdict):
                verdicts.put_nowait((at, ready))
            elif (domain := self._domain(recipient)) is None:
                verdicts.put_nowait((at, BAD_ADDRESS))
            else:
                groups.setdefault(domain, []).append(at)
        for domain, places in groups.items():
            assert isinstance(ready, _Ready)  # noqa: S101 - else there is no group
            run = self._deliver(order, ready, domain, tuple(places), verdicts, wanted)
            task = asyncio.get_running_loop().create_task(run)
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _deliver(
        self,
        order: Relay,
        ready: _Ready,
        domain: str,
        places: tuple[int, ...],
        verdicts: "asyncio.Queue[tuple[int, Verdict]]",
        wanted: "_Wanted",
    ) -> None:
        paths = tuple(_on_the_wire(order.recipients[at], domain) for at in places)
        letter = Letter(
            ready.reverse_path,
            paths,
            ready.content,
            ready.needs_utf8 or not all(path.isascii() for path in paths),
            ready.needs_8bit,
            wanted,
        )
        left = set(places)
        try:
            async with asyncio.timeout(LETTER_SECONDS):
                async for number, verdict in self.delivery.deliver(domain, letter):
                    at = places[number]
                    left.discard(at)
                    self._remember(order, at, verdict)
                    verdicts.put_nowait((at, verdict))
        except TimeoutError:
            pass  # a server that answers just in time, a thousand times, has had its time
        except Exception as error:  # the core must not wait for ever, nor other domains suffer
            self.fault(error)
        finally:
            for at in left:
                verdicts.put_nowait((at, UNREACHABLE))

    def _domain(self, recipient: str) -> str | None:
        address = parse_address(recipient)
        if address is None or not address.domain or address.domain == self.identity.internal_domain:
            return None
        return self.dns.in_ascii(address.domain)

    # What leaves.

    async def _ready(self, asked: Asked, order: Relay) -> _Ready | Verdict:
        if asked.is_too_large:
            return TOO_LARGE
        content, reverse_path = await asked.content(), order.reverse_path
        identity = self.identity
        context = ToInternet(identity.internal_domain, identity.official_domains[0])
        try:
            cleaned = await self.cleaner.to_internet(content, context, reverse_path or None)
        except CleaningFailed:
            return NOT_NOW
        domain = None if isinstance(cleaned, Refused) else self._author_domain(cleaned)
        if isinstance(cleaned, Refused) or domain is None or not self._is_ours(reverse_path):
            self.counts.not_clean += 1
            return NOT_CLEAN
        if len(content) > OFFLOAD_OCTETS:
            return await self.offload(lambda: self._prepare(cleaned, domain, reverse_path))
        return self._prepare(cleaned, domain, reverse_path)

    def _prepare(self, cleaned: Sanitised, domain: str, reverse_path: str) -> _Ready:
        now = self.now_utc()
        message = b"".join((received_field(self.identity.host, now), *cleaned.pieces))
        header, *body = cleaned.pieces
        return _Ready(
            reverse_path,
            self.signer.sign(message, domain, now) + message,
            needs_utf8=not bytes(header).isascii(),
            needs_8bit=not all(bytes(piece).isascii() for piece in body),
        )

    def _author_domain(self, cleaned: Sanitised) -> str | None:
        """Return the official domain that From names, which is the one to sign for (RFC 9989)."""
        fields = split_header(bytes(cleaned.pieces[0])).fields
        named = [value for name, _, value in fields if name.lower() == b"from"]
        boxes = parse_mailboxes(named[0]).mailboxes if len(named) == 1 else ()
        domain = boxes[0].address.domain if len(boxes) == 1 else ""
        return domain if domain in self.identity.official_domains else None

    def _is_ours(self, reverse_path: str) -> bool:
        """Whether a reverse-path is empty or of one of our domains: no other may be forged here."""
        if not reverse_path:
            return True
        address = parse_address(reverse_path)
        return address is not None and address.domain in self.identity.official_domains

    # What is remembered.

    def _recall(self, order: Relay, at: int) -> Verdict | None:
        until, verdict = self._known.get(self._hash(order, at), (0.0, None))
        return verdict if self.clock() < until else None

    def _remember(self, order: Relay, at: int, verdict: Verdict) -> None:
        if verdict.fate is Fate.DEFERRED:
            return  # the next try is a try
        self._known[self._hash(order, at)] = (self.clock() + REMEMBERED_SECONDS, verdict)
        while len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def _hash(self, order: Relay, at: int) -> bytes:
        said = order.transfer + order.recipients[at].encode("utf-8")
        return hashlib.blake2b(said, digest_size=16, key=self.key).digest()


@dataclass(slots=True)
class _Wanted:
    """Whether somebody still waits for the outcome."""

    is_wanted: bool = True

    def __call__(self) -> bool:
        return self.is_wanted


def _on_the_wire(recipient: str, domain: str) -> str:
    """Return the path to say: quoted where it has to be, its domain in A-labels."""
    address = parse_address(recipient)
    assert address is not None  # noqa: S101 - _domain has read it
    return str(Address(address.local_part, domain))
