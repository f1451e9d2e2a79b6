# SPDX-License-Identifier: Apache-2.0
"""Message identifiers: ours instead of the client's, by a keyed rule (RFC 5322 3.6.4).

A client's identifier names its host, its program or its clock. Ours says nothing, and since it
follows from the original and a key of the account alone, a message that is sent twice and the
user's own References need no table. Identifiers are octets without their angle brackets.
"""

import base64
import hmac
import re

# 160 bits in base32: long enough that none is ever met twice, and without padding.
RANDOM_OCTETS = 20
# Of References the beginning (which names the thread) and the end (which names the parent) count.
# RFC 5322 sets no bound; 40 identifiers of 51 octets stay far below any reader's limit.
MAX_AT_EACH_END = 20
# Octets of a foreign identifier that is passed on: it must fit one line with room to spare.
MAX_FOREIGN_OCTETS = 250

_BRACKETED = re.compile(rb"<([^<>]++)>")
_WHITE = re.compile(rb"[\x00-\x20\x7f]+")
_PLAIN = re.compile(rb"[!-;=?-~]{1,%d}" % MAX_FOREIGN_OCTETS)


def map_id(key: bytes, original: bytes, domain: str) -> bytes:
    """Return our identifier for the `original` one; equal for equal arguments.

    Identifiers that look like ours are mapped like any other, or a user could claim another's.
    """
    return _write(hmac.digest(key, original, "sha256")[:RANDOM_OCTETS], domain)


def fresh_id(random_octets: bytes, domain: str) -> bytes:
    """Return an identifier made of RANDOM_OCTETS random octets, for a message that had none."""
    return _write(random_octets, domain)


def _write(octets: bytes, domain: str) -> bytes:
    return b"%s@%s" % (base64.b32encode(octets).lower(), domain.encode("ascii"))


def ids_in(value: bytes) -> list[bytes]:
    """Return the identifiers in a field's value in order, white space inside them removed.

    Phrases and comments around them (RFC 5322 4.5.4) go; one word alone is an identifier whose
    brackets were forgotten.
    """
    if b"<" in value:
        return [cleaned for each in _BRACKETED.findall(value) if (cleaned := _WHITE.sub(b"", each))]
    words = value.split()
    return words if len(words) == 1 and _PLAIN.fullmatch(words[0]) else []


def first_and_last(ids: list[bytes]) -> list[bytes]:
    """Return at most the first and the last MAX_AT_EACH_END of `ids`."""
    if len(ids) <= 2 * MAX_AT_EACH_END:
        return ids
    return ids[:MAX_AT_EACH_END] + ids[-MAX_AT_EACH_END:]


def may_be_passed_on(message_id: bytes) -> bool:
    """Say whether a foreign identifier is printable ASCII and of bounded length."""
    return _PLAIN.fullmatch(message_id) is not None
