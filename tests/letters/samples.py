# SPDX-License-Identifier: Apache-2.0
"""Summaries and what waits, for tests of the shelf."""

from typing import Any

from eepost.letters.model import Recipient, Summary, Waiting

NOW = 1_795_000_000


def summary(number: int, folder: str = "inbox", **given: Any) -> Summary:
    """Return the summary of a message that came `number` seconds after NOW."""
    values: dict[str, Any] = {"date_utc": NOW + number, "arrived_utc": NOW, "size_octets": 100}
    return Summary(number=number, folder=folder, **(values | given))


def waiting(number: int, **given: Any) -> Waiting:
    """Return something that waits for one recipient."""
    values: dict[str, Any] = {
        "reverse_path": "alice@mail.i2p",
        "recipients": (Recipient("bob@mail.i2p"),),
        "since_utc": NOW,
    }
    return Waiting(number=number, **(values | given))
