# SPDX-License-Identifier: Apache-2.0
"""What a user submits, made anew: header fields from an allow-list, bodies by their type.

Trust: anybody with an account may have written the message.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.mail.date import parse_date, write_date
from eepost.mail.header import Header, split_header
from eepost.mail.mailbox import Mailbox
from eepost.mail.message import Part
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id, ids_in, map_id, may_be_passed_on
from eepost.mail.reply import Reply
from eepost.mail.transfer import decode_transfer, transfer_encoding
from eepost.mail.violation import PeerViolation
from eepost.sanitise import fields
from eepost.sanitise.armor import holds_armor
from eepost.sanitise.autocrypt import rebuild_autocrypt
from eepost.sanitise.choices import DEFAULT, Choices
from eepost.sanitise.openpgp.keys import own_user_ids
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.rebuild.built import Piece, Refusal
from eepost.sanitise.rebuild.rebuilder import Surroundings
from eepost.sanitise.rebuild.rules import rebuild_body
from eepost.sanitise.report import Tally
from eepost.sanitise.sent_ids import GivenId
from eepost.sanitise.text import PLAIN_TYPE, encode_text, rebuild_text
from eepost.sanitise.threads import THREAD_FIELDS, IdRule, KnownIds
from eepost.sanitise.uuencoded import holds_files

NOT_YOUR_ADDRESS = Reply(553, "5.7.1", "From must hold one address, and it must be your own")
NO_FIELD = Reply(554, "5.6.0", "The header holds a line that is no field, and fields behind it")
OUT_OF_BOUNDS = Reply(554, "5.6.0", "The message is malformed or too complex")


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
        if _hides_fields(message, header.body_start):
            mended = _without_junk(message, header, tally)
            if mended is None:
                return Refused(NO_FIELD, tally.report())
            message, header = mended, split_header(mended)
        raw = fields.gather(header.fields, tally)
        author = _author(raw.get(b"from"), context, tally)
        if author is None:
            return Refused(NOT_YOUR_ADDRESS, tally.report())
        original = _original_id(raw)
        ids = _ids(original, raw, context)
        top = _top_fields(raw, author, ids, context, tally)
        pieces = _plain_text(message, header.body_start, raw) or _rebuilt(message, context, tally)
    except PeerViolation:
        return Refused(OUT_OF_BOUNDS, tally.report())
    except Refusal as refusal:
        return Refused(refusal.reply, tally.report())
    own_id, parents, references = ids
    return Sanitised(
        (top + pieces[0], *pieces[1:]),
        tally.report(),
        (own_id, *parents, *references),
        _given_id(own_id, original, context),
    )


def _hides_fields(message: bytes | bytearray, body_start: int) -> bool:
    """Say whether fields that tell something stand behind the end of the header, as if text.

    A line that is no field ends it, and what programs write behind such a line would leave.
    """
    if bytes(message[max(0, body_start - 4) : body_start]) in {b"\r\n\r\n", b"\r\n"}:
        return False
    end = message.find(b"\r\n\r\n", body_start)
    return _TELLING.search(message, body_start, len(message) if end < 0 else end) is not None


def _without_junk(message: bytes | bytearray, header: Header, tally: Tally) -> bytes | None:
    """Return a message without the lines in its header that look like a field and are none.

    None where one does not even look like it: it may be text, and text is not dropped. From counts
    before such a line, where it stands there.
    """
    fields, rest, ended = header.fields, bytes(message), header.body_start
    has_author = any(name.lower() == b"from" for name, _, _ in fields)
    for count in range(1, _MAX_JUNK + 1):
        junk = _JUNK.match(rest, ended)
        if junk is None:
            return None
        rest = rest[junk.end() :]
        behind = split_header(rest)
        ended = behind.body_start
        fields += [each for each in behind.fields if not has_author or each[0].lower() != b"from"]
        if not _hides_fields(rest, ended):
            tally.add("line that is no field dropped", count)
            return b"".join(itertools.chain(*fields, (b"\r\n", rest[ended:])))
    return None


# A header with more of them is no accident. Each costs a copy of the message.
_MAX_JUNK = 8
# With its continuation lines (RFC 5322 2.2.3).
_JUNK = re.compile(rb"[^\r\n:]{1,76}:[^\r\n]*+\r\n(?:[ \t][^\r\n]*+\r\n)*")
_TELLING = re.compile(
    rb"(?im)^(?:X-[A-Z0-9-]++|Received|User-Agent|Date|Message-ID|Return-Path|Delivered-To|Sender"
    rb"|Organi[sz]ation)[ \t]*+:"
)


_Ids = tuple[bytes, list[bytes], list[bytes]]


_UTF8_FIELDS = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n"


def _plain_text(
    message: bytes | bytearray, body_start: int, raw: dict[bytes, bytes]
) -> list[Piece] | None:
    """Return a body that is nothing but text to be read, made anew; None for anything else.

    It comes out as the rebuild of a tree of parts would write it, in a third of the time.
    """
    said = PLAIN_TYPE.fullmatch(raw.get(b"content-type", b"text/plain"))
    if said is None or b"content-disposition" in raw:
        return None
    encoding = transfer_encoding(raw.get(b"content-transfer-encoding"))
    content = decode_transfer(bytes(memoryview(message)[body_start:]), encoding)
    if holds_armor(content) or holds_files(content):
        return None
    charset, is_flowed, deletes_space = said.groups()
    text = rebuild_text(
        content,
        charset.decode("ascii") if charset else "",
        is_flowed=is_flowed is not None,
        deletes_space=deletes_space is not None,
    )
    encoded = encode_text(text)
    return [_UTF8_FIELDS % encoded.encoding, encoded.octets]


def _rebuilt(message: bytes | bytearray, context: FromUser, tally: Tally) -> list[Piece]:
    surroundings = Surroundings(
        context.message_id_domain,
        context.choices,
        context.randomness,
        lambda part: _nested_header(part, context, tally),
        own_user_ids(context.addresses),
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


def _top_fields(
    raw: dict[bytes, bytes], author: Mailbox, ids: _Ids, context: FromUser, tally: Tally
) -> bytes:
    own_id, parents, references = ids
    written = (
        fields.write_author(author),
        _reply_to(raw, context, tally),
        fields.write_recipients(b"To", raw.get(b"to"), tally),
        fields.write_recipients(b"Cc", raw.get(b"cc"), tally),
        fields.write_subject(raw.get(b"subject")),
        b"Date: %s\r\nMessage-ID: <%s>\r\n" % (write_date(context.accepted_utc), own_id),
        fields.write_ids(b"In-Reply-To", parents),
        fields.write_ids(b"References", references),
        _auto_submitted(raw, context, tally),
        _autocrypt(raw, author, context, tally),
        b"MIME-Version: 1.0\r\n",
    )
    return b"".join(written)


def _reply_to(raw: dict[bytes, bytes], context: FromUser, tally: Tally) -> bytes:
    value = raw.get(b"reply-to")
    if value is None:
        return b""
    if context.choices.keeps_reply_to:
        written = fields.write_own(b"Reply-To", value, context.addresses)
        if written:
            return written
    tally.add("header field dropped")
    return b""


def _auto_submitted(raw: dict[bytes, bytes], context: FromUser, tally: Tally) -> bytes:
    value = raw.get(b"auto-submitted")
    if value is None:
        return b""
    if context.choices.keeps_auto_submitted:
        written = fields.write_auto_submitted(value)
        if written:
            return written
    tally.add("header field dropped")
    return b""


def _autocrypt(raw: dict[bytes, bytes], author: Mailbox, context: FromUser, tally: Tally) -> bytes:
    value = raw.get(b"autocrypt")
    if value is None:
        return b""
    if context.choices.keeps_autocrypt:
        is_own = own_user_ids(context.addresses)
        if written := rebuild_autocrypt(value, author.address, is_own):
            return written
    tally.add("header field dropped")
    return b""


def _original_id(raw: dict[bytes, bytes]) -> bytes:
    """Return the identifier that the user's program wrote, b"" for none."""
    value = raw.get(b"message-id", b"").strip()
    return next(iter(ids_in(value)), value)


def _ids(original: bytes, raw: dict[bytes, bytes], context: FromUser) -> _Ids:
    """Return the message's own identifier, those that it answers, and those of its thread."""
    if original:
        own_id = map_id(context.message_id_key, original, context.message_id_domain)
    else:
        own_id = fresh_id(context.randomness(RANDOM_OCTETS), context.message_id_domain)
    if raw.keys().isdisjoint(THREAD_FIELDS) or not context.choices.keeps_threads:
        return own_id, [], []
    rule = IdRule(context.message_id_key, context.message_id_domain, context.known_ids)
    parents = rule.named(raw.get(b"in-reply-to", b""))
    references = rule.named(raw.get(b"references", b""))
    # Programs differ in which of the two they write; all messages have both or none.
    return own_id, parents or references[-1:], references or parents


def _given_id(own_id: bytes, original: bytes, context: FromUser) -> GivenId | None:
    is_kept = context.choices.maps_ids_back and may_be_passed_on(original)
    return GivenId(own_id, original) if is_kept else None
