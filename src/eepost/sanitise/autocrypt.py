# SPDX-License-Identifier: Apache-2.0
"""The Autocrypt field (Autocrypt 1.1, 2.1), made anew: one key, for one address, in one shape.

Trust: anybody may have written the field.

Only by the user's choice: the key stands in every message then, and a key is known again wherever
it stands.
"""

import binascii

from eepost.mail.address import Address
from eepost.mail.transfer import decode_base64
from eepost.sanitise.openpgp import packets as packet
from eepost.sanitise.openpgp.keys import IsPrivate, clean_keys
from eepost.sanitise.openpgp.packets import packets
from eepost.sanitise.openpgp.signatures import IsOwn

# Autocrypt asks for keys of 10 kB at most; in base64 and lines these have 14.
MAX_FIELD_OCTETS = 16_384
_COLUMNS = 76


def rebuild_autocrypt(value: bytes, address: Address, is_own: IsOwn) -> bytes:
    """Return the field for `address` with the user ids that are the sender's own; b"" for none.

    None is left of a value without just one public key that has such a user id.
    """
    if len(value) > MAX_FIELD_OCTETS or not address.is_ascii:
        return b""
    said = _attributes(value)
    key = _key(said.get(b"keydata", b""), is_own)
    if not key:
        return b""
    wish = b" prefer-encrypt=mutual;" if said.get(b"prefer-encrypt") == b"mutual" else b""
    text = binascii.b2a_base64(key, newline=False)
    lines = b"\r\n ".join(text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
    addr = str(address).encode("ascii")
    return b"Autocrypt: addr=%s;%s keydata=\r\n %s\r\n" % (addr, wish, lines)


def _attributes(value: bytes) -> dict[bytes, bytes]:
    pairs = (each.partition(b"=") for each in value.split(b";"))
    return {name.strip().lower(): content.strip() for name, _, content in pairs}


def _key(text: bytes, is_own: IsOwn) -> bytes:
    try:
        cleaned = clean_keys(decode_base64(text), is_own)
    except IsPrivate:
        return b""
    if cleaned is None or not cleaned.is_whole:
        return b""
    tags = [each.tag for each in packets(cleaned.octets)]
    is_one = tags.count(packet.PUBLIC_KEY) == 1 and packet.USER_ID in tags
    return cleaned.octets if is_one else b""
