# SPDX-License-Identifier: Apache-2.0
"""What one POP3 session remembers, and every way in which that changes."""

from eepost.wire.pop3 import replies
from eepost.wire.pop3.events import Connected, Event, MessageWanted, Refused
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.listing import Listing
from eepost.wire.stuffing import DotStuffer, TopCut


class Session:
    """The state between two commands. Commands and answers act on it; it decides nothing."""

    __slots__ = (
        "_cut",
        "_errors",
        "_outgoing",
        "_stuffer",
        "auth_failures",
        "awaited",
        "expire_days",
        "is_admitted",
        "is_closed",
        "is_sending",
        "limits",
        "listing",
        "login",
        "outgoing_octets",
    )

    def __init__(self, limits: Pop3Limits, expire_days: int | None) -> None:
        self.limits = limits
        self.expire_days = expire_days
        self.awaited: Event | None = Connected()  # what the owner has to answer
        self.is_admitted = False  # RFC 1939 3: TRANSACTION, before it AUTHORIZATION
        self.is_closed = False
        self.login: bytes | None = None  # what USER gave and PASS did not use yet
        self.listing = Listing()
        self.auth_failures = 0
        self._errors = 0
        self.outgoing_octets = 0
        self._outgoing: list[bytes] = []
        self.is_sending = False  # a message has begun and not ended: nothing else may be sent
        self._stuffer = DotStuffer()
        self._cut: TopCut | None = None

    def send(self, octets: bytes) -> None:
        """Queue octets for the peer."""
        self._outgoing.append(octets)
        self.outgoing_octets += len(octets)

    def take_outgoing(self) -> bytes:
        """Return and forget what was queued."""
        octets = b"".join(self._outgoing)
        self._outgoing.clear()
        self.outgoing_octets = 0
        return octets

    def close(self) -> None:
        """End the session; what is queued still goes out."""
        self.is_closed = True
        self.awaited = None
        self.login = None

    def mistake(self, reply: bytes) -> None:
        """Answer what no sound client sends; too much of it ends the session."""
        self._errors += 1
        if self._errors < self.limits.errors:
            self.send(reply)
        else:
            self.send(replies.TOO_MANY_ERRORS)
            self.close()

    def refuse(self, refused: Refused) -> None:
        """Pass on the owner's no."""
        self.send(replies.failure(refused.text, refused.code))
        if refused.closes:
            self.close()

    def deny(self, refused: Refused) -> None:
        """Pass on that a login failed; too many of them end the session."""
        self.refuse(refused)
        self.auth_failures += 1
        if self.auth_failures >= self.limits.auth_failures:
            self.close()

    @property
    def has_enough(self) -> bool:
        """What more of the message comes would not be shown."""
        return self._cut is not None and self._cut.is_complete

    def show(self, wanted: MessageWanted, octets: bytes) -> None:
        """Send the next octets of a message."""
        if not self.is_sending:
            self._begin(wanted)
        if self._cut is not None:
            octets = self._cut.cut(octets)
        self.send(self._stuffer.stuff(octets))

    def finish(self, wanted: MessageWanted) -> None:
        """Send the end of a message."""
        if not self.is_sending:
            self._begin(wanted)
        self.send(self._stuffer.end())
        self.is_sending = False
        self._cut = None

    def _begin(self, wanted: MessageWanted) -> None:
        self.is_sending = True
        if wanted.body_lines is None:
            self.send(b"+OK %d octets\r\n" % wanted.entry.size_octets)
        else:
            self._cut = TopCut(wanted.body_lines)
            self.send(replies.TOP_FOLLOWS)
