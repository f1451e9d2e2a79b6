# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from eepost.app.clamd_conf import read_clamd_conf
from eepost.app.mounts import file_system_of


def test_options_are_read_as_clamd_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "clamd.conf"
    file.write_text(
        "# TemporaryDirectory /nowhere\n\n  TemporaryDirectory   /run/clamav/tmp  \n"
        'DatabaseDirectory "/srv/my signatures"\nStreamMaxLength 25M\nMaxFileSize 3k\n'
        "MaxScanSize 0\nMaxScanTime 60000\nAlertExceedsMax TRUE\nLeaveTemporaryFiles no\n"
        "TCPAddr 192.0.2.1\nTCPAddr 127.0.0.1\nMaxThreads many\n"
    )
    conf = read_clamd_conf(file)
    assert conf.word("TemporaryDirectory") == "/run/clamav/tmp"
    assert conf.word("DatabaseDirectory") == "/srv/my signatures"
    assert conf.number("StreamMaxLength") == 25 * 1_048_576
    assert conf.number("MaxFileSize") == 3 * 1_024
    assert conf.number("MaxScanSize") > 2**60  # clamd means no limit
    assert conf.number("MaxScanTime") == 60_000
    assert conf.is_on("AlertExceedsMax")
    assert not conf.is_on("LeaveTemporaryFiles")
    assert conf.word("TCPAddr") == "127.0.0.1"


def test_what_is_not_said_is_as_clamd_has_it(tmp_path: Path) -> None:
    file = tmp_path / "clamd.conf"
    file.write_text("Foreground yes\n")
    conf = read_clamd_conf(file)
    assert conf.word("DatabaseDirectory") == "/var/lib/clamav"
    assert conf.word("TemporaryDirectory") == ""
    assert conf.number("MaxFileSize") == 100 * 1_048_576
    assert not conf.is_on("AlertExceedsMax")
    with pytest.raises(FileNotFoundError):
        read_clamd_conf(tmp_path / "nowhere")


def test_binary_file_is_no_configuration_and_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "clamd.conf"
    file.write_bytes(bytes(range(256)) * 10)
    assert read_clamd_conf(file).word("TemporaryDirectory") == ""


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /run rw,nosuid shared:2 - tmpfs tmpfs rw,size=1000k
24 23 0:22 / /run/disk rw master:3 propagate_from:2 - xfs /dev/vdb rw
25 22 0:23 / /srv/with\\040space rw - ramfs none rw
26 22 0:24 / /covered rw - tmpfs tmpfs rw
27 26 254:1 / /covered rw - ext4 /dev/vdc rw
broken line
28 22 0:25 / /short
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/clamav", "ext4"),
        ("/", "ext4"),
        ("/run", "tmpfs"),
        ("/run/clamav/tmp", "tmpfs"),
        ("/run/disk/tmp", "xfs"),
        ("/runner", "ext4"),
        ("/run/../var", "ext4"),
        ("/srv/with space/tmp", "ramfs"),
        ("/covered/tmp", "ext4"),
    ],
)
def test_file_system_is_that_of_the_nearest_mount_that_is_seen(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_link_is_followed_to_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/run/clamav")
    assert file_system_of(tmp_path / "link" / "tmp", MOUNTS) == "tmpfs"


def test_nothing_is_known_without_a_table() -> None:
    assert file_system_of(Path("/run"), "") == ""


def test_own_table_is_understood() -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    assert file_system_of(Path("/dev/shm/x"), mounts) == "tmpfs"
    assert file_system_of(Path("/proc/self"), mounts) == "proc"
