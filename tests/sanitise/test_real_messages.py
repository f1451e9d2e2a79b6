# SPDX-License-Identifier: Apache-2.0
"""The goals on real mail; see docs/sanitiser.md. Each run goes over all messages once."""

import email
import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Refused
from tests.figures import Figure
from tests.sanitise.corpus import real_messages
from tests.sanitise.damage import damage, leaves
from tests.sanitise.files.tools import telling_files
from tests.sanitise.leaks import leaks
from tests.sanitise.parts import content

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


def test_at_most_one_in_a_hundred_is_refused(figure: Figure) -> None:
    refused = [name for name, _, passed in outcomes() if passed is None]
    figure(f"from_user: {len(refused)} of {len(outcomes())} real messages refused")
    assert len(refused) <= 0.01 * len(outcomes()), refused


def test_at_most_one_in_two_hundred_leaks(figure: Figure) -> None:
    passing = [(name, passed) for name, _, passed in outcomes() if passed is not None]
    leaking = {name: found for name, passed in passing if (found := leaks(passed))}
    figure(f"from_user: {len(leaking)} of {len(passing)} real messages leak")
    assert len(leaking) <= 0.005 * len(passing), leaking


def test_untouched_mail_leaks() -> None:
    assert sum(bool(leaks(before)) for _, before, _ in outcomes()) >= 0.99 * len(outcomes())


def test_at_most_one_in_two_hundred_is_damaged(figure: Figure) -> None:
    passing = [(name, before, after) for name, before, after in outcomes() if after is not None]
    damaged = {name: found for name, before, after in passing if (found := damage(before, after))}
    figure(f"from_user: {len(damaged)} of {len(passing)} real messages damaged")
    assert len(damaged) <= 0.005 * len(passing), damaged
    assert not any("signed part" in found for found in damaged.values()), damaged


def test_attached_files_tell_nothing_to_exiftool(tmp_path: Path, figure: Figure) -> None:
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder, side in zip(folders, (0, 1), strict=True):
        folder.mkdir()
        messages = [(before, after)[side] for _, before, after in outcomes() if after is not None]
        for number, octets in enumerate(attached(messages)):
            (folder / f"{number}.file").write_bytes(octets)
    telling = [telling_files(folder) for folder in folders]
    figure(f"exiftool: {len(telling[0])} attached files tell something before, then:")
    figure(f"          {telling[1] or 'none'}")
    assert len(telling[0]) >= 80
    assert telling[1] == {}


def attached(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the files in messages, but for those that a signature covers."""
    for message in messages:
        for part in leaves(email.message_from_bytes(message)):
            is_text = part.get_content_maintype() in {"text", "message", "multipart"}
            if not is_text and content(part):
                yield content(part)


def test_every_octet_is_fit_for_transport() -> None:
    for name, _, passed in outcomes():
        for line in (passed or b"").split(b"\r\n"):
            assert len(line) <= 998, name
            assert b"\n" not in line, name
            assert b"\r" not in line, name
            assert b"\0" not in line, name
