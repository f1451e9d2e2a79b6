# SPDX-License-Identifier: Apache-2.0
"""Takes mail from authenticated users: journey 1, docs/journeys/internal-mail.md.

Trust: before AUTH anybody who can reach the port, after it a user who may still be careless or
malicious; the reverse-path and From are the account's own, always.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eepost.accounts.authenticator import Authenticator, Busy, WrongCredentials
from eepost.accounts.correspondents import folded
from eepost.accounts.directory import Directory, NotCached
from eepost.accounts.model import Account, State
from eepost.accounts.names import login_name
from eepost.accounts.places import Places
from eepost.mail.address import Address
from eepost.mail.envelope import Notify, Recipient, ReversePath
from eepost.mail.reply import Reply
from eepost.mail.trace import received_field, return_path_field
from eepost.maildrop.model import SentId, Usage
from eepost.maildrop.ports import AccountGone, Delivered, MaildropFull, Outcome
from eepost.queue.allowance import OverQuota
from eepost.queue.books import Entry
from eepost.sanitise.cleaner import Cleaner, CleaningFailed, Why
from eepost.sanitise.from_user import OUT_OF_BOUNDS, FromUser
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.services.mta import replies
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.dry_run import explanation, is_dry_run
from eepost.services.mta.fitting import DoesNotFit, Renderings
from eepost.services.mta.local import Copy, LocalDelivery
from eepost.services.mta.notices import success_report
from eepost.services.mta.outgoing import Outgoing, Parcel, delivered, forward
from eepost.services.mta.screening import Screening
from eepost.wire.smtp.events import (
    AuthGiven,
    Connected,
    ContentGiven,
    Event,
    MailGiven,
    MessageGiven,
    RcptGiven,
    TransactionDropped,
)
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.transit import Transit

Answer = tuple[Reply, ...] | Coroutine[Any, Any, tuple[Reply, ...]]
NOTHING: Final[tuple[Reply, ...]] = ()


@dataclass(slots=True)
class Counts:
    """What submission has done; numbers only."""

    accepted: int = 0
    refused: int = 0
    deferred: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """What all submission sessions share."""

    name: str  # the internal domain, all that greeting and trace say of us
    greeting: Reply
    domains: frozenset[str]  # internal and official, equal in every respect
    authenticator: Authenticator
    places: Places
    directory: Directory
    delivery: LocalDelivery
    transit: Transit
    context: Callable[[Account], FromUser]  # what the sanitiser needs to know about a sender
    conversations: Conversations
    screening: Screening
    outgoing: Outgoing
    cleaner: Cleaner
    make_engine: Callable[[], SmtpServer]
    counts: Counts


class Submission:
    """One session: the owner of an SmtpServer."""

    __slots__ = (
        "_account",
        "_content",
        "_desk",
        "_epoch",
        "_is_dry_run",
        "_is_over",
        "_is_welcome",
        "_outside",
        "_peer",
        "_recipients",
        "_reserved",
        "_reverse_path",
        "engine",
    )

    def __init__(self, desk: Desk, peer: bytes | None, is_welcome: bool) -> None:
        """Serve `peer` (its bucket for limits, None if unknown)."""
        self.engine = desk.make_engine()
        self._desk = desk
        self._peer = peer
        self._is_welcome = is_welcome
        self._account: Account | None = None
        self._epoch = 0  # of the accounts, when the login was last known to be in force
        self._reset()

    def _reset(self) -> None:
        self._reverse_path = ReversePath(None)
        self._recipients: list[tuple[Recipient, Account]] | None = None
        self._outside: list[Recipient] = []  # on the Internet
        self._content: bytearray | None = None
        self._reserved = 0
        self._is_over = False  # content that found no room in transit
        self._is_dry_run = False

    def _end_transaction(self) -> None:
        self._desk.transit.release(self._reserved)
        self._reset()

    # What the pump calls.

    def respond(self, event: Event) -> Answer:
        """Return the decision on `event`."""
        return _RESPONSES.get(type(event), _nothing)(self, event)

    def fault(self, event: Event) -> tuple[Reply, ...]:
        """Answer for now where something inside failed: 451, and the client tries again."""
        if isinstance(event, AuthGiven):
            return (replies.LOGIN_BUSY,)
        if isinstance(event, ContentGiven):
            self._give_up_content()  # a part is missing: the rest must not pass for the whole
        if isinstance(event, MessageGiven):
            self._desk.counts.deferred += 1
            self._end_transaction()
        return NOTHING if isinstance(event, ContentGiven | TransactionDropped) else (replies.FAULT,)

    def expire(self, *, is_shutdown: bool) -> None:
        """End the session with 421."""
        self.engine.expire(replies.SHUTDOWN if is_shutdown else replies.EXPIRED)

    @property
    def is_idle(self) -> bool:
        """No transaction is open."""
        return self.engine.is_idle

    @property
    def is_known(self) -> bool:
        """Somebody logged in."""
        return self._account is not None

    def close(self) -> None:
        """Let go of content that was never finished, and of the account's place."""
        self._end_transaction()
        if self._account is not None:
            self._desk.places.leave(self._account.number)
            self._account = None

    # One method for each event.

    def _greet(self, _event: Connected) -> Answer:
        if not self._is_welcome:
            return (replies.TURNED_AWAY,)
        return (self._desk.greeting,)

    def _login(self, event: AuthGiven) -> Answer:
        # Before the account is looked at: what changes from here on is not missed.
        self._epoch = self._desk.authenticator.epoch()
        account = self._desk.authenticator.recall_submission(event.login, event.password)
        if account is None:
            return self._check_login(event)
        return (self._admit(account),)

    async def _check_login(self, event: AuthGiven) -> tuple[Reply, ...]:
        found = await self._desk.authenticator.check_submission(
            event.login, event.password, self._peer
        )
        match found:
            case Account():
                return (self._admit(found),)
            case Busy():
                return (replies.LOGIN_BUSY,)
            case WrongCredentials():
                return (replies.WRONG_CREDENTIALS,)

    def _admit(self, account: Account) -> Reply:
        if not self._desk.places.take(account.number):
            return replies.LOGIN_ELSEWHERE
        self._account = account
        return replies.AUTHENTICATED

    async def _is_in_force(self) -> bool:
        """The login still holds: a new password, disabling and deleting end it at once."""
        authenticator = self._desk.authenticator
        epoch = authenticator.epoch()
        if epoch != self._epoch:
            assert self._account is not None  # noqa: S101 - the engine's order of trust
            if not await authenticator.is_in_force(self._account):
                return False
            self._epoch = epoch
        return True

    def _begin(self, event: MailGiven) -> Answer:
        if self._desk.authenticator.epoch() == self._epoch:
            return (self._open(event),)
        return self._look_again(event)

    async def _look_again(self, event: MailGiven) -> tuple[Reply, ...]:
        return (self._open(event) if await self._is_in_force() else replies.LOGIN_ENDED,)

    def _open(self, event: MailGiven) -> Reply:
        address = event.reverse_path.address
        account = self._account
        # A null reverse-path would be a sender that nobody can answer for.
        if account is None or address is None or self._name_of(address) != account.name:
            return replies.SENDER_NOT_YOURS
        self._reverse_path = event.reverse_path
        self._recipients = []
        return replies.SENDER_ACCEPTED

    def _name_of(self, address: Address) -> str | None:
        return login_name(str(address), self._desk.domains)

    def _recipient(self, event: RcptGiven) -> Answer:
        if self._is_dry_run or is_dry_run(event.recipient.address, self._desk.domains):
            return (self._begin_dry_run(event.recipient.address),)
        if not self._desk.directory.is_local(event.recipient.address):
            return (
                self._find_outside(event.recipient)
                if self._desk.outgoing.is_open
                else (replies.NOT_LOCAL,)
            )
        found = self._desk.directory.cached(event.recipient.address)
        if isinstance(found, NotCached):
            return self._find_recipient(event.recipient)
        if found is None or found.state is State.DISABLED:
            return (self._refusal(found),)
        room = self._desk.delivery.remembered_room(found)
        if room is None or room < (self._reverse_path.size_octets or 0) * 2:
            return self._find_recipient(event.recipient)
        return (self._add(event.recipient, found),)

    def _begin_dry_run(self, address: Address) -> Reply:
        if self._recipients or self._outside or not is_dry_run(address, self._desk.domains):
            return replies.DRY_RUN_ALONE
        self._is_dry_run = True
        return replies.RECIPIENT_ACCEPTED

    async def _find_outside(self, recipient: Recipient) -> tuple[Reply, ...]:
        assert self._account is not None  # noqa: S101 - the engine's order of trust
        others = [each.address for each in self._outside]
        refusal = await self._desk.outgoing.refusal(self._account, recipient.address, others)
        if refusal is None and folded(recipient.address) not in map(folded, others):
            self._outside.append(recipient)  # one copy for a person, however often he is named
        return (refusal or replies.RECIPIENT_ACCEPTED,)

    def _refusal(self, account: Account | None) -> Reply:
        return replies.RECIPIENT_DISABLED if account else replies.NO_SUCH_RECIPIENT

    def _add(self, recipient: Recipient, account: Account) -> Reply:
        assert self._recipients is not None  # noqa: S101 - RCPT comes only after an accepted MAIL
        self._recipients.append((recipient, account))
        return replies.RECIPIENT_ACCEPTED

    async def _find_recipient(self, recipient: Recipient) -> tuple[Reply, ...]:
        account = await self._desk.directory.find(recipient.address)
        if account is None or account.state is State.DISABLED:
            return (self._refusal(account),)
        refusal = self._lack_of_room(await self._desk.delivery.room(account))
        return (refusal or self._add(recipient, account),)

    def _lack_of_room(self, usage: Usage) -> Reply | None:
        size = self._reverse_path.size_octets or 0
        if size > usage.limit_octets:
            return replies.TOO_LARGE_FOR_RECIPIENT
        if usage.is_full or usage.octets + size > usage.limit_octets:
            return replies.RECIPIENT_FULL
        return None

    def _collect(self, event: ContentGiven) -> Answer:
        octets = event.octets
        if self._is_over or not self._desk.transit.reserve(len(octets)):
            self._give_up_content()
            return NOTHING
        self._reserved += len(octets)
        if self._content is None:
            self._content = bytearray(octets)
        else:
            self._content += octets
        return NOTHING

    def _give_up_content(self) -> None:
        self._is_over = True
        self._content = None

    def _drop(self, _event: TransactionDropped) -> Answer:
        self._end_transaction()
        return NOTHING

    async def _deliver(self, _event: MessageGiven) -> tuple[Reply, ...]:
        reply = replies.TRANSIT_FULL if self._is_over else await self._reply()
        self._count(reply)
        self._end_transaction()
        return (reply,)

    def _count(self, reply: Reply) -> None:
        counts = self._desk.counts
        if reply.is_positive:
            counts.accepted += 1
        elif reply.is_transient:
            counts.deferred += 1
        else:
            counts.refused += 1

    async def _reply(self) -> Reply:
        try:
            return await self._accept()
        except CleaningFailed as failure:
            is_busy = failure.why is Why.BUSY
            return replies.CLEANING_BUSY if is_busy else replies.CLEANING_FAILED
        except DoesNotFit:
            return OUT_OF_BOUNDS

    async def _accept(self) -> Reply:
        """Return what became of the message. Raises CleaningFailed, DoesNotFit."""
        if not await self._is_in_force():
            return replies.LOGIN_ENDED
        assert self._account is not None  # noqa: S101 - the engine's order of trust
        content = self._content if self._content is not None else bytearray()
        context = await self._with_known_ids(content, self._account)
        outcome = await self._desk.cleaner.from_user(content, context)
        if self._is_dry_run:
            return await self._explain(outcome, context)
        if isinstance(outcome, Refused):
            return outcome.reply
        passed = await self._desk.screening.screen(outcome)
        if isinstance(passed, Reply):
            return passed
        return await self._store(outcome, context, passed.mark)

    async def _explain(self, outcome: Sanitised | Refused, context: FromUser) -> Reply:
        assert self._account is not None  # noqa: S101 - the engine's order of trust
        report = Copy(self._account, explanation(outcome, context))
        delivered = await self._desk.delivery.deliver([report])
        return replies.DRY_RUN_DONE if isinstance(delivered, Delivered) else _refusal(delivered)

    async def _with_known_ids(self, content: bytearray, account: Account) -> FromUser:
        """Return what the sanitiser needs to know, with the threads that a reply may name."""
        context = self._desk.context(account)
        known = await self._desk.conversations.known_ids(account, content)
        return context if known is None else replace(context, known_ids=known)

    async def _store(self, message: Sanitised, context: FromUser, mark: bytes) -> Reply:
        assert self._account is not None  # noqa: S101 - the engine's order of trust
        desk, parcel = self._desk, self._parcel(message, context, mark)
        who = str(context.address)
        renderings = Renderings(desk.cleaner, context.randomness, message, who)
        copies = [] if self._delays_copies else await self._copies(renderings, context, mark)
        more = len(copies) - 1 + len(renderings.made) + bool(parcel)
        refusal = self._make_room(message.size_octets * more)
        refusal = refusal or await desk.outgoing.lack_of_room(parcel)
        if refusal:
            return refusal
        entry = await desk.outgoing.entry(self._account, self._content or b"", parcel)
        sent = desk.conversations.sent_id(self._account, message, context.accepted_utc)
        # What waits is reported on when its end is known, on all its recipients in one.
        report = [] if parcel else self._report(message, context)
        outcome = await self._keep([*copies, *report], sent, entry)
        if report and outcome == MaildropFull(report[0].account.number):
            # The sender has no room for the report: no reason to refuse the mail itself.
            outcome = await self._keep(copies, sent, entry)
        match outcome:
            case Delivered():
                accepted = desk.outgoing.accepted
                return accepted(self._account, parcel) if parcel else replies.ACCEPTED
            case OverQuota():
                return desk.outgoing.over_quota(outcome)
            case _:
                return _refusal(outcome)

    async def _keep(
        self, copies: Sequence[Copy], sent: SentId | None, entry: Entry | None
    ) -> Outcome | OverQuota:
        """Deliver copies, and write `entry` into the queue's books, in one commit."""
        delivery, queue = self._desk.delivery, self._desk.outgoing.store
        if entry is None:
            return await delivery.deliver(copies, sent)
        return await delivery.deliver_by(lambda sealed: queue.accept(sealed, sent, entry), copies)

    @property
    def _delays_copies(self) -> bool:
        """Local copies of mail that also goes to the Internet leave together with it."""
        account = self._account
        return (
            bool(self._outside)
            and account is not None
            and (account.preferences.delays_local_copies)
        )

    def _parcel(self, message: Sanitised, context: FromUser, mark: bytes) -> Parcel | None:
        """Return what has to wait of the message, None where all of it is delivered now."""
        if not self._outside or self._account is None:
            return None
        here = [recipient for recipient, _ in self._recipients or ()]
        if self._delays_copies:
            local = [forward(each, is_local=True) for each in here]
        else:
            local = [delivered(each) for each in here if Notify.SUCCESS in each.notify]
        return Parcel(
            self._account,
            self._reverse_path,
            message,
            [*local, *(forward(each) for each in self._outside)],
            context.accepted_utc,
            mark,
        )

    def _make_room(self, octets: int) -> Reply | None:
        """Reserve memory for copies beyond the first: two hundred of 10 MB are 2 GB."""
        transit = self._desk.transit
        if self._reserved + octets > transit.limit_octets:
            return replies.TOO_MANY_COPIES
        if not transit.reserve(octets):
            return replies.TRANSIT_FULL
        self._reserved += octets
        return None

    async def _copies(self, renderings: Renderings, context: FromUser, mark: bytes) -> list[Copy]:
        """Return a copy for each reader here. Raises CleaningFailed, DoesNotFit."""
        trace = return_path_field(self._reverse_path.address) + received_field(
            self._desk.name, context.accepted_utc
        )
        # The same mailbox under two addresses gets one copy.
        accounts = {account.number: account for _, account in self._recipients or ()}
        return [
            await self._copy(account, await renderings.for_reader(account), trace + mark)
            for account in accounts.values()
        ]

    async def _copy(self, account: Account, message: Sanitised, above: bytes) -> Copy:
        conversations = self._desk.conversations
        pieces = [above, *await conversations.pieces_for(account, message)]
        return Copy(account, pieces, conversations.tags(account, message))

    def _report(self, message: Sanitised, context: FromUser) -> list[Copy]:
        wanted = [r.address for r, _ in self._recipients or () if Notify.SUCCESS in r.notify]
        if not wanted or self._account is None:
            return []
        return [Copy(self._account, success_report(self._reverse_path, wanted, message, context))]


def _refusal(outcome: MaildropFull | AccountGone) -> Reply:
    return replies.RECIPIENT_FULL if isinstance(outcome, MaildropFull) else replies.RECIPIENT_GONE


def _nothing(_session: Submission, _event: Event) -> Answer:
    return NOTHING


_RESPONSES: Final[dict[type, Callable[[Submission, Any], Answer]]] = {
    Connected: Submission._greet,
    AuthGiven: Submission._login,
    MailGiven: Submission._begin,
    RcptGiven: Submission._recipient,
    ContentGiven: Submission._collect,
    TransactionDropped: Submission._drop,
    MessageGiven: Submission._deliver,
}
