# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.address import Address
from eepost.mail.mailbox import MAX_MAILBOXES
from eepost.sanitise.armor import clean_armored_keys, signatures_in
from eepost.sanitise.openpgp import packets as module
from eepost.sanitise.openpgp.keys import Cleaned, IsPrivate, clean_keys, own_user_ids
from eepost.sanitise.openpgp.packets import Damaged, Packet, packets, subpackets, write_packet
from eepost.sanitise.openpgp.signatures import names_another

IS_OWN = own_user_ids([Address("alice", "mail.i2p")])
OWN, OTHER = b"Alice <Alice@Mail.I2P>", b"Alice Realname <alice@home.example>"


@pytest.mark.parametrize("size", [0, 1, 191, 192, 8_383, 8_384, 70_000])
def test_packets_read_back(size: int) -> None:
    packet = Packet(13, b"x" * size)
    assert list(packets(write_packet(packet) * 2)) == [packet] * 2


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_headers_of_the_old_form_are_read(kind: int) -> None:
    octets = bytes((0x80 | 13 << 2 | kind,)) + (1).to_bytes(1 << kind, "big") + b"x"
    assert list(packets(octets)) == [Packet(13, b"x")]


@pytest.mark.parametrize(
    "octets",
    [b"\x00", b"\xcd", b"\xcd\x05x", b"\xcd\xe1x", b"\xcd\xff\0", b"\xb7x", b"\xb5\0", b"\xcd\xc0"],
)
def test_what_is_no_packet_is_found(octets: bytes) -> None:
    with pytest.raises(Damaged):
        list(packets(octets))


def test_endless_packets_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PACKETS", 3)
    with pytest.raises(Damaged):
        list(packets(write_packet(Packet(13, b"")) * 4))


@pytest.mark.parametrize("octets", [b"\0", b"\x05x", b"\xff\0", b"\xc0", b"\xff\0\0\0\x09x"])
def test_what_is_no_subpacket_is_found(octets: bytes) -> None:
    with pytest.raises(Damaged):
        list(subpackets(octets))


@pytest.mark.parametrize(
    ("length", "size"), [(b"\x02", 1), (b"\xc0\x00", 191), (b"\xff\0\0\0\x02", 1)]
)
def test_all_lengths_of_subpackets_are_read(length: bytes, size: int) -> None:
    (found,) = subpackets(length + b"\x9d" + b"x" * size)
    assert (found.kind, found.body) == (0x1D, b"x" * size)


def sub(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 1, kind)) + body


class Key:
    """A key of some version, which signs without any arithmetic."""

    def __init__(self, version: int, name: bytes = b"k") -> None:
        self.version = version
        self.fingerprint = b""
        if version == 3:
            self.body = struct.pack(">BIHBH", 3, 0, 0, 1, 128) + name * 16
            self.identifier = name * 8
            return
        extra = struct.pack(">I", 32) if version == 6 else b""
        self.body = struct.pack(">BIB", version, 0, 27) + extra + name * 32
        if version == 4:
            hashed = b"\x99" + struct.pack(">H", len(self.body)) + self.body
            self.fingerprint = hashlib.sha1(hashed).digest()
            self.identifier = self.fingerprint[-8:]
        else:
            hashed = b"\x9b" + struct.pack(">I", len(self.body)) + self.body
            self.fingerprint = hashlib.sha256(hashed).digest()
            self.identifier = self.fingerprint[:8]

    @property
    def packet(self) -> bytes:
        return write_packet(Packet(6, self.body))

    def signature(self, kind: int, hashed: bytes = b"", unhashed: bytes | None = None) -> bytes:
        return write_packet(Packet(2, self.body_of(kind, hashed, unhashed)))

    def body_of(self, kind: int, hashed: bytes = b"", unhashed: bytes | None = None) -> bytes:
        if self.version == 3:
            head = b"\x03\x05" + bytes((kind,)) + bytes(4)
            return head + self.identifier + b"\x01\x08\0\0\0\x01\x01"
        if unhashed is None:
            unhashed = sub(33, bytes((self.version,)) + self.fingerprint)
        order = ">H" if self.version == 4 else ">I"
        areas = (struct.pack(order, len(each)) + each for each in (hashed, unhashed))
        return bytes((self.version, kind, 27, 8)) + b"".join(areas) + b"\0\0rest"


