# SPDX-License-Identifier: Apache-2.0
"""What has to hold after whatever was sent: good mail goes through, and the journal is silent."""

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.interop.letters import subject_of
from tests.interop.raw import PopSession, SmtpSession
from tests.interop.running import Desk
from tests.office import PASSWORD, PostOffice

# Words from what the tests send and from nowhere else: of names, subjects, bodies, passwords.
SENDER: Final = "quillon"
RECIPIENT: Final = "wexford"
NOBODY: Final = "xyzzyperson"
SUBJECT: Final = "zephyrine"
BODY: Final = "marmelade"
WRONG_PASSWORD: Final = "wrongpassphrase"
WORDS: Final = (SENDER, RECIPIENT, NOBODY, SUBJECT, BODY, WRONG_PASSWORD, PASSWORD)
_NUMBERS = count(1)


def settle(office: PostOffice, name: str) -> Desk:
    """Add an account that no other test uses, called `name` and a number."""
    account = f"{name}{next(_NUMBERS)}"
    office.add(account)
    return Desk(Path(), office.smtp_port, office.pop3_port, account)


def message(sender: Desk, text: str = BODY) -> bytes:
    """Return a small message in CRLF lines."""
    return b"From: %b\r\nSubject: %b\r\n\r\n%b\r\n" % (
        sender.address.encode(),
        SUBJECT.encode(),
        text.encode(),
    )


def send(sender: Desk, recipient: Desk, octets: bytes) -> bytes:
    """Submit `octets` (no line with a dot in front) and return the last reply."""
    with SmtpSession(sender) as line:
        line.open(sender, recipient.address)
        assert line.ask(b"DATA").startswith(b"354 ")
        line.say(octets + b".\r\n")
        return line.reply()


def inbox(desk: Desk) -> list[bytes]:
    """Return the messages in the maildrop."""
    with PopSession(desk) as pop:
        return pop.messages()


def assert_goes_on(office: PostOffice) -> None:
    """Good mail goes through as if nothing had been, no session met a fault, nothing was told."""
    sender, recipient = settle(office, SENDER), settle(office, RECIPIENT)
    assert send(sender, recipient, message(sender)).startswith(b"250 ")
    assert [subject_of(each) for each in inbox(recipient)] == [SUBJECT]
    assert faults(office) == []
    assert betrayals(office.lines) == []


def faults(office: PostOffice) -> list[dict[str, Any]]:
    """Return the journal's lines about unexpected exceptions, and what is no journal line."""
    return [line for line in office.lines if line["event"] in {"fault", "not a journal line"}]


def betrayals(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Return the journal's lines that hold one of WORDS."""
    texts = [json.dumps(line).lower() for line in lines]
    return [text for text in texts if any(word in text for word in WORDS)]
