# SPDX-License-Identifier: Apache-2.0
"""Takes mail from the user's own programs: the trusted proxy's way out, docs/letterbox.md.

Trust: any program on this machine may connect; after AUTH it is the account's owner, whose mail may
tell more about him than he knows. Nothing of it leaves before it is cleaned.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from eepost.letters.ports import DiskFull, InUse, LockDamaged, WrongPassword
from eepost.mail.reply import Reply
from eepost.services.letterbox import replies
from eepost.services.letterbox.entrance import Entrance
from eepost.services.letterbox.mailbox import MAX_RECIPIENTS, SENDER_NOT_YOURS, OpenMailbox
from eepost.services.letterbox.ports import (
    NotAllowed,
    OldPasswordNeeded,
    TooManyGuesses,
    Unreachable,
)
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
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.parameters import MAIL_PARAMETERS
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.smtp.service import SUBMISSION
from eepost.wire.transit import Transit

Answer = tuple[Reply, ...] | Coroutine[Any, Any, tuple[Reply, ...]]
NOTHING: Final[tuple[Reply, ...]] = ()

# All that the greeting and the answer to EHLO say of who serves here.
NAME: Final = "localhost"
# Reports on delivery are not promised: the services that mail goes on to differ in them.
SERVICE: Final = replace(
    SUBMISSION,
    keywords=SUBMISSION.keywords.replace(b"250-DSN\r\n", b""),
    mail_parameters=MAIL_PARAMETERS,
    rcpt_parameters={},
)
_NOT_SIGNED_IN: Final[Mapping[type[Exception], Reply]] = {
    WrongPassword: replies.WRONG_PASSWORD,
    TooManyGuesses: replies.GUESSED,
    OldPasswordNeeded: replies.OLD_PASSWORD_NEEDED,
    Unreachable: replies.UNREACHABLE,
    DiskFull: replies.DISK_FULL,
    LockDamaged: replies.NOT_OPENED,
    InUse: replies.NOT_OPENED,
}


@dataclass(frozen=True, slots=True)
class SubmissionDesk:
    """What all submission sessions of one identity share."""

    entrance: Entrance
    identity: str
    transit: Transit
    limits: SmtpLimits

    def engine(self) -> SmtpServer:
        """Return an engine for a session."""
        return SmtpServer(self.limits, NAME, SERVICE)


class Submission:
    """One session: the owner of an SmtpServer."""

    def __init__(self, desk: SubmissionDesk, is_welcome: bool) -> None:
        self.engine = desk.engine()
        self._desk = desk
        self._is_welcome = is_welcome
        self._mailbox: OpenMailbox | None = None
        self._reset()

    def _reset(self) -> None:
        self._reverse_path = ""
        self._recipients: list[str] = []
        self._content = bytearray()
        self._is_over = (
            False  # content that found no room in transit, or of which a part is missing
        )

    def _end_transaction(self) -> None:
        self._desk.transit.release(len(self._content))
        self._reset()

    # What the pump calls.

    def respond(self, event: Event) -> Answer:
        """Return the decision on `event`."""
        return _RESPONSES.get(type(event), _nothing)(self, event)

    def fault(self, event: Event) -> tuple[Reply, ...]:
        """Answer for now where something inside failed: the program tries again."""
        if isinstance(event, AuthGiven):
            return (replies.NOT_OPENED,)
        if isinstance(event, ContentGiven):
            self._give_up_content()  # a part is missing: the rest must not pass for the whole
        if isinstance(event, MessageGiven):
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
        return self._mailbox is not None

    def close(self) -> None:
        """Let go of content that was never finished."""
        self._end_transaction()

    # One method for each event.

    def _greet(self, _event: Connected) -> Answer:
        return (replies.GREETING if self._is_welcome else replies.TURNED_AWAY,)

    def _login(self, event: AuthGiven) -> Answer:
        desk = self._desk
        self._mailbox = desk.entrance.remembered(desk.identity, event.login, event.password)
        return self._sign_in(event) if self._mailbox is None else (replies.AUTHENTICATED,)

    async def _sign_in(self, event: AuthGiven) -> tuple[Reply, ...]:
        desk = self._desk
        try:
            self._mailbox = await desk.entrance.sign_in(desk.identity, event.login, event.password)
        except tuple(_NOT_SIGNED_IN) as reason:
            return (_NOT_SIGNED_IN[type(reason)],)
        return (replies.AUTHENTICATED,)

    def _begin(self, event: MailGiven) -> Answer:
        address = event.reverse_path.address
        assert self._mailbox is not None  # noqa: S101 - the engine's order of trust
        if address is None or self._mailbox.account.own(str(address)) is None:
            return (SENDER_NOT_YOURS,)
        self._reverse_path = str(address)
        return (replies.SENDER_ACCEPTED,)

    def _recipient(self, event: RcptGiven) -> Answer:
        self._recipients.append(str(event.recipient.address))
        return (replies.RECIPIENT_ACCEPTED,)

    def _collect(self, event: ContentGiven) -> Answer:
        if self._is_over or not self._desk.transit.reserve(len(event.octets)):
            self._give_up_content()
        else:
            self._content += event.octets
        return NOTHING

    def _give_up_content(self) -> None:
        self._desk.transit.release(len(self._content))
        self._is_over = True
        self._content = bytearray()

    def _drop(self, _event: TransactionDropped) -> Answer:
        self._end_transaction()
        return NOTHING

    async def _send(self, _event: MessageGiven) -> tuple[Reply, ...]:
        reply = replies.TRANSIT_FULL if self._is_over else await self._accept()
        self._end_transaction()
        return (reply,)

    async def _accept(self) -> Reply:
        assert self._mailbox is not None  # noqa: S101 - the engine's order of trust
        try:
            await self._mailbox.send(self._reverse_path, self._recipients, self._content)
        except NotAllowed as reason:
            return reason.reply
        except DiskFull:
            return replies.DISK_FULL
        return replies.ACCEPTED


def _nothing(_submission: Submission, _event: Event) -> Answer:
    return NOTHING


def submission_limits(message_octets: int) -> SmtpLimits:
    """Return the limits of a session of the user's own programs."""
    return SmtpLimits(message_octets=message_octets, recipients=MAX_RECIPIENTS)


_RESPONSES: Final[dict[type, Callable[[Submission, Any], Answer]]] = {
    Connected: Submission._greet,
    AuthGiven: Submission._login,
    MailGiven: Submission._begin,
    RcptGiven: Submission._recipient,
    ContentGiven: Submission._collect,
    MessageGiven: Submission._send,
    TransactionDropped: Submission._drop,
}