def user_id(text: bytes) -> bytes:
    return write_packet(Packet(13, text))


def subkey() -> bytes:
    return write_packet(Packet(14, b"\x04" + bytes(20)))


def cleaned(octets: bytes) -> Cleaned:
    found = clean_keys(octets, IS_OWN)
    assert found is not None
    return found


FRIEND = Key(4, b"f")


@pytest.mark.parametrize("version", [3, 4, 6])
def test_what_the_key_itself_says_of_its_owners_address_stays(version: int) -> None:
    key = Key(version)
    named = user_id(OWN) + key.signature(0x13)
    kept = key.packet + key.signature(0x1F) + named + subkey() + key.signature(0x18)
    found = cleaned(kept)
    assert (found.octets, found.dropped, found.is_whole) == (kept, 0, True)


@pytest.mark.parametrize(
    "foreign",
    [
        FRIEND.signature(0x10),
        FRIEND.signature(0x1F),
        write_packet(Packet(2, b"\x04short")),
        write_packet(Packet(2, b"\x05" + bytes(20))),
        write_packet(Packet(2, b"\x04\x13\x1b\x08\xff\xff" + bytes(20))),
        Key(4).signature(0x13, sub(28, OTHER)),
        Key(4).signature(0x13, sub(20, b"notation")),
        Key(4).signature(0x13, sub(24, b"hkp://home.example")),
        Key(4).signature(0x13, sub(32, b"\x04short")),
        Key(4).signature(0x13, sub(32, Key(4).body_of(0x19, sub(28, OTHER)))),
        Key(4).signature(0x13, unhashed=b""),
        Key(4).signature(0x18),
    ],
)
def test_signature_of_others_or_that_says_more_goes(foreign: bytes) -> None:
    key = Key(4)
    kept = key.packet + user_id(OWN) + key.signature(0x13)
    found = cleaned(kept + foreign)
    assert (found.octets, found.dropped) == (kept, 1)


def test_own_name_of_the_signer_may_stay() -> None:
    key = Key(4)
    said = sub(28, b"alice@mail.i2p") + sub(2, bytes(4))
    kept = key.packet + user_id(OWN) + key.signature(0x13, said)
    assert cleaned(kept).octets == kept


def test_what_is_not_hashed_and_not_needed_goes() -> None:
    key = Key(4)
    issuer = sub(16, key.identifier)
    embedded = key.body_of(0x19)
    needed = b"\xff" + struct.pack(">IB", len(embedded) + 1, 32) + embedded
    telling = sub(32, key.body_of(0x19, sub(20, b"notation")))
    twice = sub(32, key.body_of(0x19, unhashed=sub(32, b"x")))
    said = sub(20, b"notation") + issuer + sub(32, embedded) + telling + twice
    bare = key.packet + subkey()
    found = cleaned(bare + key.signature(0x18, unhashed=said))
    assert found.octets == bare + key.signature(0x18, unhashed=issuer + needed)


def test_signature_in_a_hashed_area_may_stay_if_it_says_no_more() -> None:
    key = Key(4)
    inner = key.body_of(0x19, unhashed=sub(16, key.identifier))
    kept = key.packet + subkey() + key.signature(0x18, sub(32, inner))
    assert cleaned(kept).octets == kept


