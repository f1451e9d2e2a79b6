# SPDX-License-Identifier: Apache-2.0
"""Slow routes, full disks, services that refuse: what the pages say, and what is kept."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eepost.letters.ports import DiskFull
from eepost.local.cabinet import Cabinet
from eepost.services.letterbox.ports import Fate, Listed, Outcome
from tests.letterbox.fakes import PASSWORD, MemoryMaildrop, MemoryService
from tests.letterbox.inside import Inside, inside
from tests.letterbox.waiting import until
from tests.office import mail
from tests.portal.browser import Answer, Browser

_TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


def signed_in(pages: Inside) -> Browser:
    browser = Browser(pages.port)
    browser.submit("/sign-in", name="alice", password=PASSWORD)
    return browser


def press(browser: Browser, path: str, **fields: str) -> Answer:
    ticket = _TICKET.findall(browser.get(path).text)[-1]
    return browser.post(path, {"ticket": ticket, **fields})


class SlowMaildrop(MemoryMaildrop):
    """Gives one message, and the next when it may."""

    may_go_on: Callable[[], bool]

    async def fetch(self, wanted: Sequence[Listed]) -> AsyncIterator[bytes | None]:
        async for each in super().fetch(wanted):
            yield each
            while not self.may_go_on():  # noqa: ASYNC110 - told by another thread
                await asyncio.sleep(0.01)


def slow_down(service: MemoryService, may_go_on: Callable[[], bool]) -> None:
    @asynccontextmanager
    async def maildrop(
        _login: str, _password: str, came: Callable[[int], None]
    ) -> AsyncIterator[MemoryMaildrop]:
        slow = SlowMaildrop(service, came)
        slow.may_go_on = may_go_on
        yield slow

    vars(service)["maildrop"] = maildrop


def test_progress_is_shown_and_mail_can_be_read_meanwhile(pages: Inside) -> None:
    service, may_go_on = pages.services["me"], [False]
    for number in range(3):
        service.receive(mail("bob", "alice").replace(b"test", b"mail %d" % number))
    slow_down(service, lambda: may_go_on[0])
    browser = signed_in(pages)
    until(lambda: "of 3 mails have come" in browser.get("/fetch").text)
    text = browser.get("/fetch").text
    assert '<meta http-equiv="refresh" content="2">' in text
    assert "<progress" in text
    assert "New mail is being fetched" in browser.get("/folder/inbox").text
    assert browser.get("/write").status == 200
    may_go_on[0] = True
    text = until(lambda: (shown := browser.get("/fetch").text) * ("Done: 3 new mails" in shown))
    assert "http-equiv" not in text
    assert all(f"mail {number}" in browser.get("/folder/inbox").text for number in range(3))


def test_a_full_disk_loses_nothing_that_was_typed(
    pages: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(pages)

    def full(*_: object) -> None:
        raise DiskFull

    monkeypatch.setattr(Cabinet, "store", full)
    for what in ("send", "draft"):
        answer = press(browser, "/write", what=what, to="bob", subject="s", text="every word")
        assert answer.status == 422
        assert "The disk is full" in answer.text
        assert "every word" in answer.text
    monkeypatch.undo()
    press(browser, "/write", what="send", to="bob", subject="s", text="every word")
    (letter,) = until(lambda: pages.services["me"].carried)
    assert b"every word" in letter.content


def test_a_full_disk_is_said_to_be_one_everywhere(
    pages: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = pages.put(mail("bob", "alice"))
    browser = signed_in(pages)

    def full(*_: object) -> None:
        raise DiskFull

    monkeypatch.setattr(Cabinet, "record", full)
    monkeypatch.setattr(Cabinet, "keep", full)
    asked = (
        ("/folder/inbox", {f"pick-{number}": "yes", "what": "trash"}),
        (f"/mail/{number}", {"what": "trash"}),
        (f"/mail/{number}", {"what": "remember"}),
        ("/keys", {"what": "make"}),
        ("/book", {"person": "carol"}),
    )
    assert "Hello" in browser.get(f"/mail/{number}").text  # reading needs no room
    for path, fields in asked:
        answer = press(browser, path, **fields)
        assert answer.status == 422, path
        assert "The disk is full" in answer.text, path
    assert "test" in browser.get("/folder/inbox").text


def test_what_waits_can_be_taken_back(pages: Inside) -> None:
    pages.services["me"].outcomes["bob@mail.i2p"] = Outcome(Fate.PUT_OFF, "451 4.3.2 <b>Later</b>")
    browser = signed_in(pages)
    press(browser, "/write", what="send", to="bob", subject="never mind", text="x")
    text = until(lambda: (shown := browser.get("/outbox").text) * ("451 4.3.2" in shown))
    assert "<b>" not in text
    number = re.findall(r'name="number" value="(\d+)"', text)[0]
    until(lambda: "Taken back" in press(browser, "/outbox", number=number).text)
    assert "never mind" not in browser.get("/outbox").text
    assert "never mind" in browser.get("/folder/sent").text


def test_a_refusal_stands_on_the_outbox_and_in_the_inbox(pages: Inside) -> None:
    pages.services["me"].outcomes["bob@mail.i2p"] = Outcome(Fate.REFUSED, "550 5.1.1 Nobody here")
    browser = signed_in(pages)
    press(browser, "/write", what="send", to="bob, carol", subject="s", text="x")
    text = until(lambda: (shown := browser.get("/outbox").text) * ("550 5.1.1" in shown))
    assert "refused" in text
    until(lambda: "new" in browser.get("/folder/inbox").text)


def test_the_outbox_says_what_was_taken_out(pages: Inside) -> None:
    browser = signed_in(pages)
    boundary = "x"
    picture = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.html"\r\n\r\n<p>x'
    ticket = _TICKET.findall(browser.get("/write").text)[-1]
    fields = {"ticket": ticket, "to": "bob", "subject": "s", "text": "t", "what": "send"}
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    )
    body = parts.encode() + picture + b"\r\n--x--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert browser.request("POST", "/write", body, kind).status == 303
    text = browser.get("/outbox").text
    assert "What was taken out of it or changed" in text
    assert re.search(r"<li>[^<]*HTML[^<]*: 1</li>", text)
