# SPDX-License-Identifier: Apache-2.0
"""What every OutgoingStore must do. A test class for an adapter inherits it and gives `stores`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from eepost.accounts.ports import AccountStore
from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import AccountGone, Delivered, MaildropFull, MaildropStore
from eepost.queue.allowance import Allowance, Bonus, Charge, Lack, Limits, OverQuota
from eepost.queue.books import Entry, Move, Superseded
from eepost.queue.item import Item
from eepost.queue.sealing import NEVER, QueueSealer, SealedItem, StoredItem
from eepost.services.mta.ports import OutgoingStore
from tests.contracts.samples import account, message, octets, stored
from tests.queue.samples import NOON_MINUTE, item, sealed, sealer

Scenario = Callable[[AccountStore, MaildropStore, OutgoingStore], Awaitable[None]]

LIMIT_OCTETS = 10 * 1024
NOW = NOON_MINUTE
LATEST = NOW + 3_000
HOUR = NOW // 60
BOX: QueueSealer = sealer()
HOLDER = b"h" * 32


def new(due: int = NOW, content: bytes = b"hello", **more: object) -> SealedItem:
    return sealed(BOX, item(due=due, **more), content)


def changed(each: StoredItem, due: int) -> StoredItem:
    opened: Item = replace(BOX.open(each), due=due, attempt=1)
    return BOX.seal(opened)


def charge(*recipients: bytes, hour: int = HOUR, **more: object) -> Charge:
    limits = Limits(recipients=3, messages=4)
    plain = Charge(HOLDER, hour, limits, [[each] for each in recipients], messages=1)
    return replace(plain, **more)  # type: ignore[arg-type]


async def claim(queue: OutgoingStore, now: int = NOW, count: int = 9) -> Sequence[StoredItem]:
    return await queue.claim(now, now + 3_000, now + 30, count)


class OutgoingStoreContract:
    @asynccontextmanager
    async def stores(self) -> AsyncIterator[tuple[AccountStore, MaildropStore, OutgoingStore]]:
        """Open empty stores of one post office where LIMIT_OCTETS fit into a maildrop."""
        raise NotImplementedError
        yield

    def run(self, scenario: Scenario) -> None:
        async def opened() -> None:
            async with self.stores() as (accounts, maildrops, queue):
                await scenario(accounts, maildrops, queue)

        asyncio.run(opened())

    # Accepting.

    def test_item_and_local_mail_are_accepted_together(self) -> None:
        async def scenario(
            accounts: AccountStore, maildrops: MaildropStore, queue: OutgoingStore
        ) -> None:
            alice = account("alice")
            accounts.add(alice)
            local, waiting = message(alice), new()
            outcome = await queue.accept([local], None, Entry(waiting))
            assert isinstance(outcome, Delivered)
            assert list(await maildrops.snapshot(alice.number)) == [stored(local)]
            assert await queue.item(waiting.stored.number) == waiting.stored
            content = await queue.content(waiting.stored.number, 9)
            assert list(content) == list(waiting.segments)

        self.run(scenario)

    def test_without_room_for_the_local_mail_there_is_no_item_either(self) -> None:
        async def scenario(
            accounts: AccountStore, maildrops: MaildropStore, queue: OutgoingStore
        ) -> None:
            alice = account("alice")
            accounts.add(alice)
            waiting, counted = new(), charge(b"bob")
            entry = Entry(waiting, counted, [b"tag"], 7)
            full = await queue.accept([message(alice, LIMIT_OCTETS + 1024)], None, entry)
            gone = await queue.accept([message(account("nobody"))], None, entry)
            assert isinstance(full, MaildropFull)
            assert isinstance(gone, AccountGone)
            assert await queue.item(waiting.stored.number) is None
            assert list(await queue.content(waiting.stored.number, 9)) == []
            assert await queue.allowance(HOLDER) == Allowance()
            assert not await queue.is_correspondent(b"tag")

        self.run(scenario)

    def test_over_quota_nothing_is_delivered(self) -> None:
        async def scenario(
            accounts: AccountStore, maildrops: MaildropStore, queue: OutgoingStore
        ) -> None:
            alice = account("alice")
            accounts.add(alice)
            waiting = new()
            entry = Entry(waiting, charge(b"a", b"b", b"c", b"d"))
            outcome = await queue.accept([message(alice)], None, entry)
            assert outcome == OverQuota(Lack.EVER, 24)
            assert list(await maildrops.snapshot(alice.number)) == []
            assert await queue.item(waiting.stored.number) is None

        self.run(scenario)

    def test_a_large_item_is_kept_whole(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            large = new(content=octets("large", 3_000_000))
            refused = new(content=octets("refused", 3_000_000))
            assert isinstance(await queue.accept([], None, Entry(large)), Delivered)
            quota = Entry(refused, charge(b"a", b"b", b"c", b"d"))
            assert isinstance(await queue.accept([], None, quota), OverQuota)
            number = large.stored.number
            assert list(await queue.content(number, 99)) == list(large.segments)
            assert list(await queue.content(number, 2)) == list(large.segments[:2])
            assert isinstance(await queue.move(Move(large.stored, None)), Delivered)
            assert list(await queue.content(number, 99)) == []
            await queue.tidy(HOUR - 24, 0)
            assert list(await queue.content(refused.stored.number, 99)) == []

        self.run(scenario)

    # Claiming.

    def test_what_is_due_is_given_once_until_the_lease_is_over(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            due, later, held = new(NOW), new(NOW + 1), new(is_held=True)
            for each in (due, later, held):
                await queue.accept([], None, Entry(each))
            assert await queue.next_due(NOW, LATEST)
            assert [each.number for each in await claim(queue)] == [due.stored.number]
            assert not await queue.next_due(NOW, LATEST)
            assert list(await claim(queue)) == []
            found = await queue.item(due.stored.number)
            assert found is not None
            assert found.lease == NOW + 30
            both = {due.stored.number, later.stored.number}
            assert {each.number for each in await claim(queue, NOW + 30)} == both

        self.run(scenario)

    def test_the_longest_due_are_given_first_and_no_more_than_asked_for(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            for age in (1, 5, 3, 2, 4):
                await queue.accept([], None, Entry(new(NOW - age)))
            first = await claim(queue, count=2)
            assert sorted(each.due for each in first) == [NOW - 5, NOW - 4]
            assert len(await claim(queue)) == 3

        self.run(scenario)

    def test_a_claim_is_renewed_given_back_and_ended_at_a_start(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            one, two = new(), new()
            for each in (one, two):
                await queue.accept([], None, Entry(each))
            await claim(queue)
            await queue.renew([one.stored.number], NOW + 60)
            assert [each.number for each in await claim(queue, NOW + 30)] == [two.stored.number]
            await queue.renew([one.stored.number], 0)
            assert [each.number for each in await claim(queue)] == [one.stored.number]
            await queue.free()
            assert len(await claim(queue)) == 2
            await queue.renew([], NOW)

        self.run(scenario)

    def test_what_a_wrong_clock_planned_or_claimed_for_the_far_future_is_given_now(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            far, held = new(LATEST + 1), new(NOW, is_held=True)
            await queue.accept([], None, Entry(far))
            await queue.accept([], None, Entry(held))
            assert held.stored.due == NEVER
            assert [each.number for each in await claim(queue)] == [far.stored.number]
            await queue.renew([far.stored.number], LATEST + 1)
            assert [each.number for each in await claim(queue)] == [far.stored.number]

        self.run(scenario)

    # Moving.

    def test_an_item_changes_and_keeps_its_claim_while_it_goes_on(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            await queue.accept([], None, Entry(new()))
            (mine,) = await claim(queue)
            going_on = replace(changed(mine, NOW), lease=mine.lease)
            assert isinstance(await queue.move(Move(mine, going_on, is_claimed=True)), Delivered)
            assert list(await claim(queue)) == []
            done = changed(going_on, NOW + 5)
            assert isinstance(await queue.move(Move(going_on, done, is_claimed=True)), Delivered)
            assert await queue.item(mine.number) == done
            assert list(await claim(queue)) == []
            assert [each.record for each in await claim(queue, NOW + 5)] == [done.record]

        self.run(scenario)

    def test_who_has_not_seen_the_last_change_changes_nothing(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            old = new().stored
            await queue.accept([], None, Entry(SealedItem(old, 1024, [b"x"])))
            fresh = changed(old, NOW + 7)
            assert isinstance(await queue.move(Move(old, fresh)), Delivered)
            for after in (changed(old, NOW), None):
                for claimed in (False, True):
                    assert await queue.move(Move(old, after, claimed)) == Superseded()
            assert await queue.item(old.number) == fresh
            assert isinstance(await queue.move(Move(fresh, None)), Delivered)
            assert await queue.move(Move(fresh, None)) == Superseded()

        self.run(scenario)

    def test_what_somebody_claimed_is_changed_by_nobody_else(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            seen = new().stored
            await queue.accept([], None, Entry(SealedItem(seen, 1024, [b"x"])))
            (mine,) = await claim(queue)
            for each in (seen, mine):
                assert await queue.move(Move(each, None)) == Superseded()
            assert isinstance(await queue.move(Move(mine, None, is_claimed=True)), Delivered)

        self.run(scenario)

    def test_two_changes_at_once_are_one(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            old = new().stored
            await queue.accept([], None, Entry(SealedItem(old, 1024, [b"x"])))
            moves = [Move(old, changed(old, NOW + each)) for each in range(3)]
            outcomes = await asyncio.gather(*(queue.move(each) for each in moves))
            assert [isinstance(each, Delivered) for each in outcomes] == [True, False, False]
            assert await queue.item(old.number) == moves[0].after

        self.run(scenario)

    def test_an_item_goes_together_with_its_report_or_not_at_all(self) -> None:
        async def scenario(
            accounts: AccountStore, maildrops: MaildropStore, queue: OutgoingStore
        ) -> None:
            alice = account("alice")
            accounts.add(alice)
            waiting = new()
            await queue.accept([], None, Entry(waiting))
            too_large = [message(alice, LIMIT_OCTETS + 1024)]
            gone = Move(waiting.stored, None)
            assert isinstance(await queue.move(gone, too_large), MaildropFull)
            stranger: list[SealedMessage] = [message(account("nobody"))]
            assert isinstance(await queue.move(gone, stranger), AccountGone)
            assert await queue.item(waiting.stored.number) == waiting.stored
            report = message(alice)
            assert isinstance(await queue.move(gone, [report]), Delivered)
            assert await queue.item(waiting.stored.number) is None
            assert list(await maildrops.snapshot(alice.number)) == [stored(report)]
            assert await queue.move(gone, [message(alice)]) == Superseded()
            assert list(await maildrops.snapshot(alice.number)) == [stored(report)]

        self.run(scenario)

    # Looking.

    def test_all_items_are_listed_page_by_page(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            made = [new().stored for _ in range(5)]
            for each in made:
                await queue.accept([], None, Entry(SealedItem(each, 1024, [b"x"])))
            found: list[StoredItem] = []
            while page := await queue.items(found[-1].number if found else -1, 2):
                found += page
            assert found == sorted(made, key=lambda each: each.number)

        self.run(scenario)

    def test_octets_that_wait_are_counted(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            assert await queue.octets() == 0
            small, large = new(), new(content=octets("large", 300_000))
            for each in (small, large):
                await queue.accept([], None, Entry(each))
            of_small, of_large = (sum(map(len, each.segments)) for each in (small, large))
            assert of_large > 300_000
            assert await queue.octets() == of_small + of_large
            assert isinstance(await queue.move(Move(large.stored, None)), Delivered)
            assert await queue.octets() == of_small

        self.run(scenario)

    def test_the_last_batch_is_remembered(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            assert await queue.last_batch() == 0
            for minute in (NOW, NOW + 720):
                await queue.note_batch(minute)
                assert await queue.last_batch() == minute

        self.run(scenario)

    # Allowances.

    def test_what_is_used_adds_up_also_within_one_commit(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            outcomes = await asyncio.gather(
                *(queue.accept([], None, Entry(new(), charge(each))) for each in (b"a", b"b", b"c"))
            )
            assert all(isinstance(each, Delivered) for each in outcomes)
            assert await queue.allowance(HOLDER) == Allowance(
                ((HOUR, b"a"), (HOUR, b"b"), (HOUR, b"c")), ((HOUR, 3),)
            )
            refused = await queue.accept([], None, Entry(new(), charge(b"d")))
            assert refused == OverQuota(Lack.RECIPIENTS, 24)
            assert await queue.allowance(b"x" * 32) == Allowance()

        self.run(scenario)

    def test_a_stamp_counts_once(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            stamp = Bonus(b"stamp", HOUR // 24 + 9, 2)
            handed = charge(messages=0, bonuses=[stamp])
            for _ in range(3):
                outcome = await queue.accept([], None, Entry(charge=handed))
                assert isinstance(outcome, Delivered)
            assert (await queue.allowance(HOLDER)).bonuses == ((HOUR, 2),)
            await queue.tidy(HOUR + 24 * 9, 0)
            await queue.accept([], None, Entry(charge=replace(handed, hour=HOUR + 24 * 9)))
            assert (await queue.allowance(HOLDER)).bonuses == ()
            await queue.tidy(HOUR + 24 * 10, 0)
            await queue.accept([], None, Entry(charge=handed))
            assert (await queue.allowance(HOLDER)).bonuses == ((HOUR, 2),)

        self.run(scenario)

    def test_one_stamp_in_two_messages_of_one_commit_counts_once(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            stamp = Bonus(b"stamp", HOUR // 24 + 9, 1)
            names = [bytes([each]) for each in range(3)]
            both = [charge(*names, b"x", bonuses=[stamp]), charge(*names, b"y", bonuses=[stamp])]
            outcomes = await asyncio.gather(
                *(
                    queue.accept(
                        [], None, Entry(charge=replace(each, recipients=each.recipients[1:]))
                    )
                    for each in both
                )
            )
            assert [isinstance(each, Delivered) for each in outcomes] == [True, True]
            assert (await queue.allowance(HOLDER)).bonuses == ((HOUR, 1),)

        self.run(scenario)

    def test_keys_of_the_hours_are_kept_for_a_day_and_then_destroyed(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            first = await queue.hour_keys(HOUR)
            assert await queue.hour_keys(HOUR) == first
            assert set(first) == {HOUR}
            assert len(first[HOUR]) == 32
            later = await queue.hour_keys(HOUR + 24)
            assert set(later) == {HOUR, HOUR + 24}
            assert later[HOUR] == first[HOUR] != later[HOUR + 24]
            await queue.tidy(HOUR + 1, 0)
            assert set(await queue.hour_keys(HOUR + 24)) == {HOUR + 24}

        self.run(scenario)

    def test_allowances_are_forgotten_after_a_day(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            await queue.accept([], None, Entry(charge=charge(b"a")))
            await queue.tidy(HOUR, 0)
            assert await queue.allowance(HOLDER) != Allowance()
            await queue.tidy(HOUR + 1, 0)
            assert await queue.allowance(HOLDER) == Allowance()

        self.run(scenario)

    # People on the Internet.

    def test_correspondents_are_known_for_the_periods_asked_for(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            await queue.accept([], None, Entry(written_to=[b"one", b"two"], period=7))
            await queue.accept([], None, Entry(written_to=[b"two"], period=8))
            assert await queue.is_correspondent(b"one")
            assert not await queue.is_correspondent(b"three")
            await queue.tidy(HOUR, 8)
            assert not await queue.is_correspondent(b"one")
            assert await queue.is_correspondent(b"two")

        self.run(scenario)

    def test_who_opted_out_is_remembered_until_he_opts_in(self) -> None:
        async def scenario(_a: AccountStore, _m: MaildropStore, queue: OutgoingStore) -> None:
            for _ in range(2):
                await queue.opt_out(b"bob", True)
            await queue.opt_out(b"carol", True)
            assert await queue.opted_out() == {b"bob", b"carol"}
            await queue.tidy(HOUR + 1_000, 1_000)
            assert await queue.opted_out() == {b"bob", b"carol"}
            await queue.opt_out(b"bob", False)
            assert await queue.opted_out() == {b"carol"}

        self.run(scenario)
