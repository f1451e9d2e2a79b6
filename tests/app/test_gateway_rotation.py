# SPDX-License-Identifier: Apache-2.0
"""Signing keys on a gateway's disk while they are rotated."""

from pathlib import Path

import pytest

from eepost.app.gateway_keys import make_keys, published, read_keys
from eepost.app.gateway_rotation import RETIRED_DAYS, begin, finish, next_keys, retired

NOW = 1_795_000_000
DAY = 86_400


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    make_keys(tmp_path)
    return tmp_path


def test_new_keys_wait_until_they_are_taken_into_use(gateway: Path) -> None:
    old = read_keys(gateway)
    begin(gateway)
    new = next_keys(gateway)
    assert read_keys(gateway) == old
    assert [key.is_rsa for key in new] == [True, False]
    begin(gateway)
    assert next_keys(gateway) == new, "they are published perhaps: no others are made"
    finish(gateway, NOW)
    assert read_keys(gateway) == new
    assert next_keys(gateway) == ()


def test_old_records_stay_for_a_while_and_the_old_keys_are_gone(gateway: Path) -> None:
    old = {published(key) for key in read_keys(gateway)}
    assert retired(gateway, NOW) == ()
    begin(gateway)
    finish(gateway, NOW)
    assert set(retired(gateway, NOW + RETIRED_DAYS * DAY)) == old
    assert retired(gateway, NOW + (RETIRED_DAYS + 1) * DAY) == ()
    text = b"".join(file.read_bytes() for file in gateway.rglob("*") if file.is_file())
    assert text.count(b"-----BEGIN") == 1


def test_rotation_that_was_cut_short_goes_on(
    gateway: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = read_keys(gateway)
    begin(gateway)
    new = next_keys(gateway)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):  # noqa: PT011 - the disk's own
            finish(gateway, NOW)
    assert read_keys(gateway) == old
    finish(gateway, NOW)
    assert read_keys(gateway) == new


def test_file_that_is_none_of_ours_is_no_record(gateway: Path) -> None:
    begin(gateway)
    finish(gateway, NOW)
    found = retired(gateway, NOW)
    (gateway / "dkim" / "retired" / "x").write_text("1 evil\n; $INCLUDE\n", "utf-8")
    assert retired(gateway, NOW) == found
