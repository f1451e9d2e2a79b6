# SPDX-License-Identifier: Apache-2.0
"""What a user submits, made anew: header fields from an allow-list, all of them ours.

Trust: anybody with an account may have written the message.

The body passes untouched, to the octet, as a view of what came.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eepost.mail.address import Address
from eepost.mail.date import parse_date, write_date
from eepost.mail.header import split_header
from eepost.mail.mailbox import Mailbox
from eepost.mail.message import Part, split_message
from eepost.mail.msgid import RANDOM_OCTETS, fresh_id, ids_in
from eepost.mail.parameters import Parameters, parse_parameters, write_parameters
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise import fields
from eepost.sanitise.choices import DEFAULT, Choices
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.rebuild import Piece, Rebuilder, Refusal, Surroundings
from eepost.sanitise.report import Tally
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

    `message` must stay unchanged while the result is in use: the body is a view of it.
    """
    tally = Tally()
    try:
        header = split_header(message)
        raw = fields.gather(header.fields, tally)
        author = _author(raw.get(b"from"), context, tally)
        if author is None:
            return Refused(NOT_YOUR_ADDRESS, tally.report())
        written, thread_ids = _top_fields(raw, author, context, tally)
        written += _content_fields(raw)
    except PeerViolation:
        return Refused(OUT_OF_BOUNDS, tally.report())
    written.append(b"\r\n")
    body = memoryview(message)[header.body_start :]
    return Sanitised((b"".join(written), body), tally.report(), thread_ids)


def rebuild_from_user(message: bytes | bytearray, context: FromUser) -> Sanitised | Refused:
    """Return `message` made anew as a whole; see `sanitise_from_user`."""
    tally = Tally()
    try:
        root = split_message(message)
        raw = fields.gather(root.fields, tally)
        author = _author(raw.get(b"from"), context, tally)
        if author is None:
            return Refused(NOT_YOUR_ADDRESS, tally.report())
        written, thread_ids = _top_fields(raw, author, context, tally)
        pieces = _plain_text(message, root, raw) or _rebuilt(message, root, context, tally)
    except PeerViolation:
        return Refused(OUT_OF_BOUNDS, tally.report())
    except Refusal as refusal:
        return Refused(refusal.reply, tally.report())
    return Sanitised((b"".join(written) + pieces[0], *pieces[1:]), tally.report(), thread_ids)


def _plain_text(
    message: bytes | bytearray, root: Part, raw: dict[bytes, bytes]
) -> list[Piece] | None:
    """Return text that is already as it would be written, as a view; None for anything else."""
    return None


def _rebuilt(
    message: bytes | bytearray, root: Part, context: FromUser, tally: Tally
) -> list[Piece]:
    surroundings = Surroundings(
        context.message_id_domain,
        context.choices,
        context.randomness,
        lambda part: _nested_header(part, context, tally),
        tally,
    )
    body = Rebuilder(message, surroundings).build_root(root)
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
    raw: dict[bytes, bytes], author: Mailbox, context: FromUser, tally: Tally
) -> tuple[list[bytes], tuple[bytes, ...]]:
    own_id, parents, references = _ids(raw, context)
    written = [
        fields.write_author(author),
        fields.write_recipients(b"To", raw.get(b"to"), tally),
        fields.write_recipients(b"Cc", raw.get(b"cc"), tally),
        fields.write_subject(raw.get(b"subject")),
        b"Date: %s\r\n" % write_date(context.accepted_utc),
        b"Message-ID: <%s>\r\n" % own_id,
        fields.write_ids(b"In-Reply-To", parents),
        fields.write_ids(b"References", references),
        b"MIME-Version: 1.0\r\n",
    ]
    return written, (own_id, *parents, *references)


def _ids(raw: dict[bytes, bytes], context: FromUser) -> tuple[bytes, list[bytes], list[bytes]]:
    rule = IdRule(context.message_id_key, context.message_id_domain, context.known_ids)
    value = raw.get(b"message-id", b"").strip()
    if value:
        own_id = rule.own(next(iter(ids_in(value)), value))
    else:
        own_id = fresh_id(context.randomness(RANDOM_OCTETS), context.message_id_domain)
    parents = rule.named(raw.get(b"in-reply-to", b""))
    references = rule.named(raw.get(b"references", b""))
    # Programs differ in which of the two they write; all messages have both or none.
    return own_id, parents or references[-1:], references or parents


# Of the parameters of a type, what a reader needs to read an untouched body, in the order written.
_TYPE_PARAMETERS = (
    *("charset", "format", "delsp", "protocol", "micalg", "smime-type", "method", "report-type"),
    *("type", "start", "id", "number", "total", "boundary"),
)
# What most text says of itself: found by one match instead of the whole grammar.
_PLAIN_TEXT = re.compile(
    rb'\s*+text/plain\s*+;\s*+charset="?([a-z0-9_-]{1,40})"?(\s*+;\s*+format="?flowed"?)?\s*+',
    re.IGNORECASE,
)
_DEFAULT_TYPE = Parameters("text/plain", {})


def _content_fields(raw: dict[bytes, bytes]) -> Iterable[bytes]:
    plain = _PLAIN_TEXT.fullmatch(raw.get(b"content-type", b""))
    if plain is not None and b"content-disposition" not in raw:
        flowed = b"; format=flowed" if plain[2] else b""
        yield b"Content-Type: text/plain; charset=%s%s\r\n" % (plain[1], flowed)
        yield fields.write_transfer_encoding(raw.get(b"content-transfer-encoding"))
        return
    content_type = _parameters(raw.get(b"content-type"))
    if content_type is not None:
        value = content_type.value if _is_type(content_type.value) else "text/plain"
        kept = [(name, content_type.get(name)) for name in _TYPE_PARAMETERS]
        yield write_parameters(b"Content-Type", value, kept)
    yield fields.write_transfer_encoding(raw.get(b"content-transfer-encoding"))
    disposition = _parameters(raw.get(b"content-disposition"))
    filename = (disposition or _DEFAULT_TYPE).get("filename")
    filename = filename or (content_type or _DEFAULT_TYPE).get("name")
    if filename or (disposition is not None and disposition.value == "attachment"):
        is_inline = disposition is not None and disposition.value == "inline"
        name = filename.replace("\\", "/").rpartition("/")[2]
        kept = [("filename", name)]
        yield write_parameters(
            b"Content-Disposition", "inline" if is_inline else "attachment", kept
        )


def _parameters(value: bytes | None) -> Parameters | None:
    return parse_parameters(value) if value is not None else None


def _is_type(value: str) -> bool:
    return _TYPE.fullmatch(value) is not None


_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
