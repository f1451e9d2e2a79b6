# SPDX-License-Identifier: Apache-2.0
"""What `eepost scanner check` and `serve` say of a scanner."""

import asyncio
import re
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eepost.app.cli import tree
from eepost.app.office import create_office, open_office
from eepost.app.scanner_doctor import Machine, examine_configuration, examine_running
from eepost.app.settings import Mail, Scanner, Settings, Smtp
from eepost.net.findings import Finding, State
from tests.office import PostOffice
from tests.scan.asking import scanner
from tests.scan.daemon import Daemon, running
from tests.scan.letters import HEADER, TEXT
from tests.scan.posting import events, serving, submitted
from tests.scan.test_pretenders import pretending, saying

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def settings(daemon: Daemon, **changed: object) -> Settings:
    chosen = {"clamd": str(daemon.socket), "clamd_conf": str(daemon.conf), **changed}
    return Settings(mail=Mail(domain="mail.i2p"), scanner=Scanner(**chosen))  # type: ignore[arg-type]


def small(daemon: Daemon) -> Settings:
    """Settings with a largest message so small that it is sent in no time."""
    return Settings(
        mail=Mail(domain="mail.i2p"),
        smtp=Smtp(message_octets=65_536),
        scanner=Scanner(clamd=str(daemon.socket), clamd_conf=str(daemon.conf)),
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a disk, memory at /run and /dev/shm, and one program that runs."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(
        "1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:1 / /run rw - tmpfs tmpfs rw\n"
        "3 1 0:2 / /dev/shm rw - tmpfs tmpfs rw\n"
    )
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "comm").write_text("clamd\n")
    return Machine(tmp_path)


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    found = {finding.subject: finding for finding in findings}
    assert len(found) == len(findings)
    return found


def examined(machine: Machine, chosen: Settings) -> dict[str, Finding]:
    return by_subject(examine_configuration(chosen, machine))


# Roomier than the other tests' clamd.
ADVISED = {
    "StreamMaxLength": "40M",
    "MaxScanSize": "400M",
    "MaxFileSize": "400M",
    "MaxScanTime": "60000",
}


@pytest.fixture
def daemon(short_path: Path) -> Daemon:
    daemon = Daemon(short_path / "clamd", dict(ADVISED)).create()
    daemon.socket.touch(mode=0o600)
    return daemon


def test_configuration_as_advised_has_nothing_wrong(machine: Machine, daemon: Daemon) -> None:
    found = examined(machine, settings(daemon))
    assert {each.state for each in found.values()} == {State.FINE}, found


def advised() -> str:
    """Return the clamd.conf that docs/scanner.md shows."""
    page = (Path(__file__).parents[2] / "docs" / "scanner.md").read_text()
    (sample,) = re.findall(r"```\n(# /etc/clamav/clamd\.conf.*?)```", page, re.DOTALL)
    assert isinstance(sample, str)
    return sample


def test_advice_of_the_documentation_has_nothing_wrong(machine: Machine, daemon: Daemon) -> None:
    daemon.conf.write_text(advised())
    mounts = machine.proc / "self" / "mountinfo"
    text = mounts.read_text()
    mounts.write_text(text + "4 1 0:3 / /var/lib/clamav/tmp rw - tmpfs tmpfs rw\n")
    found = examined(machine, settings(daemon))
    assert {each.state for each in found.values()} == {State.FINE}, found
    mounts.write_text(text)
    assert examined(machine, settings(daemon))["temporary files"].state is State.WRONG


async def test_advice_of_the_documentation_makes_a_clamd_that_is_fit(short_path: Path) -> None:
    daemon = Daemon(short_path / "clamd").create()
    sample = advised()
    for theirs, ours in (
        ("/run/clamav/clamd.ctl", daemon.socket),
        ("/var/lib/clamav/tmp", daemon.folder / "tmp"),
        ("/var/lib/clamav\n", f"{daemon.signatures}\n"),
        ("User clamav\n", ""),
    ):
        assert theirs in sample
        sample = sample.replace(theirs, str(ours))
    daemon.conf.write_text(sample + "\nForeground yes\n")
    try:
        daemon.start()
        found = await asked(daemon.socket, settings(daemon))
    finally:
        daemon.end()
    assert found["clamd"].state is State.FINE
    assert found["largest message"].state is State.FINE


