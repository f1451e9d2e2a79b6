# SPDX-License-Identifier: Apache-2.0
"""The header fields that may leave a user, each made anew: fixed order, one spelling.

What is not named here does not pass: in two thousand real messages 525 other names stood in
headers, so a list of what to remove would never be whole.
"""

from collections.abc import Iterable
from dataclasses import replace

from eepost.mail.address import Address
from eepost.mail.header import Field
from eepost.mail.mailbox import (
    Mailbox,
    MailboxList,
    parse_mailboxes,
    rewrite_mailbox,
    write_mailboxes,
)
from eepost.mail.unstructured import (
    decode_unstructured,
    rewrite_unstructured,
    write_unstructured,
)
from eepost.sanitise.report import Tally

# Fields that are read; several To or Cc (RFC 5322 4.5.3) are one list, of all others one counts.
_READ = frozenset(
    b"from reply-to to cc subject message-id in-reply-to references auto-submitted autocrypt "
    b"content-type content-transfer-encoding content-disposition".split()
)
_LISTS = frozenset((b"to", b"cc"))
# Made anew without a look at what stood there.
_REPLACED = frozenset((b"date", b"mime-version"))


def gather(fields: Iterable[Field], tally: Tally) -> dict[bytes, bytes]:
    """Return the raw values of the fields that are read, by lower-case name; count the others.

    Of fields that may stand once the first counts, which is what most readers show. From is the
    exception: two of them are joined like a list, which then names more than one mailbox.
    """
    found: dict[bytes, bytes] = {}
    dropped = 0
    for name, _, value in fields:
        lower = name.lower()
        if lower not in _READ:
            dropped += lower not in _REPLACED
        elif lower not in found:
            found[lower] = value
        elif lower in _LISTS or lower == b"from":
            found[lower] += b"," + value
        else:
            dropped += 1
    tally.add("header field dropped", dropped)
    return found


def sole_author(value: bytes, addresses: frozenset[Address]) -> Mailbox | None:
    """Return the one mailbox in From's `value` if its address is among `addresses`, else None.

    The local part is compared as the post office does: without case. The address is returned in
    the spelling of the account.
    """
    authors = parse_mailboxes(value)
    if len(authors.mailboxes) != 1 or authors.unreadable:
        return None
    (author,) = authors.mailboxes
    address = author.address
    if address in addresses:
        return author
    address = Address(address.local_part.lower(), address.domain)
    return replace(author, address=address) if address in addresses else None


def write_author(author: Mailbox) -> bytes:
    """Return the From field."""
    return write_mailboxes(b"From", [_without_address_in_name(author)])


def write_own(name: bytes, value: bytes, addresses: frozenset[Address]) -> bytes:
    """Return Reply-To with those of its mailboxes that are among `addresses`; nothing for none."""
    found = parse_mailboxes(value).mailboxes
    own = [each for each in found if _folded(each.address) in addresses]
    return write_mailboxes(name, map(_without_address_in_name, own))


def _folded(address: Address) -> Address:
    return Address(address.local_part.lower(), address.domain)


def write_auto_submitted(value: bytes) -> bytes:
    """Return Auto-Submitted (RFC 3834 5) in one of its two spellings that say something."""
    kind = value.partition(b";")[0].strip().lower()
    return b"Auto-Submitted: %s\r\n" % kind if kind in _AUTO_SUBMITTED else b""


_AUTO_SUBMITTED = frozenset((b"auto-generated", b"auto-replied"))


def write_recipients(name: bytes, value: bytes | None, tally: Tally) -> bytes:
    """Return To or Cc made anew from its raw value; nothing where it names nobody."""
    if value is None:
        return b""
    if plain := rewrite_mailbox(name, value):
        return plain
    recipients: MailboxList = parse_mailboxes(value)
    tally.add("unreadable address dropped", recipients.unreadable)
    return write_mailboxes(name, map(_without_address_in_name, recipients.mailboxes))


def _without_address_in_name(mailbox: Mailbox) -> Mailbox:
    # A name with an address in it contradicts or repeats the real one, and some programs put the
    # address there where there is no name: dropping it tells neither program nor address book.
    return mailbox if "@" not in mailbox.name else replace(mailbox, name="")


_SUBJECT_LIMIT_CHARACTERS = 2_000  # nobody reads further; keeps the field far below its limits


def write_subject(value: bytes | None) -> bytes:
    """Return Subject made anew; an empty one where there was none, so that all messages have it."""
    if value is None:
        return b"Subject: \r\n"
    if plain := rewrite_unstructured(b"Subject", value):
        return plain
    text = decode_unstructured(value)
    return write_unstructured(b"Subject", text[:_SUBJECT_LIMIT_CHARACTERS])


def write_ids(name: bytes, ids: list[bytes]) -> bytes:
    """Return In-Reply-To or References; nothing for no identifiers."""
    return b"%s: %s\r\n" % (name, join_ids(ids)) if ids else b""


def join_ids(ids: list[bytes]) -> bytes:
    """Return identifiers as they stand in a field, one on a line."""
    return b"\r\n ".join(b"<%s>" % each for each in ids)
