# SPDX-License-Identifier: Apache-2.0
"""One conversation with a mail server of the Internet: the owner of an SmtpServer as exchanger.

While the sender waits, the core is asked: at each recipient whether there is one, at the final dot
to take the message. Nothing is stored here but a sealed parcel where the core does not answer.

Trust: anybody on the Internet opens one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from eepost.mail.address import Address
from eepost.mail.envelope import ReversePath
from eepost.mail.header import Header, split_header
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise.cleaner import Cleaner, CleaningFailed
from eepost.sanitise.inbound import MAX_HEADER_OCTETS, UNDECIDED, Inbound
from eepost.sanitise.outcome import Refused
from eepost.services.gateway.authentication.check import ChecksBusy, Sender, Verdict
from eepost.services.gateway.reception import replies
from eepost.services.gateway.reception.core import Core, CoreDeclined, CoreUnreachable
from eepost.services.gateway.reception.gate import Caller, Gate
from eepost.services.gateway.reception.handover import Handover
from eepost.wire.smtp.events import (
    Connected,
    ContentGiven,
    Event,
    Introduced,
    MailGiven,
    MessageGiven,
    RcptGiven,
    Secured,
    TransactionDropped,
)
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.transfer.kept import KeptEnvelope
from eepost.wire.transfer.messages import Standing
from eepost.wire.transit import Transit

Replies = tuple[Reply, ...]
Answer = Replies | Coroutine[Any, Any, Replies]
NOTHING: Final[Replies] = ()

# RFC 5321 6.3: loops are seen by counting trace fields. Ours remove them, so this is the only stop.
MAX_HOPS: Final = 50
# How long a question about a recipient may take; the sender gives RCPT five minutes.
STANDING_SECONDS: Final = 20.0
_RECEIVED: Final = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)

_STANDING_REPLIES: Final = {
    Standing.WELCOME: replies.RECIPIENT_ACCEPTED,
    Standing.UNKNOWN: replies.NO_SUCH_RECIPIENT,
    Standing.LATER: replies.RECIPIENT_LATER,
}


@dataclass(slots=True)
class Counts:
    """What reception has done; numbers only."""

    messages: int = 0
    recipients_refused: int = 0
    recipients_put_off: int = 0
    loops: int = 0
    forged: int = 0
    uncertain: int = 0
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What all sessions share."""

    host: str
    greeting: Reply
    official_domains: frozenset[str]
    gate: Gate
    core: Core
    handover: Handover
    authenticate: Callable[[bytes, Header, Sender, bytes | None], Awaitable[Verdict]]
    cleaner: Cleaner
    transit: Transit
    make_engine: Callable[[], SmtpServer]
    randomness: Callable[[int], bytes]
    refuses_spf_fail: bool = True
    counts: Counts = field(default_factory=Counts)