@pytest.mark.parametrize(
    ("options", "subject", "text"),
    [
        ({"TemporaryDirectory": "/var/tmp"}, "temporary files", r"on a disk \(ext4\)"),
        ({"LeaveTemporaryFiles": "yes"}, "left files", "keeps every mail"),
        ({"AlertExceedsMax": "no"}, "limits", "calls clean what is over"),
        ({"MaxFileSize": "399M"}, "large files", "cut off at MaxFileSize"),
        ({"MaxFileSize": "0", "MaxScanSize": "0"}, "large files", "cut off at MaxFileSize"),
        ({"StreamMaxLength": "25M"}, "StreamMaxLength", "34529280 octets"),
        ({"MaxScanSize": "30M", "MaxFileSize": "30M"}, "StreamMaxLength", "34529280 octets"),
        ({"MaxScanTime": "120001"}, "MaxScanTime", "longer than the 120 seconds"),
        ({"MaxThreads": "3"}, "MaxThreads", "smaller than the 4 messages"),
        ({"TCPSocket": "3310"}, "network", "other machines"),
        ({"TCPSocket": "3310", "TCPAddr": "192.0.2.1"}, "network", "other machines"),
    ],
)
def test_what_is_set_wrong_is_said_and_nothing_else(
    machine: Machine, daemon: Daemon, options: dict[str, str], subject: str, text: str
) -> None:
    daemon.configure(**options)
    found = examined(machine, settings(daemon))
    wrong = [each for each in found.values() if each.state is not State.FINE]
    assert [each.subject for each in wrong] == [subject]
    assert re.search(text, wrong[0].text)
    assert wrong[0].mend


def test_missing_temporary_directory_is_wrong(machine: Machine, daemon: Daemon) -> None:
    daemon.conf.write_text(re.sub("(?m)^Temporary.*$", "", daemon.conf.read_text()))
    assert "TMPDIR" in examined(machine, settings(daemon))["temporary files"].text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_tcp_on_loopback_is_told_as_such(machine: Machine, daemon: Daemon, address: str) -> None:
    daemon.configure(TCPSocket="3310", TCPAddr=address)
    assert examined(machine, settings(daemon))["network"].state is State.FINE


def test_socket_that_is_open_to_everybody_is_wrong(machine: Machine, daemon: Daemon) -> None:
    daemon.socket.chmod(0o666)
    assert "may stop clamd" in examined(machine, settings(daemon))["socket"].text
    tcp = examined(machine, settings(daemon, clamd="127.0.0.1:3310"))["socket"]
    assert tcp.state is State.WRONG


def test_what_can_not_be_looked_at_is_told(machine: Machine, daemon: Daemon) -> None:
    daemon.socket.unlink()
    daemon.conf.unlink()
    (machine.proc / "self" / "mountinfo").unlink()
    found = examined(machine, settings(daemon))
    assert found["socket"].state is State.WRONG
    assert found["clamd.conf"].state is State.UNCHECKED
    daemon.configure()
    assert examined(machine, settings(daemon))["temporary files"].state is State.UNCHECKED


def test_freshclam_beside_us_is_wrong(machine: Machine, daemon: Daemon) -> None:
    (machine.proc / "18").mkdir()
    (machine.proc / "18" / "comm").write_text("freshclam\n")
    found = examined(machine, settings(daemon))["freshclam"]
    assert found.state is State.WRONG
    assert "mask" in found.mend


def test_own_machine_can_be_looked_at(daemon: Daemon) -> None:
    found = examined(Machine(), settings(daemon))
    assert found["temporary files"].state is State.FINE


# Asking clamd itself.


async def asked(way: Path, chosen: Settings) -> dict[str, Finding]:
    return by_subject(await examine_running(chosen, scanner(way), NOW))


async def test_running_clamd_is_asked(short_path: Path) -> None:
    with running(short_path / "clamd", **ADVISED) as daemon:
        found = await asked(daemon.socket, settings(daemon))
    assert found["clamd"].state is State.FINE
    assert found["largest message"].state is State.FINE
    assert found["signatures"].state is State.UNCHECKED
    assert "only your own" in found["signatures"].text


async def test_clamd_that_takes_no_largest_message_is_told(short_path: Path) -> None:
    with running(short_path / "clamd", **(ADVISED | {"StreamMaxLength": "25M"})) as daemon:
        found = await asked(daemon.socket, settings(daemon))
    assert found["clamd"].state is State.FINE
    assert found["largest message"].state is State.WRONG
    assert "StreamMaxLength 33M" in found["largest message"].mend


