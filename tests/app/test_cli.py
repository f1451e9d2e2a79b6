# SPDX-License-Identifier: Apache-2.0
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.office import PASSWORD, PostOffice


def eepost(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eepost", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def init(data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    ports = ("--smtp", "127.0.0.1:0", "--pop3", "127.0.0.1:0")
    return eepost("init", "--data", data, "--domain", "mail.i2p", *ports, *more)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A post office as `init` made it; to be copied, since making one takes a second."""
    directory = tmp_path_factory.mktemp("fresh") / "post"
    made = init(directory)
    assert made.returncode == 0, made.stderr
    return directory


@pytest.fixture
def data(fresh: Path, tmp_path: Path) -> Path:
    return shutil.copytree(fresh, tmp_path / "post")


def add(data: Path, name: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return eepost("account", "add", name, "--data", data, "--password-stdin", stdin=password + "\n")


def test_init_makes_private_files_and_names_the_next_steps(data: Path) -> None:
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for file in data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    config = (data / "eepost.toml").read_text(encoding="utf-8")
    assert 'domain = "mail.i2p"' in config
    assert "# Submission" in config


def test_init_overwrites_nothing(data: Path) -> None:
    key = (data / "start.key").read_text(encoding="ascii")
    again = init(data)
    assert again.returncode == 1
    assert "a post office already" in again.stderr
    assert (data / "start.key").read_text(encoding="ascii") == key


def test_failed_init_leaves_nothing_behind(tmp_path: Path) -> None:
    failed = init(tmp_path / "post", "--official", "not a domain")
    assert failed.returncode == 1
    assert "official_domains" in failed.stderr
    assert list((tmp_path / "post").iterdir()) == []


def test_init_can_make_the_postmaster(tmp_path: Path) -> None:
    made = eepost(
        *("init", "--data", str(tmp_path / "post"), "--domain", "mail.i2p"),
        *("--postmaster", "carol", "--password-stdin"),
        stdin=PASSWORD + "\n",
    )
    assert made.returncode == 0, made.stderr
    roles = eepost("role", "list", "--data", tmp_path / "post").stdout
    assert roles == "abuse\tcarol\npostmaster\tcarol\n"


def test_added_account_is_listed_and_its_recovery_code_shown_once(data: Path) -> None:
    added = add(data, "Alice")
    assert added.returncode == 0, added.stderr
    assert "alice@mail.i2p" in added.stdout
    assert re.search(r"\n    [0-9A-Za-z-]{30,}\n", added.stdout)
    listed = eepost("account", "list", "--data", data).stdout
    assert re.search(r"alice +enabled +1", listed)


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("postmaster", PASSWORD, "name"),
        ("a b", PASSWORD, "name"),
        ("x" * 33, PASSWORD, "name"),
        ("alice", "short", "password"),
        ("alice", "x" * 55, "password"),
        ("alice", "päßwörter", "password"),
    ],
)
def test_bad_name_or_password_is_refused_with_the_reason(
    data: Path, name: str, password: str, reason: str
) -> None:
    refused = add(data, name, password)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"eepost: this {reason} can't be used: ")
    assert "Traceback" not in refused.stderr
    assert password not in refused.stderr


def test_deleted_name_is_never_given_again(data: Path) -> None:
    add(data, "alice")
    assert eepost("account", "delete", "alice", "--data", data, "--yes").returncode == 0
    again = add(data, "alice")
    assert again.returncode == 1
    assert "never given out again" in again.stderr


def test_questions_can_be_answered_with_no(data: Path) -> None:
    add(data, "alice")
    assert eepost("account", "delete", "alice", "--data", data, stdin="n\n").returncode == 1
    assert "alice" in eepost("account", "list", "--data", data).stdout


@pytest.mark.parametrize("command", ["passwd", "disable", "enable", "delete", "empty"])
def test_unknown_account_is_a_sentence(data: Path, command: str) -> None:
    more = {"passwd": ["--password-stdin"], "delete": ["--yes"], "empty": ["--yes"]}
    done = eepost(
        *("account", command, "nobody-here", "--data", str(data), *more.get(command, [])),
        stdin=PASSWORD + "\n",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("eepost: there is no such account")


def test_config_check_says_fine_or_what_is_wrong(data: Path) -> None:
    assert "is fine" in eepost("config", "check", "--data", data).stdout
    with (data / "eepost.toml").open("a", encoding="utf-8") as config:
        config.write("[smpt]\n")
    wrong = eepost("config", "check", "--data", data)
    assert wrong.returncode == 1
    assert "smpt: is not a setting" in wrong.stderr
    assert "did you mean smtp?" in wrong.stderr


def test_missing_start_key_says_where_it_was_looked_for(data: Path) -> None:
    (data / "start.key").unlink()
    refused = eepost("account", "list", "--data", data)
    assert refused.returncode == 1
    assert "start.key" in refused.stderr
    assert "hint:" in refused.stderr


def test_foreign_and_damaged_start_keys_are_refused(data: Path, tmp_path: Path) -> None:
    init(tmp_path / "other")
    own = (data / "start.key").read_text(encoding="ascii")
    (data / "start.key").write_text((tmp_path / "other/start.key").read_text(encoding="ascii"))
    assert "does not belong" in eepost("account", "list", "--data", data).stderr
    (data / "start.key").write_text(own[:-5] + "\n", encoding="ascii")
    damaged = eepost("account", "list", "--data", data)
    assert damaged.returncode == 1
    assert own.strip()[-20:] not in damaged.stderr


def test_start_key_that_others_can_read_is_refused(data: Path) -> None:
    (data / "start.key").chmod(0o644)
    assert "can be read by others" in eepost("account", "list", "--data", data).stderr


def test_start_key_may_come_from_standard_input_or_a_credential(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (data / "start.key").read_text(encoding="ascii")
    (data / "start.key").unlink()
    config = data / "eepost.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('#source = "file"', 'source = "stdin"'), encoding="utf-8")
    done = eepost(
        "account", "add", "alice", "--data", data, "--password-stdin", stdin=key + PASSWORD
    )
    assert done.returncode == 0, done.stderr
    config.write_text(text.replace('#source = "file"', 'source = "credential"'), encoding="utf-8")
    assert "LoadCredential" in eepost("account", "list", "--data", data).stderr
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "start.key").write_text(key, encoding="ascii")
    (credentials / "start.key").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert "alice" in eepost("account", "list", "--data", data).stdout


@pytest.mark.parametrize(
    "path",
    [[], ["init"], ["serve"], ["trial"], ["account"], ["account", "passwd"], ["role"], ["config"]],
    ids=" ".join,
)
def test_help_teaches(path: list[str]) -> None:
    done = eepost(*path, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


def test_accounts_change_while_the_post_office_runs(office: PostOffice) -> None:
    data = office.directory
    assert add(data, "carol").returncode == 0
    assert office.fetch("carol") == []
    changed = eepost(
        *("account", "passwd", "carol", "--data", str(data), "--password-stdin"),
        stdin="another password\n",
    )
    assert changed.returncode == 0, changed.stderr
    assert office.fetch("carol", "another password") == []
    with pytest.raises(Exception, match="AUTH"):
        office.fetch("carol", PASSWORD)


def test_message_is_shown_before_and_after_with_counts(tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(b"From: alice@mail.i2p\nX-Mailer: Secret/1\nSubject: s\n\nHello\n")
    shown = eepost("sanitise", file, "--account", "alice@mail.i2p").stdout
    assert "before, + after" in shown
    assert shown.count("Secret/1") == 1
    assert "Left out:" in shown


def test_folder_is_sanitised_under_the_same_names(tmp_path: Path) -> None:
    source = tmp_path / "in" / "deep"
    source.mkdir(parents=True)
    (source / "good.eml").write_bytes(b"From: alice@mail.i2p\nUser-Agent: x\n\nHello\n")
    (source / "bad.eml").write_bytes(b"From: eve@elsewhere.example\n\nHello\n")
    done = eepost(
        *("sanitise", "--policy", "from_user", "--account", "alice@mail.i2p"),
        *("--official", "example.org", str(tmp_path / "in"), str(tmp_path / "out")),
    )
    assert done.returncode == 0, done.stderr
    good = (tmp_path / "out/deep/good.eml").read_bytes()
    assert b"From: alice@example.org" in good
    assert b"User-Agent" not in good
    assert (tmp_path / "out/deep/bad.eml.refused").read_bytes().startswith(b"553 ")


@pytest.mark.parametrize(
    "arguments", [["--policy", "sideways", "x"], ["--account", "nobody", "x"], ["."]], ids=" ".join
)
def test_wrong_use_of_sanitise_is_explained(arguments: list[str]) -> None:
    done = eepost("sanitise", *arguments)
    assert done.returncode == 2
    assert "Invalid value" in done.stderr
