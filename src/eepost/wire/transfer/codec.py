# SPDX-License-Identifier: Apache-2.0
"""Transfer messages as octets and back: a length in four octets, then MessagePack.

Trust: the other side is proven but may have been seized. A length over the limit, anything that is
not one of the messages, and any field out of its bounds is a violation that ends the stream.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import MsgspecError
from msgspec.msgpack import Decoder as MsgpackDecoder
from msgspec.msgpack import Encoder as MsgpackEncoder
from msgspec.structs import replace

from eepost.mail.violation import PeerViolation
from eepost.wire.transfer.messages import (
    MAX_ADDRESS_OCTETS,
    MAX_CONTENT_OCTETS,
    MAX_RECIPIENTS,
    SEALING_KEY_OCTETS,
    TRANSFER_OCTETS,
    AnyMessage,
    AskRecipient,
    Content,
    Incoming,
    Message,
    Outcome,
    Relay,
    SealingKey,
    Taken,
)

LENGTH_OCTETS = 4
# The longest message names as many recipients as may be, each as long as may be.
MAX_FRAME_OCTETS = MAX_RECIPIENTS * (MAX_ADDRESS_OCTETS + 8) + 4_096
MAX_NUMBER = 2**53
_MAX_STATUS_OCTETS = 11  # RFC 3463 2: "5.NNN.NNN"
_REFUSED = "transfer refused"


class Encoder:
    """Writes messages."""

    __slots__ = ("_encoder",)

    def __init__(self) -> None:
        self._encoder = MsgpackEncoder()

    def encode(self, message: AnyMessage) -> bytes:
        """Return a frame."""
        body = self._encoder.encode(message)
        return len(body).to_bytes(LENGTH_OCTETS, "big") + body


class Decoder:
    """Reads messages out of octets as they come."""

    __slots__ = ("_decoder", "_waiting")

    def __init__(self) -> None:
        self._decoder = MsgpackDecoder(AnyMessage)
        self._waiting = bytearray()

    def receive(self, octets: bytes) -> Iterator[AnyMessage]:
        """Take octets and yield what they complete. Raises PeerViolation."""
        self._waiting += octets
        while len(self._waiting) >= LENGTH_OCTETS:
            end = LENGTH_OCTETS + int.from_bytes(self._waiting[:LENGTH_OCTETS], "big")
            if end > LENGTH_OCTETS + MAX_FRAME_OCTETS:
                raise PeerViolation(_REFUSED)
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[LENGTH_OCTETS:end])
            del self._waiting[:end]
            yield self._message(body)

    def _message(self, body: bytes) -> AnyMessage:
        try:
            message: AnyMessage = self._decoder.decode(body)
        except (MsgspecError, ValueError, RecursionError):
            raise PeerViolation(_REFUSED) from None
        if not (0 <= message.exchange <= MAX_NUMBER and _is_within_bounds(message)):
            raise PeerViolation(_REFUSED)
        return message


def _is_within_bounds(message: AnyMessage) -> bool:
    within = _WITHIN.get(type(message))
    return within is None or within(message)


def _content(message: Content) -> bool:
    return 0 < len(message.octets) <= MAX_CONTENT_OCTETS


def _transfer(message: Relay | Incoming) -> bool:
    return (
        len(message.transfer) == TRANSFER_OCTETS
        and 0 <= message.octets <= MAX_NUMBER
        and len(message.recipients) <= MAX_RECIPIENTS
        and _are_addresses(message.reverse_path, *message.recipients)
        and bool(message.recipients)
    )


def _incoming(message: Incoming) -> bool:
    if not message.is_sealed:
        return _transfer(message)
    # The envelope is in the parcel.
    bare = not message.recipients and not message.reverse_path
    return bare and _transfer(replace(message, recipients=("",)))


def _ask_recipient(message: AskRecipient) -> bool:
    return len(message.peer) <= TRANSFER_OCTETS and _are_addresses(
        message.recipient, message.reverse_path
    )


def _outcome(message: Outcome) -> bool:
    return (
        0 <= message.recipient < MAX_RECIPIENTS
        and 0 <= message.code <= 999
        and len(message.status) <= _MAX_STATUS_OCTETS
        and message.status.isascii()
    )


def _taken(message: Taken) -> bool:
    return len(message.standings) <= MAX_RECIPIENTS


def _sealing_key(message: SealingKey) -> bool:
    return len(message.octets) == SEALING_KEY_OCTETS


_WITHIN: Final[Mapping[type[Message], Callable[[Any], bool]]] = {
    Content: _content,
    Relay: _transfer,
    Incoming: _incoming,
    AskRecipient: _ask_recipient,
    Outcome: _outcome,
    Taken: _taken,
    SealingKey: _sealing_key,
}


def _are_addresses(*texts: str) -> bool:
    # What an address is, is for whoever uses it to say; here only that no line end is in it.
    return all(len(each) <= MAX_ADDRESS_OCTETS and each.isprintable() for each in texts)
