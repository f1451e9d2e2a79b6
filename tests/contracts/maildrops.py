# SPDX-License-Identifier: Apache-2.0
"""What every MaildropStore must do. A test class for an adapter inherits it and gives `stores`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from eepost.accounts.model import Account, State
from eepost.accounts.ports import AccountStore
from eepost.maildrop.model import Arrival, SealedMessage, SentId, StoredEntry, Usage
from eepost.maildrop.ports import (
    AccountGone,
    Delivered,
    MaildropFull,
    MaildropStore,
    TakenBefore,
)
from tests.contracts.samples import account, encapsulation, message, stored

Scenario = Callable[[AccountStore, MaildropStore], Awaitable[None]]

LIMIT_OCTETS = 10 * 1024


class MaildropStoreContract:
    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore]]:
        """Open empty stores of one post office where LIMIT_OCTETS fit into a maildrop."""
        raise NotImplementedError
        yield

    def run(self, scenario: Scenario) -> None:
        async def opened() -> None:
            async with self.stores() as (accounts, maildrops):
                await scenario(accounts, maildrops)

        asyncio.run(opened())

    # Delivering.

    def test_a_delivered_message_lies_there_as_it_was_sealed(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            one, two, other = message(alice), message(alice, 2048), message(bob)
            assert await maildrops.deliver([one]) == Delivered(
                {alice.number: Usage(1, 1024, LIMIT_OCTETS)}
            )
            assert await maildrops.deliver([two, other]) == Delivered(
                {
                    alice.number: Usage(2, 3072, LIMIT_OCTETS),
                    bob.number: Usage(1, 1024, LIMIT_OCTETS),
                }
            )
            assert await _lies_there(maildrops, alice) == {stored(one), stored(two)}
            assert await _lies_there(maildrops, bob) == {stored(other)}
            assert await maildrops.fetch(alice.number, [one.number, two.number]) == {
                one.number: one.segments[0],
                two.number: two.segments[0],
            }

        self.run(scenario)

    def test_what_an_account_was_sent_is_known_to_it_alone_and_longer_than_the_mail(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            tags = [b"parent 1", b"parent 2"]
            sent = replace(message(alice), thread_tags=tags, thread_period=3)
            again = replace(message(alice), thread_tags=tags[:1], thread_period=4)
            await maildrops.deliver([sent])
            await maildrops.deliver([again])
            await maildrops.remove(alice.number, [sent.number, again.number])
            asked = [*tags, b"stranger"]
            assert await maildrops.known_tags(alice.number, asked) == set(tags)
            assert await maildrops.known_tags(alice.number, []) == set()
            assert await maildrops.known_tags(bob.number, asked) == set()
            await maildrops.empty(alice.number)
            assert await maildrops.known_tags(alice.number, asked) == set()

        self.run(scenario)

    def test_what_an_account_sent_leads_back_for_it_alone(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            bob = account("bob", maildrop_octets=1_000_000)
            accounts.add(bob)
            sent = SentId(alice.number, b"given", b"sealed", 3)
            await maildrops.deliver([message(bob)], sent)
            again = SentId(alice.number, b"given", b"sealed anew", 4)
            await maildrops.deliver([message(bob, 750_000, 3)], again)
            asked = [b"given", b"stranger"]
            assert await maildrops.sent_ids(alice.number, asked) == {b"given": b"sealed anew"}
            assert await maildrops.sent_ids(alice.number, []) == {}
            assert await maildrops.sent_ids(bob.number, asked) == {}
            await maildrops.empty(alice.number)
            assert await maildrops.sent_ids(alice.number, asked) == {}
            await maildrops.deliver([message(bob)], sent)
            accounts.delete("alice")
            assert await maildrops.sent_ids(alice.number, asked) == {}

        self.run(scenario)

    def test_what_was_not_delivered_leads_nowhere(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            sent = SentId(alice.number, b"given", b"sealed", 3)
            outcome = await maildrops.deliver([message(bob, LIMIT_OCTETS + 1024)], sent)
            assert isinstance(outcome, MaildropFull)
            assert await maildrops.sent_ids(alice.number, [b"given"]) == {}

        self.run(scenario)

    def test_deleted_account_leaves_no_thread_behind(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            await maildrops.deliver([replace(message(alice), thread_tags=[b"parent"])])
            accounts.delete("alice")
            assert await maildrops.known_tags(alice.number, [b"parent"]) == set()

        self.run(scenario)

    # What comes from the Internet.

    def test_an_arrival_that_comes_again_is_not_delivered_again(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            one, other = message(alice), message(bob)
            first = await maildrops.arrive([one, other], Arrival([b"1", b"2"], 20_000))
            assert isinstance(first, Delivered)
            for tags in ([b"1", b"2"], [b"2", b"3"], [b"1"]):
                again = await maildrops.arrive([message(alice)], Arrival(tags, 20_001))
                assert again == TakenBefore()
            assert await _lies_there(maildrops, alice) == {stored(one)}
            assert await maildrops.arrived([b"1", b"3"]) == {b"1"}
            # What was refused with another may still come by itself.
            last = await maildrops.arrive([message(alice)], Arrival([b"3"], 20_001))
            assert isinstance(last, Delivered)

        self.run(scenario)

    def test_one_arrival_at_once_from_two_sides_is_delivered_once(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            outcomes = await asyncio.gather(
                *(maildrops.arrive([message(alice)], Arrival([b"t"], 20_000)) for _ in range(5))
            )
            assert sum(isinstance(each, Delivered) for each in outcomes) == 1
            assert len(await _lies_there(maildrops, alice)) == 1

        self.run(scenario)

    def test_an_arrival_that_finds_no_room_is_not_taken_for_one_that_did(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            arrival = Arrival([b"t"], 20_000)
            large = message(alice, LIMIT_OCTETS + 1024)
            assert await maildrops.arrive([large], arrival) == MaildropFull(alice.number)
            assert await maildrops.arrived([b"t"]) == frozenset()
            assert isinstance(await maildrops.arrive([message(alice)], arrival), Delivered)

        self.run(scenario)

    def test_nothing_to_deliver_is_delivered(self) -> None:
        async def scenario(_: AccountStore, maildrops: MaildropStore) -> None:
            assert await maildrops.deliver([]) == Delivered({})

        self.run(scenario)

    def test_a_new_maildrop_is_empty(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            assert await maildrops.usage(alice.number) == Usage(0, 0, LIMIT_OCTETS)
            assert list(await maildrops.snapshot(alice.number)) == []
            assert list(await maildrops.encapsulations(alice.number)) == []
            assert await maildrops.fetch(alice.number, [7]) == {}
            assert await maildrops.fetch_segment(alice.number, 7, 0) is None

        self.run(scenario)

    def test_a_large_message_is_read_segment_by_segment(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            large = account("alice", maildrop_octets=1_000_000)
            accounts.add(large)
            sealed = message(large, 750_000, segments=3)
            await maildrops.deliver([sealed])
            first = await maildrops.fetch(large.number, [sealed.number])
            assert first == {sealed.number: sealed.segments[0]}
            for at, segment in enumerate(sealed.segments):
                found = await maildrops.fetch_segment(large.number, sealed.number, at)
                assert found == segment
            assert await maildrops.fetch_segment(large.number, sealed.number, 3) is None

        self.run(scenario)

    # Marks.

    def test_the_mark_changes_with_every_coming_and_going_and_with_nothing_else(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            await maildrops.deliver([message(bob)])
            bobs, seen = maildrops.mark(bob.number), [maildrops.mark(alice.number)]
            one, two = message(alice), message(alice)
            await maildrops.deliver([one])
            seen.append(maildrops.mark(alice.number))
            await maildrops.deliver([two])
            seen.append(maildrops.mark(alice.number))
            await maildrops.remove(alice.number, [one.number])
            seen.append(maildrops.mark(alice.number))
            await maildrops.snapshot(alice.number)
            await maildrops.deliver([message(alice, LIMIT_OCTETS)])  # does not fit
            await maildrops.remove(alice.number, [one.number])  # is gone already
            assert maildrops.mark(alice.number) == seen[-1]
            await maildrops.empty(alice.number)
            seen.append(maildrops.mark(alice.number))
            assert None not in seen
            assert len(set(seen)) == len(seen)
            assert maildrops.mark(bob.number) == bobs is not None

        self.run(scenario)

    def test_what_a_delivery_brought_is_seen_by_whoever_looks_at_the_mark_first(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            seen: set[StoredEntry] = set()
            mark: int | None = None

            async def watch() -> None:
                nonlocal mark, seen
                while True:
                    before = maildrops.mark(alice.number)
                    if before is None or before != mark:
                        seen = await _lies_there(maildrops, alice)
                        mark = before
                    await asyncio.sleep(0)

            watching = asyncio.ensure_future(watch())
            for count in range(1, 10):
                await maildrops.deliver([message(alice)])
                known = maildrops.mark(alice.number)
                assert known is None or known != mark or len(seen) == count
                await asyncio.sleep(0)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

        self.run(scenario)

    # All or nothing.

    def test_one_full_maildrop_keeps_the_message_from_all(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            await maildrops.deliver([message(bob, LIMIT_OCTETS)])
            outcome = await maildrops.deliver([message(alice), message(bob)])
            assert outcome == MaildropFull(bob.number)
            assert await _lies_there(maildrops, alice) == set()
            assert await maildrops.usage(alice.number) == Usage(0, 0, LIMIT_OCTETS)
            assert list(await maildrops.encapsulations(alice.number)) == []

        self.run(scenario)

    def test_one_account_that_is_gone_keeps_the_message_from_all(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            accounts.delete("bob")
            outcome = await maildrops.deliver([message(alice), message(bob)])
            assert outcome == AccountGone(bob.number)
            assert await _lies_there(maildrops, alice) == set()

        self.run(scenario)

    def test_a_disabled_account_gets_no_mail_and_keeps_what_it_has(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            kept = message(alice)
            await maildrops.deliver([kept])
            disabled = replace(alice, state=State.DISABLED)
            accounts.replace(disabled, alice)
            assert await maildrops.deliver([message(alice)]) == AccountGone(alice.number)
            assert await _lies_there(maildrops, alice) == {stored(kept)}
            accounts.replace(alice, disabled)
            assert isinstance(await maildrops.deliver([message(alice)]), Delivered)

        self.run(scenario)

    def test_an_account_that_never_was_gets_no_mail(self) -> None:
        async def scenario(_: AccountStore, maildrops: MaildropStore) -> None:
            nobody = account("nobody1")
            assert await maildrops.deliver([message(nobody)]) == AccountGone(nobody.number)

        self.run(scenario)

    # The limit.

    def test_a_maildrop_takes_what_fits_and_no_octet_more(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            full = MaildropFull(alice.number)
            assert await maildrops.deliver([message(alice, LIMIT_OCTETS + 1)]) == full
            filling = await maildrops.deliver([message(alice, LIMIT_OCTETS - 1024)])
            assert isinstance(filling, Delivered)
            assert await maildrops.deliver([message(alice, 1025)]) == full
            assert isinstance(await maildrops.deliver([message(alice, 1024)]), Delivered)
            assert await maildrops.deliver([message(alice, 1)]) == full
            assert (await maildrops.usage(alice.number)).is_full

        self.run(scenario)

    def test_messages_of_one_call_count_together(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            half = LIMIT_OCTETS // 2
            outcome = await maildrops.deliver([message(alice, half), message(alice, half + 1)])
            assert outcome == MaildropFull(alice.number)
            assert await _lies_there(maildrops, alice) == set()
            outcome = await maildrops.deliver([message(alice, half), message(alice, half)])
            assert outcome == Delivered({alice.number: Usage(2, LIMIT_OCTETS, LIMIT_OCTETS)})

        self.run(scenario)

    def test_an_account_may_have_a_limit_of_its_own(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            roomy = account("alice", maildrop_octets=LIMIT_OCTETS * 2)
            tight = account("bob", maildrop_octets=1024)
            accounts.add(roomy)
            accounts.add(tight)
            assert isinstance(await maildrops.deliver([message(roomy, LIMIT_OCTETS)]), Delivered)
            usage = await maildrops.usage(roomy.number)
            assert usage == Usage(1, LIMIT_OCTETS, LIMIT_OCTETS * 2)
            full = MaildropFull(tight.number)
            assert await maildrops.deliver([message(tight, 1025)]) == full
            larger = replace(tight, maildrop_octets=1025)
            accounts.replace(larger, tight)
            assert isinstance(await maildrops.deliver([message(larger, 1025)]), Delivered)

        self.run(scenario)

    def test_deliveries_at_once_do_not_pass_the_limit_together(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            outcomes = await _together(maildrops, [message(alice) for _ in range(25)])
            delivered = [each for each in outcomes if isinstance(each, Delivered)]
            assert len(delivered) == 10
            assert outcomes.count(MaildropFull(alice.number)) == 15
            usage = await maildrops.usage(alice.number)
            assert usage == Usage(10, LIMIT_OCTETS, LIMIT_OCTETS)
            assert len(await maildrops.snapshot(alice.number)) == 10

        self.run(scenario)

    def test_each_delivery_at_once_learns_how_full_it_made_the_maildrop(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            outcomes = await _together(maildrops, [message(alice) for _ in range(10)])
            usages = [o.usage[alice.number] for o in outcomes if isinstance(o, Delivered)]
            assert sorted(usage.octets for usage in usages) == [
                1024 * count for count in range(1, 11)
            ]
            assert sorted(usage.messages for usage in usages) == list(range(1, 11))

        self.run(scenario)

    # Encapsulations.

    def test_an_encapsulation_is_there_once_for_all_of_its_messages(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            shared, later = encapsulation(alice), encapsulation(alice)
            await maildrops.deliver([message(alice, under=shared), message(bob)])
            await maildrops.deliver([message(alice, under=shared)])
            await maildrops.deliver([message(alice, under=later)])
            found = await maildrops.encapsulations(alice.number)
            assert sorted(found, key=lambda each: each.number) == sorted(
                [shared, later], key=lambda each: each.number
            )

        self.run(scenario)

    def test_mail_that_comes_after_the_last_was_removed_has_its_encapsulation(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            shared = encapsulation(alice)
            first, second = message(alice, under=shared), message(alice, under=shared)
            await maildrops.deliver([first])
            await maildrops.remove(alice.number, [first.number])
            await maildrops.deliver([second])
            assert list(await maildrops.encapsulations(alice.number)) == [shared]
            await maildrops.empty(alice.number)
            await maildrops.deliver([message(alice, under=shared)])
            assert list(await maildrops.encapsulations(alice.number)) == [shared]

        self.run(scenario)

    # Removing.

    def test_a_removed_message_is_gone_and_makes_room(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            one, two = message(alice, 2048, segments=2), message(alice, 4096)
            await maildrops.deliver([one, two])
            await maildrops.remove(alice.number, [one.number])
            assert await _lies_there(maildrops, alice) == {stored(two)}
            assert await maildrops.usage(alice.number) == Usage(1, 4096, LIMIT_OCTETS)
            both = await maildrops.fetch(alice.number, [one.number, two.number])
            assert both == {two.number: two.segments[0]}
            assert await maildrops.fetch_segment(alice.number, one.number, 0) is None
            assert await maildrops.fetch_segment(alice.number, one.number, 1) is None
            filling = await maildrops.deliver([message(alice, LIMIT_OCTETS - 4096)])
            assert isinstance(filling, Delivered)

        self.run(scenario)

    def test_removing_twice_is_no_error_and_counts_once(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            (alice,) = _add(accounts, "alice")
            one, two = message(alice), message(alice)
            await maildrops.deliver([one, two])
            await maildrops.remove(alice.number, [one.number, one.number])
            await maildrops.remove(alice.number, [one.number])
            await maildrops.remove(alice.number, [])
            assert await maildrops.usage(alice.number) == Usage(1, 1024, LIMIT_OCTETS)

        self.run(scenario)

    def test_nobody_touches_the_mail_of_another(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            sealed = message(alice, 2048, segments=2)
            await maildrops.deliver([sealed])
            await maildrops.remove(bob.number, [sealed.number])
            assert await maildrops.empty(bob.number) == 0
            assert await maildrops.fetch(bob.number, [sealed.number]) == {}
            assert await maildrops.fetch_segment(bob.number, sealed.number, 0) is None
            assert await maildrops.fetch_segment(bob.number, sealed.number, 1) is None
            assert await maildrops.usage(bob.number) == Usage(0, 0, LIMIT_OCTETS)
            assert await _lies_there(maildrops, alice) == {stored(sealed)}
            assert await maildrops.usage(alice.number) == Usage(1, 2048, LIMIT_OCTETS)

        self.run(scenario)

    def test_an_emptied_maildrop_says_what_it_had_and_takes_mail_again(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            await maildrops.deliver([message(alice, 4096), message(alice), message(bob)])
            assert await maildrops.empty(alice.number) == 2
            assert await maildrops.empty(alice.number) == 0
            assert await maildrops.usage(alice.number) == Usage(0, 0, LIMIT_OCTETS)
            assert await _lies_there(maildrops, alice) == set()
            assert (await maildrops.usage(bob.number)).messages == 1
            filling = await maildrops.deliver([message(alice, LIMIT_OCTETS)])
            assert isinstance(filling, Delivered)

        self.run(scenario)

    def test_deleting_an_account_destroys_its_mail(self) -> None:
        async def scenario(accounts: AccountStore, maildrops: MaildropStore) -> None:
            alice, bob = _add(accounts, "alice", "bob")
            gone, kept = message(alice, 2048, segments=2), message(bob)
            await maildrops.deliver([gone, kept])
            accounts.delete("alice")
            assert await _lies_there(maildrops, alice) == set()
            assert list(await maildrops.encapsulations(alice.number)) == []
            assert await maildrops.fetch(alice.number, [gone.number]) == {}
            assert await maildrops.fetch_segment(alice.number, gone.number, 1) is None
            usage = await maildrops.usage(alice.number)
            assert (usage.messages, usage.octets) == (0, 0)
            assert await _lies_there(maildrops, bob) == {stored(kept)}

        self.run(scenario)


def _add(accounts: AccountStore, *names: str) -> list[Account]:
    added = [account(name) for name in names]
    for each in added:
        accounts.add(each)
    return added


async def _lies_there(maildrops: MaildropStore, owner: Account) -> set[StoredEntry]:
    snapshot = await maildrops.snapshot(owner.number)
    found = set(snapshot)
    assert len(found) == len(snapshot)
    return found


async def _together(maildrops: MaildropStore, sealed: list[SealedMessage]) -> list[object]:
    async def deliver(each: SealedMessage) -> object:
        return await maildrops.deliver([each])

    return list(await asyncio.gather(*(deliver(each) for each in sealed)))
