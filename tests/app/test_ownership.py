# SPDX-License-Identifier: Apache-2.0
"""What `sudo eepost` makes in a service's data directory belongs to the service."""

import os
from pathlib import Path

import pytest

from eepost.app.gateway_config import create_gateway
from tests.internet.gateway import eepost
from tests.office import DOMAIN, OFFICIAL, PostOffice

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
SERVICE = 65_534  # nobody, on every Linux
ADDRESS = "a" * 52 + ".b32.i2p"


def strangers(directory: Path) -> list[str]:
    """Return what the service does not own."""
    found = [directory, *directory.rglob("*")]
    return [each.name for each in found if each.stat().st_uid != SERVICE]


def test_service_can_read_what_root_did_to_its_gateways(
    new_office: PostOffice, tmp_path: Path
) -> None:
    data = new_office.directory
    for each in (data, *data.rglob("*")):
        os.chown(each, SERVICE, SERVICE)
    at = ("--data", str(data))
    eepost("gateway", "add", "first", ADDRESS, "--out", str(tmp_path / "invitation"), *at)
    assert (data / "gateways" / "first.toml").exists()
    assert strangers(data) == []
    for command in ("drain", "resume"):
        eepost("gateway", command, "first", *at)
        assert strangers(data) == []


def test_service_can_read_what_root_made_of_its_gateway(tmp_path: Path) -> None:
    directory = tmp_path / "gateway"
    directory.mkdir()
    os.chown(directory, SERVICE, SERVICE)
    names = {"host": "mx.example.org", "official_domains": (OFFICIAL,), "internal_domain": DOMAIN}
    create_gateway(directory, {"gateway": names})
    assert len(list(directory.rglob("*"))) == 6
    assert strangers(directory) == []


def test_folder_of_secrets_is_closed_to_others(tmp_path: Path) -> None:
    names = {"host": "mx.example.org", "official_domains": (OFFICIAL,), "internal_domain": DOMAIN}
    create_gateway(tmp_path / "new", {"gateway": names})
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
