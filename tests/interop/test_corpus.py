# SPDX-License-Identifier: Apache-2.0
"""Real messages go through submission and come back by POP3 without a leak and without damage.

Messages of many programs, broken and hostile ones among them, that lie beside some checkouts; they
have authors of their own and are not part of eepost.
"""

import re
import smtplib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.interop.raw import PopSession
from tests.interop.running import Desk
from tests.office import PASSWORD, PostOffice, address
from tests.sanitise.damage import damage
from tests.sanitise.leaks import leaks

pytestmark = pytest.mark.interop

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "open"
MESSAGES: Final = 827
CLIENTS: Final = 4
MESSAGES_A_CONNECTION: Final = 10
# A header is nothing but fields: any other line begins the body, as mail programs read it.
_HEADER: Final = re.compile(rb"(?:[!-9;-~]+[ \t]*:.*\r\n(?:[ \t].*\r\n)*)*")
_FROM_FIELDS: Final = re.compile(
    rb"^From[ \t]*:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE
)

_TRACE: Final = re.compile(rb"Return-Path:.*\r\nReceived:.*\r\n(?:[ \t].*\r\n)*")

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"no real messages beside this checkout ({MESSAGES} elsewhere)"
)


def read_corpus() -> list[Path]:
    """Return the files of all messages, always in the same order."""
    return sorted(path for path in CORPUS.rglob("*") if path.is_file())


def submittable(found: bytes, sender: str) -> tuple[bytes, bytes]:
    """Return a message that `sender` may submit, and its body: what has to come back."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", found)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"  # DATA can't end otherwise
    match = _HEADER.match(lines)
    assert match is not None
    header, body = lines[: match.end()], lines[match.end() :].removeprefix(b"\r\n")
    own = b"From: %b\r\n" % sender.encode()
    if not header:
        return own + b"\r\n" + lines, lines
    return own + _FROM_FIELDS.sub(b"", header) + lines[match.end() :], body


def _without_trace(message: bytes) -> bytes:
    """Return the message without the two fields that the core puts before it."""
    found = _TRACE.match(message)
    assert found is not None
    return message[found.end() :]


def _send(post: PostOffice, sender: str, recipient: str, messages: Sequence[bytes]) -> list[bytes]:
    """Submit all messages and return those that were not refused."""
    accepted = []
    for first in range(0, len(messages), MESSAGES_A_CONNECTION):
        with smtplib.SMTP("127.0.0.1", post.smtp_port, "client", timeout=60) as smtp:
            smtp.login(sender, PASSWORD)
            for each in messages[first : first + MESSAGES_A_CONNECTION]:
                try:
                    smtp.sendmail(address(sender), address(recipient), each)
                except smtplib.SMTPDataError as refusal:
                    assert refusal.smtp_code == 554  # noqa: PT017 - most are not refused
                else:
                    accepted.append(each)
    return accepted


@pytest.fixture
def readers(post: PostOffice) -> list[str]:
    """One account for each client's messages, so that they come back in their order."""
    names = [f"reader{n}" for n in range(CLIENTS)]
    post.add(*names)
    return names


@needs_corpus
def test_real_messages_come_back_without_a_leak_and_without_damage(
    post: PostOffice, alice: Desk, readers: list[str], tmp_path: Path
) -> None:
    prepared = [submittable(path.read_bytes(), alice.address)[0] for path in read_corpus()]
    assert len(prepared) == MESSAGES
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [
            pool.submit(_send, post, alice.account, name, prepared[k::CLIENTS])
            for k, name in enumerate(readers)
        ]
        accepted = [each.result() for each in sent]
    damaged = leaking = arrived = 0
    for name, expected in zip(readers, accepted, strict=True):
        with PopSession(Desk(tmp_path, post.smtp_port, post.pop3_port, name)) as pop:
            fetched = pop.messages()
        for message, before in zip(fetched, expected, strict=True):
            after = _without_trace(message)
            assert "signed part" not in damage(before, after)
            damaged += bool(damage(before, after))
            leaking += bool(leaks(after))
            arrived += 1
    # What has no safe form is refused; some of these were written to break parsers.
    assert arrived >= 0.988 * MESSAGES
    assert leaking <= 0.005 * MESSAGES
    assert damaged <= 0.01 * MESSAGES  # as other people's parsers see it, faults of theirs included


def test_a_message_is_made_submittable_without_touching_its_body() -> None:
    found = b"from: a@b\n folded\nX: y\nFROM : c\n\nFrom: in the body\n.\r"
    assert submittable(found, "me@mail.i2p") == (
        b"From: me@mail.i2p\r\nX: y\r\n\r\nFrom: in the body\r\n.\r\n",
        b"From: in the body\r\n.\r\n",
    )
    assert submittable(b" no header", "me@mail.i2p") == (
        b"From: me@mail.i2p\r\n\r\n no header\r\n",
        b" no header\r\n",
    )
