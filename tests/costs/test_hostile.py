# SPDX-License-Identifier: Apache-2.0
"""No message within the limits takes out of proportion to its size, whatever it is made of.

Time is processor time, and counted in that of a plain text of ten megabytes, taken in the same run:
a slow or busy machine makes both dearer.
"""

import functools
import os
import time

import pytest

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from tests.sanitise.hostile import CASES, fill, text

ALICE = Address("alice", "mail.i2p")
FROM_USER = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=os.urandom,
)
INBOUND = Inbound(os.urandom)
# A plain text of ten megabytes takes 0.08 to 0.15 s; so many of it are a second and a half at most.
MOST = 12
ATTEMPTS = 3


def seconds(message: bytes) -> float:
    """Return the time of the dearest policy."""
    return max(
        _seconds(lambda: sanitise_from_user(message, FROM_USER)),
        _seconds(lambda: sanitise_from_internet(message, INBOUND)),
        _seconds(lambda: sanitise_to_user(message, INBOUND)),
    )


def _seconds(work: object) -> float:
    assert callable(work)
    start = time.process_time()
    work()
    return time.process_time() - start


@functools.cache
def of_plain_text() -> float:
    message = text(fill(b"some words in a line\r\n"))
    return min(seconds(message) for _ in range(ATTEMPTS))


def is_bounded(message: bytes) -> bool:
    return any(seconds(message) <= MOST * of_plain_text() for _ in range(ATTEMPTS))


@pytest.mark.parametrize("name", CASES)
def test_hostile_message_takes_no_longer_than_some_plain_ones(name: str) -> None:
    assert is_bounded(CASES[name]())
