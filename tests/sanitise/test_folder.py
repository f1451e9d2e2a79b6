# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from eepost.app.sanitise_folder import Policy, make_policy, sanitise_folder, sanitise_octets
from eepost.mail.address import Address
from eepost.sanitise.outcome import Refused, Sanitised

ALICE = Address("alice", "mail.i2p")
CLEAN = b"From: alice@mail.i2p\nX-Mailer: x\nSubject: s\n\nwords"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "one.eml").write_bytes(CLEAN)
    (tmp_path / "in" / "two.eml").write_bytes(CLEAN.replace(b"alice@", b"bob@"))
    (tmp_path / "in" / "other.txt").write_bytes(b"x")
    return tmp_path


def test_folder_is_sanitised_file_by_file(folder: Path) -> None:
    report = sanitise_folder(
        folder / "in", folder / "out", make_policy(Policy.FROM_USER, ALICE, None)
    )
    assert (report.passed, report.refused) == (1, 1)
    assert report.counts["header field dropped"] == 2
    made = sorted(str(path.relative_to(folder / "out")) for path in folder.rglob("out/**/*.*"))
    assert made == ["deep/one.eml", "two.eml.refused"]
    assert (folder / "out" / "two.eml.refused").read_bytes().startswith(b"553 5.7.1 ")
    passed = (folder / "out" / "deep" / "one.eml").read_bytes()
    assert passed.startswith(b"From: alice@mail.i2p\r\nSubject: s\r\n")
    assert passed.endswith(b"\r\n\r\nwords\r\n")


def test_official_form_is_what_would_leave() -> None:
    outcome = sanitise_octets(CLEAN, make_policy(Policy.FROM_USER, ALICE, "post.example"))
    assert isinstance(outcome, Sanitised)
    made = b"".join(outcome.pieces)
    assert made.startswith(b"From: alice@post.example\r\n")
    assert b"mail.i2p" not in made


@pytest.mark.parametrize("policy", Policy)
def test_every_policy_has_its_function(policy: Policy) -> None:
    sanitise = make_policy(policy, ALICE, "post.example")
    assert isinstance(sanitise_octets(CLEAN, sanitise), Sanitised | Refused)
    refused = sanitise_octets(b"From: x\n" * 2 + b"\n", sanitise)
    assert isinstance(refused, Refused) is (policy is not Policy.TO_USER)
