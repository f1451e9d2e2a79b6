# SPDX-License-Identifier: Apache-2.0
"""Keys that GnuPG made lose names of others, and GnuPG still takes them and encrypts to them."""

import email
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eepost.mail.transfer import encode_base64
from eepost.sanitise.choices import Choices, OnFailure
from eepost.sanitise.from_user import sanitise_from_user
from eepost.sanitise.outcome import Refused, Sanitised
from tests.sanitise.parts import content
from tests.sanitise.test_rebuild import CONTEXT, multipart, octets

OWN = "Alice <alice@mail.i2p>"
REAL = "Alice Realname <alice@home.example>"
OTHER = "Bob Secretfriend <bob@home.example>"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """GnuPG with a home of its own."""

    home: Path
    # Who only reads needs no agent, and an agent may be slow to come up on a busy machine.
    options: tuple[str, ...] = ("--no-autostart",)

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty"]
        command += ["--pinentry-mode", "loopback", "--passphrase", "", "--trust-model", "always"]
        command += self.options
        done = subprocess.run([*command, *arguments], input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fingerprint(self, name: str) -> str:
        listing = self.run("--with-colons", "--list-keys", name).decode()
        return next(line.split(":")[9] for line in listing.split("\n") if line.startswith("fpr"))

    def listed(self, kind: str) -> list[str]:
        """Return the user ids or identifiers of all that GnuPG lists of a kind."""
        lines = self.run("--with-colons", "--list-sigs").decode().split("\n")
        column = 9 if kind == "uid" else 4
        return [each.split(":")[column] for each in lines if each.split(":")[0] == kind]

    def export(self, *arguments: str, name: str = "alice") -> bytes:
        return self.run(*arguments, "--export", name)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG (gpg) is not installed")
    folder = tmp_path_factory.mktemp("keys")
    yield folder
    for home in folder.iterdir():  # its agents stay otherwise
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def ring(homes: Path, name: str) -> KeyRing:
    home = homes / name
    home.mkdir(mode=0o700)
    return KeyRing(home)


@pytest.fixture(scope="module")
def alice(homes: Path) -> KeyRing:
    """Alice's keys: one with two names, certified by a friend; the friend's and another one."""
    made = replace(ring(homes, "alice"), options=())
    made.run("--quick-generate-key", OTHER, "future-default", "default", "never")
    made.run("--quick-generate-key", OWN, "future-default", "default", "never")
    fingerprint = made.fingerprint("alice")
    made.run("--quick-add-uid", fingerprint, REAL)
    for address in ("alice@mail.i2p", "alice@home.example"):
        made.run("--local-user", "bob", "--quick-sign-key", fingerprint, address)
    made.run("--quick-generate-key", "Carol <carol@home.example>", "rsa2048", "default", "never")
    return made


def attached(key: bytes, kind: bytes = b"application/pgp-keys", name: bytes = b"key.asc") -> bytes:
    head = b"Content-Type: %s; name=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n" % (kind, name)
    return multipart("mixed", b"Content-Type: text/plain\r\n\r\nwords", head + encode_base64(key))


def inline(key: bytes) -> bytes:
    crlf = key.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = b"From: alice@mail.i2p\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n"
    return head + b"my key: \r\n\r\n" + crlf + b"\r\nbye\r\n"


def sent(message: bytes, choices: Choices | None = None) -> Sanitised | Refused:
    return sanitise_from_user(message, replace(CONTEXT, choices=choices or Choices()))


def last_part(outcome: Sanitised | Refused) -> bytes:
    *_, part = email.message_from_bytes(octets(outcome)).walk()
    return content(part)


@pytest.mark.parametrize(
    "way", ["inline", "armored file", "binary file", "binary file by its name"]
)
def test_key_keeps_its_owners_address_and_nothing_of_others(
    alice: KeyRing, homes: Path, way: str
) -> None:
    armored, binary = alice.export("--armor"), alice.export()
    before = {
        "inline": inline(armored),
        "armored file": attached(armored),
        "binary file": attached(binary),
        "binary file by its name": attached(binary, b"application/octet-stream", b"key.gpg"),
    }[way]
    assert b"Realname" in binary  # what is looked for below can be found
    outcome = sent(before)
    reader = ring(homes, way)
    reader.run("--import", given=last_part(outcome))
    assert reader.listed("uid") == [OWN]
    assert set(reader.listed("sig")) == {alice.fingerprint("alice")[-16:]}
    assert len(reader.listed("sub")) == 1
    assert reader.run("--encrypt", "-r", "alice@mail.i2p", given=b"words")
    exported = reader.run("--export")
    for secret in (b"Realname", b"home.example", b"Secretfriend"):
        assert secret not in exported
    # A name, its own signature, and two of the friend.
    assert outcome.report.counts["name in OpenPGP key dropped"] == 4


def test_key_of_somebody_else_loses_all_its_names(alice: KeyRing) -> None:
    key = last_part(sent(attached(alice.export(name="bob"))))
    assert b"Secretfriend" not in key
    shown = alice.run("--list-packets", given=key).decode()
    assert shown.count(":public key packet:") == 1
    assert shown.count(":public sub key packet:") == 1
    assert ":user ID packet:" not in shown


def test_several_keys_in_a_row_are_cleaned_each(alice: KeyRing) -> None:
    key = last_part(sent(attached(alice.run("--armor", "--export"))))
    assert key.count(b"-----BEGIN PGP PUBLIC KEY BLOCK-----") == 1
    shown = alice.run("--list-packets", given=key).decode()
    assert shown.count(":public key packet:") == 3
    assert shown.count(":user ID packet:") == 1


def test_names_are_treated_as_chosen(alice: KeyRing) -> None:
    for key in (alice.export("--armor"), alice.export()):
        message = attached(key)
        refused = sent(message, Choices(foreign_user_ids=OnFailure.REFUSE))
        assert isinstance(refused, Refused)
        assert "names that are not your address" in refused.reply.text
        assert last_part(sent(message, Choices(foreign_user_ids=OnFailure.PASS))) == key


def test_key_with_own_names_alone_passes_where_others_are_refused(alice: KeyRing) -> None:
    own = last_part(sent(attached(alice.export("--armor"))))
    assert last_part(sent(attached(own), Choices(foreign_user_ids=OnFailure.REFUSE))) == own


@pytest.mark.parametrize("armor", [["--armor"], []])
def test_private_key_is_refused(alice: KeyRing, armor: Sequence[str]) -> None:
    key = alice.run(*armor, "--export-secret-keys", "alice")
    outcome = sent(attached(key, name=b"key.gpg"))
    assert isinstance(outcome, Refused)
    assert "private key" in outcome.reply.text


def test_other_octets_under_a_keys_name_stay() -> None:
    looks_alike = b"\xc6\x0c\x04" + bytes(11) + b"and more"
    message = attached(looks_alike, b"application/octet-stream", b"a.key")
    assert last_part(sent(message)) == looks_alike


def test_key_inside_clear_signed_text_stays_to_the_octet(alice: KeyRing) -> None:
    text = b"words \n" + alice.export("--armor") + b"\n"
    signed = alice.run("--local-user", "alice", "--clearsign", given=text)
    head = b"From: alice@mail.i2p\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    outcome = sent(head + signed.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    (part,) = email.message_from_bytes(octets(outcome)).walk()
    alice.run("--verify", given=content(part))


@pytest.mark.parametrize("way", ["detached", "clear"])
def test_signature_that_names_another_address_is_told(alice: KeyRing, way: str) -> None:
    def message(address: str) -> bytes:
        options = ("--local-user", alice.fingerprint("alice"), "--sender", address)
        if way == "clear":
            made = alice.run(*options, "--clearsign", given=b"words\n").replace(b"\r\n", b"\n")
            return b"From: alice@mail.i2p\r\n\r\n" + made.replace(b"\n", b"\r\n")
        signed = b"Content-Type: text/plain\r\n\r\nwords\r\n"
        made = alice.run(*options, "--armor", "--detach-sign", given=signed)
        part = b"Content-Type: application/pgp-signature\r\n\r\n" + made.replace(b"\n", b"\r\n")
        return multipart("signed; protocol=application/pgp-signature", signed, part)

    own, other = message("alice@mail.i2p"), message("alice@home.example")
    assert "signed part that tells" not in sent(own).report.counts
    assert sent(other).report.counts["signed part that tells"] == 1
    strict = Choices(refuses_telling_signed=True)
    assert isinstance(sent(own, strict), Sanitised)
    refused = sent(other, strict)
    assert isinstance(refused, Refused)
    assert "tells more than it must" in refused.reply.text
