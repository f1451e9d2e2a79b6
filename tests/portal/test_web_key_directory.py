# SPDX-License-Identifier: Apache-2.0
"""GnuPG finds a member's key by itself, over the Web Key Directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces of its own"),
]


def test_gnupg_finds_the_key_by_itself_and_encrypts_to_it(tmp_path: Path) -> None:
    # Paths of sockets are short; pytest's folders are not.
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            sys.executable,
            "-m",
            "tests.portal.wkd_host",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.stdout.strip() == "found, encrypted, decrypted", done.stderr
