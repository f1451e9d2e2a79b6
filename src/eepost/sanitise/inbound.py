# SPDX-License-Identifier: Apache-2.0
"""What comes to a user, made harmless: nothing remote, nothing active, no foreign verdicts.

Trust: anybody on the Internet may have written the message.

Unlike mail that leaves, mail that comes stays as it is where it can: parts are replaced in place
and everything between them is passed as slices, so what is signed still verifies.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from eepost.mail.header import Field, split_header
from eepost.mail.message import Bounds, split_message
from eepost.mail.parameters import parse_parameters
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import DEFAULT, Choices, Dangerous
from eepost.sanitise.domains import Internalised
from eepost.sanitise.first_hop import NAME as FIRST_HOP
from eepost.sanitise.first_hop import first_hop
from eepost.sanitise.harmless import REMOTE, Harmless
from eepost.sanitise.long_lines import folded, has_long_lines
from eepost.sanitise.one_reading import CLEAR_ENCODING
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Tally
from eepost.sanitise.sent_ids import OriginalOf, with_originals
from eepost.sanitise.text import PLAIN_TYPE
from eepost.sanitise.threads import thread_ids

MALFORMED = Reply(554, "5.6.0", "The message is malformed or too complex")

# Octets of header in mail from the Internet: real mail stays under 16 kB.
MAX_HEADER_OCTETS = 65_536

# What stays of a header. Trace fields, foreign verdicts, receipts, pictures of the author and
# one-click hints go with all that is not named: each tells somebody something, or claims it.
_KEPT = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version "
    b"content-type content-transfer-encoding content-disposition content-language comments "
    b"keywords autocrypt auto-submitted list-id list-post list-unsubscribe list-help list-archive "
    b"list-subscribe list-owner precedence importance priority x-priority thread-topic".split()
)
# RFC 5322 3.6: may stand once. Two of them show one reader this and the next one that.
_ONCE = frozenset(
    b"from sender reply-to to cc subject date message-id in-reply-to references mime-version "
    b"content-type content-transfer-encoding content-disposition".split()
)
# Of these the last one stays, as signatures cover it (RFC 6376 5.4.2): whoever puts another one on
# top of a signed message gets nothing of it shown.
_LAST = frozenset(
    b"sender reply-to subject date message-id in-reply-to references mime-version".split()
)
_LISTS = frozenset((b"to", b"cc"))
_DESCRIBING = (b"content-type", b"content-transfer-encoding")
_BLANK_LINE = re.compile(rb"[ \t]+\r\n")
_NULS_AT_END = (b"\0", b"\0\r\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_BOUNDS = Bounds(header_octets=MAX_HEADER_OCTETS)

# On its way in, before it is known whose choices count.
UNDECIDED = Choices(dangerous=Dangerous.PASS, keeps_first_hop=True)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What the rules need to know besides the message."""

    randomness: Callable[[int], bytes]
    verdict: bytes = b""  # our own Authentication-Results field with its CRLF, or nothing
    choices: Choices = DEFAULT
    # Originals of identifiers that the user's own mail went out with; see `sent_ids`.
    original_of: OriginalOf | None = None
    bounds: Bounds = _BOUNDS
    internalised: Internalised | None = None  # at the core: how To and Cc are written there


def sanitise_from_internet(message: bytes | bytearray, context: Inbound) -> Sanitised | Refused:
    """Return `message` (CRLF lines) as it may go on to the core, or why it may not.

    SPF, DKIM and the like must have been judged before, on the original octets.
    """
    tally = Tally()
    try:
        made = _from_internet(_without_ends(message), context, tally)
    except PeerViolation:
        made = None
    return Refused(MALFORMED, tally.report()) if made is None else made


def _from_internet(message: bytes | bytearray, context: Inbound, tally: Tally) -> Sanitised | None:
    if _BARE.search(message) is not None:
        return None
    root = split_message(message, context.bounds)
    settled = _settled(root.fields)
    if settled is None:
        return None
    tally.add("doubled header field dropped", len(root.fields) - len(settled))
    header = _reduced(settled, tally)
    if context.choices.keeps_first_hop:
        header += first_hop(settled)
    if context.internalised is not None:
        header = context.internalised.fields(header)
    harmless = Harmless(message, context.choices.dangerous, context.randomness, tally)
    first, *rest = harmless.pieces(root, header)
    pieces = (b"".join((context.verdict, first)), *rest)
    return Sanitised(pieces, tally.report(), thread_ids(header))


