# SPDX-License-Identifier: Apache-2.0
"""What GnuPG and OpenSSL signed or encrypted verifies and opens behind all four policies."""

import base64
import email
import quopri
import shutil
import subprocess
from collections.abc import Callable, Sequence
from email.message import Message
from pathlib import Path

import pytest

from eepost.mail.address import Address
from eepost.mail.message import split_message
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from tests.sanitise.golden import counted
from tests.sanitise.leaks import leaks
from tests.sanitise.parts import children, content

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="post.example",
    accepted_utc=1_795_446_839,
    randomness=counted(),
)
INBOUND = Inbound(counted())
# Trailing blanks, flowed lines, a legacy character set: all that a rebuild would change.
TEXT = (
    b"Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nwords =E9 \r\nflow \r\n> quoted\r\n"
)
# Preamble, headers that programs protect, a file with metadata, an unusual boundary.
WITH_FILES = (
    b'Content-Type: multipart/mixed; boundary="=-\'x"; protected-headers="v1"\r\n'
    b"Subject: the true one\r\nMessage-ID: <1@laptop>\r\n\r\npreamble \r\n--=-'x\r\n"
    + TEXT
    + b"\r\n--=-'x\r\nContent-Type: image/gif; name=a.gif; x=y\r\n\r\nGIF89a \r\n"
    + b"--=-'x--\r\nend\r\n"
)
# What stands in the body of a letter: blanks at the ends, dashes, letters beyond ASCII.
LETTER = "caf\u00e9 \r\n- dash\r\nflow \r\nend\r\n".encode("latin-1")


def run(command: Sequence[str | Path], octets: bytes = b"") -> bytes:
    return subprocess.run(command, input=octets, capture_output=True, check=True).stdout


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def passed(outcome: Sanitised | Refused) -> bytes:
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def sent(message: bytes) -> bytes:
    """Return what a reader at another post office gets of what a user sends."""
    message = b"From: alice@mail.i2p\r\nX-Mailer: x\r\n" + message
    made = passed(sanitise_from_user(message, CONTEXT))
    assert leaks(made, "post.example") == []
    left = passed(sanitise_to_internet(made, ToInternet("mail.i2p", "post.example")))
    return passed(sanitise_to_user(passed(sanitise_from_internet(left, INBOUND)), INBOUND))


def parsed(message: bytes) -> Message:
    return email.message_from_bytes(sent(message))


def multipart(kind: bytes, *parts: bytes) -> bytes:
    head = b'Content-Type: multipart/%s; boundary="==b"\r\n\r\nThis is MIME.\r\n' % kind
    return head + b"".join(b"--==b\r\n%s\r\n" % part for part in parts) + b"--==b--\r\n"


# ---- OpenPGP


