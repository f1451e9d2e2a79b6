# SPDX-License-Identifier: Apache-2.0
"""One account, unlocked: its letters, what is sent, what is fetched. Satisfies `ports.Mailbox`."""

from collections.abc import Sequence
from typing import Final

from eepost.letters.changes import Change, Filed, Spooled
from eepost.letters.model import (
    Accepted,
    Flag,
    Folder,
    FolderCount,
    Order,
    Page,
    Progress,
    Recipient,
    Summary,
    Waiting,
)
from eepost.letters.summarising import summarise
from eepost.mail.address import parse_address
from eepost.mail.reply import Reply
from eepost.services.letterbox.carrier import Carrier
from eepost.services.letterbox.cleaning import Cleaning
from eepost.services.letterbox.collector import Collector
from eepost.services.letterbox.identity import Account
from eepost.services.letterbox.letters import Letters
from eepost.services.letterbox.ports import Cleaned, NotAllowed

# RFC 5321 4.5.3.1.8 asks for 100; eepost takes so many.
MAX_RECIPIENTS: Final = 200

SENDER_NOT_YOURS: Final = Reply(
    553, "5.7.1", "The sender has to be your own address: set it in your mail program's account"
)
NO_RECIPIENT: Final = Reply(554, "5.5.1", "The message has no recipient")
NO_ADDRESS: Final = Reply(553, "5.1.3", "A recipient's address is none")
TOO_MANY_RECIPIENTS: Final = Reply(452, "4.5.3", "Too many recipients at once")


class OpenMailbox:
    """What pages and mail programs get of an account that its user has unlocked."""

    def __init__(
        self,
        letters: Letters,
        account: Account,
        cleaning: Cleaning,
        carrier: Carrier,
        collector: Collector,
    ) -> None:
        self.letters = letters
        self.account = account
        self._cleaning = cleaning
        self._carrier = carrier
        self._collector = collector

    def __repr__(self) -> str:
        return "OpenMailbox()"

    @property
    def identity(self) -> str:
        """The identity that the account belongs to."""
        return self.account.identity

    @property
    def address(self) -> str:
        """The account's address, under the first of the identity's domains."""
        return str(self.account.address)

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that are the account's own, in lower case."""
        return frozenset(map(str, self.account.addresses))

    def folders(self) -> Sequence[FolderCount]:
        """Return all folders with what lies in them."""
        return self.letters.folders()

    def summaries(
        self, folder: str, *, order: Order, query: str = "", start: int = 0, count: int = 50
    ) -> Page:
        """Return a stretch of a folder."""
        return self.letters.summaries(folder, order=order, query=query, start=start, count=count)

    def summary(self, number: int) -> Summary:
        """Return the summary of one message. Raises NoSuchMessage."""
        return self.letters.summary(number)

    async def message(self, number: int) -> bytes:
        """Return a message in CRLF lines. Raises NoSuchMessage."""
        return await self.letters.message(number)

    async def file(self, folder: str, message: bytes, *, flags: Flag = Flag.NONE) -> int:
        """Keep a message and return its number, durable. Raises DiskFull."""
        return await self.letters.file(folder, message, flags=flags)

    async def move(self, numbers: Sequence[int], folder: str) -> None:
        """Put messages into another folder. What goes to the trash is deleted at the service."""
        await self.letters.move(numbers, folder)

    async def erase(self, numbers: Sequence[int]) -> None:
        """Remove messages for good."""
        await self.letters.erase(numbers)

    async def mark(self, numbers: Sequence[int], flag: Flag, is_set: bool) -> None:
        """Set a flag or take it away."""
        await self.letters.mark(numbers, flag, is_set)

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits to be sent, then what was sent or refused lately."""
        return self.letters.waiting()

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a small sealed record, b"" for none. Raises DiskFull."""
        await self.letters.keep(name, value)

    async def kept(self, name: str) -> bytes | None:
        """Return what `keep` was given."""
        return await self.letters.kept(name)

    def unique_id(self, number: int) -> str:
        """Return what mail programs know a message by, for ever and nowhere else."""
        return self._cleaning.name(number)

    def progress(self) -> Progress:
        """Return how far fetching is."""
        return self._collector.progress

    def start_fetching(self) -> None:
        """Look for new mail at the service; nothing happens where that is under way."""
        self._collector.start()

    async def fetched(self, within_seconds: float) -> None:
        """Wait until fetching has ended, but not for ever."""
        await self._collector.ended(within_seconds)

    def hurry(self) -> None:
        """Try again now what waits to be sent."""
        self._carrier.hurry()

    async def cancel(self, number: int) -> bool:
        """Take back what waits; False where it is being sent just now, or was already."""
        return await self._carrier.cancel(number)

    async def clean(self, message: bytes) -> Cleaned:
        """Return a message as it would leave, without sending it. Raises NotAllowed."""
        clean = await self._cleaning.leaving(message)
        return Cleaned(b"".join(clean.pieces), dict(clean.report.counts))

    async def send(
        self, reverse_path: str, recipients: Sequence[str], message: bytes | bytearray
    ) -> Accepted:
        """Clean a message and let it wait for the service, durable on return.

        Raises NotAllowed, DiskFull.
        """
        if self.account.own(reverse_path) is None:
            raise NotAllowed(SENDER_NOT_YOURS)
        _check_recipients(recipients)
        clean = await self._cleaning.leaving(message)
        report = dict(clean.report.counts)
        now = self.letters.keeping.now_utc()

        def changes(number: int) -> list[Change]:
            octets = b"".join(clean.pieces)
            summary = summarise(octets, number, Folder.OUTBOX, now, flags=int(Flag.READ))
            waiting = Waiting(
                number=number,
                reverse_path=reverse_path,
                recipients=tuple(map(Recipient, recipients)),
                since_utc=now,
                subject=summary.subject,
                report=report,
            )
            return [Filed(summary), Spooled(waiting), self._cleaning.left(clean)]

        number = await self.letters.put(clean.pieces, changes)
        self._carrier.wake()
        return Accepted(number, report)


def _check_recipients(recipients: Sequence[str]) -> None:
    if not recipients:
        raise NotAllowed(NO_RECIPIENT)
    if len(recipients) > MAX_RECIPIENTS:
        raise NotAllowed(TOO_MANY_RECIPIENTS)
    if any(parse_address(each) is None for each in recipients):
        raise NotAllowed(NO_ADDRESS)
