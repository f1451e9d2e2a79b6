# SPDX-License-Identifier: Apache-2.0
"""OpenPGP in the letterbox's pages, with GnuPG as the other side."""

import re
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.letterbox.fakes import PASSWORD
from tests.letterbox.inside import Inside, inside
from tests.letterbox.waiting import until
from tests.portal.browser import Answer, Browser
from tests.portal.keyring import Keyring

BOB = "bob@mail.i2p"
ALICE = "alice@mail.i2p"
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path / "box") as running:
        yield running


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[Keyring]:
    ring = Keyring(tmp_path / "gnupg")
    ring.make(f"Bob <{BOB}>")
    yield ring
    ring.close()


@pytest.fixture
def alice(pages: Inside) -> Browser:
    """Signed in, with a key."""
    browser = Browser(pages.port)
    browser.submit("/sign-in", name="alice", password=PASSWORD)
    press(browser, "/keys", what="make")
    return browser


def press(browser: Browser, path: str, **fields: str) -> Answer:
    ticket = _TICKET.findall(browser.get(path).text)[-1]
    return browser.post(path, {"ticket": ticket, **fields})


def exchange(alice: Browser, bob: Keyring) -> None:
    """Let each have the other's key."""
    press(alice, "/keys", what="others", key=bob.export(BOB))
    bob.run("--import", given=alice.get("/keys/public.asc").octets)


def sealed(bob: Keyring, content: bytes, *options: str) -> bytes:
    """Return a mail of Bob's whose body is `content`, encrypted to Alice (RFC 3156 4)."""
    armored = bob.run(
        "--armor", "--trust-model", "always", "-r", ALICE, *options, "-e", given=content
    )
    return (
        b"From: Bob <bob@mail.i2p>\r\nTo: alice@mail.i2p\r\nSubject: a secret\r\n"
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e\r\n'
        b"\r\n--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e\r\n"
        b"Content-Type: application/octet-stream\r\n\r\n"
        + armored.replace(b"\n", b"\r\n")
        + b"\r\n--e--\r\n"
    )


PLAIN = ("--compress-algo", "none")
SECRET = b"Content-Type: text/plain\n\nMeet me at the old bridge.\n"


def test_mail_is_encrypted_and_signed_for_who_has_a_key(
    pages: Inside, alice: Browser, bob: Keyring
) -> None:
    exchange(alice, bob)
    fields = {"to": BOB, "subject": "hello", "text": "Nobody else reads this.", "encrypt": "yes"}
    press(alice, "/write", what="send", **fields)
    (letter,) = until(lambda: pages.services["me"].carried, 5)
    assert b"Nobody else" not in letter.content
    assert b"multipart/encrypted" in letter.content
    armored = letter.content[letter.content.index(b"-----BEGIN PGP MESSAGE") :]
    plain = bob.run("--decrypt", "--status-fd", "1", given=armored.replace(b"\r\n", b"\n"))
    assert b"Nobody else reads this." in plain
    assert b"GOODSIG" in plain
    # The writer's own copy can be read, here only.
    shown = alice.get("/mail/1").text + alice.get("/mail/2").text
    assert "Nobody else reads this." in shown
    assert "It came encrypted to you." in shown
    assert "Signed by its author" in shown


def test_encrypted_files_are_cleaned_first(pages: Inside, alice: Browser, bob: Keyring) -> None:
    exchange(alice, bob)
    picture = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "TellTaleCamera"
    Image.new("RGB", (8, 8)).save(picture, "JPEG", exif=exif)
    assert b"TellTaleCamera" in picture.getvalue()
    ticket = _TICKET.findall(alice.get("/write").text)[-1]
    fields = {"ticket": ticket, "to": BOB, "subject": "s", "text": "t", "encrypt": "yes"}
    upload(alice, {**fields, "what": "send"}, picture.getvalue())
    (letter,) = until(lambda: pages.services["me"].carried, 5)
    armored = letter.content[letter.content.index(b"-----BEGIN PGP MESSAGE") :]
    plain = bob.run("--decrypt", given=armored.replace(b"\r\n", b"\n"))
    encoded = plain[plain.index(b"\r\n\r\n", plain.index(b"filename=")) :].split(b"\r\n--")[0]
    content = b64decode(encoded)
    assert content.startswith(b"\xff\xd8")
    assert b"TellTaleCamera" not in content


