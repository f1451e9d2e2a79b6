# SPDX-License-Identifier: Apache-2.0
"""HTML made harmless is opened in a real Chromium; a listening server must see no request."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eepost.sanitise.html import INBOUND, OUTBOUND, HtmlRules, rebuild_html
from tests.sanitise.vectors import VECTORS

pytestmark = pytest.mark.interop

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@dataclass
class Listener:
    """A web server that answers nothing useful and remembers what was asked of it."""

    asked: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, at: int) -> str:
        return f"http://127.0.0.1:{self.port}/{at}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def open_pages(pages: list[str], folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        for at, page in enumerate(pages):
            file = folder / f"{at}.html"
            file.write_text(page, encoding="utf-8")
            tab.goto(file.as_uri(), wait_until="load")
            tab.wait_for_timeout(20)
        browser.close()


def vectors(listener: Listener) -> list[str]:
    return [each.replace("URL", listener.url(at)) for at, each in enumerate(VECTORS)]


@needs_chromium
def test_untouched_pages_are_heard(listener: Listener, tmp_path: Path) -> None:
    # Pages that lead elsewhere would disturb the opening of the next one.
    staying = [each for each in vectors(listener) if "refresh" not in each and "submit" not in each]
    open_pages(staying, tmp_path)
    heard = {path.strip("/").partition("/")[0] for path in listener.asked}
    assert len(heard) >= len(VECTORS) // 2


@needs_chromium
@pytest.mark.parametrize("rules", [INBOUND, OUTBOUND])
def test_pages_made_anew_ask_for_nothing(
    listener: Listener, tmp_path: Path, rules: HtmlRules
) -> None:
    made = [rebuild_html(each, lambda _: None, rules) for each in vectors(listener)]
    together = rebuild_html("\n".join(vectors(listener)), lambda _: None, rules)
    open_pages([*made, together], tmp_path)
    assert listener.asked == []
