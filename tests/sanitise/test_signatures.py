# SPDX-License-Identifier: Apache-2.0
"""What GnuPG and OpenSSL signed or encrypted still verifies and opens after the rebuild."""

import email
import shutil
import subprocess
from collections.abc import Sequence
from email.message import Message
from pathlib import Path

import pytest

from eepost.mail.address import Address
from eepost.mail.message import split_message
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Sanitised
from tests.sanitise.leaks import leaks
from tests.sanitise.parts import children, content

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"\x01" * count,
)
# Trailing blanks, flowed lines, a legacy character set: all that a rebuild would change.
SIGNED = (
    b"Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nwords =E9 \r\nflow \r\n> quoted\r\n"
)


def run(command: Sequence[str], octets: bytes = b"") -> bytes:
    return subprocess.run(command, input=octets, capture_output=True, check=True).stdout


def rebuilt(message: bytes) -> bytes:
    outcome = sanitise_from_user(b"From: alice@mail.i2p\r\nX-Mailer: x\r\n" + message, CONTEXT)
    assert isinstance(outcome, Sanitised)
    made = b"".join(outcome.pieces)
    assert leaks(made) == []
    return made


def parsed(message: bytes) -> Message:
    return email.message_from_bytes(rebuilt(message))


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """GnuPG with a key of its own."""
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG (gpg) is not installed")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    command += [
        "--passphrase",
        "",
        "--trust-model",
        "always",
        "--comment",
        "secret",
        "--emit-version",
    ]
    run([*command, "--quick-generate-key", "alice@mail.i2p", "future-default", "default", "never"])
    return command


def multipart(kind: bytes, *parts: bytes) -> bytes:
    head = b'Content-Type: multipart/%s; boundary="==b"\r\n\r\nThis is MIME.\r\n' % kind
    return head + b"".join(b"--==b\r\n%s\r\n" % part for part in parts) + b"--==b--\r\n"


def test_openpgp_signature_verifies(gpg: list[str], tmp_path: Path) -> None:
    signature = run([*gpg, "--armor", "--detach-sign"], SIGNED).replace(b"\n", b"\r\n")
    assert b"Comment: secret" in signature
    part = b"Content-Type: application/pgp-signature; name=x.asc\r\nX-Y: z\r\n\r\n" + signature
    kind = b"signed; micalg=PGP-SHA512; protocol=application/pgp-signature"
    made = rebuilt(multipart(kind, SIGNED, part))
    signed, signature_part = split_message(made).children
    assert made[signed.start : signed.end] == SIGNED
    (tmp_path / "signature").write_bytes(made[signature_part.body_start : signature_part.end])
    run([*gpg, "--verify", str(tmp_path / "signature"), "-"], made[signed.start : signed.end])


def test_openpgp_ciphertext_opens(gpg: list[str]) -> None:
    secret = run([*gpg, "--armor", "--encrypt", "-r", "alice@mail.i2p"], SIGNED)
    control = b"Content-Type: application/pgp-encrypted\r\nContent-Description: x\r\n\r\nVersion: 1"
    part = b"Content-Type: application/octet-stream; name=x.asc\r\n\r\n" + secret.replace(
        b"\n", b"\r\n"
    )
    kind = b"encrypted; protocol=application/pgp-encrypted"
    message = parsed(multipart(kind, control, part))
    assert message.get_content_type() == "multipart/encrypted"
    assert run([*gpg, "--decrypt"], content(children(message)[1])) == SIGNED


def test_clear_signed_text_verifies(gpg: list[str]) -> None:
    words = "caf\u00e9 \r\n- dash\r\nflow \r\nend\r\n".encode("latin-1")
    signed = run([*gpg, "--clearsign"], words).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    message = parsed(
        b"Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + signed
    )
    assert b"Comment" not in content(message)
    run([*gpg, "--verify"], content(message))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key.pem and cert.pem."""
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL (openssl) is not installed")
    folder = tmp_path_factory.mktemp("smime")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice"]
    run([*command, "-days", "2", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"])
    return folder


@pytest.mark.parametrize("detached", [True, False])
def test_smime_signature_verifies(certificate: Path, detached: bool) -> None:
    command = ["openssl", "cms", "-sign", "-signer", f"{certificate}/cert.pem", "-inkey"]
    command += [f"{certificate}/key.pem", "-crlfeol", "-binary"]
    command += [] if detached else ["-nodetach"]
    made = rebuilt(run(command, SIGNED).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    # Of a detached signature OpenSSL wants to bring the line ends into their form by itself.
    verify = ["openssl", "cms", "-verify", "-CAfile", f"{certificate}/cert.pem"]
    opened = run(verify if detached else [*verify, "-binary"], made)
    assert opened.replace(b"\r\n", b"\n") == SIGNED.replace(b"\r\n", b"\n")


def test_smime_ciphertext_opens(certificate: Path) -> None:
    secret = run(["openssl", "cms", "-encrypt", "-binary", f"{certificate}/cert.pem"], SIGNED)
    made = rebuilt(secret.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    opened = run(
        ["openssl", "cms", "-decrypt", "-inkey", f"{certificate}/key.pem", "-binary"], made
    )
    assert opened == SIGNED