def upload(browser: Browser, fields: dict[str, str], picture: bytes) -> Answer:
    """Send the form for writing with a picture, as browsers do."""
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
             for name, text in fields.items()]  # fmt: skip
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="p.jpg"\r\n\r\n'
    body = b"".join(parts) + head + picture + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = browser.request("POST", "/write", body, kind)
    assert answer.status == 303, answer.text
    return answer


def test_nothing_leaves_unencrypted_by_mistake(pages: Inside, alice: Browser, bob: Keyring) -> None:
    fields = {"to": f"{BOB}, carol", "subject": "s", "text": "secret", "encrypt": "yes"}
    answer = press(alice, "/write", what="send", **fields)
    assert "You have no key of bob@mail.i2p, carol@mail.i2p" in answer.text
    assert "secret" in answer.text  # still in the form
    exchange(alice, bob)
    answer = press(alice, "/write", what="send", **{**fields, "to": BOB, "bcc": "carol"})
    assert "names the keys of all who can read it" in answer.text
    assert pages.services["me"].carried == []


def test_what_came_encrypted_and_signed_is_shown(
    pages: Inside, alice: Browser, bob: Keyring
) -> None:
    exchange(alice, bob)
    number = pages.put(sealed(bob, SECRET, "--sign", *PLAIN))
    text = alice.get(f"/mail/{number}").text
    assert "Meet me at the old bridge." in text
    assert "It came encrypted to you." in text
    assert "Signed by its author" in text
    answer = alice.get(f"/write?reply={number}").text
    assert "&gt; Meet me at the old bridge." in answer
    assert re.search(r'name="encrypt" value="yes" checked', answer)


def test_signatures_are_told_apart(pages: Inside, alice: Browser, bob: Keyring) -> None:
    bob.run("--import", given=alice.get("/keys/public.asc").octets)
    unknown = pages.put(sealed(bob, SECRET, "--sign", *PLAIN))
    assert "not by anybody whose key you have" in alice.get(f"/mail/{unknown}").text
    unsigned = pages.put(sealed(bob, SECRET))
    assert "Nobody signed it" in alice.get(f"/mail/{unsigned}").text
    exchange(alice, bob)
    compressed = pages.put(sealed(bob, SECRET, "--sign", "--compress-algo", "zip"))
    assert "can&#39;t be checked here" in alice.get(f"/mail/{compressed}").text.replace(
        "'", "&#39;"
    )
    other = sealed(bob, SECRET, "--sign", *PLAIN).replace(b"From: Bob <bob@", b"From: Bob <carol@")
    text = alice.get(f"/mail/{pages.put(other)}").text
    assert "not the address that it says it is from" in text
    assert "Signed by its author" not in text


def test_a_changed_message_is_said_to_be_one(pages: Inside, alice: Browser, bob: Keyring) -> None:
    exchange(alice, bob)
    signed = b"Content-Type: text/plain\r\n\r\nI owe you 10.\r\n"
    signature = bob.run("--armor", "--detach-sign", given=signed).replace(b"\n", b"\r\n")
    message = (
        b"From: bob@mail.i2p\r\nContent-Type: multipart/signed; boundary=e;"
        b' protocol="application/pgp-signature"\r\n\r\n--e\r\n' + signed + b"\r\n--e\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\n" + signature + b"\r\n--e--\r\n"
    )
    assert "Signed by its author" in alice.get(f"/mail/{pages.put(message)}").text
    changed = pages.put(message.replace(b"you 10", b"you 99"))
    text = alice.get(f"/mail/{changed}").text
    assert "or it was changed on its way" in text
    assert "Signed by its author" not in text


def test_what_is_encrypted_never_stands_beside_anything_else(
    pages: Inside, alice: Browser, bob: Keyring
) -> None:
    exchange(alice, bob)
    inner = sealed(bob, SECRET).partition(b"Subject: a secret\r\n")[2]
    around = (
        b"From: evil@mail.i2p\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
        b"--o\r\nContent-Type: text/html\r\n\r\n<img src='http://evil/\r\n--o\r\n"
        + inner
        + b"--o--\r\n"
    )
    number = pages.put(around)
    for path in (f"/mail/{number}", f"/mail/{number}/frame", f"/write?reply={number}"):
        assert "old bridge" not in alice.get(path).text


def test_mail_for_other_keys_stays_shut(pages: Inside, alice: Browser, bob: Keyring) -> None:
    bob.run("--import", given=alice.get("/keys/public.asc").octets)
    message = sealed(bob, SECRET)
    fingerprint = re.findall(r'name="fingerprint" value="([0-9a-f]+)"', alice.get("/keys").text)[0]
    press(alice, "/keys", what="remove", fingerprint=fingerprint)
    number = pages.put(message)
    assert "none of your keys opens it" in alice.get(f"/mail/{number}").text


