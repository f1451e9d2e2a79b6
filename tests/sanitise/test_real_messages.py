# SPDX-License-Identifier: Apache-2.0
"""The goals on real mail; see docs/sanitiser.md. Each run goes over all messages once."""

import functools
import itertools

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Refused
from tests.sanitise.corpus import real_messages
from tests.sanitise.damage import damage
from tests.sanitise.leaks import leaks

ALICE = Address("alice", "mail.i2p")


@functools.cache
def outcomes() -> list[tuple[str, bytes, bytes | None]]:
    """Name, octets as submitted, octets as they go on or None where the message was refused."""
    numbers = itertools.count(1)
    context = FromUser(
        address=ALICE,
        addresses=frozenset({ALICE}),
        message_id_key=b"k" * 32,
        message_id_domain="mail.i2p",
        accepted_utc=1_795_446_839,
        randomness=lambda count: next(numbers).to_bytes(count, "big"),
    )
    found = []
    for message in real_messages():
        submitted = message.as_submitted_by("alice@mail.i2p")
        outcome = sanitise_from_user(submitted, context)
        passed = None if isinstance(outcome, Refused) else b"".join(outcome.pieces)
        found.append((message.name, submitted, passed))
    return found


def test_at_most_one_in_a_hundred_is_refused() -> None:
    refused = [name for name, _, passed in outcomes() if passed is None]
    assert len(refused) <= 0.01 * len(outcomes()), refused


def test_at_most_one_in_two_hundred_leaks() -> None:
    leaking = {name: found for name, _, passed in outcomes() if passed and (found := leaks(passed))}
    assert len(leaking) <= 0.005 * len(outcomes()), leaking


def test_no_signed_part_is_changed() -> None:
    changed = [
        name
        for name, before, after in outcomes()
        if after and "signed part" in damage(before, after)
    ]
    assert changed == []


def test_every_octet_is_fit_for_transport() -> None:
    for name, _, passed in outcomes():
        for line in (passed or b"").split(b"\r\n"):
            assert len(line) <= 998, name
            assert b"\n" not in line, name
            assert b"\r" not in line, name
            assert b"\0" not in line, name
