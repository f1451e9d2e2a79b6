# SPDX-License-Identifier: Apache-2.0
"""The goals on real mail as it comes from the Internet; see docs/sanitiser.md."""

import email
import functools
import re
from collections import Counter

from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused
from tests.figures import Figure
from tests.sanitise.corpus import real_messages
from tests.sanitise.damage import losses
from tests.sanitise.harm import harms

VERDICT = "gate.example; none"
CONTEXT = Inbound(
    randomness=lambda count: b"\x01" * count,
    verdict=f"Authentication-Results: {VERDICT}\r\n".encode(),
)


@functools.cache
def arrivals() -> list[tuple[str, bytes, bytes | None]]:
    """Name, octets as they came, octets as they go on or None where the message was refused."""
    found = []
    for message in real_messages():
        outcome = sanitise_from_internet(message.octets, CONTEXT)
        passed = None if isinstance(outcome, Refused) else b"".join(outcome.pieces)
        found.append((message.name, message.octets, passed))
    return found


def test_only_what_has_to_be_refused_is(figure: Figure) -> None:
    refused = {name: reasons(before) for name, before, passed in arrivals() if passed is None}
    figure(f"from_internet: {len(refused)} of {len(arrivals())} real messages refused, for:")
    for reason, count in Counter(each for found in refused.values() for each in found).items():
        figure(f"               {reason}: {count}")
    assert all(refused.values()), refused
    assert len(refused) <= 0.01 * len(arrivals())


def reasons(message: bytes) -> list[str]:
    """Return why a message has to be refused, seen without the sanitiser."""
    message = message.lstrip(b" \t\r\n")
    header = message.partition(b"\r\n\r\n")[0].decode("latin-1")
    found = [
        f"{name} twice"
        for name in TWICE
        if len(set(re.findall(rf"(?im)^{name}[ \t]*:(.*)", header))) > 1
    ]
    if b"\0" in message.rstrip(b"\0"):
        found.append("NUL")
    if sum(1 for _ in email.message_from_bytes(message).walk()) > 1_000:
        found.append("parts")
    return found


# A second one speaks for somebody else, or makes another message of the body.
TWICE = ("From", "Content-Type")


def test_none_brings_harm(figure: Figure) -> None:
    passing = [(name, passed) for name, _, passed in arrivals() if passed is not None]
    harmful = {name: found for name, passed in passing if (found := harms(passed, VERDICT))}
    figure(f"from_internet: {len(harmful)} of {len(passing)} real messages still do harm")
    assert harmful == {}


def test_untouched_mail_does() -> None:
    assert sum(bool(harms(before, VERDICT)) for _, before, _ in arrivals()) > 0.9 * len(arrivals())
    found = {each for _, before, _ in arrivals() for each in harms(before, VERDICT)}
    assert {"active HTML", "remote HTML", "dangerous file", "long line", "reference"} <= found


def test_at_most_three_in_a_thousand_lose_something(figure: Figure) -> None:
    passing = [(name, before, after) for name, before, after in arrivals() if after is not None]
    poorer = {name: found for name, before, after in passing if (found := losses(before, after))}
    figure(f"from_internet: {len(poorer)} of {len(passing)} real messages lose something")
    assert len(poorer) <= 0.003 * len(passing), poorer
    assert not any("signed part" in found for found in poorer.values()), poorer


def test_what_is_harmless_comes_to_its_reader_as_it_is() -> None:
    passing = [(name, passed) for name, _, passed in arrivals() if passed is not None]
    changed = []
    for name, passed in passing:
        outcome = sanitise_to_user(passed, CONTEXT)
        assert not isinstance(outcome, Refused)
        if b"".join(outcome.pieces).split() != passed.split():
            changed.append(name)
    assert len(changed) <= 0.003 * len(passing), changed
