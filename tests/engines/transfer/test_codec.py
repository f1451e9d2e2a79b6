# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import PeerViolation
from eepost.wire.transfer.codec import MAX_FRAME_OCTETS, MAX_NUMBER, Decoder, Encoder
from eepost.wire.transfer.messages import (
    MAX_CONTENT_OCTETS,
    Abandon,
    AnyMessage,
    AskRecipient,
    AskSealingKey,
    Content,
    Declined,
    EndOfContent,
    Fate,
    Incoming,
    Outcome,
    RecipientStanding,
    Relay,
    Reported,
    SealingKey,
    Standing,
    StillHere,
    StillThere,
    Taken,
)

ID = bytes(range(16))
SAID: list[AnyMessage] = [
    Relay(1, ID, "alice@mail.example", ("bob@far.example", '"b c"@far.example'), 10),
    Content(1, b"0123456789"),
    EndOfContent(1),
    Outcome(1, 0, Fate.DELIVERED, "2.0.0", 250),
    Outcome(1, 1, Fate.DEFERRED, "4.4.1", 0),
    Reported(1),
    AskRecipient(2, "alice@mail.i2p", "bob@far.example", b"net"),
    RecipientStanding(2, Standing.UNKNOWN),
    Incoming(3, ID, "", ("alice@mail.example",), 5),
    Incoming(3, ID, "", (), 5, is_sealed=True),
    AskSealingKey(7),
    SealingKey(7, bytes(1216)),
    Taken(3, (Standing.WELCOME,)),
    Declined(4),
    Abandon(5),
    StillThere(6),
    StillHere(6),
]


def said() -> bytes:
    return b"".join(map(Encoder().encode, SAID))


def test_what_is_said_is_heard() -> None:
    assert list(Decoder().receive(said())) == SAID


@given(st.lists(st.integers(1, 40), min_size=1))
def test_it_does_not_matter_how_octets_are_split(sizes: list[int]) -> None:
    decoder, octets, heard = Decoder(), said(), []
    at = turn = 0
    while at < len(octets):
        size = sizes[turn % len(sizes)]
        heard += list(decoder.receive(octets[at : at + size]))
        at, turn = at + size, turn + 1
    assert heard == SAID


@pytest.mark.parametrize(
    "wrong",
    [
        Content(1, b""),
        Content(1, bytes(MAX_CONTENT_OCTETS + 1)),
        Content(-1, b"x"),
        EndOfContent(MAX_NUMBER + 1),
        Relay(1, b"short", "a@b", ("c@d",), 1),
        Relay(1, ID, "a@b", (), 1),
        Relay(1, ID, "a@b", ("c@d",) * 1001, 1),
        Relay(1, ID, "a@b", ("c@d",), -1),
        Relay(1, ID, "a@b\r\nRCPT", ("c@d",), 1),
        Incoming(1, ID, "a@b", ("c" * 1025,), 1),
        Incoming(1, ID, "a@b", (), 1),
        Incoming(1, ID, "", ("c@d",), 1, is_sealed=True),
        Incoming(1, ID, "a@b", (), 1, is_sealed=True),
        Incoming(1, b"short", "", (), 1, is_sealed=True),
        Incoming(1, ID, "", (), -1, is_sealed=True),
        SealingKey(1, bytes(1215)),
        AskRecipient(1, "a@b", "c@d", bytes(17)),
        AskRecipient(1, "a@b\n", "c@d", b""),
        Outcome(1, -1, Fate.FAILED, "5.0.0", 550),
        Outcome(1, 0, Fate.FAILED, "5.0.0", 5500),
        Outcome(1, 0, Fate.FAILED, "five point one", 550),
        Outcome(1, 0, Fate.FAILED, "5.ü.0", 550),
        Taken(1, (Standing.LATER,) * 1001),
    ],
)
def test_fields_out_of_bounds_end_the_stream(wrong: AnyMessage) -> None:
    with pytest.raises(PeerViolation):
        list(Decoder().receive(Encoder().encode(wrong)))


def test_a_frame_over_the_limit_is_refused_by_its_length_alone() -> None:
    assert not list(Decoder().receive(MAX_FRAME_OCTETS.to_bytes(4, "big")))
    with pytest.raises(PeerViolation):
        list(Decoder().receive((MAX_FRAME_OCTETS + 1).to_bytes(4, "big")))


@given(st.binary(max_size=200))
def test_noise_is_a_violation_or_a_message_and_nothing_else(noise: bytes) -> None:
    try:
        list(Decoder().receive(len(noise).to_bytes(4, "big") + noise))
    except PeerViolation:
        return


def test_another_kind_of_message_is_refused() -> None:
    body = msgspec.msgpack.encode(["surprise", 1])
    with pytest.raises(PeerViolation):
        list(Decoder().receive(len(body).to_bytes(4, "big") + body))


def test_deep_nesting_is_refused() -> None:
    body = b"\x91" * 100_000
    with pytest.raises(PeerViolation):
        list(Decoder().receive(len(body).to_bytes(4, "big") + body))
