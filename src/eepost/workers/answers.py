# SPDX-License-Identifier: Apache-2.0
"""The head of a worker's answer: what came of a message, and nothing that could do anything.

Trust: a worker has read a hostile message, so what it answers is read as a stranger's: plain values
of known types and bounded size, no pickle, and a refusal that can't turn into an acceptance.
"""

import builtins
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

import eepost
from eepost.mail.reply import Reply
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Report
from eepost.sanitise.sent_ids import GivenId

Pieces = Sequence[bytes | memoryview]

# Frames from the innermost; enough to find the place.
MAX_FRAMES = 12

Counts = Annotated[dict[Annotated[str, Meta(max_length=200)], int], Meta(max_length=1_000)]


class Cleaned(Struct, frozen=True, tag=True, array_like=True):
    """The message may go on: its octets are the body, of which so many are the header."""

    header_octets: int
    counts: Counts
    thread_ids: tuple[bytes, ...]
    given_id: GivenId | None


class TurnedDown(Struct, frozen=True, tag=True, array_like=True):
    """The message may not pass; the reply says why."""

    code: Annotated[int, Meta(ge=400, le=599)]
    enhanced: str
    text: str
    counts: Counts


class Fault(Struct, frozen=True, tag=True, array_like=True):
    """The sanitiser failed on it: what kind of exception, and where, innermost last."""

    kind: str
    places: Annotated[list[tuple[str, int]], Meta(max_length=MAX_FRAMES)]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cleaned | TurnedDown | Fault)


class Unreadable(Exception):  # noqa: N818 - caught where the worker is given up
    """A worker answered what no sound worker answers."""


def write_outcome(outcome: Sanitised | Refused) -> tuple[bytes, Pieces]:
    """Return head and body for what the sanitiser made of a message."""
    counts = dict(outcome.report.counts)
    if isinstance(outcome, Sanitised):
        pieces = outcome.pieces
        cleaned = Cleaned(len(pieces[0]), counts, outcome.thread_ids, outcome.given_id)
        return _encoder.encode(cleaned), pieces
    reply = outcome.reply
    return _encoder.encode(TurnedDown(reply.code, reply.enhanced, reply.text, counts)), ()


def write_fault(error: BaseException) -> bytes:
    """Return the head for an exception, without its text, which may quote the message."""
    frames = _frames(error.__traceback__)[-MAX_FRAMES:]
    return _encoder.encode(Fault(type(error).__name__, frames))


def _frames(traceback: TracebackType | None) -> list[tuple[str, int]]:
    found = []
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename.rpartition("/")[2]
        found.append((name, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found


def read_answer(head: bytes, body: memoryview) -> Sanitised | Refused | Fault:
    """Return what a worker answered. Raises Unreadable."""
    try:
        answer = _decoder.decode(head)
        if isinstance(answer, Cleaned):
            return _sanitised(answer, body)
        if isinstance(answer, TurnedDown):
            reply = Reply(answer.code, answer.enhanced, answer.text)
            return Refused(reply, Report(answer.counts))
    except (msgspec.MsgspecError, ValueError):
        raise Unreadable from None
    return _known_only(answer)


def _sanitised(answer: Cleaned, body: memoryview) -> Sanitised:
    header, rest = bytes(body[: answer.header_octets]), body[answer.header_octets :]
    report = Report(answer.counts)
    return Sanitised((header, rest), report, answer.thread_ids, answer.given_id)


def _known_only(fault: Fault) -> Fault:
    """Return a fault that is fit for a log: a worker that was taken over chooses no words in it."""
    own = {path.name for path in Path(eepost.__file__).parent.rglob("*.py")}
    kind = fault.kind if isinstance(getattr(builtins, fault.kind, None), type) else "Exception"
    return Fault(kind, [(name, line) for name, line in fault.places if name in own])
