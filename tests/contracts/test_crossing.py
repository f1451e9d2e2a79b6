# SPDX-License-Identifier: Apache-2.0
"""What the sanitiser is told and what it gives crosses to and from workers without loss."""

from dataclasses import fields

import pytest
from msgspec import Struct

from eepost.sanitise.from_user import FromUser
from eepost.sanitise.inbound import Inbound
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet
from eepost.workers.contexts import PlainFromUser, PlainInbound, PlainToInternet


@pytest.mark.parametrize(
    ("context", "plain"),
    [(FromUser, PlainFromUser), (Inbound, PlainInbound), (ToInternet, PlainToInternet)],
)
def test_every_field_of_a_context_crosses_to_a_worker(context: type, plain: type[Struct]) -> None:
    names = {field.name for field in fields(context)} - {"randomness"}
    assert names == set(plain.__struct_fields__), "add it to eepost.workers.contexts"


def test_every_field_of_an_outcome_comes_back() -> None:
    known = {"pieces", "report", "thread_ids", "given_id"}
    assert {field.name for field in fields(Sanitised)} == known, "add it to answers.Cleaned"
    known = {"reply", "report"}
    assert {field.name for field in fields(Refused)} == known, "add it to answers.TurnedDown"
