# SPDX-License-Identifier: Apache-2.0
"""Whoever reads where a link leads reads what a browser makes of it."""

import pytest

from eepost.services.letterbox.webmail.links import Link


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://good.i2p/a", "good.i2p"),
        ("http://name@good.i2p/", "good.i2p"),
        ("http://name:word@good.i2p:80/", "good.i2p"),
        ("http://good.i2p/@evil.example", "good.i2p"),
        # What browsers take for a slash.
        ("https://evil.example\\@good.i2p/", "evil.example"),
        ("https://evil.example\\good.i2p", "evil.example"),
        # The last @ counts.
        ("https://x@good.i2p:1@evil.example/", "evil.example"),
        ("https://x@good.i2p@evil.example/", "evil.example"),
        ("https://[::1]:80/", "[::1]"),
    ],
)
def test_the_site_is_the_one_that_a_browser_opens(address: str, host: str) -> None:
    link = Link(1, address)
    assert link.host == host
    assert link.is_inside is (host == "good.i2p")


def test_a_name_before_the_site_is_warned_of_and_none_behind_it() -> None:
    assert any("@" in text for text in Link(1, "http://bank.i2p:1@evil.i2p/").warnings)
    assert Link(1, "http://good.i2p\\@evil.i2p").warnings == []
