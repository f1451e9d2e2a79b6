# SPDX-License-Identifier: Apache-2.0
"""The gateway's own look at what leaves for the Internet: the allow-list again, by other code.

Trust: the core hands the message over; a faulty core must not be able to let anything through.

Nothing is cleaned here. What does not look like what the rebuild writes is refused, so a fault
shows at once instead of leaking quietly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from eepost.mail.address import Address
from eepost.mail.mailbox import Mailbox, parse_mailboxes, write_mailboxes
from eepost.mail.message import Part, split_message
from eepost.mail.msgid import ids_in
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise.autocrypt import rebuild_autocrypt
from eepost.sanitise.fields import write_ids
from eepost.sanitise.openpgp.keys import own_user_ids
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Tally

NOT_CLEAN = Reply(554, "5.7.1", "The message is not clean enough to leave")

_TOP = (
    *(b"From", b"Reply-To", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To"),
    *(
        b"References",
        b"Auto-Submitted",
        b"Autocrypt",
        b"MIME-Version",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"Content-Disposition",
    ),
)
_PART = (b"Content-Type", b"Content-Transfer-Encoding", b"Content-Disposition", b"Content-ID")
_PARAMETERS = frozenset(
    ("charset", "boundary", "protocol", "micalg", "smime-type", "method", "report-type")
)
_NEEDED = frozenset((b"From", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type"))
_DATE = re.compile(rb" [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:00 \+0000\r\n")
_ID = re.compile(rb" <[a-z2-7]{32}@[a-z0-9.-]+>\r\n")
_BOUNDARY = re.compile(r"[a-z2-7]{32}")
_CONTENT_ID = re.compile(rb" <part[1-9]\d{0,3}@[a-z0-9.-]+>\r\n")
_NEVER = frozenset(
    ("message/partial", "message/external-body", "application/ms-tnef", "application/applefile")
)


@dataclass(frozen=True, slots=True)
class ToInternet:
    """Which addresses become which: `internal_domain` is unknown outside."""

    internal_domain: str
    official_domain: str

    @property
    def inside(self) -> bytes:
        """How an identifier ends that must not leave; empty where nothing is to be hidden."""
        if self.internal_domain == self.official_domain:
            return b""
        return b"@" + self.internal_domain.encode("ascii")


def sanitise_to_internet(message: bytes | bytearray, context: ToInternet) -> Sanitised | Refused:
    """Return `message` with addresses in their official form, or that it may not leave.

    `message` is what `from_user` made; it must stay unchanged while the result is in use.
    """
    tally = Tally()
    try:
        root = split_message(message)
        header = _official(root, context, tally)
    except PeerViolation:
        tally.add("out of bounds")
        return Refused(NOT_CLEAN, tally.report())
    faults = list(_faults(root, message, context.inside))
    for fault in faults:
        tally.add(fault)
    if faults:
        return Refused(NOT_CLEAN, tally.report())
    return Sanitised((header, memoryview(message)[root.body_start :]), tally.report())


def _faults(root: Part, message: bytes | bytearray, inside: bytes) -> Iterator[str]:
    names = [name for name, _, _ in root.fields]
    if names != [name for name in _TOP if name in names] or not _NEEDED.issubset(names):
        yield "header fields"
    if not _DATE.fullmatch(root.raw(b"date") or b""):
        yield "date"
    own_id = root.raw(b"message-id") or b""
    if not _ID.fullmatch(own_id) or (inside and own_id.endswith(inside + b">\r\n")):
        yield "message identifier"
    yield from _part_faults(root, message)


def _part_faults(part: Part, message: bytes | bytearray) -> Iterator[str]:
    kind = part.content_type.value
    if kind in _NEVER:
        yield "part that may not pass"
    if not _PARAMETERS.issuperset(part.content_type.by_name):
        yield "parameters"
    if kind.startswith("multipart/"):
        yield from _multipart_faults(part, message)
    for child in part.children if part.main_type == "multipart" else ():
        if kind == "multipart/signed" and child is part.children[0]:
            continue  # what is signed can't be changed; its owner was told when it was sent
        names = [name for name, _, _ in child.fields]
        if names != [name for name in _PART if name in names]:
            yield "part header fields"
        if not _CONTENT_ID.fullmatch(child.raw(b"content-id") or b" <part1@x>\r\n"):
            yield "content identifier"
        yield from _part_faults(child, message)


def _multipart_faults(part: Part, message: bytes | bytearray) -> Iterator[str]:
    boundary = part.content_type.get("boundary")
    if not part.children or not _BOUNDARY.fullmatch(boundary):
        yield "boundary"
        return
    first, last = part.children[0], part.children[-1]
    marker = b"--" + boundary.encode("ascii")
    if bytes(message[part.body_start : first.start]) != marker + b"\r\n":
        yield "preamble"
    if bytes(message[last.end : part.end]).strip(b"\r\n") != marker + b"--":
        yield "epilogue"


def _official(root: Part, context: ToInternet, tally: Tally) -> bytes:
    """Return the header with internal addresses in their official form, and the empty line."""
    written = []
    for name, colon, value in root.fields:
        if name in {b"In-Reply-To", b"References"}:
            written.append(write_ids(name, _outside(ids_in(value), context, tally)))
        elif name in {b"From", b"Reply-To", b"To", b"Cc"}:
            found = parse_mailboxes(value).mailboxes
            boxes = [_official_mailbox(each, context, tally) for each in found]
            written.append(write_mailboxes(name, boxes))
        elif name == b"Autocrypt":
            written.append(_official_key(root, value, context, tally))
        else:
            written.append(name + colon + value)
    return b"".join(written) + b"\r\n"


def _official_key(root: Part, value: bytes, context: ToInternet, tally: Tally) -> bytes:
    """Return Autocrypt for the address that stands in From outside, with no other user id."""
    authors = parse_mailboxes(root.raw(b"from") or b"").mailboxes
    written = b""
    if len(authors) == 1:
        address = _official_mailbox(authors[0], context, Tally()).address
        own = Address(address.local_part.lower(), address.domain)
        written = rebuild_autocrypt(value, address, own_user_ids((own,)))
    tally.add("key in the header dropped", not written)
    return written


def _outside(ids: list[bytes], context: ToInternet, tally: Tally) -> list[bytes]:
    """Return the identifiers that do not tell the internal domain, which older ones may do."""
    inside = context.inside
    known = [each for each in ids if not (inside and each.lower().endswith(inside))]
    tally.add("identifier dropped", len(ids) - len(known))
    return known


def _official_mailbox(mailbox: Mailbox, context: ToInternet, tally: Tally) -> Mailbox:
    if mailbox.address.domain != context.internal_domain:
        return mailbox
    tally.add("address made official")
    address = Address(mailbox.address.local_part, context.official_domain)
    return replace(mailbox, address=address)
