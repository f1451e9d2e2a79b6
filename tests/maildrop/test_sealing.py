# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.maildrop.model import SealedMessage
from eepost.maildrop.opening import Listed, Opener
from eepost.maildrop.sealing import Sealer
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey
from eepost.seal.segments import SEGMENT_OCTETS
from tests.contracts.samples import stored
from tests.seal.chance import chance

SECOND = 1_000_000_000
NOW = 1_795_000_000 * SECOND
SEED = PrivateKey.generate(chance())


@dataclass(frozen=True)
class Key:
    generation: int
    public_key: bytes


@dataclass(frozen=True)
class Owner:
    number: int
    current_key: Key


ALICE = Owner(1, Key(1, SEED.public_key.octets))
BOB = Owner(2, ALICE.current_key)


def listed(*messages: SealedMessage) -> list[Listed]:
    opener = Opener({1: SEED, 2: SEED})
    return opener.listing(map(stored, messages), [each.encapsulation for each in messages])


def test_a_sealed_message_opens_for_its_owner() -> None:
    message = Sealer(chance()).seal(ALICE, [b"Subject: x\r\n\r\n", memoryview(b"body")], NOW)
    assert message.account == ALICE.number
    assert message.padded_octets == 1024
    opener = Opener({1: SEED})
    (found,) = opener.listing([stored(message)], [message.encapsulation])
    assert found.number == message.number
    assert found.entry.size_octets == 18
    assert found.entry.arrived_utc == NOW // SECOND
    assert opener.open_segment(found, 0, message.segments[0]) == b"Subject: x\r\n\r\nbody"


def test_a_large_message_opens_segment_by_segment() -> None:
    whole = chance()(2 * SEGMENT_OCTETS + 1000)
    message = Sealer(chance()).seal(ALICE, [whole[:500], whole[500:]], NOW)
    opener = Opener({1: SEED})
    (found,) = opener.listing([stored(message)], [message.encapsulation])
    assert found.segments == len(message.segments) == 3
    assert whole == b"".join(
        opener.open_segment(found, at, segment) for at, segment in enumerate(message.segments)
    )


def test_nothing_in_the_clear_tells_of_the_message() -> None:
    message = Sealer(chance()).seal(ALICE, [b"Subject: cats\r\n\r\nmiaow\r\n"], NOW)
    (found,) = listed(message)
    octets = b"".join([*message.segments, message.entry, message.encapsulation.octets])
    for plain in (b"cats", b"miaow", found.entry.unique_id.encode()):
        assert plain not in octets


def test_numbers_and_unique_ids_are_random_and_of_the_right_form() -> None:
    sealer = Sealer(chance())
    messages = [sealer.seal(owner, [b"same"], NOW) for owner in (ALICE, BOB) for _ in range(50)]
    assert len({message.number for message in messages}) == 100
    assert all(0 <= message.number < 2**63 for message in messages)
    unique_ids = {found.entry.unique_id for found in listed(*messages)}
    assert len(unique_ids) == 100
    assert all(re.fullmatch("[a-z2-7]{26}", each) for each in unique_ids)
    assert set("".join(unique_ids)) == set("abcdefghijklmnopqrstuvwxyz234567")


def test_equal_mail_for_two_accounts_has_nothing_in_common() -> None:
    sealer = Sealer(chance())
    one, two = (sealer.seal(owner, [b"same" * 200], NOW) for owner in (ALICE, BOB))
    assert one.encapsulation.number != two.encapsulation.number
    assert one.encapsulation.octets != two.encapsulation.octets
    assert one.entry != two.entry
    assert one.segments != two.segments


@given(st.lists(st.integers(0, 10), min_size=1, max_size=20))
def test_the_order_ascends_strictly_whatever_the_clock_does(moments: list[int]) -> None:
    sealer = Sealer(bytes)  # nothing but zeros
    orders = []
    for moment in moments:
        message = sealer.seal(ALICE, [b""], moment)
        opener = Opener({1: SEED})
        (found,) = opener.listing([stored(message)], [message.encapsulation])
        orders.append(found.entry.order)
        assert found.entry.order >= moment
    assert orders == sorted(set(orders))


