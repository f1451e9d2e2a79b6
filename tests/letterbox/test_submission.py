# SPDX-License-Identifier: Apache-2.0
"""The owner of a submission session, where something inside failed."""

from collections.abc import Awaitable
from typing import Any, cast

from eepost.services.letterbox import replies
from eepost.services.letterbox.submission import Submission, SubmissionDesk
from eepost.wire.smtp.events import ContentGiven, MessageGiven
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.transit import Transit


async def test_message_of_which_a_part_is_missing_is_not_taken_for_whole() -> None:
    transit = Transit(1_000)
    nobody: Any = None  # who signs in is not asked for content
    session = Submission(SubmissionDesk(nobody, "me", transit, SmtpLimits()), is_welcome=True)
    session.respond(ContentGiven(b"Subject: s\r\n"))
    session.fault(ContentGiven(b"\r\nthe middle\r\n"))
    assert transit.octets == 0
    session.respond(ContentGiven(b"the end\r\n"))
    answer = cast("Awaitable[Any]", session.respond(MessageGiven()))
    assert await answer == (replies.TRANSIT_FULL,)
    assert transit.octets == 0
