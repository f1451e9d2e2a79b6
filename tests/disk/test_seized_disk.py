# SPDX-License-Identifier: Apache-2.0
"""Somebody takes the disk: nothing on it tells who had an account and what was written."""

import base64
import contextlib
import os
import quopri
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.far_gateway import FarGateway
from tests.office import DOMAIN, OFFICIAL, PASSWORD, PostOffice, address

UNSEALED = Path(__file__).parent / "unsealed"
PEOPLE = ("marguerite", "balthasar", "wilhelmina", "ottokar")
SUBJECT = "Zwetschgenkuchen"
BODY = "Oberammergau at midnight, bring the Kaffeemuehle"
OUTSIDE = ("liselotte@kirschbaum.example", "ferdinand@apfelbaum.example")
REFUSED = "amalie@birnbaum.example"
NEW_PASSWORD = "Quadratwurzel 17"
# Settings and the start key tell the domain by themselves; the key is kept elsewhere.
NOT_SEIZED = {"eepost.toml", "start.key"}


def secrets() -> list[bytes]:
    words = [*PEOPLE, SUBJECT, BODY, PASSWORD, NEW_PASSWORD, *OUTSIDE, REFUSED]
    words += [f"{name}@{domain}" for name in PEOPLE for domain in (DOMAIN, OFFICIAL)]
    return [word.encode() for word in words]


def disguises(secret: bytes) -> set[bytes]:
    """The shapes in which a secret may lie on a disk."""
    shapes = {secret, secret.decode().encode("utf-16-le"), quopri.encodestring(secret)}
    # Base64 cuts octets into threes; a secret may begin at any of three places.
    shapes |= {base64.b64encode(b"x" * shift + secret)[4:-4] for shift in range(3)}
    return {shape for shape in shapes if len(shape) >= 6}


def found_in(directory: Path) -> set[bytes]:
    """Which secrets the raw files hold, compressed streams in them included."""
    octets = b"".join(
        file.read_bytes() + file.name.encode()
        for file in directory.rglob("*")
        if file.is_file() and file.name not in NOT_SEIZED
    )
    folded = (octets + inflated(octets)).lower()
    return {
        secret
        for secret in secrets()
        if any(shape.lower() in folded for shape in disguises(secret))
    }


def inflated(octets: bytes) -> bytes:
    """What zlib streams in `octets` hold."""
    parts: list[bytes] = []
    at = octets.find(b"\x78")
    while at >= 0 and len(parts) < 1_000:
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompressobj().decompress(octets[at : at + 65_536]))
        at = octets.find(b"\x78", at + 1)
    return b"".join(parts)


def account(office: PostOffice, *arguments: str, stdin: str = "") -> None:
    """Change accounts as an operator does, in a process of its own."""
    eepost(office, "account", *arguments, stdin=stdin)


def eepost(office: PostOffice, *arguments: str, stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "eepost", *arguments, "--data", str(office.directory)],
        input=stdin,
        text=True,
        check=True,
        capture_output=True,
        env={**os.environ, **office.environment},
    )


def letter(sender: str, recipient: str, number: int) -> bytes:
    return (
        f"From: {address(sender)}\r\nTo: {recipient}\r\n"
        f"Subject: {SUBJECT} {number}\r\n\r\n" + f"{BODY} {number}\r\n" * 40
    ).encode()


def busy_hour(office: PostOffice) -> None:
    """Mail to and fro, deletions, a changed password, a deleted account."""
    for name in PEOPLE:
        account(office, "add", name, "--password-stdin", stdin=PASSWORD + "\n")
    office.start()
    for number in range(30):
        sender, recipient = PEOPLE[number % 4], PEOPLE[(number + 1) % 4]
        to = address(recipient)
        office.submit(address(sender), to, letter(sender, to, number))
    send_outside(office)
    assert len(office.fetch("balthasar")) == 8
    office.remove_all("balthasar")
    account(office, "passwd", "wilhelmina", "--password-stdin", stdin=NEW_PASSWORD + "\n")
    office.fetch("wilhelmina", NEW_PASSWORD)
    account(office, "empty", "marguerite", "--yes")
    account(office, "delete", "ottokar", "--yes")


def send_outside(office: PostOffice) -> None:
    """Mail to the Internet, some of which waits, some is on its way, some was taken back."""
    eepost(office, "queue", "refuse", REFUSED)
    account(office, "set", "balthasar", "--delay", "none")
    for number, sender in enumerate(PEOPLE[:3]):
        office.submit(address(sender), list(OUTSIDE), letter(sender, OUTSIDE[number % 2], number))
    eepost(office, "queue", "drop", "--account", "wilhelmina", "--yes")


def run(directory: Path, environment: dict[str, str]) -> PostOffice:
    settings: dict[str, dict[str, Any]] = {"mail": {"message_id_domain": OFFICIAL}}
    office = PostOffice(directory, settings, environment=environment).create()
    FarGateway().introduce_to(directory)  # nobody listens there
    try:
        busy_hour(office)
    except BaseException:
        office.kill()
        raise
    return office


def test_seized_disk_is_silent_while_running_after_a_crash_and_after_a_stop(tmp_path: Path) -> None:
    with run(tmp_path / "sealed", {}) as office:
        assert (office.directory / "store.db-wal").exists()
        assert found_in(office.directory) == set()
        office.kill()
        assert found_in(office.directory) == set()
        office.start()
        office.stop()
    assert found_in(office.directory) == set()


def test_same_search_finds_all_of_it_in_an_unsealed_store(tmp_path: Path) -> None:
    office = run(tmp_path / "unsealed", {"PYTHONPATH": str(UNSEALED)})
    office.kill()
    found = found_in(office.directory)
    # Deleted mail and names, and passwords, are not kept even there; everything else is.
    for secret in (SUBJECT, BODY, "marguerite", "balthasar", address("balthasar"), *OUTSIDE):
        assert secret.encode() in found


@pytest.mark.parametrize("secret", [BODY.encode(), b"marguerite@mail.i2p"])
def test_search_sees_through_usual_disguises(tmp_path: Path, secret: bytes) -> None:
    for number, shape in enumerate(
        [
            secret.upper(),
            base64.b64encode(b"some words before " + secret + b" and after"),
            secret.decode().encode("utf-16-le"),
            zlib.compress(b"before " + secret + b" after"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "file").write_bytes(b"noise" * 100 + shape + b"noise")
        assert secret in found_in(folder)