@pytest.fixture(scope="module")
def gpg(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """GnuPG with a key of its own."""
    if shutil.which("gpg") is None:
        pytest.skip("GnuPG (gpg) is not installed")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    command += ["--passphrase", "", "--trust-model", "always", "--comment", "secret"]
    command += ["--emit-version"]
    run([*command, "--quick-generate-key", "alice@mail.i2p", "future-default", "default", "never"])
    return command


def signature_of(gpg: list[str], octets: bytes) -> bytes:
    armored = crlf(run([*gpg, "--armor", "--detach-sign"], octets))
    assert b"Comment: secret" in armored
    return b"Content-Type: application/pgp-signature; name=x.asc\r\nX-Y: z\r\n\r\n" + armored


def encrypted(gpg: list[str], octets: bytes, *options: str) -> bytes:
    secret = crlf(run([*gpg, "--armor", "--encrypt", *options, "-r", "alice@mail.i2p"], octets))
    control = b"Content-Type: application/pgp-encrypted\r\nContent-Description: x\r\n\r\nVersion: 1"
    part = b"Content-Type: application/octet-stream; name=x.asc\r\n\r\n" + secret
    return multipart(b"encrypted; protocol=application/pgp-encrypted", control, part)


SIGNED = b"signed; micalg=PGP-SHA512; protocol=application/pgp-signature"


def verify(gpg: list[str], message: bytes, tmp_path: Path) -> bytes:
    """Return what a multipart/signed covers; its signature must verify."""
    signed, signature = split_message(message).children
    (tmp_path / "signature").write_bytes(message[signature.body_start : signature.end])
    octets = message[signed.start : signed.end]
    run([*gpg, "--verify", tmp_path / "signature", "-"], octets)
    return octets


@pytest.mark.parametrize("octets", [TEXT, WITH_FILES])
def test_openpgp_signature_verifies(gpg: list[str], tmp_path: Path, octets: bytes) -> None:
    made = sent(multipart(SIGNED, octets, signature_of(gpg, octets)))
    assert verify(gpg, made, tmp_path) == octets
    assert b"secret" not in made


def test_signature_below_a_footer_of_a_list_verifies(gpg: list[str], tmp_path: Path) -> None:
    inner = multipart(SIGNED, TEXT, signature_of(gpg, TEXT)).replace(b"==b", b"==c")
    made = sent(multipart(b"mixed", inner, b"Content-Type: text/plain\r\n\r\nthe list"))
    signed, footer = split_message(made).children
    part = made[signed.start : signed.end]
    assert verify(gpg, part, tmp_path) == TEXT
    assert b"the list" in made[footer.start : footer.end]


def test_changed_octets_would_be_seen(gpg: list[str], tmp_path: Path) -> None:
    made = sent(multipart(SIGNED, TEXT, signature_of(gpg, TEXT)))
    with pytest.raises(subprocess.CalledProcessError):
        verify(gpg, made.replace(b"flow \r\n", b"flow\r\n"), tmp_path)


@pytest.mark.parametrize("octets", [TEXT, WITH_FILES])
@pytest.mark.parametrize("options", [(), ("--sign",)])
def test_openpgp_ciphertext_opens(gpg: list[str], octets: bytes, options: tuple[str, ...]) -> None:
    message = parsed(encrypted(gpg, octets, *options))
    assert message.get_content_type() == "multipart/encrypted"
    secret = content(children(message)[1])
    assert b"Comment" not in secret
    opened = subprocess.run([*gpg, "--decrypt"], input=secret, capture_output=True, check=True)
    assert opened.stdout == octets
    assert (b"Good signature" in opened.stderr) is bool(options)


def test_signed_message_inside_of_ciphertext_opens(gpg: list[str], tmp_path: Path) -> None:
    inner = multipart(SIGNED, TEXT, signature_of(gpg, TEXT))
    secret = content(children(parsed(encrypted(gpg, inner)))[1])
    assert verify(gpg, run([*gpg, "--decrypt"], secret), tmp_path) == TEXT


ENCODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"8bit": bytes,
    b"quoted-printable": lambda octets: crlf(quopri.encodestring(octets)),
    b"base64": lambda octets: crlf(base64.encodebytes(octets)),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_clear_signed_text_verifies(gpg: list[str], encoding: bytes) -> None:
    signed = crlf(run([*gpg, "--clearsign"], LETTER))
    packed = ENCODINGS[encoding](b"before\r\n\r\n" + signed + b"\r\nbehind\r\n")
    message = parsed(
        b"Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + packed
    )
    made = content(message)
    assert b"Comment" not in made
    assert made.startswith(b"before\r\n\r\n-----BEGIN")
    opened = run([*gpg, "--decrypt"], made)
    assert (
        crlf(opened).rstrip() == b"\r\n".join(line.rstrip() for line in LETTER.split(b"\r\n"))[:-2]
    )


@pytest.mark.parametrize("options", [(), ("--sign",)])
def test_ciphertext_in_the_body_opens(gpg: list[str], options: tuple[str, ...]) -> None:
    secret = crlf(run([*gpg, "--armor", "--encrypt", *options, "-r", "alice@mail.i2p"], LETTER))
    message = parsed(b"Content-Type: text/plain; charset=utf-8\r\n\r\nRead:\r\n" + secret)
    assert run([*gpg, "--decrypt"], content(message)) == LETTER


@pytest.mark.parametrize("armor", [True, False])
def test_encrypted_and_signed_files_open(gpg: list[str], tmp_path: Path, armor: bool) -> None:
    command = [*gpg, "--armor"] if armor else gpg
    secret = run([*command, "--encrypt", "-r", "alice@mail.i2p"], LETTER)
    signature = run([*command, "--detach-sign"], b"\x7fELF program")
    files = [(b"a.txt.pgp", secret), (b"program", b"\x7fELF program"), (b"program.sig", signature)]
    parts = [
        b"Content-Type: application/octet-stream; name=%s\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=%s\r\n\r\n%s"
        % (name, name, crlf(base64.encodebytes(octets)))
        for name, octets in files
    ]
    kept = [content(part) for part in children(parsed(multipart(b"mixed", *parts)))]
    assert run([*gpg, "--decrypt"], kept[0]) == LETTER
    (tmp_path / "program.sig").write_bytes(kept[2])
    run([*gpg, "--verify", tmp_path / "program.sig", "-"], kept[1])
    assert not any(b"Comment" in each for each in kept)


# ---- S/MIME


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key.pem and cert.pem."""
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL (openssl) is not installed")
    folder = tmp_path_factory.mktemp("smime")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice"]
    run([*command, "-days", "2", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"])
    return folder


def cms(certificate: Path, octets: bytes, *options: str) -> bytes:
    signer = ["-signer", f"{certificate}/cert.pem", "-inkey", f"{certificate}/key.pem"]
    return crlf(run(["openssl", "cms", "-sign", *signer, "-crlfeol", "-binary", *options], octets))


def verified(certificate: Path, message: bytes, *, detached: bool) -> bytes:
    # Of a detached signature OpenSSL wants to bring the line ends into their form by itself.
    options = [] if detached else ["-binary"]
    command = ["openssl", "cms", "-verify", "-CAfile", f"{certificate}/cert.pem", *options]
    return crlf(run(command, message))


@pytest.mark.parametrize("octets", [TEXT, WITH_FILES])
@pytest.mark.parametrize("detached", [True, False])
def test_smime_signature_verifies(certificate: Path, detached: bool, octets: bytes) -> None:
    made = sent(cms(certificate, octets, *([] if detached else ["-nodetach"])))
    assert verified(certificate, made, detached=detached) == octets


def test_changed_octets_would_be_seen_by_openssl_too(certificate: Path) -> None:
    made = sent(cms(certificate, TEXT))
    with pytest.raises(subprocess.CalledProcessError):
        verified(certificate, made.replace(b"words", b"Words"), detached=True)


def opened(certificate: Path, message: bytes) -> bytes:
    command = ["openssl", "cms", "-decrypt", "-inkey", f"{certificate}/key.pem", "-binary"]
    return run(command, message)


@pytest.mark.parametrize("octets", [TEXT, WITH_FILES])
def test_smime_ciphertext_opens(certificate: Path, octets: bytes) -> None:
    secret = run(["openssl", "cms", "-encrypt", "-binary", certificate / "cert.pem"], octets)
    assert opened(certificate, sent(crlf(secret))) == octets


def test_signed_message_inside_of_smime_ciphertext_opens(certificate: Path) -> None:
    inner = cms(certificate, TEXT)
    secret = run(["openssl", "cms", "-encrypt", "-binary", certificate / "cert.pem"], inner)
    assert verified(certificate, opened(certificate, sent(crlf(secret))), detached=True) == TEXT
