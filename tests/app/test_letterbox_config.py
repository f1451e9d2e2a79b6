# SPDX-License-Identifier: Apache-2.0
"""What a letterbox is asked to be before it runs."""

import stat
from pathlib import Path

import pytest

from eepost.app.config import ConfigError
from eepost.app.letterbox_config import add_identity, open_letterbox


def add(directory: Path, name: str, smtp: int, pop3: int, listen: int, pages: str = "") -> None:
    add_identity(
        directory,
        name,
        {
            "account": {"domains": ("mail.i2p",)},
            "service": {"smtp": f"port 127.0.0.1:{smtp}", "pop3": f"port 127.0.0.1:{pop3}"},
            "listen": {"smtp": f"127.0.0.1:{listen}", "pop3": f"127.0.0.1:{listen + 1}"},
        },
        {"pages": {"listen": pages}},
    )


def test_identities_that_stay_apart_are_taken(tmp_path: Path) -> None:
    add(tmp_path / "box", "one", 7669, 7670, 7659)
    add(tmp_path / "box", "two", 7679, 7680, 7759)
    assert sorted(open_letterbox(tmp_path / "box").identities) == ["one", "two"]


@pytest.mark.parametrize(("smtp", "pop3"), [(7659, 7670), (7669, 7660), (7669, 7671)])
def test_no_way_leads_back_to_the_letterbox_itself(tmp_path: Path, smtp: int, pop3: int) -> None:
    with pytest.raises(ConfigError, match="leads back"):
        add(tmp_path / "box", "one", smtp, pop3, 7659, "127.0.0.1:7671")


def test_no_way_leads_to_another_identity_either(tmp_path: Path) -> None:
    add(tmp_path / "box", "one", 7669, 7670, 7659)
    with pytest.raises(ConfigError, match="leads back"):
        add(tmp_path / "box", "two", 7659, 7680, 7759)
    assert sorted(open_letterbox(tmp_path / "box").identities) == ["one"]


def test_pages_need_a_port_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="used twice"):
        add(tmp_path / "box", "one", 7669, 7670, 7659, "127.0.0.1:7660")


def test_nobody_else_on_the_machine_reads_what_identities_there_are(tmp_path: Path) -> None:
    add(tmp_path / "box", "one", 7669, 7670, 7659)
    for each in (tmp_path / "box", *(tmp_path / "box").rglob("*")):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0, each
