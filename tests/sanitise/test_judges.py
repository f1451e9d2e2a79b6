# SPDX-License-Identifier: Apache-2.0
"""The judges of real mail find what they look for: each finds nothing in what is well made."""

import pytest

from tests.sanitise.damage import damage, losses
from tests.sanitise.harm import harms
from tests.sanitise.leaks import leaks

BEFORE = (
    b"References: <a@b>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nsome words\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>more <style>no</style>words\r\n"
    b"--b\r\nContent-Type: application/x; name=a.bin\r\n\r\n\x01octets\r\n"
    b"--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n"
    b"--c\r\n\r\nsigned \r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("lost", "kind", "other"),
    [
        (b"some ", "text", "part"),
        (b"more ", "text", "part"),
        (b"octets", "file", "part"),
        (b"signed ", "signed part", "signed part"),
        (b"References: <a@b>\r\n", "thread", "thread"),
    ],
)
def test_what_is_lost_is_found(lost: bytes, kind: str, other: str) -> None:
    after = BEFORE.replace(lost, b"", 1)
    assert damage(BEFORE, BEFORE) == []
    assert kind in damage(BEFORE, after)
    assert losses(BEFORE, BEFORE) == []
    assert other in losses(BEFORE, after)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<img src=http://x/>", "remote HTML"),
        (b"<p style='x'>", "active HTML"),
        (b"<a href=' JavaScript:x'>", "active HTML"),
        (b"<script>", "active HTML"),
        (b"x" * 1_000, "long line"),
    ],
)
def test_harm_is_found(body: bytes, kind: str) -> None:
    head = b"Authentication-Results: a\r\nContent-Type: text/html\r\n\r\n"
    assert harms(head + b"<p><img src='cid:x'>", "a") == []
    assert kind in harms(head + body, "a")
    assert "header" in harms(b"Received: x\r\n" + head + body, "a")


CLEAN = (
    b"From: alice@mail.i2p\r\nSubject: s\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
    b"Message-ID: <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@mail.i2p>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nwords\r\n"
)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"Subject: s\r\n", b"", None),
        (b"MIME-V", b"X-Mailer: x\r\nMIME-V", "header fields, their order or spelling"),
        (b"MIME-Version", b"Mime-Version", "header fields, their order or spelling"),
        (b"00 +0000", b"07 +0000", "date"),
        (b"@mail.i2p>", b"@laptop>", "message identifier"),
        (b"charset=utf-8", b"charset=utf-8; format=flowed", "parameters"),
        (b"utf-8", b"latin1", "character set"),
        (b"words", b"caf\xe9", "text that is not UTF-8"),
        (b"plain", b"html", None),
        (
            b"plain; charset=utf-8",
            b"html; charset=utf-8\r\nContent-ID: <x@y>",
            "content identifier",
        ),
        (b"MIME-V", b"References: <1@laptop>\r\nMIME-V", "thread"),
    ],
)
def test_leaks_are_found(old: bytes, new: bytes, kind: str | None) -> None:
    assert leaks(CLEAN) == []
    found = leaks(CLEAN.replace(old, new, 1))
    assert found == [] if kind is None else kind in found
