# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from eepost.mail.reply import Reply
from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.report import Report
from eepost.sanitise.scan import Clean, Infected, Obstacle, Unscannable, Verdict
from eepost.services.mta import replies
from eepost.services.mta.screening import MARKS, Passed, Screening

MESSAGE = Sanitised((b"From: a@mail.i2p\r\n\r\n", memoryview(b"Hello\r\n")), Report())


@dataclass
class Saying:
    """A scanner that says what it was told to say."""

    verdict: Verdict
    asked: list[bytes] = field(default_factory=list)

    async def scan(self, message: Sequence[bytes | memoryview]) -> Verdict:
        self.asked.append(b"".join(message))
        return self.verdict


async def screened(verdict: Verdict, *passing: Obstacle) -> Passed | Reply:
    return await Screening(Saying(verdict), frozenset(passing)).screen(MESSAGE)


async def test_without_a_scanner_everything_passes_and_nothing_is_claimed() -> None:
    screening = Screening()
    assert await screening.screen(MESSAGE) == Passed()
    assert screening.counts.clean == 0


async def test_scanner_sees_the_message_as_it_will_be_delivered() -> None:
    scanner = Saying(Clean())
    assert await Screening(scanner).screen(MESSAGE) == Passed()
    assert scanner.asked == [b"From: a@mail.i2p\r\n\r\nHello\r\n"]


async def test_virus_is_refused_for_good_and_named_whatever_may_pass() -> None:
    reply = await screened(Infected("Some.Virus-1"), *Obstacle)
    assert isinstance(reply, Reply)
    assert (reply.code, reply.enhanced) == (554, "5.7.1")
    assert "virus" in reply.text
    assert "Some.Virus-1" in reply.text


@pytest.mark.parametrize(
    ("obstacle", "refusal"),
    [
        (Obstacle.DOWN, replies.SCANNER_DOWN),
        (Obstacle.OVER_LIMITS, replies.OVER_SCANNER_LIMITS),
    ],
)
async def test_unscannable_mail_is_put_off_unless_just_that_may_pass(
    obstacle: Obstacle, refusal: Reply
) -> None:
    assert refusal.code == 451
    others = set(Obstacle) - {obstacle}
    assert await screened(Unscannable(obstacle)) == refusal
    assert await screened(Unscannable(obstacle), *others) == refusal
    assert await screened(Unscannable(obstacle), obstacle) == Passed(MARKS[obstacle])


def test_marks_are_whole_header_fields() -> None:
    for mark in MARKS.values():
        assert mark.startswith(b"X-Virus-Status: Unscanned (")
        assert mark.endswith(b")\r\n")
        assert mark.count(b"\r\n") == 1
        assert len(mark) < 80


async def test_verdicts_are_counted() -> None:
    screening = Screening(Saying(Clean()))
    verdicts: list[Verdict] = [Clean(), Infected("X"), *map(Unscannable, Obstacle), Infected("Y")]
    for verdict in verdicts:
        await Screening(Saying(verdict), frozenset(), screening.counts).screen(MESSAGE)
    assert (screening.counts.clean, screening.counts.infected) == (1, 2)
    assert screening.counts.unscannable == {Obstacle.DOWN: 1, Obstacle.OVER_LIMITS: 1}
