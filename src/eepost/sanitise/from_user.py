# SPDX-License-Identifier: Apache-2.0
"""What a user submits, made anew: header fields from an allow-list, bodies by their type.

Trust: anybody with an account may have written the message.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.mail.date import parse_date, write_date
from eepost.mail.header import split_header
from eepost.mail.mailbox import Mailbox
from eepost.mail.message import Part
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id, ids_in, may_be_passed_on
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise import fields
from eepost.sanitise.choices import DEFAULT, Choices
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.rebuild.built import Piece, Refusal
from eepost.sanitise.rebuild.rebuilder import Surroundings
from eepost.sanitise.rebuild.rules import rebuild_body
from eepost.sanitise.report import Tally
from eepost.sanitise.sent_ids import GivenId
from eepost.sanitise.text import plain_span
from eepost.sanitise.threads import IdRule, KnownIds

NOT_YOUR_ADDRESS = Reply(553, "5.7.1", "From must hold one address, and it must be your own")
OUT_OF_BOUNDS = Reply(554, "5.6.0", "The message header is too large or malformed")


@dataclass(frozen=True, slots=True)
class FromUser:
    """What the rules need to know besides the message."""

    address: Address  # the account's own: From where the client wrote none
    addresses: frozenset[Address]  # that may stand in From: internal and official forms, lower case
    message_id_key: bytes  # 32 octets, the account's
    message_id_domain: str
    accepted_utc: int  # seconds since 1970
    randomness: Callable[[int], bytes]
    known_ids: KnownIds | None = None  # None: nothing was delivered to the account yet
    choices: Choices = DEFAULT

    def __repr__(self) -> str:
        return "FromUser()"  # neither key nor addresses belong in a traceback


def sanitise_from_user(message: bytes | bytearray, context: FromUser) -> Sanitised | Refused:
    """Return `message` (CRLF lines, not dot-stuffed) as it may go on, or why it may not.

    `message` must stay unchanged while the result is in use: parts of it may be views.
    """
    tally = Tally()
    try:
        header = split_header(message)
        raw = fields.gather(header.fields, tally)
        author = _author(raw.get(b"from"), context, tally)
        if author is None:
            return Refused(NOT_YOUR_ADDRESS, tally.report())
        ids = _ids(raw, context)
        top = _top_fields(raw, author, ids, context, tally)
        body = _Body(message, header.body_start, raw)
        pieces = _plain_text(body) or _rebuilt(message, context, tally)
    except PeerViolation:
        return Refused(OUT_OF_BOUNDS, tally.report())
    except Refusal as refusal:
        return Refused(refusal.reply, tally.report())
    return Sanitised((top + pieces[0], *pieces[1:]), tally.report(), ids.all, ids.given)


@dataclass(frozen=True, slots=True)
class _Body:
    message: bytes | bytearray
    start: int
    raw: dict[bytes, bytes]  # the values of the top fields that are read


# The greatest body that is looked at as a whole in the event loop.
_MAX_PLAIN_OCTETS = 262_144
# What most text says of itself, found by one match instead of the whole grammar: a character set
# in which ASCII is ASCII, and whether lines may flow.
_PLAIN_TEXT = re.compile(
    rb"""\s*+text/plain\s*+(?:;\s*+charset="?(?:utf-8|us-ascii|iso-8859-\d{1,2}|windows-125\d)"?\s*+)?"""
    rb"""(?:;\s*+(format)="?(?:flowed|fixed)"?\s*+)?;?\s*+""",
    re.IGNORECASE,
)
_PLAIN_ENCODING = re.compile(rb"\s*+(?:7bit|8bit)?\s*+", re.IGNORECASE)
_PLAIN_FIELDS = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
)


def _plain_text(body: _Body) -> list[Piece] | None:
    """Return text that stands as it would be written, as a view; None for anything else.

    Most mail is that, and decoding and encoding it would take four times as long.
    """
    said = _PLAIN_TEXT.fullmatch(body.raw.get(b"content-type", b"text/plain"))
    encoding = _PLAIN_ENCODING.fullmatch(body.raw.get(b"content-transfer-encoding", b""))
    if said is None or encoding is None or b"content-disposition" in body.raw:
        return None
    if len(body.message) > _MAX_PLAIN_OCTETS:
        return None
    span = plain_span(bytes(body.message[body.start :]), is_flowed=said[1] is not None)
    if span is None:
        return None
    return [_PLAIN_FIELDS, memoryview(body.message)[body.start + span[0] : body.start + span[1]]]


def _rebuilt(message: bytes | bytearray, context: FromUser, tally: Tally) -> list[Piece]:
    surroundings = Surroundings(
        context.message_id_domain,
        context.choices,
        context.randomness,
        lambda part: _nested_header(part, context, tally),
        tally,
    )
    body = rebuild_body(message, surroundings)
    return [body.fields + b"\r\n", *body.pieces]


def _nested_header(part: Part, context: FromUser, tally: Tally) -> bytes:
    """Return the header of a message inside the message: what a person reads, and threads."""
    raw = fields.gather(part.fields, tally)
    rule = IdRule(context.message_id_key, context.message_id_domain, context.known_ids)
    date = parse_date(part.raw(b"date") or b"")
    return b"".join(
        (
            fields.write_recipients(b"From", raw.get(b"from"), tally),
            fields.write_recipients(b"To", raw.get(b"to"), tally),
            fields.write_recipients(b"Cc", raw.get(b"cc"), tally),
            fields.write_subject(raw.get(b"subject")),
            b"Date: %s\r\n" % write_date(date) if date is not None else b"",
            fields.write_ids(b"Message-ID", rule.named(raw.get(b"message-id", b""))[:1]),
            fields.write_ids(b"In-Reply-To", rule.named(raw.get(b"in-reply-to", b""))),
            fields.write_ids(b"References", rule.named(raw.get(b"references", b""))),
        )
    )


def _author(value: bytes | None, context: FromUser, tally: Tally) -> Mailbox | None:
    if value is not None and value.strip():
        return fields.sole_author(value, context.addresses)
    # RFC 6409 8.1 lets a submission server complete a message, and who wrote it is known here for
    # certain. The plain address: a name would have to come from the account, which has none.
    tally.add("From added")
    return Mailbox("", context.address)


@dataclass(frozen=True, slots=True)
class _Ids:
    own: bytes
    original: bytes  # b"" where none can be passed back
    parents: list[bytes]
    references: list[bytes]

    @property
    def all(self) -> tuple[bytes, ...]:
        return (self.own, *self.parents, *self.references)

    @property
    def given(self) -> GivenId | None:
        return GivenId(self.own, self.original) if self.original else None


def _top_fields(
    raw: dict[bytes, bytes], author: Mailbox, ids: _Ids, context: FromUser, tally: Tally
) -> bytes:
    written = (
        fields.write_author(author),
        fields.write_recipients(b"To", raw.get(b"to"), tally),
        fields.write_recipients(b"Cc", raw.get(b"cc"), tally),
        fields.write_subject(raw.get(b"subject")),
        b"Date: %s\r\n" % write_date(context.accepted_utc),
        b"Message-ID: <%s>\r\n" % ids.own,
        fields.write_ids(b"In-Reply-To", ids.parents),
        fields.write_ids(b"References", ids.references),
        b"MIME-Version: 1.0\r\n",
    )
    return b"".join(written)


def _ids(raw: dict[bytes, bytes], context: FromUser) -> _Ids:
    rule = IdRule(context.message_id_key, context.message_id_domain, context.known_ids)
    own_id, original = _own_id(raw.get(b"message-id", b"").strip(), rule, context)
    if not context.choices.keeps_threads:
        return _Ids(own_id, original, [], [])
    parents = rule.named(raw.get(b"in-reply-to", b""))
    references = rule.named(raw.get(b"references", b""))
    # Programs differ in which of the two they write; all messages have both or none.
    return _Ids(own_id, original, parents or references[-1:], references or parents)


def _own_id(value: bytes, rule: IdRule, context: FromUser) -> tuple[bytes, bytes]:
    if not value:
        return fresh_id(context.randomness(RANDOM_OCTETS), context.message_id_domain), b""
    original = next(iter(ids_in(value)), value)
    is_kept = context.choices.maps_ids_back and may_be_passed_on(original)
    return rule.own(original), original if is_kept else b""
