# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.link.engine import LINE_OCTETS, Link
from eepost.wire.link.events import Cut, Decision, Ended, Event, Proven, RecordGiven
from eepost.wire.link.pairing import Pairing, Role, Side
from eepost.wire.link.proof import Seat, challenge, proof, transcript
from eepost.wire.link.records import RECORD_OCTETS
from eepost.wire.signals import Signal
from tests.engines.link.ends import (
    CORE,
    GATEWAY,
    PAIRING,
    End,
    answerer,
    converse,
    dialler,
    open_pair,
)

OTHER_SECRET = bytes(32)


def content(told: list[Event]) -> bytes:
    return b"".join(event.octets for event in told if isinstance(event, RecordGiven))


# Examples.


def test_both_sides_prove_themselves_and_then_exchange_records() -> None:
    one, two = open_pair()
    one.link.send(b"from core")
    two.link.send(b"from gateway")
    converse(one, two)
    assert two.told == [RecordGiven(b"from core")]
    assert one.told == [RecordGiven(b"from gateway")]


def test_answerer_speaks_first_and_names_nobody() -> None:
    greeting = answerer().outgoing()
    assert greeting.startswith(b"link/1 ")
    assert CORE.destination.hex().encode() not in greeting
    assert dialler().outgoing() == b""


def test_dialogue_takes_two_round_trips_and_three_lines() -> None:
    one, two = End(dialler()), End(answerer())
    sent, answered = converse(one, two)
    assert (sent.count(b"\r\n"), answered.count(b"\r\n")) == (1, 2)


# Public halves of the X25519 keys 01...01 (dialler) and 02...02 (answerer).
DIALLED = "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"
ANSWERED = "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59"
# What both have said and are, put together from the description and not from the code.
SAID = hashlib.sha256(
    b"\x00\x0deepost link/1"
    + (b"\x00\x04core\x00\x20" + b"\xc0" * 32 + b"\x00\x20" + bytes.fromhex(DIALLED))
    + (b"\x00\x07gateway\x00\x20" + b"\x6a" * 32 + b"\x00\x20" + bytes.fromhex(ANSWERED))
).digest()


def labelled(label: str) -> bytes:
    return hmac.new(bytes(range(32)), f"eepost link/1 {label}".encode(), "sha256").digest()


def test_dialogue_is_what_its_description_says_to_the_octet() -> None:
    def expected(seat: str) -> str:
        return hmac.new(labelled(f"proof of the {seat}"), SAID, "sha256").hexdigest()

    sent, answered = converse(End(dialler()), End(answerer()))
    assert answered.decode() == f"link/1 {ANSWERED}\r\n{expected('answerer')}\r\n"
    assert sent.decode() == f"{DIALLED} {expected('dialler')}\r\n"


@pytest.mark.parametrize("seat", ["dialler", "answerer"])
def test_records_are_what_their_description_says_to_the_octet(seat: str) -> None:
    answerers = X25519PublicKey.from_public_bytes(bytes.fromhex(ANSWERED))
    common = X25519PrivateKey.from_private_bytes(b"\1" * 32).exchange(answerers)
    # HKDF-SHA256 by its two steps (RFC 5869 2.2, 2.3); one block is enough for a key.
    extracted = hmac.new(labelled("records"), common, "sha256").digest()
    info = f"eepost link/1 records of the {seat}".encode() + SAID
    key = hmac.new(extracted, info + b"\1", "sha256").digest()
    one, two = open_pair()
    end = one if seat == "dialler" else two
    for count, octets in enumerate((b"first", b"second")):
        end.link.send(octets)
        sealed = ChaCha20Poly1305(key).encrypt(count.to_bytes(12, "big"), octets, None)
        assert end.link.outgoing() == len(sealed).to_bytes(2, "big") + sealed


def test_nothing_of_a_record_is_readable_on_the_way() -> None:
    one, two = open_pair()
    one.link.send(b"marker" * 100)
    assert b"marker" not in one.link.outgoing()
    assert "marker" not in repr(RecordGiven(b"marker"))
    assert two.told == []


def test_two_links_of_one_pairing_share_no_key() -> None:
    frames = set()
    for seed in (1, 3):
        one, two = End(dialler(seed=seed)), End(answerer(seed=seed + 1))
        converse(one, two)
        for end in (one, two):
            end.link.send(b"same")
            frames.add(end.link.outgoing())
    assert len(frames) == 4


def test_large_content_passes_in_records_of_bounded_size() -> None:
    one, two = open_pair()
    octets = bytes(range(256)) * 400
    one.link.send(octets)
    converse(one, two)
    assert content(two.told) == octets
    assert max(len(e.octets) for e in two.told if isinstance(e, RecordGiven)) == RECORD_OCTETS