def test_keys_go_from_and_to_other_programs(
    pages: Inside, alice: Browser, bob: Keyring, tmp_path: Path
) -> None:
    assert press(alice, "/keys/export", password="wrong").status == 422
    exported = press(alice, "/keys/export", password=PASSWORD)
    assert exported.headers["content-disposition"].startswith("attachment")
    other = Keyring(tmp_path / "other")
    (other.home / "gpg-agent.conf").write_text("s2k-count 65536\n")  # else it takes its time
    try:
        other.run("--import", given=exported.octets)
        assert ALICE.encode() in other.run("--list-secret-keys", "--with-colons")
        other.run("--pinentry-mode", "loopback", "--passphrase", "a phrase",
                  "--quick-gen-key", f"<{ALICE}>", "future-default", "default", "1y")  # fmt: skip
        made = other.run("--pinentry-mode", "loopback", "--passphrase", "a phrase",
                         "--armor", "--export-secret-keys", ALICE).decode()  # fmt: skip
    finally:
        other.close()
    block = made[made.index("-----BEGIN") :]
    wrong = press(alice, "/keys", what="own", key=block, passphrase="another")
    assert wrong.status == 422
    assert "a phrase" not in wrong.text
    assert "BEGIN PGP PRIVATE" not in wrong.text
    # A private key never stands in a page, and others' private keys are not taken in.
    assert "This is a private key" in press(alice, "/keys", what="others", key=block).text
    for path in ("/keys", "/keys/public.asc", "/keys/export", "/write"):
        assert "PRIVATE KEY" not in alice.get(path).text


@pytest.mark.parametrize(
    "given", ["", "x", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n", "\x81"]
)
def test_what_is_no_key_is_said_to_be_none(alice: Browser, given: str) -> None:
    for what in ("others", "own"):
        answer = press(alice, "/keys", what=what, key=given)
        assert answer.status == 422
        assert "It can&#39;t be read" in answer.text or "It can't be read" in answer.text


def test_few_octets_that_unpack_to_gigabytes_do_no_harm(
    pages: Inside, alice: Browser, bob: Keyring, tmp_path: Path
) -> None:
    exchange(alice, bob)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(200_000_000)  # nothing but zeros
    bob.run("--trust-model", "always", "-r", ALICE, "--compress-algo", "zip", "-z", "1",
            "--output", str(tmp_path / "bomb"), "--armor", "-e", str(large))  # fmt: skip
    large.unlink()
    armored = (tmp_path / "bomb").read_bytes().replace(b"\n", b"\r\n")
    assert len(armored) < 6_000_000
    message = sealed(bob, SECRET)
    start = message.index(b"-----BEGIN PGP")
    number = pages.put(message[:start] + armored + b"\r\n--e--\r\n")
    assert "unpacks to more than a mail may hold" in alice.get(f"/mail/{number}").text
    fine = pages.put(message)
    assert "Meet me at the old bridge." in alice.get(f"/mail/{fine}").text


_UNSIGNED = b"--e\r\nContent-Type: text/plain\r\n\r\nAnd pay Mallory 500.\r\n"


@pytest.mark.parametrize("place", ["behind", "as the signature"])
def test_no_signature_is_good_for_words_that_it_does_not_cover(
    pages: Inside, alice: Browser, bob: Keyring, place: str
) -> None:
    exchange(alice, bob)
    signed = b"Content-Type: text/plain\r\n\r\nI owe you 10.\r\n"
    signature = bob.run("--armor", "--detach-sign", given=signed).replace(b"\n", b"\r\n")
    kind = b"Content-Type: application/pgp-signature\r\n\r\n"
    if place == "behind":
        end = b"--e\r\n" + kind + signature + b"\r\n" + _UNSIGNED + b"--e--\r\n"
    else:
        end = _UNSIGNED + signature + b"\r\n--e--\r\n"
    message = (
        b"From: bob@mail.i2p\r\nContent-Type: multipart/signed; boundary=e;"
        b' protocol="application/pgp-signature"\r\n\r\n--e\r\n' + signed + b"\r\n" + end
    )
    text = alice.get(f"/mail/{pages.put(message)}").text
    assert "And pay Mallory 500." in text
    assert "Signed by its author" not in text
    assert "It is signed, but not by" in text
