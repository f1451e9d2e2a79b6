# SPDX-License-Identifier: Apache-2.0
"""A letter as it is handed in: its envelope as commands, its content as octets."""

from dataclasses import dataclass, field

from eepost.mail.address import parse_address
from eepost.mail.violation import Misuse
from eepost.wire.submit.offers import Offers


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends, who gets it. Raises Misuse for what is no address, so that nothing is injected.

    `content` is CRLF lines, not dot-stuffed.
    """

    reverse_path: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.recipients:
            raise Misuse("a letter has a recipient")
        if any(parse_address(each) is None for each in (self.reverse_path, *self.recipients)):
            raise Misuse("an envelope holds addresses only")

    @property
    def needs_utf8(self) -> bool:
        """An address, or a header field, holds what only SMTPUTF8 may carry (RFC 6531)."""
        header = self.content.partition(b"\r\n\r\n")[0]
        return not (
            header.isascii()
            and self.reverse_path.isascii()
            and all(each.isascii() for each in self.recipients)
        )

    def mail(self, offers: Offers) -> bytes:
        """Return MAIL with the parameters that are offered and needed."""
        words = [f"MAIL FROM:<{self.reverse_path}>"]
        if offers.size_octets is not None:
            words.append(f"SIZE={len(self.content)}")
        if offers.eight_bit and not self.content.isascii():
            words.append("BODY=8BITMIME")
        if self.needs_utf8:
            words.append("SMTPUTF8")
        return " ".join(words).encode() + b"\r\n"

    def rcpt(self, recipient: str) -> bytes:
        """Return RCPT for one of the recipients."""
        return f"RCPT TO:<{recipient}>\r\n".encode()