class Reception:
    """One session."""

    __slots__ = (
        "_caller",
        "_content",
        "_desk",
        "_is_over",
        "_is_welcome",
        "_recipients",
        "_reserved",
        "_reverse_path",
        "engine",
    )

    def __init__(self, desk: Desk, caller: Caller, is_welcome: bool) -> None:
        self.engine = desk.make_engine()
        self._desk = desk
        self._caller = caller
        self._is_welcome = is_welcome
        self._reserved = 0
        self._reset()

    def _reset(self) -> None:
        self._reverse_path = ReversePath(None)
        self._recipients: list[str] = []
        self._content = bytearray()
        self._is_over = False  # content that found no room in transit
        self._desk.transit.release(self._reserved)
        self._reserved = 0

    # What the pump calls.

    def respond(self, event: Event) -> Answer:
        """Return the decision on `event`."""
        return _RESPONSES.get(type(event), _nothing)(self, event)

    def fault(self, event: Event) -> Replies:
        """Answer for now where something inside failed: 451, and the peer tries again."""
        if isinstance(event, ContentGiven):
            self._give_up_content()
        if isinstance(event, MessageGiven):
            self._reset()
        is_told = isinstance(event, ContentGiven | TransactionDropped | Introduced | Secured)
        return NOTHING if is_told else (replies.FAULT,)

    def expire(self, *, is_shutdown: bool) -> None:
        """End the session with 421."""
        self.engine.expire(replies.SHUTDOWN if is_shutdown else replies.EXPIRED)

    @property
    def is_idle(self) -> bool:
        """No transaction is open."""
        return self.engine.is_idle

    @property
    def is_known(self) -> bool:
        """A recipient was accepted: this is no stranger who only takes up a place."""
        return bool(self._recipients)

    def close(self) -> None:
        """Let go of content that was never finished."""
        self._reset()

    # Events.

    def _greet(self, _event: Connected) -> Answer:
        return (self._desk.greeting if self._is_welcome else replies.TURNED_AWAY,)

    def _introduce(self, event: Introduced) -> Answer:
        self._caller.name = event.name
        return NOTHING

    def _secure(self, _event: Secured) -> Answer:
        self._caller.name = ""
        return NOTHING

    def _begin(self, event: MailGiven) -> Answer:
        self._reverse_path = event.reverse_path
        return (replies.SENDER_ACCEPTED,)

    async def _recipient(self, event: RcptGiven) -> Replies:
        address = event.recipient.address
        reply = await self._decide(address)
        if reply.is_positive:
            self._recipients.append(str(address))
        elif reply.is_transient:
            self._desk.counts.recipients_put_off += 1
        else:
            self._desk.counts.recipients_refused += 1
            self._desk.gate.rates.note_refused(self._caller.network)
        return (reply,)

    async def _decide(self, address: Address) -> Reply:
        desk = self._desk
        if address.domain and address.domain not in desk.official_domains:
            return replies.NO_RELAY
        refusal = await desk.gate.refusal(self._caller, self._sender, address)
        if refusal is not None or desk.handover.keeps_everything:
            return refusal or replies.RECIPIENT_ACCEPTED
        peer = self._caller.network or b""
        try:
            async with asyncio.timeout(STANDING_SECONDS):
                return _STANDING_REPLIES[await desk.core.standing(str(address), self._sender, peer)]
        except CoreDeclined:
            return replies.RECIPIENT_LATER
        except (CoreUnreachable, TimeoutError):
            # Whether there is such a recipient will show; if not, the mail is dropped in silence.
            return replies.RECIPIENT_ACCEPTED if desk.handover.can_keep else replies.CORE_AWAY

    @property
    def _sender(self) -> str:
        return str(self._reverse_path.address or "")

    def _collect(self, event: ContentGiven) -> Answer:
        if self._is_over or not self._desk.transit.reserve(len(event.octets)):
            self._give_up_content()
            return NOTHING
        self._reserved += len(event.octets)
        self._content += event.octets
        return NOTHING

    def _give_up_content(self) -> None:
        self._is_over = True
        self._content = bytearray()

    def _drop(self, _event: TransactionDropped) -> Answer:
        self._reset()
        return NOTHING

    async def _finish(self, _event: MessageGiven) -> Replies:
        reply = replies.TRANSIT_FULL if self._is_over else await self._pass_on()
        if reply.is_positive:
            self._desk.counts.messages += 1
            self._desk.gate.rates.note_message(self._caller.network)
        self._reset()
        return (reply,)

    # The message.

    async def _pass_on(self) -> Reply:
        desk, content = self._desk, bytes(self._content)
        self._content = bytearray()
        try:
            header = split_header(content, MAX_HEADER_OCTETS)
        except PeerViolation:
            desk.counts.malformed += 1
            return replies.CONTENT_REFUSED
        if len(_RECEIVED.findall(content[: header.body_start])) > MAX_HOPS:
            desk.counts.loops += 1
            return replies.LOOP
        verdict = await self._judge(content, header)
        if isinstance(verdict, Reply):
            return verdict
        context = Inbound(desk.randomness, verdict=verdict.field(desk.host), choices=UNDECIDED)
        try:
            made = await desk.cleaner.from_internet(content, context)
        except CleaningFailed:
            return replies.CLEANING_FAILED
        if isinstance(made, Refused):
            desk.counts.malformed += 1
            return made.reply
        envelope = KeptEnvelope(self._sender, tuple(dict.fromkeys(self._recipients)))
        return await desk.handover.hand_over(envelope, made.pieces)

    async def _judge(self, content: bytes, header: Header) -> Verdict | Reply:
        """Return what the checks say, or why the message is not taken because of it."""
        desk, caller = self._desk, self._caller
        sender = Sender(caller.address, caller.name, self._reverse_path.address)
        try:
            verdict = await desk.authenticate(content, header, sender, caller.network)
        except ChecksBusy:
            desk.counts.uncertain += 1
            return replies.CHECKS_BUSY
        return self._objection(verdict) or verdict

    def _objection(self, verdict: Verdict) -> Reply | None:
        counts = self._desk.counts
        if verdict.is_rejected:
            counts.forged += 1
            return replies.FORGED
        if verdict.is_sender_forged and self._desk.refuses_spf_fail:
            counts.forged += 1
            return replies.SPF_FAILED
        if verdict.is_temporary:
            counts.uncertain += 1
            return replies.UNCERTAIN
        return None


def _nothing(_session: Reception, _event: Event) -> Answer:
    return NOTHING


_RESPONSES: Final[dict[type, Callable[[Reception, Any], Answer]]] = {
    Connected: Reception._greet,
    Introduced: Reception._introduce,
    Secured: Reception._secure,
    MailGiven: Reception._begin,
    RcptGiven: Reception._recipient,
    ContentGiven: Reception._collect,
    TransactionDropped: Reception._drop,
    MessageGiven: Reception._finish,
}
