# SPDX-License-Identifier: Apache-2.0
"""Binding a nick as a person does it: a browser without JavaScript beside a real IRC server."""

import re

import pytest
from playwright.sync_api import Page

from tests.notify.servers import IrcServer
from tests.notify.test_journey import BOT, office
from tests.office import PASSWORD, PostOffice
from tests.portal.chromium import CHROMIUM, barriers, chromium, sign_in, window

__all__ = ["office"]  # the fixture

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


def test_a_person_binds_a_nick_and_ends_it(irc: IrcServer, office: PostOffice) -> None:
    amy = irc.person("amy", "amyacct")
    with chromium() as browser, window(browser, office.portal_port) as page:
        open_notices(page)
        page.get_by_role("button", name="Show me a token").click()
        said = page.get_by_text(re.compile(r"/msg .* \.bind")).inner_text()
        assert "You are bound" in amy.asks(BOT, said.removeprefix(f"/msg {BOT} "))
        page.goto("/notices")
        assert page.get_by_text("amyacct").is_visible()
        page.get_by_label("4 hours").check()
        page.get_by_role("button", name="Keep").last.click()
        assert page.get_by_role("status").inner_text() == "Your choice was kept."
        assert page.get_by_label("4 hours").is_checked()
        page.get_by_role("button", name="Tell me nothing on IRC").click()
        assert "hear nothing" in page.get_by_role("status").inner_text()
        assert page.get_by_role("button", name="Show me a token").is_visible()


def test_everybody_can_bind_a_nick(irc: IrcServer, office: PostOffice) -> None:
    amy = irc.person("amy", "amyacct")
    with chromium() as browser:
        for scheme in ("light", "dark"):
            with window(browser, office.portal_port, scheme=scheme, javascript=True) as page:
                open_notices(page)
                assert barriers(page) == []
                page.get_by_role("button", name="Show me a token").click()
                assert barriers(page) == []
                said = page.get_by_text(re.compile(r"/msg .* \.bind")).inner_text()
                assert "You are bound" in amy.asks(BOT, said.removeprefix(f"/msg {BOT} "))
                page.goto("/notices")
                assert barriers(page) == []
                page.get_by_role("button", name="Tell me nothing on IRC").click()


def open_notices(page: Page) -> None:
    """Sign alice in and go where she is told of."""
    sign_in(page, "alice", PASSWORD)
    page.goto("/notices")
