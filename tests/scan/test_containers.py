# SPDX-License-Identifier: Apache-2.0
"""ClamAV's own test files (Debian's clamav-testfiles): one harmless program in many wrappings."""

from email import message_from_bytes
from pathlib import Path

import pytest

from eepost.sanitise.scan import Infected
from tests.office import PostOffice
from tests.scan.asking import scanner
from tests.scan.daemon import FILE_NAME, Daemon
from tests.scan.letters import mail_with
from tests.scan.posting import fetched, submitted

FILES = {file.name: file for file in sorted(Path("/usr/share/clamav-testfiles").iterdir())}
# The program lies in a `data:` link there, which the sanitiser takes away.
DISARMED = "clam.exe.html"
ARCHIVES = (".7z", ".zip", ".tgz", ".gz", ".bz2", ".arj", ".cab", ".cpio")


def attached(name: str) -> bytes:
    return mail_with(FILES[name].read_bytes(), name)


def test_there_are_as_many_as_there_should_be() -> None:
    assert len(FILES) >= 44


@pytest.mark.parametrize("name", FILES)
async def test_every_wrapping_is_seen_through(clamd: Daemon, name: str) -> None:
    assert await scanner(clamd.socket).scan([attached(name)]) == Infected(FILE_NAME)


@pytest.mark.parametrize("name", sorted(FILES.keys() - {DISARMED}))
def test_every_wrapping_is_refused_at_submission(scanning: PostOffice, name: str) -> None:
    code, text = submitted(scanning, attached(name))
    assert code == 554
    # Some are of kinds that the sanitiser refuses already, since it can't clean them.
    assert FILE_NAME in text or (text.startswith("5.6.1") and name.endswith(ARCHIVES))


def test_what_the_sanitiser_has_disarmed_is_delivered_disarmed(scanning: PostOffice) -> None:
    assert b"data:" in FILES[DISARMED].read_bytes()
    assert submitted(scanning, attached(DISARMED))[0] == 250
    (message,) = fetched(scanning)
    left = list(message_from_bytes(message).walk())[-1]
    assert left.get_filename() == DISARMED + ".unsafe"  # the reader's choice; it is still HTML
    assert b"data:" not in bytes(left.get_payload(decode=True))
