# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without JavaScript, as a careful user has it, and without a way to anywhere."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
_ARGUMENTS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Any, port: int, *, scheme: str = "light", width: int = 900, javascript: bool = False
) -> Iterator[Page]:
    """Open a window on the portal at `port` that keeps its cookies to itself."""
    context: BrowserContext = browser.new_context(
        java_script_enabled=javascript,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        base_url=f"http://127.0.0.1:{port}",
    )
    context.set_default_timeout(20_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Page, name: str, password: str) -> None:
    """Fill the form in as a person does."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def barriers(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA, and heading order; needs JavaScript."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',"
        " 'wcag22aa', 'best-practice'], iframes: false})"
    )
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
