# SPDX-License-Identifier: Apache-2.0
"""A deliberately careless server behind ours: it sees an end of data wherever one could be seen."""

import re

from tests.engines.smtp.owner import Message


def sloppy_messages(stream: bytes) -> list[bytes]:
    """Cut what came after DATA into messages as the most careless server would."""
    ends = re.split(rb"(?:^|[\r\n\0]+)\.[\r\n\0]+", stream)
    return [part for part in ends if part]


def stuffed(content: bytes) -> bytes:
    """Send `content` on as a strict client does (RFC 5321 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def assert_one_message(message: Message) -> None:
    content = message.content
    assert content == b"" or content.endswith(b"\r\n")
    assert content.replace(b"\r\n", b"").count(b"\r") == 0
    assert content.replace(b"\r\n", b"").count(b"\n") == 0
    assert len(sloppy_messages(stuffed(content).replace(b"\0", b"?"))) <= 1