def test_sending_nothing_is_no_end() -> None:
    one, two = open_pair()
    one.link.send(b"")
    converse(one, two)
    assert two.told == []
    assert not two.is_closed


def test_end_of_one_direction_leaves_the_other_open() -> None:
    one, two = open_pair()
    one.link.send(b"question")
    one.link.finish()
    converse(one, two)
    assert two.told == [RecordGiven(b"question"), Ended()]
    assert not two.is_closed
    two.link.send(b"answer")
    two.link.finish()
    assert two.is_closed
    converse(one, two)
    assert one.told == [RecordGiven(b"answer"), Ended()]
    assert one.is_closed


def test_stream_that_breaks_before_the_end_is_told_as_cut() -> None:
    one, two = open_pair()
    one.link.send(b"half of")
    frames = one.link.outgoing()
    two.take(frames)
    two.link.receive_eof()
    two.serve()
    assert two.told == [RecordGiven(b"half of"), Cut()]
    assert two.is_closed


def test_stream_that_closes_after_the_end_is_not_cut() -> None:
    one, two = open_pair()
    one.link.finish()
    two.take(one.link.outgoing())
    two.link.receive_eof()
    two.serve()
    assert two.told == [Ended()]
    assert two.is_closed


@pytest.mark.parametrize("link", [dialler, answerer])
def test_stream_that_closes_before_the_proof_ends_without_an_event(
    link: Callable[[], Link],
) -> None:
    under_test = End(link())
    under_test.link.outgoing()
    under_test.link.receive_eof()
    under_test.serve()
    assert under_test.told == []
    assert under_test.is_closed


def test_dialler_that_hears_no_proof_before_the_end_tells_nothing() -> None:
    one, two = End(dialler()), End(answerer())
    one.take(two.take(b""))
    one.link.receive_eof()
    one.serve()
    assert one.told == []
    assert one.is_closed


# Strangers.


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAIRING, secret=OTHER_SECRET),
        replace(PAIRING, own=Side(Role.CORE, b"\xc1" * 32)),
        replace(PAIRING, other=Side(Role.GATEWAY, b"\x6b" * 32)),
        replace(PAIRING, own=Side(Role.GATEWAY, CORE.destination)),
        PAIRING.mirrored(),
    ],
    ids=["secret", "own destination", "other destination", "role", "mirrored"],
)
def test_whoever_differs_in_anything_is_refused_without_a_word(wrong: Pairing) -> None:
    one, two = End(dialler(wrong)), End(answerer())
    _, answered = converse(one, two)
    assert two.is_refused
    assert two.is_closed
    assert two.told == one.told == []
    assert answered.count(b"\r\n") == 1  # the challenge, and nothing after it


def test_answerer_without_the_secret_is_refused_by_the_dialler() -> None:
    one = End(dialler())
    impostor = challenge(b"\5" * 32).octets.hex().encode()
    sent = one.take(b"link/1 " + impostor + b"\r\n")
    assert sent != b""
    assert one.take(impostor + b"\r\n") == b""
    assert one.is_refused
    assert one.told == []


def test_recorded_dialogue_opens_no_second_link() -> None:
    sent, _ = converse(End(dialler()), End(answerer()))
    again = End(answerer(seed=9))
    again.take(sent)
    assert again.is_refused
    twin = End(answerer())  # the same one-time key: only then would it be believed
    twin.take(sent)
    assert twin.told == [Proven()]


def test_recorded_answers_open_no_second_link() -> None:
    _, answered = converse(End(dialler()), End(answerer()))
    again = End(dialler(seed=9))
    again.take(answered)
    assert again.is_refused


def test_own_words_sent_back_prove_nothing() -> None:
    two = End(answerer())
    greeting = two.take(b"")
    own = greeting.removeprefix(b"link/1 ").strip()
    two.take(own + b" " + own + b"\r\n")
    assert two.is_refused
    one = End(dialler())
    answer = one.take(b"link/1 " + own + b"\r\n")
    one.take(answer.split(b" ")[1])  # our own proof for theirs
    assert one.is_refused


def test_proof_of_a_link_that_we_dialled_is_worth_nothing_on_one_that_we_answer() -> None:
    dialled = End(Link(PAIRING, Seat.DIALLER, b"\1" * 32))
    answered = End(Link(PAIRING, Seat.ANSWERER, b"\2" * 32))
    converse(dialled, answered)  # the core connected to itself
    assert answered.is_refused
    assert answered.told == dialled.told == []


def test_challenge_that_fixes_the_common_secret_is_refused_even_with_the_right_proof() -> None:
    two = answerer()
    ours = bytes.fromhex(two.outgoing().removeprefix(b"link/1 ").strip().decode())
    low_order = bytes(32)
    heard = transcript(PAIRING, Seat.DIALLER, low_order, ours)
    right = proof(PAIRING.secret, Seat.DIALLER, heard)
    two.receive(low_order.hex().encode() + b" " + right.hex().encode() + b"\r\n")
    with pytest.raises(PeerViolation):
        two.next_event()
    assert two.next_event() is Signal.CLOSED


