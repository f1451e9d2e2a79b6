# SPDX-License-Identifier: Apache-2.0
"""A post office that scans, and what a mail program hears of it."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.office import PASSWORD, PostOffice, address


@contextmanager
def serving(folder: Path, clamd: Path, **scanner: object) -> Iterator[PostOffice]:
    """Run a post office that asks `clamd`."""
    settings = {"scanner": {"clamd": str(clamd), **scanner}}
    with PostOffice(folder / "office", settings).create() as office:
        office.add("alice", "bob")
        yield office.start()


def submitted(office: PostOffice, message: bytes) -> tuple[int, str]:
    """Submit and return the reply to the message."""
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login("alice", PASSWORD)
        smtp.mail(address("alice"))
        smtp.rcpt(address("bob"))
        code, text = smtp.data(message)
        return code, text.decode()


def fetched(office: PostOffice) -> list[bytes]:
    """Fetch what bob got and delete it."""
    messages = office.fetch("bob")
    office.remove_all("bob")
    return messages


def events(office: PostOffice, name: str) -> list[str]:
    return [line["text"] for line in office.lines if line["event"] == name]
