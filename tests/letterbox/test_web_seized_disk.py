# SPDX-License-Identifier: Apache-2.0
"""What a day with the pages leaves on the disk says nothing to whoever takes it."""

import re
import tempfile
from pathlib import Path

import pytest

from tests.letterbox.fakes import PASSWORD
from tests.letterbox.inside import inside
from tests.letterbox.waiting import until
from tests.portal.browser import Browser

WORDS = {
    "what came": b"Zanzibar",
    "what was sent": b"Yokohama",
    "a draft": b"Xanadu",
    "a file": b"Wollongong" * 300_000,
    "a recipient": b"valerie",
    "a password": PASSWORD.encode(),
    "a name": b"alice",
    "an address": b"mail.i2p",
    "a search": b"Uppsala",
    "a private key": b"PRIVATE KEY",
}
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')


def press(browser: Browser, path: str, **fields: str) -> None:
    ticket = _TICKET.findall(browser.get(path).text)[-1]
    assert browser.post(path, {"ticket": ticket, **fields}).status in {200, 303}


def found(folder: Path) -> set[str]:
    """Return which of WORDS somebody finds who looks through names and files."""
    seen = b"\n".join(
        str(each.relative_to(folder)).encode() + (each.read_bytes() if each.is_file() else b"")
        for each in folder.rglob("*")
    )
    return {what for what, word in WORDS.items() if word[:10] in seen}


def test_a_day_of_letters_leaves_nothing_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    # Whoever tried to put anything into a temporary file would fail.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with inside(disk) as pages:
        alice = Browser(pages.port)
        alice.submit("/sign-in", name="alice", password=PASSWORD)
        press(alice, "/keys", what="make")
        number = pages.put(b"From: a@mail.i2p\r\nSubject: Zanzibar\r\n\r\nZanzibar\r\n")
        assert "Zanzibar" in alice.get(f"/mail/{number}").text
        alice.get("/folder/inbox?q=Uppsala")
        press(alice, "/write", what="draft", subject="Xanadu", text="Xanadu")
        _send(alice, WORDS["a file"])
        (letter,) = until(lambda: pages.services["me"].carried, 10)
        assert b"Yokohama" in letter.content
        assert found(disk) == set()  # while it is open, and
    assert found(disk) == set()  # after it
    planted = disk / "me" / "notes-of-alice"
    planted.write_bytes(b" ".join(word[:10] for word in WORDS.values()) + PASSWORD.encode())
    assert found(disk) == set(WORDS)


def _send(browser: Browser, file: bytes) -> None:
    ticket = _TICKET.findall(browser.get("/write").text)[-1]
    fields = {"ticket": ticket, "to": "valerie", "subject": "s", "text": "Yokohama", "what": "send"}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
             for name, text in fields.items()]  # fmt: skip
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="w.txt"\r\n\r\n'
    body = b"".join(parts) + head + file + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = browser.request("POST", "/write", body, kind)
    assert answer.status == 303, answer.text
