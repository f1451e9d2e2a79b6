# SPDX-License-Identifier: Apache-2.0
"""Real messages go through submission and come back by POP3 with their bodies intact.

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


def _body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def _send(post: PostOffice, sender: str, recipient: str, messages: Sequence[bytes]) -> None:
    for first in range(0, len(messages), MESSAGES_A_CONNECTION):
        with smtplib.SMTP("127.0.0.1", post.smtp_port, "client", timeout=60) as smtp:
            smtp.login(sender, PASSWORD)
            for each in messages[first : first + MESSAGES_A_CONNECTION]:
                smtp.sendmail(address(sender), address(recipient), each)


@pytest.fixture
def readers(post: PostOffice) -> list[str]:
    """One account for each client's messages, so that they come back in their order."""
    names = [f"reader{n}" for n in range(CLIENTS)]
    post.add(*names)
    return names


@needs_corpus
def test_real_messages_come_back_with_bodies_intact_to_the_octet(
    post: PostOffice, alice: Desk, readers: list[str], tmp_path: Path
) -> None:
    paths = read_corpus()
    assert len(paths) == MESSAGES
    prepared = [submittable(path.read_bytes(), alice.address) for path in paths]
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [
            pool.submit(_send, post, alice.account, name, [m for m, _ in prepared[k::CLIENTS]])
            for k, name in enumerate(readers)
        ]
        for each in sent:
            each.result()
    intact = 0
    for k, name in enumerate(readers):
        with PopSession(Desk(tmp_path, post.smtp_port, post.pop3_port, name)) as pop:
            fetched = pop.messages()
        expected = list(zip(paths[k::CLIENTS], prepared[k::CLIENTS], strict=True))
        for message, (path, (_, body)) in zip(fetched, expected, strict=True):
            assert _body(message) == body, path.name
            intact += 1
    assert intact == MESSAGES


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
