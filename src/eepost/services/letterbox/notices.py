# SPDX-License-Identifier: Apache-2.0
"""Messages that the letterbox itself puts into the inbox, so that nothing fails silently."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from eepost.letters.model import Recipient, Waiting
from eepost.mail.address import parse_address
from eepost.mail.dsn import Action, Original, report
from eepost.mail.dsn import Outcome as Reported
from eepost.mail.header import split_header
from eepost.mail.own import OwnMail, plain
from eepost.mail.violation import PeerViolation
from eepost.services.letterbox.identity import Account

_REFUSED: Final = """\
Your letterbox could not hand a message over to the service for
these recipients, and tries it no more:

{recipients}

What the service said stands behind each. The message's header is
attached; the message itself is kept in no folder unless you put
a copy there."""
_UNSAFE: Final = """\
A message of {octets:,} octets lies at the service, and could not be
made safe to read here: {why}.

It was left there. When this notice is deleted for good, from the
trash too, it is deleted at the service as well."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Writes them for one account."""

    account: Account
    random_octets: Callable[[int], bytes]

    def refused(
        self, waiting: Waiting, refused: Sequence[Recipient], content: bytes, now: int
    ) -> bytes:
        """Return a delivery report (RFC 3464) on recipients that mail was refused for."""
        lines = (_ascii(f"  {each.address}\n    {each.words}") for each in refused)
        mail = self._mail("Not delivered", _REFUSED.format(recipients="\n".join(lines)), now)
        outcomes = [
            Reported(address, Action.FAILED, "5.0.0")
            for each in refused
            if (address := parse_address(each.address)) is not None
        ]
        original = Original(waiting.since_utc, None, [_header(content)])
        return b"".join(report(mail, outcomes, original, self.random_octets(16).hex()))

    def unsafe(self, octets: int, why: str, now: int) -> bytes:
        """Return a notice of a message that can't be shown; `why` is a constant of ours."""
        text = _UNSAFE.format(octets=octets, why=why)
        return plain(self._mail("A message that could not be made safe", text, now))

    def _mail(self, subject: str, text: str, now: int) -> OwnMail:
        address = self.account.address
        message_id = f"{self.random_octets(16).hex()}@{address.domain}"
        return OwnMail(address.domain, address, subject, text, now, message_id.encode())


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _header(content: bytes) -> bytes:
    try:
        return content[: split_header(content).body_start]
    except PeerViolation:
        return b""
