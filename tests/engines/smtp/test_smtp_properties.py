# SPDX-License-Identifier: Apache-2.0
"""Split-invariance, noise, and order of trust."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eepost.wire.smtp.events import Connected, Mark
from eepost.wire.smtp.service import SUBMISSION, exchanger
from eepost.wire.smtp.states import State
from tests.engines.smtp.sessions import CUTS, OCTETS, pieces, read_replies, run
from tests.engines.smtp.trust import watch


@settings(max_examples=500)
@given(OCTETS, CUTS)
def test_cutting_the_stream_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    assert run([octets]) == run(pieces(octets, cuts)) == run(singles)


@settings(max_examples=500)
@given(OCTETS)
def test_any_session_gets_well_formed_replies(octets: bytes) -> None:
    read_replies(run([octets])[2])


@given(st.binary(max_size=2000))
def test_binary_noise_gets_well_formed_replies(octets: bytes) -> None:
    events, delivered, sent = run([octets])
    read_replies(sent)
    assert [event for event in events if not isinstance(event, Mark)] == [Connected()]
    assert delivered == []


@pytest.mark.parametrize(
    "sent",
    [
        b"250 2.0.0 OK",
        b"250 2.0.0 OK\n",
        b"250\r\n",
        b"250 \r\n",
        b"250 5.0.0 OK\r\n",
        b"250-2.0.0 OK\r\n",
        b"250-2.0.0 OK\r\n550 5.0.0 No\r\n",
        b"150 No\r\n",
        b"250 2.0.0 \xff\r\n",
        b"250 " + b"x" * 509 + b"\r\n",
        b"25",
    ],
)
def test_reader_of_replies_notices_bad_ones(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r"repl|differ"):
        read_replies(sent)


ANSWERS = st.lists(st.integers(0, 12), max_size=30)


@settings(max_examples=500)
@given(OCTETS, ANSWERS)
def test_no_event_comes_before_what_it_depends_on(octets: bytes, answers: list[int]) -> None:
    watch(octets, answers)


def test_order_of_trust_notices_a_removed_login_check() -> None:
    lax = replace(SUBMISSION, refusals={**SUBMISSION.refusals, State.INTRODUCED: {}})
    with pytest.raises(AssertionError, match="before login"):
        watch(b"EHLO x\r\nMAIL FROM:<alice@mail.i2p>\r\n", [], lax)


EXCHANGER = exchanger("Help", offers_tls=True)


@settings(max_examples=300)
@given(OCTETS, CUTS)
def test_cutting_the_stream_to_an_exchanger_changes_nothing(octets: bytes, cuts: list[int]) -> None:
    singles = [octets[i : i + 1] for i in range(len(octets))]
    whole = run([octets], service=EXCHANGER)
    assert whole == run(pieces(octets, cuts), service=EXCHANGER) == run(singles, service=EXCHANGER)
    read_replies(whole[2])


@settings(max_examples=300)
@given(OCTETS, ANSWERS)
def test_no_event_of_an_exchanger_comes_before_what_it_depends_on(
    octets: bytes, answers: list[int]
) -> None:
    watch(octets, answers, EXCHANGER)


def test_order_of_trust_notices_a_transaction_without_introduction() -> None:
    lax = replace(EXCHANGER, refusals={**EXCHANGER.refusals, State.GREETED: {}})
    with pytest.raises(AssertionError, match="before login"):
        watch(b"MAIL FROM:<alice@mail.i2p>\r\n", [], lax)
