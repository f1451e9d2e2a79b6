# SPDX-License-Identifier: Apache-2.0
"""Looks at the virus scanner: what it was told, and what it does."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from eepost.app.clamd_conf import ClamdConf, read_clamd_conf
from eepost.app.mounts import IN_MEMORY, file_system_of
from eepost.app.scanner import largest_stream_octets
from eepost.app.settings import Settings
from eepost.net.clamd import Clamd, Standing
from eepost.net.findings import Finding, fine, unchecked, wrong
from eepost.net.instream import ask, instream, parse_way
from eepost.sanitise.scan import Clean
from eepost.sanitise.specimens import AS_MAIL

# Signatures come out every day; what is older than this misses what goes round now.
STALE_DAYS = 14

# What clamd takes MaxFileSize for when it is larger, or 0 for no limit.
LARGEST_FILE_OCTETS = 2**31 - 1

# Like `ClamAV 1.4.6/27840/Sun Nov 22 09:31:14 2026`; without official signatures the first only.
_VERSION = re.compile(rb"(ClamAV [0-9A-Za-z.+-]{1,32})(?:/([0-9]{1,9})/([A-Za-z0-9: ]{1,40}))?")


@dataclass(frozen=True, slots=True)
class Machine:
    """What is looked at beside the settings; a test brings another."""

    proc: Path = Path("/proc")


def examine_configuration(settings: Settings, machine: Machine) -> list[Finding]:
    """Look at what clamd was told and at what runs beside it; blocks for an instant."""
    return [
        *_socket(settings),
        *_conf(settings, machine),
        _fetcher(machine),
    ]


async def examine_running(settings: Settings, scanner: Clamd, now: datetime) -> list[Finding]:
    """Ask clamd itself. `now` is in UTC; a clamd that hangs takes 15 seconds for each question."""
    standing = await scanner.standing()
    if standing is Standing.DOWN:
        mend = "is it started? It takes half a minute to read its signatures"
        return [wrong("clamd", f"{standing.value} at {settings.scanner.clamd}", mend)]
    finding = fine if standing is Standing.RELIABLE else _unreliable
    return [
        finding("clamd", standing.value),
        await _signatures(scanner, now),
        await _largest(settings, scanner),
    ]


def _unreliable(subject: str, text: str) -> Finding:
    return wrong(subject, text, "all mail is put off until that is mended: docs/scanner.md")


async def _signatures(scanner: Clamd, now: datetime) -> Finding:
    subject = "signatures"
    try:
        answer = _VERSION.fullmatch(await ask(scanner.way, b"VERSION"))
    except OSError:
        answer = None
    if answer is None:
        return unchecked(subject, "clamd did not tell its version")
    program = answer[1].decode("ascii")
    if answer[2] is None:
        text = f"{program} has no official signatures, only your own"
        return unchecked(subject, text, "eepost scanner import brings some")
    try:
        made = datetime.strptime(answer[3].decode("ascii"), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return unchecked(subject, f"{program} told no date that can be read")
    days = (now.replace(tzinfo=None) - made).days
    text = f"{program}, signatures {int(answer[2])}, {days} days old"
    if days > STALE_DAYS:
        return wrong(subject, text, "bring new ones: eepost scanner import")
    return fine(subject, text)


async def _largest(settings: Settings, scanner: Clamd) -> Finding:
    subject = "largest message"
    octets = largest_stream_octets(settings)
    try:
        verdict = await instream(scanner.way, [AS_MAIL + b"\r\n", bytes(octets)])
    except OSError:
        return wrong(subject, "clamd broke off", "look into its log")
    if verdict == Clean():
        return fine(subject, f"{octets} octets can be scanned")
    return wrong(
        subject,
        f"{octets} octets, the most that a mail may come to, can't be scanned",
        f"in clamd.conf: StreamMaxLength {_megabytes(octets)} and larger MaxScanSize, MaxScanTime",
    )


def _socket(settings: Settings) -> Iterator[Finding]:
    way = parse_way(settings.scanner.clamd)
    if not isinstance(way, Path):
        yield wrong(
            "socket",
            f"{way} lets everybody on this machine stop clamd or stand in for it",
            "in clamd.conf: LocalSocket instead of TCPSocket",
        )
        return
    try:
        mode = way.stat().st_mode
    except FileNotFoundError:
        yield wrong("socket", f"{way} is missing", "start clamd, or mend scanner.clamd")
    except OSError:
        yield unchecked("socket", f"{way} can't be looked at by this user", "ask as root")
    else:
        if mode & stat.S_IWOTH:
            mend = "SocketMode=660 with our group, see docs/scanner.md"
            yield wrong("socket", f"everybody on this machine may stop clamd through {way}", mend)
        else:
            yield fine("socket", str(way))


def _conf(settings: Settings, machine: Machine) -> Iterator[Finding]:
    file = Path(settings.scanner.clamd_conf)
    try:
        conf = read_clamd_conf(file)
    except OSError as error:
        reason = f"{file}: {error.strerror}"
        yield unchecked("clamd.conf", reason, "name it in eepost.toml: scanner.clamd_conf")
        return
    yield _temporary_files(conf, machine)
    yield _left_files(conf)
    yield _limits_told(conf)
    yield _cut_files(conf)
    yield _stream(conf, largest_stream_octets(settings))
    yield _time(conf, settings.scanner.seconds)
    yield _threads(conf, settings.scanner.at_once)
    yield _network(conf)


def _temporary_files(conf: ClamdConf, machine: Machine) -> Finding:
    subject = "temporary files"
    text = conf.word("TemporaryDirectory")
    mend = "in clamd.conf: TemporaryDirectory on a tmpfs, see docs/scanner.md"
    if not text:
        return wrong(subject, "clamd writes plain mail to wherever TMPDIR says, or /tmp", mend)
    try:
        mounts = (machine.proc / "self" / "mountinfo").read_text("utf-8", "replace")
    except OSError:
        return unchecked(subject, "this system does not tell what is mounted where")
    kind = file_system_of(Path(text), mounts)
    if kind not in IN_MEMORY:
        return wrong(
            subject, f"clamd writes plain mail to {text}, which is on a disk ({kind})", mend
        )
    return fine(subject, f"{text} is in memory ({kind})")


def _left_files(conf: ClamdConf) -> Finding:
    if conf.is_on("LeaveTemporaryFiles"):
        text = "clamd keeps every mail that it has scanned"
        return wrong("left files", text, "in clamd.conf: LeaveTemporaryFiles no")
    return fine("left files", "clamd keeps none")


def _limits_told(conf: ClamdConf) -> Finding:
    if not conf.is_on("AlertExceedsMax"):
        text = "clamd calls clean what is over its limits"
        return wrong("limits", text, "in clamd.conf: AlertExceedsMax yes")
    return fine("limits", "clamd tells what is over them")


def _cut_files(conf: ClamdConf) -> Finding:
    subject = "large files"
    if min(conf.number("MaxFileSize"), LARGEST_FILE_OCTETS) < conf.number("MaxScanSize"):
        return wrong(
            subject,
            "what is in a zip is cut off at MaxFileSize, and nobody is told",
            "in clamd.conf: MaxFileSize not smaller than MaxScanSize",
        )
    return fine(subject, "no file in an archive is cut off without a word")


def _stream(conf: ClamdConf, octets: int) -> Finding:
    subject = "StreamMaxLength"
    if min(conf.number(subject), conf.number("MaxScanSize")) < octets:
        mend = f"in clamd.conf: {subject} {_megabytes(octets)}, MaxScanSize several times that"
        return wrong(subject, f"is smaller than the {octets} octets of a largest message", mend)
    return fine(subject, f"is no smaller than the {octets} octets of a largest message")


def _time(conf: ClamdConf, seconds: int) -> Finding:
    subject = "MaxScanTime"
    if conf.number(subject) > seconds * 1_000:
        text = f"is longer than the {seconds} seconds that we wait"
        return wrong(subject, text, "lower it, or raise scanner.seconds in eepost.toml")
    return fine(subject, f"is over before the {seconds} seconds that we wait")


def _threads(conf: ClamdConf, at_once: int) -> Finding:
    subject = "MaxThreads"
    if conf.number(subject) < at_once:
        text = f"is smaller than the {at_once} messages that we send at once"
        return wrong(subject, text, "raise it, or lower scanner.at_once in eepost.toml")
    return fine(subject, f"is no smaller than the {at_once} messages that we send at once")


def _network(conf: ClamdConf) -> Finding:
    subject = "network"
    if "TCPSocket" not in conf.given:
        return fine(subject, "clamd listens to none")
    try:
        is_loopback = ip_address(conf.word("TCPAddr")).is_loopback
    except ValueError:
        is_loopback = conf.word("TCPAddr") == "localhost"
    if is_loopback:
        return fine(subject, "clamd listens to this machine only")
    text = "clamd listens to other machines"
    return wrong(subject, text, "in clamd.conf: LocalSocket instead of TCPSocket")


def _fetcher(machine: Machine) -> Finding:
    subject = "freshclam"
    for file in machine.proc.glob("[0-9]*/comm"):
        try:
            is_running = file.read_bytes().strip() == b"freshclam"
        except OSError:  # it has ended meanwhile
            continue
        if is_running:
            text = "runs, and asks the Internet for signatures from this machine"
            return wrong(subject, text, "systemctl mask --now clamav-freshclam.service")
    return fine(subject, "does not run")


def _megabytes(octets: int) -> str:
    return f"{-(-octets // 1_048_576)}M"