@pytest.mark.parametrize(
    "component",
    [
        user_id(OTHER),
        user_id(OWN),  # nobody says that it belongs to the key
        user_id(b"<alice@mail.i2p>, <alice@home.example>"),
        user_id(b"<alice@mail.i2p>, Realname"),
        user_id(b"a@b," * (MAX_MAILBOXES + 1)),
        write_packet(Packet(17, b"a picture")),
        subkey(),
        write_packet(Packet(60, b"private use")),
    ],
)
def test_component_that_tells_or_is_not_bound_goes_with_its_signatures(component: bytes) -> None:
    key = Key(4)
    found = cleaned(key.packet + component + FRIEND.signature(0x10) + FRIEND.signature(0x18))
    assert (found.octets, found.dropped) == (key.packet, 3)


@pytest.mark.parametrize("tag", [10, 12, 21])
def test_notes_of_programs_go_unnoticed(tag: int) -> None:
    key = Key(4)
    found = cleaned(key.packet + write_packet(Packet(tag, b"x")))
    assert (found.octets, found.dropped) == (key.packet, 0)


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"words", b"\xcd", write_packet(Packet(2, bytes(20))), user_id(OWN), subkey()),
        *(write_packet(Packet(6, b"\x04")), write_packet(Packet(6, b"\x07" + bytes(20)))),
    ],
)
def test_what_is_no_key_is_found(octets: bytes) -> None:
    assert clean_keys(octets, IS_OWN) is None


def test_damaged_key_is_kept_as_far_as_it_can_be_followed() -> None:
    key = Key(4)
    found = cleaned(key.packet + b"\xcd\xffRealname")
    assert (found.octets, found.is_whole) == (key.packet, False)


@given(st.binary(max_size=200), st.booleans())
def test_noise_is_a_key_or_none(noise: bytes, follows_one: bool) -> None:
    octets = (Key(4).packet if follows_one else b"") + noise
    try:
        found = clean_keys(octets, IS_OWN)
    except IsPrivate:
        return
    assert found is None or clean_keys(found.octets, IS_OWN) is not None
    names_another(octets, IS_OWN)


BEGIN, END = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", b"-----END PGP PUBLIC KEY BLOCK-----"


def armored(octets: bytes, head: bytes = b"", checksum: bytes = b"") -> bytes:
    body = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return BEGIN + head + b"\r\n" + body + checksum + END


def test_keys_in_text_are_cleaned_and_all_else_stays() -> None:
    key = armored(Key(4).packet + user_id(OTHER), b"Comment: x\r\n", b"=abcd\r\n")
    found = clean_armored_keys(b"one\r\n" + key + b"\r\ntwo\r\n" + key + b"\r\n", IS_OWN)
    clean = armored(Key(4).packet)
    assert found.octets == b"one\r\n" + clean + b"\r\ntwo\r\n" + clean + b"\r\n"
    assert found.dropped == 2


@pytest.mark.parametrize(
    "text",
    [
        BEGIN + b"is how a key begins\r\n",
        BEGIN + b"\r\n[snip]\r\n" + END,
        b"- " + armored(Key(4).packet + user_id(OTHER)),
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n is what nobody should send",
        b"no key",
    ],
)
def test_words_about_keys_stay(text: bytes) -> None:
    assert clean_armored_keys(text, IS_OWN).octets == text


def test_key_without_end_gets_one() -> None:
    text = armored(Key(4).packet).removesuffix(END)
    assert clean_armored_keys(text, IS_OWN).octets.endswith(END + b"\r\n")


def test_private_key_in_text_is_found() -> None:
    secret = base64.encodebytes(write_packet(Packet(5, bytes(20))))
    with pytest.raises(IsPrivate):
        clean_armored_keys(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n\r\n" + secret, IS_OWN)


def test_signatures_in_text_are_found_up_to_their_end() -> None:
    one = b"-----BEGIN PGP SIGNATURE-----\r\n\r\nQUJD\r\n"
    assert signatures_in(one + one + b"-----END PGP SIGNATURE-----") == b"ABC"


def test_signature_names_whom_it_names() -> None:
    key = Key(4)
    assert not names_another(key.signature(0, sub(28, b"alice@mail.i2p")), IS_OWN)
    assert names_another(key.signature(0, unhashed=sub(28, OTHER)), IS_OWN)
    assert not names_another(b"no signature", IS_OWN)
