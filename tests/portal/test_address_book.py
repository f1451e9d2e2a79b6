# SPDX-License-Identifier: Apache-2.0
"""Keys made by GnuPG go into the address book and come out usable, without what they told."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from eepost.accounts.address_book import web_key_hash
from tests.office import PostOffice
from tests.portal.browser import Browser
from tests.portal.keyring import Keyring
from tests.portal.test_choices import signed_in

ADDRESS = "alice@mail.i2p"


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[Keyring]:
    keyring = Keyring(tmp_path / "alice")
    keyring.make(f"Alice <{ADDRESS}>")
    yield keyring
    keyring.close()


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[Keyring]:
    keyring = Keyring(tmp_path / "bob")
    yield keyring
    keyring.close()


def test_key_is_found_and_can_be_encrypted_to(
    office: PostOffice, alice: Keyring, bob: Keyring
) -> None:
    browser = signed_in(office)
    assert "was kept" in browser.submit("/key", what="key", key=alice.export(ADDRESS)).text
    browser.submit("/key", what="listing", listed="yes")
    stranger = Browser(office.portal_port)
    assert '<a href="/entry?name=alice">' in stranger.get("/book?q=lic").text
    assert "/entry?name=" not in stranger.get("/book?q=bob").text
    fingerprint = re.findall(r'"secret">([0-9A-F]{40})<', stranger.get("/entry?name=alice").text)
    assert fingerprint[0].lower() in alice.run("--list-keys", "--with-colons").decode().lower()
    bob.run("--import", given=stranger.get("/key.asc?name=alice").text.encode("ascii"))
    secret = bob.run("--trust-model", "always", "--encrypt", "-r", ADDRESS, given=b"psst")
    assert alice.run("--decrypt", given=secret) == b"psst"


@pytest.mark.parametrize("middle", ["", "mail.i2p/"])
def test_web_key_directory_answers_both_methods(
    office: PostOffice, alice: Keyring, bob: Keyring, middle: str
) -> None:
    browser = signed_in(office)
    browser.submit("/key", what="key", key=alice.export(ADDRESS))
    told = alice.run("--with-wkd-hash", "--list-keys", ADDRESS).decode()
    (hashed,) = re.findall(r"(\w{32})@mail\.i2p", told)
    assert hashed == web_key_hash("Alice")
    path = f"/.well-known/openpgpkey/{middle}hu/{hashed}"
    assert Browser(office.portal_port).request("GET", path).status == 404  # not listed yet
    browser.submit("/key", what="listing", listed="yes")
    octets = Browser(office.portal_port).request("GET", f"{path}?l=alice").octets
    bob.run("--import", given=octets)
    assert ADDRESS.encode() in bob.run("--list-keys")
    policy = f"/.well-known/openpgpkey/{middle}policy"
    assert Browser(office.portal_port).request("GET", policy).status == 200


def test_only_the_owners_address_and_signatures_stay(
    office: PostOffice, alice: Keyring, bob: Keyring
) -> None:
    alice.run("--passphrase", "", "--quick-add-uid", ADDRESS, "Real Name <real@name.example>")
    bob.make("Bob <bob@elsewhere.example>")
    bob.run("--import", given=alice.export(ADDRESS).encode())
    colons = bob.run("--with-colons", "--list-keys", ADDRESS).decode()
    fingerprint = re.findall(r"^fpr:+([0-9A-F]{40}):", colons, re.M)[0]
    bob.run("--quick-sign-key", fingerprint)
    given = bob.export(ADDRESS)
    told = bob.run("--list-packets", given=given.encode()).decode()
    assert "real@name.example" in told  # or there would be nothing to take out
    signers = set(re.findall(r"signature packet: algo \d+, keyid ([0-9A-F]{16})", told))
    assert len(signers) == 2
    browser = signed_in(office)
    browser.submit("/key", what="key", key=given)
    browser.submit("/key", what="listing", listed="yes")
    shown = browser.get("/key.asc?name=alice").text
    told = bob.run("--list-packets", given=shown.encode()).decode()
    assert "real@name.example" not in told
    found = set(re.findall(r"signature packet: algo \d+, keyid ([0-9A-F]{16})", told))
    assert found == {fingerprint[-16:]}


def test_weak_expired_private_and_foreign_keys_are_refused_with_the_reason(
    office: PostOffice, alice: Keyring, bob: Keyring
) -> None:
    browser = signed_in(office)

    def problem(key: str) -> str:
        answer = browser.submit("/key", what="key", key=key)
        assert answer.status == 422
        (found,) = re.findall(r'id="key-problem">([^<]*)<', answer.text)
        return unescape(str(found))

    bob.make("Bob <bob@elsewhere.example>")
    assert "none of its user ids has your address" in problem(bob.export())
    private = alice.run("--armor", "--export-secret-keys", ADDRESS).decode()
    assert "private key" in problem(private)
    weak = Keyring(bob.home.parent / "weak")
    weak.make(f"Alice <{ADDRESS}>", "rsa1024")
    assert "1024 bits, too few" in problem(weak.export())
    weak.close()
    old = Keyring(bob.home.parent / "old")
    old.run(
        *("--faked-system-time", "20200101T000000", "--passphrase", ""),
        *("--quick-gen-key", f"Alice <{ADDRESS}>", "rsa2048", "default", "1y"),
    )
    assert "expired" in problem(old.export())
    old.close()
    assert "exactly one" in problem(alice.export(ADDRESS) + "\n" + bob.export())
    assert "can't be read" in problem("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx")
    assert "can't be read" in problem("nothing of the kind")


def test_disabled_and_deleted_accounts_are_not_in_the_book(office: PostOffice) -> None:
    browser = signed_in(office)
    browser.submit("/key", what="listing", listed="yes")
    stranger = Browser(office.portal_port)
    assert stranger.get("/entry?name=alice").status == 200
    office.disable("alice")
    assert stranger.get("/entry?name=alice").status == 404