def test_every_bit_of_a_frame_counts() -> None:
    one, _ = open_pair()
    one.link.send(b"x")
    frame = one.link.outgoing()
    for bit in range(16, len(frame) * 8):
        _, two = open_pair()
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        two.take(bytes(damaged))
        assert two.is_refused
        assert two.told == []


def test_frame_left_out_repeated_or_moved_is_refused() -> None:
    def frames() -> tuple[End, list[bytes]]:
        one, two = open_pair()
        sent = []
        for octets in (b"a", b"b", b"c"):
            one.link.send(octets)
            sent.append(one.link.outgoing())
        return two, sent

    for order in ([1], [0, 0], [0, 2], [1, 0]):
        two, sent = frames()
        for at in order:
            two.take(sent[at])
        assert two.is_refused
    two, sent = frames()
    two.take(b"".join(sent))
    assert content(two.told) == b"abc"


def test_own_frame_sent_back_is_refused() -> None:
    one, _ = open_pair()
    one.link.send(b"x")
    one.take(one.link.outgoing())
    assert one.is_refused


@pytest.mark.parametrize("length", [0, 15, RECORD_OCTETS + 17, 65_535])
def test_frame_of_an_impossible_length_is_refused_before_it_is_kept(length: int) -> None:
    _, two = open_pair()
    two.take(length.to_bytes(2, "big"))
    assert two.is_refused


def test_octets_after_the_end_are_refused() -> None:
    one, two = open_pair()
    one.link.finish()
    two.take(one.link.outgoing() + b"x")
    assert two.is_refused


@pytest.mark.parametrize(
    "line",
    [
        b"link/2 " + b"0" * 64,
        b"link/1 " + b"0" * 63,
        b"link/1 " + b"A" * 64,
        b"link/1  " + b"0" * 64,
        b"",
        b"x" * LINE_OCTETS,
        b"link/1 " + b"0" * 64 + b"\n",
    ],
)
def test_line_that_is_not_the_expected_one_is_refused(line: bytes) -> None:
    for end in (End(dialler()), End(answerer())):
        end.link.outgoing()
        assert end.take(line + b"\r\n") == b""
        assert end.is_refused
        assert end.is_closed
        assert end.take(line) == b""


def test_every_refusal_reads_the_same() -> None:
    texts = set()
    for octets in (b"x\r\n", b"0" * 200, b"0" * 64 + b" " + b"0" * 64 + b"\r\n", b"\n"):
        two = answerer()
        two.receive(octets)
        with pytest.raises(PeerViolation) as refused:
            two.next_event()
        texts.add(str(refused.value))
    assert len(texts) == 1


# The owner.


def test_owner_may_turn_away_one_who_has_proven_himself() -> None:
    one, two = End(dialler()), End(answerer(), decision=Decision.TURN_AWAY)
    _, answered = converse(one, two)
    assert two.told == [Proven()]
    assert two.is_closed
    assert one.told == []
    assert answered.count(b"\r\n") == 1


def test_nothing_is_sent_before_the_owner_admits_or_after_the_end() -> None:
    one, two = dialler(), End(answerer())
    with pytest.raises(Misuse):
        one.send(b"early")
    one.receive(two.take(b""))
    one.next_event()
    one.receive(two.take(one.outgoing()))
    assert one.next_event() == one.next_event() == Proven()
    with pytest.raises(Misuse):
        one.send(b"early")
    with pytest.raises(Misuse):
        one.finish()
    one.decide(Decision.ADMIT)
    one.finish()
    with pytest.raises(Misuse):
        one.send(b"late")
    with pytest.raises(Misuse):
        one.finish()


OTHER_GATEWAYS = tuple(
    Pairing(CORE, Side(Role.GATEWAY, bytes([at]) * 32), bytes([at, 1] * 16)) for at in range(1, 4)
)


@pytest.mark.parametrize("at", range(4))
def test_answerer_with_several_peers_knows_by_the_proof_which_one_dials(at: int) -> None:
    pairings = (PAIRING, *OTHER_GATEWAYS)
    one = End(dialler(pairings[at].mirrored()))
    two = End(Link(pairings[0], Seat.ANSWERER, b"\2" * 32, *pairings[1:]))
    converse(one, two)
    assert one.told == two.told == [Proven()]
    assert two.link.pairing == pairings[at]
    one.link.send(b"hello")
    two.take(one.link.outgoing())
    assert content(two.told) == b"hello"


