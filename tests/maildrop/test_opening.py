# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.maildrop.entry import context_of, pack_entry, unpack_entry
from eepost.maildrop.model import Encapsulation, IndexEntry, SealedMessage
from eepost.maildrop.opening import Opener, pack_listing, unpack_listing
from eepost.maildrop.sealing import Sealer
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PrivateKey, encapsulate
from eepost.seal.segments import SealingKey, seal_entry
from tests.contracts.samples import stored
from tests.maildrop.test_sealing import ALICE, BOB, NOW, SECOND, SEED, Key, Owner
from tests.seal.chance import chance

OTHER_SEED = PrivateKey.generate(chance(1))
NEWER = Owner(ALICE.number, Key(2, OTHER_SEED.public_key.octets))


def sealed(count: int, owner: Owner = ALICE, seed: int = 0) -> list[SealedMessage]:
    sealer = Sealer(chance(seed), window_seconds=2)
    return [sealer.seal(owner, [b"text"], NOW + at * SECOND) for at in range(count)]


def encapsulations(messages: list[SealedMessage]) -> list[Encapsulation]:
    return list({each.encapsulation.number: each.encapsulation for each in messages}.values())


@given(st.permutations(range(7)))
def test_a_listing_is_in_the_order_of_arrival(order: list[int]) -> None:
    listed = Opener({1: SEED}).listing([stored(MESSAGES[at]) for at in order], ENCAPSULATIONS)
    assert [each.number for each in listed] == [each.number for each in MESSAGES]


MESSAGES = sealed(7)
ENCAPSULATIONS = encapsulations(MESSAGES)


def test_a_packed_listing_is_the_same_when_unpacked() -> None:
    listed = Opener({1: SEED}).listing([stored(each) for each in MESSAGES], ENCAPSULATIONS)
    assert unpack_listing(pack_listing(listed)) == listed
    assert len(pack_listing(listed)) == 66 * len(MESSAGES)
    assert unpack_listing(pack_listing([])) == []


def test_entries_of_one_moment_are_listed_the_same_way_every_time() -> None:
    # After a restart with a clock that went back two messages may share their order.
    one, two = sealed(1)[0], sealed(1, seed=1)[0]
    opener = Opener({1: SEED})
    opener.learn([one.encapsulation, two.encapsulation])
    there = opener.listing([stored(one), stored(two)])
    back = opener.listing([stored(two), stored(one)])
    assert there == back
    assert there[0].entry.order == there[1].entry.order


def test_an_opener_says_which_encapsulations_it_needs_and_learns_each_once() -> None:
    opener = Opener({1: SEED})
    entries = [stored(each) for each in MESSAGES]
    assert opener.needs(entries)
    opener.learn(ENCAPSULATIONS[:1])
    assert not opener.needs(entries[:2])
    assert opener.needs(entries)
    opener.learn(ENCAPSULATIONS)
    assert not opener.needs(entries)
    # What it has learnt is not looked at again.
    opener.learn([replace(each, octets=b"changed") for each in ENCAPSULATIONS])
    assert len(opener.listing(entries)) == len(entries)


def test_an_opener_that_is_reminded_needs_no_encapsulation_and_no_private_key() -> None:
    entries = [stored(each) for each in MESSAGES]
    opened = Opener({1: SEED}).learn(ENCAPSULATIONS)
    assert set(opened) == {each.number for each in ENCAPSULATIONS}
    later = Opener({})
    later.remind(opened)
    assert not later.needs(entries)
    assert later.learn(ENCAPSULATIONS) == {}
    listed = later.listing(entries)
    assert len(listed) == len(entries)
    assert later.open_segment(listed[0], 0, MESSAGES[0].segments[0]) == b"text"


def test_what_does_not_open_is_not_there_to_be_remembered() -> None:
    damaged = replace(ENCAPSULATIONS[0], octets=ENCAPSULATIONS[0].octets[::-1])
    assert set(Opener({1: SEED}).learn([damaged, ENCAPSULATIONS[1]])) == {ENCAPSULATIONS[1].number}
    assert Opener({}).learn(ENCAPSULATIONS) == {}


