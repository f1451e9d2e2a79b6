# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from eepost.mail.address import Address
from eepost.mail.envelope import Notify, Return
from eepost.queue import sealing
from eepost.queue.item import State
from eepost.queue.release import Departure
from eepost.queue.sealing import NEVER, open_content, segments_of
from eepost.seal.broken import SealBroken
from eepost.seal.segments import SEGMENT_OCTETS
from tests.queue.samples import NOON_MINUTE, forward, item, sealed, sealer


def test_an_item_comes_back_as_it_was() -> None:
    box = sealer()
    whole = item(
        forward("bob", Notify.SUCCESS | Notify.DELAY, state=State.FAILED, status="5.1.1", tried=3),
        forward("carol", is_local=True, is_told=True),
        departure=Departure.BATCHED,
        returns=Return.FULL,
        envelope_id="job-42",
        attempt=3,
        gateway="amber",
        waited_seconds=17,
        is_warned=True,
    )
    stored = box.seal(whole)
    assert box.open(stored) == whole
    assert (stored.number, stored.due, stored.lease) == (whole.number, NOON_MINUTE, 0)


def test_an_item_that_is_held_is_never_due() -> None:
    assert sealer().seal(item(is_held=True)).due == NEVER


def test_a_record_tells_nothing_and_is_never_the_same_twice() -> None:
    box = sealer()
    short, long = item(), item(replace(forward("b"), address=Address("b" * 60, "c" * 60 + ".org")))
    records = [box.seal(short).record, box.seal(short).record, box.seal(long).record]
    assert len(set(records)) == 3
    assert len({len(each) for each in records}) == 1
    assert not any(b"alice" in each or b"example" in each for each in records)


def test_a_record_opens_at_its_own_place_only() -> None:
    box = sealer()
    stored = box.seal(item())
    with pytest.raises(SealBroken):
        box.open(replace(stored, number=stored.number + 1))


def test_a_record_of_a_newer_release_is_not_misread(monkeypatch: pytest.MonkeyPatch) -> None:
    box = sealer()
    monkeypatch.setattr(sealing, "_VERSION", 2)
    stored = box.seal(item())
    monkeypatch.undo()
    with pytest.raises(SealBroken):
        box.open(stored)


@pytest.mark.parametrize("size", [1, 1024, SEGMENT_OCTETS, SEGMENT_OCTETS + 1, 700_000])
def test_content_comes_back_whole_from_the_segments_that_hold_it(size: int) -> None:
    box = sealer()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    whole = item(size_octets=size)
    new = box.seal_new(whole, [content[:7], content[7:]])
    assert size < 16 or content[:16] not in b"".join(new.segments)
    assert len(b"".join(new.segments)) >= new.padded_octets >= size
    assert open_content(whole, new.segments[: segments_of(whole)]) == content


def test_content_with_a_segment_missing_is_no_content() -> None:
    box = sealer()
    whole = item(size_octets=600_000)
    new = box.seal_new(whole, [bytes(600_000)])
    with pytest.raises(SealBroken):
        open_content(whole, new.segments[:2])


def test_numbers_and_keys_are_fresh() -> None:
    box = sealer()
    assert len({box.number() for _ in range(9)} | {0}) == 10
    assert len({box.content_key() for _ in range(9)}) == 9
    assert all(0 <= box.number() < 2**63 for _ in range(9))


def test_no_repr_leads_to_a_person() -> None:
    box = sealer()
    shown = repr(item()) + repr(item().forwards) + repr(sealed(box, item()))
    assert not any(word in shown for word in ("alice", "bob", "example"))
