# SPDX-License-Identifier: Apache-2.0
"""The main journeys in w3m, which draws pages as text and fills forms in."""

import shutil
import subprocess
from pathlib import Path

import pytest

from eepost.accounts.preferences import Delay
from tests.office import PASSWORD, PostOffice
from tests.portal.browser import Browser
from tests.portal.test_choices import preferences, signed_in

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("w3m") is None, reason="w3m is not installed"),
    pytest.mark.skipif(shutil.which("lynx") is None, reason="lynx is not installed"),
]


def dumped(office: PostOffice, path: str) -> str:
    url = f"http://127.0.0.1:{office.portal_port}{path}"
    done = subprocess.run(
        ["w3m", "-no-proxy", "-cookie", "-dump", url], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_pages_can_be_read_as_text(office: PostOffice) -> None:
    assert "Create an account" in dumped(office, "/")
    assert "POP3, 127.0.0.1, 7660" in dumped(office, "/help")
    creation = dumped(office, "/create")
    assert creation.index("Name") < creation.index("Password once more")


DOWN = "Down Arrow"
ENTER = "^J"


def links_before_form(office: PostOffice, browser: Browser, path: str) -> list[str]:
    """Return the steps from the top of a page to the first field of its form."""
    head = browser.get(path).text.partition("<form")[0]
    return [DOWN] * head.count("<a ")


def typed(text: str) -> list[str]:
    return ["<space>" if letter == " " else letter for letter in text]


def test_signing_in_and_choosing_a_delay_with_lynx(office: PostOffice, tmp_path: Path) -> None:
    port = office.portal_port
    outgoing = f"http://127.0.0.1:{port}/outgoing"
    steps = [
        *links_before_form(office, Browser(port), "/sign-in"),
        *typed("alice"),
        DOWN,
        *typed(PASSWORD),
        DOWN,
        ENTER,
        # Over to the other page by its address; the third choice, then the button behind the box.
        "g",
        *typed(outgoing),
        ENTER,
        *links_before_form(office, signed_in(office), "/outgoing"),
        DOWN,
        DOWN,
        ENTER,
        DOWN,
        DOWN,
        ENTER,
        "Q",
        "y",
    ]
    script = tmp_path / "script"
    script.write_text("".join(f"key {step}\n" for step in steps), encoding="utf-8")
    subprocess.run(
        [
            "lynx",
            "-accept_all_cookies",
            f"-cmd_script={script}",
            f"http://127.0.0.1:{port}/sign-in",
        ],
        capture_output=True,
        timeout=60,
        env={"TERM": "xterm", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert preferences(office).delay is Delay.BATCH
