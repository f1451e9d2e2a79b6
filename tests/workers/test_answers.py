# SPDX-License-Identifier: Apache-2.0
"""Answers of workers, sound ones and others."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.reply import Reply
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Report
from eepost.sanitise.sent_ids import GivenId
from eepost.workers.answers import (
    Cleaned,
    Fault,
    TurnedDown,
    Unreadable,
    read_answer,
    write_fault,
    write_outcome,
)


def test_sanitised_message_comes_back_as_it_was() -> None:
    head, pieces = write_outcome(
        Sanitised(
            (b"header ", b"one ", memoryview(b"two")),
            Report({"kind": 2}),
            (b"id@x",),
            GivenId(b"id@x", b"1@laptop"),
        )
    )
    answer = read_answer(head, memoryview(b"".join(pieces)))
    assert isinstance(answer, Sanitised)
    assert answer.pieces == (b"header ", b"one two")
    assert (answer.report, answer.thread_ids) == (Report({"kind": 2}), (b"id@x",))
    assert answer.given_id == GivenId(b"id@x", b"1@laptop")


def test_refusal_comes_back_as_it_was() -> None:
    refused = Refused(Reply(554, "5.6.0", "no"), Report({"kind": 1}))
    head, pieces = write_outcome(refused)
    assert not pieces
    assert read_answer(head, memoryview(b"")) == refused


def test_fault_names_files_of_ours_only() -> None:
    fault = Fault("ValueError", [("rebuild.py", 3), ("a secret", 4), ("worker.py", 5)])
    assert read_answer(msgspec.msgpack.encode(fault), memoryview(b"")) == Fault(
        "ValueError", [("worker.py", 5)]
    )


@pytest.mark.parametrize("kind", ["a secret", "print", "", "__name__"])
def test_fault_names_known_exceptions_only(kind: str) -> None:
    answer = read_answer(msgspec.msgpack.encode(Fault(kind, [])), memoryview(b""))
    assert answer == Fault("Exception", [])


def test_fault_is_written_without_the_exceptions_words() -> None:
    try:
        raise ValueError("a secret")
    except ValueError as error:
        head = write_fault(error)
    assert b"secret" not in head
    assert b"test_answers.py" in head


@pytest.mark.parametrize(
    "answer",
    [
        TurnedDown(250, "2.0.0", "Accepted", {}),  # a refusal must not turn into an acceptance
        TurnedDown(354, "", "Go on", {}),
        TurnedDown(554, "4.6.0", "classes differ", {}),
        TurnedDown(554, "5.6.0", "two\r\nlines", {}),
        TurnedDown(554, "5.6.0", "", {}),
        TurnedDown(554, "5.6.0", "x" * 600, {}),
        Cleaned(0, {"x" * 201: 1}, (), None),
        Cleaned(0, {str(n): 1 for n in range(1_001)}, (), None),
        Fault("ValueError", [("x.py", 1)] * 13),
        {"not": "an answer"},
        b"",
    ],
)
def test_what_no_sound_worker_answers_is_not_believed(answer: object) -> None:
    with pytest.raises(Unreadable):
        read_answer(msgspec.msgpack.encode(answer), memoryview(b""))


@given(st.binary(max_size=200))
def test_noise_is_unreadable_or_an_answer(head: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(read_answer(head, memoryview(b"")), Sanitised | Refused | Fault)