async def test_clamd_that_is_away_is_told(daemon: Daemon) -> None:
    daemon.socket.unlink()
    found = await asked(daemon.socket, settings(daemon))
    assert list(found) == ["clamd"]
    assert found["clamd"].state is State.WRONG


async def test_clamd_that_calls_all_clean_is_told(short_path: Path, daemon: Daemon) -> None:
    async with pretending(short_path, saying(b"stream: OK\0")) as way:
        async with asyncio.timeout(20):
            found = (await examine_running(small(daemon), scanner(way), NOW))[0]
    assert found.state is State.WRONG
    assert "EICAR" in found.text


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        (b"ClamAV 1.4.6/27840/Sun Nov 22 09:31:14 2026", State.FINE, "27840, 1 days old"),
        (b"ClamAV 1.4.6/27000/Mon Nov  2 09:31:14 2026", State.WRONG, "21 days old"),
        (b"ClamAV 1.4.6/27000/some day", State.UNCHECKED, "no date"),
        (b"ClamAV 1.4.6", State.UNCHECKED, "only your own"),
        (b"220 mail.example", State.UNCHECKED, "did not tell"),
        (b"", State.UNCHECKED, "did not tell"),
    ],
)
async def test_age_of_the_signatures_is_told(
    short_path: Path, daemon: Daemon, answer: bytes, state: State, text: str
) -> None:
    async def behave(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        command = await reading.readuntil(b"\0")
        if command == b"zVERSION\0":
            writing.write(answer + b"\0")
            return
        while size := int.from_bytes(await reading.readexactly(4)):
            await reading.readexactly(size)
        writing.write(b"stream: X FOUND\0")

    async with pretending(short_path, behave) as way:
        found = await asked(way, small(daemon))
    assert found["signatures"].state is state
    assert text in found["signatures"].text


# The commands.


def check(data: Path) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(tree.app, ["scanner", "check", "--data", str(data)])
    return done.exit_code, done.stdout, done.exception


async def test_command_shows_all_of_it(short_path: Path) -> None:
    with running(short_path / "clamd", **ADVISED) as daemon:
        chosen = {"clamd": str(daemon.socket), "clamd_conf": str(daemon.conf)}
        data = short_path / "office"
        create_office(data, {"mail": {"domain": "mail.i2p"}, "scanner": chosen})
        assert open_office(data).settings.scanner.clamd == str(daemon.socket)
        code, text, _ = await asyncio.to_thread(check, data)
        assert code == 0, text
        assert re.search("ok +temporary files", text)
        assert re.search("ok +clamd: finds what it must find", text)
        daemon.configure(AlertExceedsMax="no")
        code, text, _ = await asyncio.to_thread(check, data)
        assert code == 1
        assert re.search("wrong +limits.*\n +-> .*AlertExceedsMax yes", text)


def test_command_without_a_scanner_says_where_to_read(tmp_path: Path) -> None:
    create_office(tmp_path / "office", {"mail": {"domain": "mail.i2p"}})
    code, _, error = check(tmp_path / "office")
    assert code == 1
    assert "docs/scanner.md" in str(error)


def test_serve_says_what_is_wrong_with_the_scanner(short_path: Path) -> None:
    with running(short_path / "clamd", **ADVISED) as daemon:
        daemon.configure(TemporaryDirectory="/proc")
        with serving(short_path, daemon.socket, clamd_conf=str(daemon.conf)) as office:
            told = events_after_start(office)
    assert any("/proc, which is on a disk (proc)" in each for each in told), told
    assert any("finds what it must find" in each for each in told)


def test_serve_starts_without_its_scanner_and_says_so(short_path: Path) -> None:
    with serving(short_path, short_path / "nobody") as office:
        assert any("does not answer" in each for each in events_after_start(office))


def test_serve_with_a_hanging_scanner_starts_at_once(short_path: Path) -> None:
    with running(short_path / "clamd") as daemon:
        daemon.send(signal.SIGSTOP)
        with serving(short_path, daemon.socket) as office:
            assert office.smtp_port


def events_after_start(office: PostOffice) -> list[str]:
    """Return what was told of the scanner by the time that the first mail was answered."""
    submitted(office, HEADER + TEXT)
    return events(office, "virus scanner")