def _without_ends(message: bytes | bytearray) -> bytes | bytearray:
    """Return a message without a line of blanks in front and NULs behind its last line.

    Programs that keep mail in files leave both. Readers differ in whether such a line ends the
    header; without it nothing is left to differ in.
    """
    if message.endswith(_NULS_AT_END):
        whole = message.removesuffix(b"\r\n").rstrip(b"\0")
        message = whole if whole.endswith(b"\r\n") else message
    blank = _BLANK_LINE.match(message)
    return message if blank is None else message[blank.end() :]


def _settled(fields: list[Field]) -> list[Field] | None:
    """Return a header in which each field stands as often as it may; None where that takes sides.

    Equal copies are one, and several To are one list (RFC 5322 4.5.3). A second From speaks for
    somebody else, and a second description of the body makes another message of it: neither may
    stand, and there is no telling which was meant.
    """
    kept: dict[bytes, Field] = {}
    settled = []
    for field in fields:
        lower = field[0].lower()
        before = kept.get(lower)
        if lower not in _ONCE or before is None:
            settled.append(field)
            kept.setdefault(lower, field)
        elif lower in _LAST or _is_of_one_kind(before, field):
            settled[settled.index(before)] = kept[lower] = field
        elif lower in _LISTS:
            joined = (*before[:2], before[2].rstrip(b"\r\n") + b",\r\n " + field[2].lstrip())
            settled[settled.index(before)] = kept[lower] = joined
        elif lower == b"from" or before[2].split() != field[2].split():
            return None
    return settled


def _is_of_one_kind(before: Field, field: Field) -> bool:
    """Whether two types of a message differ in no more than what its octets stand for."""
    if field[0].lower() != b"content-type":
        return False
    kinds = {parse_parameters(each[2]).value for each in (before, field)}
    return len(kinds) == 1 and kinds.pop().startswith("text/")


def sanitise_to_user(message: bytes | bytearray, context: Inbound) -> Sanitised | Refused:
    """Return `message` as its reader gets it: harmless whoever sent it; its header stays."""
    tally = Tally()
    try:
        return _plain(message, context, tally) or _walked(message, context, tally)
    except PeerViolation:
        return Refused(MALFORMED, tally.report())


def _walked(message: bytes | bytearray, context: Inbound, tally: Tally) -> Sanitised:
    root = split_message(message, context.bounds)
    header = _for_its_reader(root.fields, context, tally)
    harmless = Harmless(message, context.choices.dangerous, context.randomness, tally, warns=True)
    return Sanitised(tuple(harmless.pieces(root, header)), tally.report(), thread_ids(root.fields))


def _for_its_reader(fields: list[Field], context: Inbound, tally: Tally) -> list[Field]:
    dropped = REMOTE if context.choices.keeps_first_hop else REMOTE | {FIRST_HOP}
    header = [each for each in fields if each[0].lower() not in dropped]
    tally.add("header field dropped", len(fields) - len(header))
    if context.original_of is not None:
        header = with_originals(header, context.original_of)
    return header


def is_made_plain(header: bytes) -> bool:
    """Say whether a message with this header needs nothing of `sanitise_to_user`.

    `header` is the first piece of what `from_user` made, with its empty line: a plain text made
    anew holds nothing that could do anything, in lines that are short.
    """
    return header.endswith(_MADE_PLAIN)


_MADE_PLAIN = tuple(
    b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: %s\r\n\r\n" % each
    for each in (b"7bit", b"quoted-printable", b"base64")
)


def _plain(message: bytes | bytearray, context: Inbound, tally: Tally) -> Sanitised | None:
    """Return a message that is nothing but text in short lines; None for any other.

    It comes out as the walk over a tree of parts would leave it, in a quarter of the time.
    """
    header = split_header(message, context.bounds.header_octets)
    names = [name.lower() for name, _, _ in header.fields]
    said = {name.lower(): value for name, _, value in header.fields}
    if (
        header.mbox_line
        or b"content-disposition" in said
        or any(names.count(each) > 1 for each in _DESCRIBING)
    ):
        return None
    if PLAIN_TYPE.fullmatch(said.get(b"content-type", b"text/plain")) is None:
        return None
    if CLEAR_ENCODING.fullmatch(said.get(b"content-transfer-encoding", b"7bit")) is None:
        return None
    if has_long_lines(message, header.body_start):
        return None
    fields = _for_its_reader(header.fields, context, tally)
    pieces = (folded(fields) + b"\r\n", memoryview(message)[header.body_start :])
    return Sanitised(pieces, tally.report(), thread_ids(header.fields))


def _reduced(fields: list[Field], tally: Tally) -> list[Field]:
    kept = [each for each in fields if each[0].lower() in _KEPT]
    tally.add("header field dropped", len(fields) - len(kept))
    return kept
