# SPDX-License-Identifier: Apache-2.0
"""Messages as a core hands them over."""

import re

import dkim  # type: ignore[import-untyped]
import dns.resolver


def clean(recipient: str, body: str = "Hello\r\n", sender: str = "alice@example.org") -> bytes:
    """Return a message as the rebuild writes it."""
    return (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: test\r\n"
        "Date: Mon, 23 Nov 2026 15:13:00 +0000\r\n"
        "Message-ID: <abcdefghijklmnopqrstuvwxyz234567@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 7bit\r\n\r\n{body}"
    ).encode()


def fields(message: bytes) -> list[tuple[str, str]]:
    """Return a message's header fields, unfolded."""
    header = re.sub(rb"\r\n[ \t]+", b" ", message.partition(b"\r\n\r\n")[0])
    pairs = [line.partition(b":") for line in header.split(b"\r\n")]
    return [(name.decode(), value.decode().strip()) for name, _, value in pairs]


def named(message: bytes, name: str) -> list[str]:
    """Return the values of the fields of one name."""
    return [value for each, value in fields(message) if each.lower() == name.lower()]


def verifies(message: bytes, number: int) -> bool:
    """Say whether one of a message's signatures is good by what the DNS says now."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]

    def text(name: bytes, timeout: int = 5) -> bytes:
        return b"".join(resolver.resolve(name.decode(), "TXT")[0].strings)

    try:
        return bool(dkim.DKIM(message).verify(number, dnsfunc=text))
    except dkim.ValidationError:
        return False
