# SPDX-License-Identifier: Apache-2.0
import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.net.peers import (
    UNKNOWN,
    Peer,
    PeerKind,
    Resolver,
    b32_address,
    destination_hash,
    from_header,
    resolve,
)

KEY = bytes(range(32))
DIGEST = bytes(range(1, 33))
ADDRESS = b32_address(DIGEST).encode()
PLAIN = ("127.0.0.1", 4711)


def test_mapped_ipv4_loopback_carries_24_bits_of_the_destination() -> None:
    assert resolve(("127.1.2.3", 9), Resolver.MAPPED) == Peer(PeerKind.MAPPED_24, b"\1\2\3")


def test_mapped_unique_local_address_carries_120_bits() -> None:
    seen = resolve(("fd01:203:405:607:809:a0b:c0d:e0f", 9, 0, 0), Resolver.MAPPED)
    assert seen == Peer(PeerKind.MAPPED_120, bytes(range(1, 16)))


def test_ipv4_address_on_a_listener_for_both_families_is_the_same_peer() -> None:
    assert resolve(("::ffff:127.1.2.3", 9, 0, 0), Resolver.MAPPED) == resolve(
        ("127.1.2.3", 9), Resolver.MAPPED
    )


@pytest.mark.parametrize(
    "peername",
    [
        PLAIN,
        ("::1", 9, 0, 0),
        ("10.0.0.1", 9),
        ("192.0.2.7", 9),
        ("fc00::1", 9, 0, 0),
        ("fe80::1%lo", 9, 0, 0),
        ("2001:db8::1", 9, 0, 0),
        ("not an address", 9),
        (),
        (7, 9),
        "",
        None,
        "/run/socket",
    ],
)
def test_everything_else_is_unknown(peername: object) -> None:
    assert resolve(peername, Resolver.MAPPED) is UNKNOWN


@pytest.mark.parametrize("resolver", [Resolver.NONE, Resolver.DESTINATION_HEADER])
def test_mapped_address_means_nothing_to_a_listener_that_was_not_told_so(
    resolver: Resolver,
) -> None:
    assert resolve(("127.1.2.3", 9), resolver) is UNKNOWN


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8:1::1", "2001:db8:1:ffff::2", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
    ],
)
def test_internet_addresses_of_one_network_are_one_peer(
    one: str, other: str, are_one: bool
) -> None:
    peers = [resolve((each, 25), Resolver.NETWORK) for each in (one, other)]
    assert peers[0].kind is PeerKind.NETWORK
    assert (peers[0].bucket(KEY) == peers[1].bucket(KEY)) is are_one
    assert resolve(("nowhere", 25), Resolver.NETWORK) is UNKNOWN


def test_unknown_peers_share_no_bucket() -> None:
    assert UNKNOWN.bucket(KEY) is None


def test_bucket_differs_by_identity_kind_and_key_and_holds_no_identity() -> None:
    peers = [
        Peer(PeerKind.MAPPED_24, b"\1\2\3"),
        Peer(PeerKind.MAPPED_24, b"\1\2\4"),
        Peer(PeerKind.MAPPED_120, b"\1\2\3"),
        Peer(PeerKind.DESTINATION, DIGEST),
    ]
    buckets = [peer.bucket(key) for peer in peers for key in (KEY, KEY[::-1])]
    assert len(set(buckets)) == len(buckets)
    assert {len(bucket or b"") for bucket in buckets} == {16}
    assert all(
        peer.identity not in (peer.bucket(KEY) or b"") for peer in peers if peer.identity != b""
    )
    assert peers[0].bucket(KEY) == Peer(PeerKind.MAPPED_24, b"\1\2\3").bucket(KEY)


def test_peer_prints_its_kind_and_nothing_of_its_identity() -> None:
    peer = Peer(PeerKind.MAPPED_24, b"\x61\x62\x63")
    assert repr(peer) == str(peer) == f"{peer}" == "Peer(mapped-24)"
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(peer)
    assert "abc" not in "".join(traceback.format_exception(caught.value))


def test_header_names_the_whole_destination() -> None:
    seen = from_header(PLAIN, Resolver.DESTINATION_HEADER, [ADDRESS])
    assert seen == Peer(PeerKind.DESTINATION, DIGEST)
    assert from_header(PLAIN, Resolver.DESTINATION_HEADER, [ADDRESS.upper()]) == seen


def test_header_is_not_believed_where_no_tunnel_guards_it() -> None:
    for resolver in (Resolver.MAPPED, Resolver.NONE):
        assert from_header(PLAIN, resolver, [ADDRESS]) is UNKNOWN


def test_header_that_comes_twice_or_not_at_all_is_not_believed() -> None:
    for values in ([], [ADDRESS, ADDRESS], [ADDRESS, b"x"]):
        assert from_header(PLAIN, Resolver.DESTINATION_HEADER, values) is UNKNOWN


def test_header_must_agree_with_the_mapped_address_of_the_stream() -> None:
    agrees, contradicts = ("127.1.2.3", 9), ("127.1.2.4", 9)
    assert from_header(agrees, Resolver.DESTINATION_HEADER, [ADDRESS]).identity == DIGEST
    assert from_header(contradicts, Resolver.DESTINATION_HEADER, [ADDRESS]) is UNKNOWN
    ula = ("fd01:203:405:607:809:a0b:c0d:e0f", 9, 0, 0)
    assert from_header(ula, Resolver.DESTINATION_HEADER, [ADDRESS]).identity == DIGEST
    ula = ("fd01:203:405:607:809:a0b:c0d:e10", 9, 0, 0)
    assert from_header(ula, Resolver.DESTINATION_HEADER, [ADDRESS]) is UNKNOWN


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x" * 60,
        ADDRESS[:-1],
        ADDRESS + b"x",
        b"1" + ADDRESS[1:],
        b"=" + ADDRESS[1:],
        b" " + ADDRESS[1:],
        ADDRESS[:-4] + b".com",
        b"\xff" + ADDRESS[1:],
    ],
)
def test_malformed_destination_is_none(value: bytes) -> None:
    assert destination_hash(value) is None


def test_only_one_spelling_of_a_hash_counts() -> None:
    body, last = ADDRESS[:51], ADDRESS[51:52]
    others = [c.encode() for c in string.ascii_lowercase + "234567" if c.encode() != last]
    spellings = [destination_hash(body + c + b".b32.i2p") for c in others]
    assert DIGEST not in spellings
    assert destination_hash(ADDRESS) == DIGEST


@given(st.binary(min_size=32, max_size=32))
def test_every_hash_survives_its_address(digest: bytes) -> None:
    assert destination_hash(b32_address(digest).encode()) == digest


@given(st.binary(max_size=80), st.sampled_from(Resolver), st.text(max_size=50))
def test_no_octets_or_addresses_raise(value: bytes, resolver: Resolver, host: str) -> None:
    assert isinstance(from_header((host, 1), resolver, [value]), Peer)
    assert isinstance(resolve((host, 1), resolver), Peer)
