# SPDX-License-Identifier: Apache-2.0
"""What the engine remembers of a transaction: recipients, who was refused why, the content's check.

Clients that pipeline show their user only the reply to DATA, so that one repeats the refusals.
"""

from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.mail.reply import Reply
from eepost.wire.smtp import replies
from eepost.wire.smtp.content import ContentCheck
from eepost.wire.smtp.limits import SmtpLimits

# Refusals that are repeated; more fit in no reply line and help nobody.
_REMEMBERED = 4
# Leaves room for the code and the words around it in a line of 512 octets (RFC 5321 4.5.3.1.5).
_REPEATED_CHARACTERS = 400


@dataclass(slots=True)
class Chunk:
    """A BDAT chunk that is coming; with a refusal it is thrown away (RFC 3030 2)."""

    missing_octets: int
    is_last: bool
    refusal: Reply | None


class Transaction:
    """From MAIL to the end of the message, or to what breaks it off."""

    __slots__ = ("_refusals", "_refused", "check", "is_utf8", "recipients")

    def __init__(self, limits: SmtpLimits, is_utf8: bool) -> None:
        self.is_utf8 = is_utf8
        self.recipients = 0  # accepted
        self.check = ContentCheck(limits.message_octets, limits.text_line_octets)
        self._refused = 0
        self._refusals: tuple[str, ...] = ()

    def note_refused(self, reply: Reply, address: Address | None = None) -> None:
        """Remember that a recipient was refused; `address` only if it is a valid one."""
        self._refused += 1
        if len(self._refusals) < _REMEMBERED:
            self._refusals += (_words(reply, address),)

    def invitation(self) -> Reply:
        """Return the 354 that asks for the content."""
        if not self._refused:
            return replies.SEND_CONTENT
        return Reply(354, "", f"{replies.SEND_CONTENT.text} (refused: {self._repeated()})")

    def refusal(self) -> Reply:
        """Return why there can be no content: nobody would get it."""
        if not self._refused:
            return replies.RCPT_FIRST
        return Reply(554, "5.5.1", f"No valid recipients: {self._repeated()}")

    def _repeated(self) -> str:
        repeated = "; ".join(self._refusals)
        if len(repeated) > _REPEATED_CHARACTERS:
            repeated = repeated[: _REPEATED_CHARACTERS - 3] + "..."
        more = self._refused - len(self._refusals)
        return f"{repeated}; and {more} more" if more else repeated


def _words(reply: Reply, address: Address | None) -> str:
    words = f"{reply.code} {reply.enhanced} {reply.text}".replace("\n", " ")
    shown = f" <{address}>" if address else ""
    return words + shown if shown.isascii() else words
