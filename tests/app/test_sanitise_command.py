# SPDX-License-Identifier: Apache-2.0
"""`eepost sanitise`, and what it shows."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from eepost.app.cli.tree import app
from eepost.app.comparison import show_comparison, show_report
from eepost.app.outline import MAX_LINES_OF_A_PART, outline
from eepost.app.sanitise_folder import Policy, make_policy, read_message
from eepost.mail.address import Address
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Report
from tests.sanitise.golden import FOLDER

ALICE = Address("alice", "mail.i2p")
CLEAN = b"From: alice@mail.i2p\nX-Mailer: x\nSubject: s\n\nwords"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["sanitise", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `in` with a message that passes, one that does not, and another file."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "one.eml").write_bytes(CLEAN)
    (tmp_path / "in" / "two.eml").write_bytes(CLEAN.replace(b"alice@", b"bob@"))
    (tmp_path / "in" / "other.txt").write_bytes(b"x")
    return tmp_path


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---- a folder


def test_folder_is_sanitised_file_by_file(folder: Path) -> None:
    result = run(folder / "in", folder / "out")
    assert result.exit_code == 0
    assert "1 passed, 1 refused." in result.output
    assert "refused 1: From must hold one address, and it must be your own" in result.output
    assert made(folder / "out") == ["deep/one.eml", "two.eml.refused"]
    assert (folder / "out" / "two.eml.refused").read_bytes().startswith(b"553 5.7.1 ")
    passed = (folder / "out" / "deep" / "one.eml").read_bytes()
    assert passed.startswith(b"From: alice@mail.i2p\r\nSubject: s\r\n")
    assert passed.endswith(b"\r\n\r\nwords\r\n")


def test_second_run_leaves_nothing_of_the_first(folder: Path) -> None:
    run(folder / "in", folder / "out")
    run(folder / "in", folder / "out", "--account", "bob@mail.i2p")
    assert made(folder / "out") == ["deep/one.eml.refused", "two.eml"]


def test_account_may_be_written_in_any_case(folder: Path) -> None:
    run(folder / "in", folder / "out", "--account", "Alice@Mail.I2P")
    assert made(folder / "out") == ["deep/one.eml", "two.eml.refused"]


def test_official_form_is_what_would_leave(folder: Path) -> None:
    run(folder / "in", folder / "out", "--official", "post.example")
    message = (folder / "out" / "deep" / "one.eml").read_bytes()
    assert message.startswith(b"From: alice@post.example\r\n")
    assert b"mail.i2p" not in message


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("in",), "a folder needs one to write to"),
        (("in", "in/out"), "is in the folder to read from"),
        (("in", "in"), "is in the folder to read from"),
        (("in", "in/two.eml"), "is in the folder to read from"),
        (("in", "file"), "is a file"),
        (("empty", "out"), "no .eml file is in"),
        (("nowhere", "out"), "does not exist"),
        (("in/two.eml", "in/two.eml"), "is the message itself"),
        (("in", "out", "--policy", "up"), "one of from_user, to_internet, from_internet, to_user"),
        (("in", "out", "--account", "alice"), "is no address"),
        (("in", "out", "--official", "a b"), "is no domain"),
    ],
)
def test_mistake_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], hint: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    (folder / "file").write_bytes(b"")
    result = run(*arguments)
    assert result.exit_code == 2
    assert hint in " ".join(result.output.replace("│", " ").split())
    assert not (folder / "out").exists()


# ---- one message


def test_message_is_shown_before_and_after(folder: Path) -> None:
    result = run(folder / "in" / "deep" / "one.eml")
    assert result.exit_code == 0
    assert "- X-Mailer: x" in result.output
    assert "+ MIME-Version: 1.0" in result.output
    assert "  Subject: s" in result.output
    assert "Left out:" in result.output


def test_refused_message_says_why_and_gives_an_exit_code(folder: Path) -> None:
    result = run(folder / "in" / "two.eml")
    assert result.exit_code == 1
    assert "Refused: 553 5.7.1 From must hold one address" in result.output


@pytest.mark.parametrize("target", ["out.eml", "out/deep.eml", "."])
def test_message_may_be_written_instead(folder: Path, target: str) -> None:
    result = run(folder / "in" / "deep" / "one.eml", folder / target)
    written = folder / ("one.eml" if target == "." else target)
    assert result.exit_code == 0
    assert written.read_bytes().endswith(b"\r\n\r\nwords\r\n")
    assert "X-Mailer" not in result.output


# ---- policies and files


@pytest.mark.parametrize("policy", Policy)
def test_every_policy_has_its_function(policy: Policy) -> None:
    sanitise = make_policy(policy, ALICE, "post.example")
    message = read_message(CLEAN, policy)
    assert isinstance(sanitise(message), Sanitised | Refused)
    refused = sanitise(read_message(b"From: x\n" * 2 + b"\n", policy))
    assert isinstance(refused, Refused) is (policy is not Policy.TO_USER)


def test_line_ends_become_those_of_the_wire() -> None:
    for octets in (b"a\nb\n", b"a\rb\r", b"a\r\nb", b"a\nb\r\n"):
        assert read_message(octets, Policy.FROM_USER) == b"a\r\nb\r\n"
    # As it came over the wire: a bare line feed in it is what from_internet refuses.
    assert read_message(b"a\r\nb\nc\r\n", Policy.FROM_INTERNET) == b"a\r\nb\nc\r\n"
    assert read_message(b"a\nb\nc\r\n", Policy.FROM_INTERNET) == b"a\r\nb\r\nc\r\n"


# ---- what is shown


def shown(before: bytes, after: bytes, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    show_comparison(console, before, after)
    return console.export_text()


def test_fields_stand_beside_what_came_of_them() -> None:
    text = shown(b"Subject: s\nX: gone\nDate: old\n\nw\n", b"Date: new\nSubject: s\n\nw\n", 160)
    rows = [line.strip("│ ").split() for line in text.splitlines()]
    assert ["Date:", "old", "Date:", "new"] in rows
    assert ["Subject:", "s", "Subject:", "s"] in rows
    assert ["X:", "gone"] in rows


def test_narrow_screens_show_one_below_the_other() -> None:
    text = shown(b"A: b\n\n<p>words</p>\nmore\n", b"A: c\n\n<p>words</p>\n", 80)
    assert text.index("- A: b") < text.index("+ A: c") < text.index("  <p>words</p>")
    assert "- more" in text


def test_files_are_shown_as_what_can_be_read_in_them() -> None:
    for folder in FOLDER.glob("[0-9]*"):
        assert outline((folder / "message.eml").read_bytes())
    lines = outline((FOLDER / "06-ios-mail" / "message.eml").read_bytes())
    assert any(
        "octets; in it: Pear Phone 9 | Camera 12.3 | made at home by alice]" in line
        for line in lines
    )


def test_long_texts_are_cut() -> None:
    lines = outline(b"A: b\n\n" + b"line\n" * 1_000)
    assert len(lines) == MAX_LINES_OF_A_PART + 3
    assert lines[-1] == "[... 800 more lines]"
    deep = b"Content-Type: message/rfc822\n\n" * 40
    assert outline(deep)[0] == "Content-Type: message/rfc822"


def test_empty_report_shows_nothing() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    show_report(console, Report())
    assert console.export_text() == ""