def test_stranger_to_all_of_an_answerers_peers_is_refused() -> None:
    one = End(dialler(replace(PAIRING, secret=OTHER_SECRET)))
    two = End(Link(OTHER_GATEWAYS[0], Seat.ANSWERER, b"\2" * 32, *OTHER_GATEWAYS[1:]))
    converse(one, two)
    assert two.is_refused
    assert two.told == []


def test_dialler_dials_one_peer_only() -> None:
    with pytest.raises(Misuse):
        Link(PAIRING, Seat.DIALLER, b"\2" * 32, OTHER_GATEWAYS[0])


def test_decision_that_nobody_asked_for_is_misuse() -> None:
    with pytest.raises(Misuse):
        answerer().decide(Decision.ADMIT)


def test_secret_and_destinations_are_not_printed() -> None:
    printed = repr(PAIRING) + repr(challenge(b"\1" * 32))
    assert PAIRING.secret.hex() not in printed
    assert repr(PAIRING.secret) not in printed
    assert repr(GATEWAY.destination) not in printed


# The four kinds.

PLANS = st.lists(
    st.tuples(st.booleans(), st.binary(max_size=40), st.sampled_from([1, 500])), max_size=8
)


@given(PLANS, st.integers(1, 200))
def test_cutting_the_stream_changes_nothing(plan: list[tuple[bool, bytes, int]], size: int) -> None:
    def run(cut: int) -> tuple[object, ...]:
        one, two = End(dialler()), End(answerer())
        passed = converse(one, two, cut)
        for is_ours, octets, times in plan:
            (one if is_ours else two).link.send(octets * times)
        one.link.finish()
        two.link.finish()
        more = converse(one, two, cut)
        return passed, more, one.told, two.told, one.is_closed, two.is_closed

    assert run(size) == run(1 << 20)


@given(
    st.sampled_from(Seat),
    st.booleans(),
    st.lists(st.binary(max_size=300) | st.just(b"\r\n") | st.just(b"link/1 " + b"0" * 64)),
)
def test_no_octets_give_anything_but_signals_or_a_violation(
    seat: Seat, is_open: bool, chunks: list[bytes]
) -> None:
    one, two = open_pair() if is_open else (End(dialler()), End(answerer()))
    end = one if seat is Seat.DIALLER else two
    end.link.outgoing()
    for chunk in chunks:
        end.take(chunk)
    end.link.receive_eof()
    end.serve()
    assert set(end.told) <= ({Cut()} if is_open else set())
    assert end.is_closed


@given(
    st.lists(st.sampled_from(["right", "wrong secret", "replay", "noise"]), max_size=4),
    st.lists(st.sampled_from(Decision), min_size=4, max_size=4),
)
def test_no_record_appears_before_an_admitted_proof(
    attempts: list[str], decisions: list[Decision]
) -> None:
    recorded, _ = converse(End(dialler()), End(answerer()))
    for attempt, decision in zip(attempts, decisions, strict=False):
        two = End(answerer(seed=7), decision)
        one = End(
            dialler(replace(PAIRING, secret=OTHER_SECRET) if "secret" in attempt else PAIRING)
        )
        if attempt == "replay":
            two.take(recorded)
        elif attempt == "noise":
            two.take(b"\0" * 400)
        else:
            converse(one, two)
            if one.told:
                one.link.send(b"content")
                converse(one, two)
        is_admitted = attempt == "right" and decision is Decision.ADMIT
        assert (content(two.told) == b"content") is is_admitted
        assert (Proven() in two.told) is (attempt == "right")
        at = [type(event) for event in two.told]
        assert RecordGiven not in at or at.index(Proven) < at.index(RecordGiven)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=6), st.data())
def test_what_passes_on_is_a_front_part_of_what_was_sent(
    messages: list[bytes], choice: st.DataObject
) -> None:
    one, two = open_pair()
    for octets in messages:
        one.link.send(octets)
    one.link.finish()
    stream = bytearray(one.link.outgoing())
    at = choice.draw(st.integers(0, len(stream) - 1))
    act = choice.draw(st.sampled_from(["flip", "drop", "insert", "nothing"]))
    if act == "flip":
        stream[at] ^= choice.draw(st.integers(1, 255))
    elif act == "drop":
        del stream[at]
    elif act == "insert":
        stream.insert(at, choice.draw(st.integers(0, 255)))
    two.take(bytes(stream))
    two.link.receive_eof()
    two.serve()
    sent = b"".join(messages)
    assert sent.startswith(content(two.told))
    is_whole = content(two.told) == sent and Ended() in two.told
    assert is_whole or act != "nothing"
    assert Ended() not in two.told or content(two.told) == sent


def test_seats_are_each_others_opposite() -> None:
    assert all(a.opposite is b for a, b in itertools.permutations(Seat))
