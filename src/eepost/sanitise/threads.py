# SPDX-License-Identifier: Apache-2.0
"""Whose message identifiers a message may name (RFC 5322 3.6.4): ours, and those we were given.

A user's client names identifiers that it made itself (with its host's name in them), and ones that
it got with mail. The first are mapped by the account's key. The second must stay as they are, or
no thread would hold; but an identifier passes only if it was delivered to this very account, so
that nothing leads from one account of a person to another.

What was delivered is remembered as hashes under a key of the account: the table names no message
to anybody without that key. Rows may be forgotten after some months: a reply to mail older than
that starts a thread of its own.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from eepost.mail.header import Field, split_header
from eepost.mail.msgid import first_and_last, ids_in, map_id, may_be_passed_on
from eepost.mail.violation import PeerViolation

# 64 bits under a secret key: nobody can aim at one, and by chance one in 2**44 lookups in a
# table of a million is wrong, which would leave one identifier unmapped.
HASH_OCTETS = 8

THREAD_FIELDS = frozenset((b"in-reply-to", b"references"))
_THREAD_MARKS = (b"in-reply-to", b"references")


class KnownIds(Protocol):
    """The identifiers that were delivered to an account."""

    def knows(self, message_id: bytes) -> bool:
        """Say whether the identifier, without brackets, stood in mail for this account."""


@dataclass(frozen=True, slots=True)
class DeliveredIds:
    """KnownIds from the hashes that a store found."""

    key: bytes
    hashes: frozenset[bytes]

    def knows(self, message_id: bytes) -> bool:
        """Say whether the identifier's hash is among those found."""
        return hash_id(self.key, message_id) in self.hashes


def hash_id(key: bytes, message_id: bytes) -> bytes:
    """Return the HASH_OCTETS octets under which a table remembers an identifier."""
    # The label keeps these apart from the mapped identifiers, should one key serve both.
    return hmac.digest(key, b"delivered:" + message_id, "sha256")[:HASH_OCTETS]


def hashes_to_look_up(key: bytes, message: bytes | bytearray) -> frozenset[bytes]:
    """Return the hashes to ask a table for: of what In-Reply-To and References of `message` name.

    For mail of the account (before it is sanitised: what was delivered) as for mail to it (before
    it is delivered: what was sent, see `sent_ids`). Empty for a message that answers none, which is
    most; bounded by four times `msgid.MAX_AT_EACH_END`.
    """
    end = message.find(b"\r\n\r\n")
    head = (message[:end] if end >= 0 else message).lower()
    if not any(name in head for name in _THREAD_MARKS):
        return frozenset()  # it answers nothing: not worth splitting
    try:
        fields = split_header(message).fields
    except PeerViolation:
        return frozenset()  # it will be refused
    return frozenset(hash_id(key, each) for each in named_ids(fields))


def named_ids(fields: Iterable[Field]) -> list[bytes]:
    """Return the identifiers in In-Reply-To and References, of each the first such field."""
    found: dict[bytes, bytes] = {}
    for name, _, value in fields:
        if name.lower() in THREAD_FIELDS:
            found.setdefault(name.lower(), value)
    return [each for value in found.values() for each in first_and_last(ids_in(value))]


def thread_ids(fields: Iterable[Field]) -> tuple[bytes, ...]:
    """Return the identifiers of a message as it was delivered, its own first if it has one."""
    fields = list(fields)
    values = (value for name, _, value in fields if name.lower() == b"message-id")
    return (*ids_in(next(values, b""))[:1], *named_ids(fields))


def hashes_to_remember(key: bytes, thread_ids: Iterable[bytes]) -> frozenset[bytes]:
    """Return the hashes to add to a recipient's table with a message (`Sanitised.thread_ids`)."""
    return frozenset(hash_id(key, each) for each in thread_ids)


@dataclass(frozen=True, slots=True)
class IdRule:
    """How the identifiers of one account are written."""

    key: bytes
    domain: str
    known_ids: KnownIds | None

    def own(self, original: bytes) -> bytes:
        """Return ours for an identifier of the client's."""
        return map_id(self.key, original, self.domain)

    def named(self, value: bytes) -> list[bytes]:
        """Return the identifiers that a field may name instead of those in `value`."""
        if not value:
            return []
        return [
            each if self._stays(each) else self.own(each) for each in first_and_last(ids_in(value))
        ]

    def _stays(self, message_id: bytes) -> bool:
        return (
            self.known_ids is not None
            and may_be_passed_on(message_id)
            and self.known_ids.knows(message_id)
        )
