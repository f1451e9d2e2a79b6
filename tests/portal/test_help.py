# SPDX-License-Identifier: Apache-2.0
"""Help pages, and the operator's own."""

from pathlib import Path

import pytest

from eepost.app.config import ConfigError
from eepost.app.portal import MAX_POLICY_CHARACTERS, read_policy
from tests.office import PostOffice
from tests.portal.browser import Browser


def test_operators_rules_are_shown_and_load_nothing(new_office: PostOffice) -> None:
    new_office.add("alice")
    (new_office.directory / "policy.md").write_text(
        "# Be kind\n\n<script>alert(1)</script> ![x](http://evil.example/x.png)"
        " [link](javascript:alert(1))\n\n- *no spam*\n",
        encoding="utf-8",
    )
    text = Browser(new_office.start().portal_port).get("/policy").text
    assert "<h1>Be kind</h1>" in text
    assert "<em>no spam</em>" in text
    assert "<script" not in text
    assert "<img" not in text
    assert 'href="javascript' not in text


def test_help_names_this_office(office: PostOffice) -> None:
    browser = Browser(office.portal_port)
    assert "NAME@mail.i2p" in browser.get("/help").text
    assert "name servers" in browser.get("/help/keys").text
    assert "has written no rules" in browser.get("/policy").text


def test_policy_that_can_t_be_shown_says_so_at_start(tmp_path: Path) -> None:
    assert read_policy(tmp_path / "none.md") == ""
    binary = tmp_path / "binary.md"
    binary.write_bytes(b"\xff\xfe")
    long = tmp_path / "long.md"
    long.write_text("x" * (MAX_POLICY_CHARACTERS + 1), encoding="utf-8")
    for file in (binary, long):
        with pytest.raises(ConfigError):
            read_policy(file)
