# SPDX-License-Identifier: Apache-2.0
"""The way back: which identifier a sent message got, and its program's own one for the sender.

A user's Sent folder holds his messages under the identifiers that his program gave them; answers
name ours. Where an account lets us remember both for a while, answers that are delivered to it name
the original, so that threads hold there too. Nobody else ever gets the original.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import chain

from eepost.mail.header import Field, split_header
from eepost.mail.msgid import first_and_last, ids_in
from eepost.sanitise.fields import join_ids
from eepost.sanitise.threads import THREAD_FIELDS, hash_id

# Gives the original for one of ours, None for any other identifier.
OriginalOf = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class GivenId:
    """The identifier that a sent message got, and the one that its program wrote; no brackets."""

    ours: bytes
    original: bytes = attribute(repr=False)  # it names the user's host, or his clock


@dataclass(frozen=True, slots=True)
class SentIds:
    """Originals by the hashes (`threads.hash_id`) that a store found."""

    key: bytes = attribute(repr=False)
    originals: Mapping[bytes, bytes] = attribute(repr=False)

    def original(self, message_id: bytes) -> bytes | None:
        """Return the original of one of ours, None for any other identifier."""
        return self.originals.get(hash_id(self.key, message_id))


def name_originals(header: bytes, original_of: OriginalOf) -> bytes:
    """Return `header` (or a message) with originals in In-Reply-To and References.

    A field that names none of ours stays as it is, and so does everything behind the header.
    Raises PeerViolation where the header is out of bounds.
    """
    split = split_header(header)
    fields_end = len(split.mbox_line) + sum(map(len, chain.from_iterable(split.fields)))
    written = chain.from_iterable(with_originals(split.fields, original_of))
    return b"".join((split.mbox_line, *written, header[fields_end:]))


def with_originals(fields: Iterable[Field], original_of: OriginalOf) -> list[Field]:
    """Return `fields` with originals in In-Reply-To and References."""
    return [
        _with_originals(each, original_of) if each[0].lower() in THREAD_FIELDS else each
        for each in fields
    ]


def _with_originals(field: Field, original_of: OriginalOf) -> Field:
    name, colon, value = field
    ids = first_and_last(ids_in(value))
    back = [original_of(each) or each for each in ids]
    return field if back == ids else (name, colon, b" %s\r\n" % join_ids(back))
