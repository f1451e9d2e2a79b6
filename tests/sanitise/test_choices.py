# SPDX-License-Identifier: Apache-2.0
from dataclasses import fields
from enum import Enum

import msgspec

from eepost.sanitise.choices import DEFAULT, Choices, Dangerous, Html, OnFailure

OTHER = Choices(
    html=Html.PLAIN_TEXT, unclean=OnFailure.DROP, keeps_reply_to=True, dangerous=Dangerous.PASS
)


def test_choices_come_back_from_a_record() -> None:
    for each in (DEFAULT, OTHER):
        assert msgspec.json.decode(msgspec.json.encode(each), type=Choices) == each


def test_record_of_an_older_release_gets_the_safe_choice() -> None:
    assert msgspec.json.decode(b"{}", type=Choices) == DEFAULT


def test_choices_are_flat() -> None:
    assert all(isinstance(getattr(DEFAULT, each.name), bool | Enum) for each in fields(DEFAULT))
