# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from typing import Any, cast

from eepost.services.mta import replies
from eepost.services.mta.submission import Counts, Desk, Submission
from eepost.wire.smtp.events import ContentGiven, MessageGiven
from eepost.wire.transit import Transit


async def test_content_of_which_a_part_was_lost_is_put_off() -> None:
    desk = SimpleNamespace(make_engine=lambda: None, transit=Transit(1_000_000), counts=Counts())
    session = Submission(cast(Desk, desk), None, is_welcome=True)
    session.respond(ContentGiven(b"Subject: first\r\n"))
    # Whatever failed, for instance for want of memory, the pump asks for the answer to it.
    assert session.fault(ContentGiven(b"\r\nthe middle\r\n")) == ()
    session.respond(ContentGiven(b"the end\r\n"))
    answers: Any = session.respond(MessageGiven())
    assert await answers == (replies.TRANSIT_FULL,)
    assert desk.transit.octets == 0
