# SPDX-License-Identifier: Apache-2.0
"""What a gateway keeps of a message while its core can't be reached: envelope and content, as one.

It is sealed before it touches a disk; only the core reads it again.

Trust: the core gets this from a gateway, which may have been seized.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import MsgspecError, msgpack

from eepost.mail.violation import PeerViolation
from eepost.wire.transfer.messages import MAX_ADDRESS_OCTETS, MAX_RECIPIENTS

LENGTH_OCTETS: Final = 4
_MAX_ENVELOPE_OCTETS: Final = (MAX_RECIPIENTS + 1) * (MAX_ADDRESS_OCTETS + 8)
_REFUSED: Final = "kept message refused"


@dataclass(frozen=True, slots=True)
class KeptEnvelope:
    """Who sent it and who is to get it, as the Internet knows them."""

    reverse_path: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)


def write_kept(
    envelope: KeptEnvelope, content: Sequence[bytes | memoryview]
) -> list[bytes | memoryview]:
    """Return the pieces to seal."""
    head = msgpack.encode((envelope.reverse_path, envelope.recipients))
    return [len(head).to_bytes(LENGTH_OCTETS, "big") + head, *content]


def read_kept(octets: bytes) -> tuple[KeptEnvelope, bytes]:
    """Return envelope and content. Raises PeerViolation."""
    end = LENGTH_OCTETS + int.from_bytes(octets[:LENGTH_OCTETS], "big")
    if not LENGTH_OCTETS < end <= min(len(octets), LENGTH_OCTETS + _MAX_ENVELOPE_OCTETS):
        raise PeerViolation(_REFUSED)
    try:
        reverse_path, recipients = msgpack.decode(
            octets[LENGTH_OCTETS:end], type=tuple[str, tuple[str, ...]]
        )
    except (MsgspecError, ValueError, RecursionError):
        raise PeerViolation(_REFUSED) from None
    if not 0 < len(recipients) <= MAX_RECIPIENTS:
        raise PeerViolation(_REFUSED)
    if not all(each.isprintable() for each in (reverse_path, *recipients)):
        raise PeerViolation(_REFUSED)
    return KeptEnvelope(reverse_path, recipients), octets[end:]
