# SPDX-License-Identifier: Apache-2.0
"""Each file in broken/ names in its second line what has to be said about it, parts by "|"."""

from pathlib import Path

import pytest

from eepost.app.config import ConfigError, PrivacyError, read_settings
from eepost.app.config_text import commented_toml
from eepost.app.settings import Mail, Settings

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))


def expected(file: Path) -> list[str]:
    line = file.read_text(encoding="utf-8").splitlines()[1]
    assert line.startswith("# expect: ")
    return [part.strip() for part in line.removeprefix("# expect: ").split("|")]


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_broken_configuration_is_refused_with_file_key_reason_and_hint(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(file)
    assert str(file) in str(caught.value)
    for part in expected(file):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "name", ["public-listener", "public-pop3-v6", "public-scanner", "irc-public"]
)
def test_what_would_leak_is_a_privacy_error(name: str) -> None:
    with pytest.raises(PrivacyError):
        read_settings(Path(__file__).parent / "broken" / f"{name}.toml")


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="eepost init"):
        read_settings(tmp_path / "eepost.toml")


def test_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        read_settings(tmp_path)


def test_binary_and_huge_files_are_refused(tmp_path: Path) -> None:
    binary, huge = tmp_path / "binary.toml", tmp_path / "huge.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    huge.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="UTF-8"):
        read_settings(binary)
    with pytest.raises(ConfigError, match="too large"):
        read_settings(huge)


def test_commented_configuration_reads_back_as_given_with_defaults(tmp_path: Path) -> None:
    file = tmp_path / "eepost.toml"
    given = {"mail": {"domain": "mail.i2p", "official_domains": ("a.org", "b.org")}}
    file.write_text(commented_toml(given), encoding="utf-8")
    mail = Mail(domain="mail.i2p", official_domains=("a.org", "b.org"))
    assert read_settings(file) == Settings(mail=mail)


def test_every_commented_default_is_a_valid_line(tmp_path: Path) -> None:
    file = tmp_path / "eepost.toml"
    text = commented_toml({"mail": {"domain": "mail.i2p"}})
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in text.splitlines()
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert read_settings(file) == Settings(mail=Mail(domain="mail.i2p"))