def test_mail_of_a_generation_without_its_key_is_left_out_and_counted() -> None:
    old, new = sealed(3), sealed(2, NEWER, seed=1)
    everything = [stored(each) for each in old + new]
    opener = Opener({2: OTHER_SEED})
    listed = opener.listing(everything, encapsulations(old + new))
    assert [each.number for each in listed] == [each.number for each in new]
    assert (opener.unopened, opener.damaged) == (3, 0)
    both = Opener({1: SEED, 2: OTHER_SEED})
    assert len(both.listing(everything, encapsulations(old + new))) == 5


def test_an_entry_whose_encapsulation_is_missing_is_left_out_and_counted() -> None:
    opener = Opener({1: SEED})
    assert opener.listing([stored(MESSAGES[0])]) == []
    assert opener.unopened == 1


def test_a_damaged_encapsulation_hides_its_own_messages_only() -> None:
    first, *rest = ENCAPSULATIONS
    opener = Opener({1: SEED})
    listed = opener.listing(
        [stored(each) for each in MESSAGES], [replace(first, octets=first.octets[::-1]), *rest]
    )
    assert [each.number for each in listed] == [each.number for each in MESSAGES[2:]]
    assert opener.unopened == 2


@pytest.mark.parametrize("field", ["account", "number", "generation"])
def test_an_encapsulation_opens_in_its_own_place_only(field: str) -> None:
    message = sealed(1)[0]
    elsewhere = replace(message.encapsulation, account=BOB.number, number=5, generation=2)
    moved = replace(message.encapsulation, **{field: getattr(elsewhere, field)})
    opener = Opener({1: SEED, 2: SEED})
    entry = replace(stored(message), encapsulation=moved.number)
    assert opener.listing([entry], [moved]) == []


def test_an_encapsulation_of_something_else_than_a_key_opens_nothing() -> None:
    bare = Encapsulation(5, ALICE.number, 1, b"")
    odd = replace(bare, octets=encapsulate(SEED.public_key, b"short", context_of(bare)))
    opener = Opener({1: SEED})
    assert opener.listing([replace(stored(MESSAGES[0]), encapsulation=5)], [odd]) == []
    assert opener.unopened == 1


def test_a_damaged_entry_hides_no_other() -> None:
    entries = [stored(each) for each in MESSAGES]
    entries[1] = replace(entries[1], entry=entries[1].entry[::-1])
    entries[2] = replace(entries[2], entry=b"")
    entries[3] = replace(entries[3], number=entries[4].number)
    opener = Opener({1: SEED})
    listed = opener.listing(entries, ENCAPSULATIONS)
    assert [each.number for each in listed] == [MESSAGES[at].number for at in (0, 4, 5, 6)]
    assert (opener.unopened, opener.damaged) == (0, 3)


def test_an_entry_of_another_length_is_damaged() -> None:
    octets = bytes(range(32))
    bare = Encapsulation(5, ALICE.number, 1, b"")
    made = replace(bare, octets=encapsulate(SEED.public_key, octets, context_of(bare)))
    entry = seal_entry(SealingKey(octets), 9, b"an entry of a version to come")
    opener = Opener({1: SEED})
    row = replace(stored(MESSAGES[0]), number=9, encapsulation=5, entry=entry)
    assert opener.listing([row], [made]) == []
    assert opener.damaged == 1


def test_a_segment_of_another_message_does_not_open() -> None:
    opener = Opener({1: SEED})
    listed = opener.listing([stored(each) for each in MESSAGES], ENCAPSULATIONS)
    assert opener.open_segment(listed[0], 0, MESSAGES[0].segments[0]) == b"text"
    with pytest.raises(SealBroken):
        opener.open_segment(listed[0], 0, MESSAGES[1].segments[0])
    with pytest.raises(SealBroken):
        opener.open_segment(listed[0], 0, MESSAGES[0].segments[0][:-1])


def test_an_opener_without_the_key_opens_no_segment() -> None:
    listed = Opener({1: SEED}).listing([stored(MESSAGES[0])], ENCAPSULATIONS)
    with pytest.raises(SealBroken):
        Opener({1: OTHER_SEED}).open_segment(listed[0], 0, MESSAGES[0].segments[0])


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.from_regex(r"[a-z2-7]{26}", fullmatch=True),
    st.integers(0, 2**64 - 1),
)
def test_an_entry_comes_back_from_its_octets(
    order: int, size: int, unique_id: str, arrived: int
) -> None:
    octets = pack_entry(order, size, unique_id.encode(), arrived)
    assert unpack_entry(octets) == IndexEntry(order, size, unique_id, arrived)
