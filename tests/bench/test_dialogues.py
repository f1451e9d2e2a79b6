# SPDX-License-Identifier: Apache-2.0
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from bench.dialogues import Delivery, Fetch, Login, Poll, Submission
from bench.load import Dialogue, WrongAnswer
from hypothesis import given
from hypothesis import strategies as st

LOGIN = Login(b"a@post.i2p", b"secret-1")
SUBMISSION_ANSWERS = (
    b"220 hi\r\n",
    b"250-one\r\n250-SIZE 10\r\n250 two\r\n",
    b"235 2.7.0 ok\r\n",
    b"250 ok\r\n",
    b"250 ok\r\n",
    b"354 go\r\n",
    b"250 ok\r\n",
    b"221 bye\r\n",
)
MESSAGES = [b"A: 1\r\n\r\nfirst", b"A: 2\r\n\r\nsecond\r\n..dot", b"A: 3\r\n\r\nthird"]
OCTETS = sum(map(len, MESSAGES)) + 2 * len(MESSAGES)
BURST = b"".join(b"+OK\r\n" + message + b"\r\n.\r\n" for message in MESSAGES)
FETCH_ANSWERS = (
    b"+OK hi\r\n",
    b"+OK\r\n",
    b"+OK\r\n",
    b"+OK 3 %d\r\n" % OCTETS,
    b"+OK\r\n1 aa\r\n2 bb\r\n3 cc\r\n.\r\n",
    BURST,
    b"+OK bye\r\n",
)


def _said(dialogue: Dialogue, chunks: Iterable[bytes]) -> list[bytes]:
    """Return what the dialogue sends; it must be over exactly at the last chunk."""
    *before, last = chunks
    sent = [dialogue.answer(chunk) for chunk in before]
    assert None not in sent
    assert dialogue.answer(last) is None
    return [octets for octets in sent if octets]


def _ignore(_messages: Sequence[bytes]) -> None:
    pass


def _cut(stream: bytes, at: set[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in at if 0 < place < len(stream)), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


def _submission() -> Submission:
    return Submission(LOGIN, b"b@post.i2p", b"A: 1\r\n\r\nx\r\n.\r\n")


def test_a_submission_says_what_an_ordinary_client_says() -> None:
    assert _said(_submission(), SUBMISSION_ANSWERS) == [
        b"EHLO bench-host.invalid\r\n",
        b"AUTH PLAIN AGFAcG9zdC5pMnAAc2VjcmV0LTE=\r\n",
        b"MAIL FROM:<a@post.i2p>\r\n",
        b"RCPT TO:<b@post.i2p>\r\n",
        b"DATA\r\n",
        b"A: 1\r\n\r\nx\r\n.\r\n",
        b"QUIT\r\n",
    ]


@pytest.mark.parametrize("step", range(len(SUBMISSION_ANSWERS)))
def test_a_refusal_at_any_step_of_a_submission_fails_the_run(step: int) -> None:
    submission = _submission()
    for answer in SUBMISSION_ANSWERS[:step]:
        submission.answer(answer)
    with pytest.raises(WrongAnswer):
        submission.answer(b"451 4.3.0 later\r\n")


def test_a_delivery_does_not_log_in() -> None:
    answers = [each for each in SUBMISSION_ANSWERS if not each.startswith(b"235")]
    said = _said(Delivery(LOGIN, b"b@post.i2p", b"x\r\n.\r\n"), answers)
    assert said[0].startswith(b"LHLO ")
    assert not any(b"AUTH" in each for each in said)


@given(st.lists(st.sets(st.integers(0, 200)), min_size=8, max_size=8))
def test_however_smtp_answers_are_cut_the_client_says_the_same(cuts: list[set[int]]) -> None:
    chunks = [
        chunk
        for answer, at in zip(SUBMISSION_ANSWERS, cuts, strict=True)
        for chunk in _cut(answer, at)
    ]
    assert _said(_submission(), chunks) == _said(_submission(), SUBMISSION_ANSWERS)


@given(st.sets(st.integers(0, len(BURST))))
def test_however_a_burst_is_cut_every_message_is_found(at: set[int]) -> None:
    found: list[bytes] = []
    fetch = Fetch(LOGIN, found.extend)
    said = _said(fetch, [*FETCH_ANSWERS[:5], *_cut(BURST, at), FETCH_ANSWERS[6]])
    assert found == MESSAGES
    assert said[-2:] == [b"RETR 1\r\nRETR 2\r\nRETR 3\r\n", b"QUIT\r\n"]


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (2, b"-ERR wrong password\r\n"),
        (4, b"+OK\r\n1 aa\r\n2 bb\r\n.\r\n"),
        (4, b"+OK\r\n1 aa\r\n2 aa\r\n3 aa\r\n.\r\n"),
        (5, BURST.replace(b"third", b"thirds")),
        (5, BURST.replace(b"+OK\r\nA: 2", b"-ERR\r\nA: 2")),
    ],
    ids=["wrong password", "one unlisted", "ids repeat", "an octet too many", "one refused"],
)
def test_a_fetch_that_is_not_whole_fails_the_run(step: int, wrong: bytes) -> None:
    fetch = Fetch(LOGIN, _ignore)
    for answer in FETCH_ANSWERS[:step]:
        fetch.answer(answer)
    with pytest.raises(WrongAnswer):
        fetch.answer(wrong)


def test_an_empty_maildrop_is_fetched_without_a_burst() -> None:
    counts: list[int] = []
    fetch = Fetch(LOGIN, lambda messages: counts.append(len(messages)))
    ok = b"+OK\r\n"
    said = _said(fetch, [ok, ok, ok, b"+OK 0 0\r\n", b"+OK\r\n.\r\n", ok])
    assert said[-1] == b"QUIT\r\n"
    assert counts == [0]


@pytest.mark.parametrize("make", [Poll, lambda login: Fetch(login, _ignore)], ids=["poll", "fetch"])
def test_a_password_is_said_only_after_the_user(make: Callable[[Login], Any]) -> None:
    dialogue = make(LOGIN)
    assert dialogue.answer(b"+OK hi\r\n") == b"USER a@post.i2p\r\n"
    assert dialogue.answer(b"+OK\r\n") == b"PASS secret-1\r\n"


def test_a_poll_of_a_maildrop_that_is_not_empty_fails_the_run() -> None:
    poll = Poll(LOGIN)
    for _ in range(3):
        poll.answer(b"+OK\r\n")
    with pytest.raises(WrongAnswer):
        poll.answer(b"+OK 1 200\r\n")