def test_one_key_serves_an_account_for_a_window_and_no_longer() -> None:
    sealer = Sealer(chance(), window_seconds=300)
    first = sealer.seal(ALICE, [b"1"], NOW).encapsulation
    assert sealer.seal(ALICE, [b"2"], NOW + 300 * SECOND - 1).encapsulation is first
    later = sealer.seal(ALICE, [b"3"], NOW + 300 * SECOND).encapsulation
    assert later.number != first.number
    assert later.octets != first.octets


def test_a_clock_that_was_set_back_gives_a_new_key() -> None:
    sealer = Sealer(chance())
    first = sealer.seal(ALICE, [b"1"], NOW).encapsulation
    assert sealer.seal(ALICE, [b"2"], NOW - 1).encapsulation is not first


def test_a_new_generation_gets_a_new_key() -> None:
    sealer = Sealer(chance())
    first = sealer.seal(ALICE, [b"1"], NOW).encapsulation
    rotated = Owner(ALICE.number, Key(2, SEED.public_key.octets))
    second = sealer.seal(rotated, [b"2"], NOW).encapsulation
    assert (first.generation, second.generation) == (1, 2)
    assert second.number != first.number


def test_a_key_that_was_forgotten_is_not_used_again() -> None:
    sealer = Sealer(chance())
    first = {owner: sealer.seal(owner, [b"1"], NOW).encapsulation for owner in (ALICE, BOB)}
    sealer.forget(ALICE.number)
    sealer.forget(77)
    assert sealer.seal(ALICE, [b"2"], NOW).encapsulation is not first[ALICE]
    assert sealer.seal(BOB, [b"2"], NOW).encapsulation is first[BOB]


def test_expired_keys_are_forgotten_and_others_kept() -> None:
    sealer = Sealer(chance(), window_seconds=300)
    old = sealer.seal(ALICE, [b"1"], NOW).encapsulation
    young = sealer.seal(BOB, [b"1"], NOW + 200 * SECOND).encapsulation
    sealer.forget_expired(NOW + 300 * SECOND)
    assert sealer.seal(BOB, [b"2"], NOW + 300 * SECOND).encapsulation is young
    # Back within the window: had it only been passed over, the old key would serve again.
    assert sealer.seal(ALICE, [b"2"], NOW + 299 * SECOND).encapsulation is not old


def test_at_most_so_many_keys_are_held_and_the_oldest_goes_first() -> None:
    sealer = Sealer(chance(), max_keys=2)
    owners = [Owner(number, ALICE.current_key) for number in (1, 2, 3)]
    first = [sealer.seal(owner, [b"1"], NOW + at).encapsulation for at, owner in enumerate(owners)]
    again = [sealer.seal(owner, [b"2"], NOW + 9).encapsulation for owner in reversed(owners)]
    assert again[0] is first[2]
    assert again[1] is first[1]
    assert again[2] is not first[0]


def test_a_key_that_was_renewed_is_not_the_oldest() -> None:
    sealer = Sealer(chance(), window_seconds=300, max_keys=2)
    carol = Owner(3, ALICE.current_key)
    late = NOW + 350 * SECOND
    sealer.seal(ALICE, [b"1"], NOW)
    sealer.seal(BOB, [b"1"], NOW + 100 * SECOND)
    renewed = sealer.seal(ALICE, [b"2"], late).encapsulation
    sealer.seal(carol, [b"1"], late)
    assert sealer.seal(ALICE, [b"3"], late).encapsulation is renewed


def test_an_owner_without_a_public_key_gets_nothing_sealed() -> None:
    with pytest.raises(SealBroken):
        Sealer(chance()).seal(Owner(1, Key(1, b"none")), [b""], NOW)


def test_no_key_shows_in_a_repr() -> None:
    sealer = Sealer(chance())
    sealer.seal(ALICE, [b""], NOW)
    (window,) = sealer._windows.values()
    assert "key" not in repr(window).lower()
