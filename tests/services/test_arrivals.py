# SPDX-License-Identifier: Apache-2.0
"""What the core makes of mail that gateways bring, and what it tells them about recipients."""

import os
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from eepost.accounts.directory import Directory
from eepost.accounts.model import Account, State
from eepost.accounts.preferences import InternetMail, Preferences
from eepost.mail.address import Address
from eepost.mail.verdict import Method, write_verdict
from eepost.maildrop.limit import DEFAULT_LIMIT_OCTETS
from eepost.maildrop.model import SealedMessage
from eepost.maildrop.ports import AccountGone, StoreUnavailable, TakenBefore
from eepost.maildrop.sealing import Sealer
from eepost.sanitise.choices import Choices, Dangerous
from eepost.sanitise.cleaner import Why
from eepost.sanitise.domains import Internalised
from eepost.sanitise.scan import Clean, Infected, Obstacle, Unscannable, Verdict
from eepost.seal.keypair import PrivateKey
from eepost.seal.parcel import seal_parcel
from eepost.services.mta.arrivals import LATER_SECONDS, Arrivals, Desk
from eepost.services.mta.conversations import Conversations
from eepost.services.mta.local import Copy, LocalDelivery
from eepost.services.mta.screening import Screening
from eepost.services.mta.standings import (
    WINDOW_SECONDS,
    Pressure,
    ProbeBudget,
    Probes,
    Standings,
)
from eepost.wire.transfer.kept import KeptEnvelope, write_kept
from eepost.wire.transfer.messages import Incoming, Standing, Taken
from tests.accounts.fakes import MemoryAccounts
from tests.contracts.samples import account, message
from tests.maildrop.fakes import MemoryMaildrops
from tests.services.cleaning import CleanAtOnce

T = TypeVar("T")
NO_POLICY = Method("dmarc", "none")
PRIVATE = PrivateKey(bytes(range(96)))
TRANSFER = b"t" * 16
LETTER = (
    b"From: Bob <bob@peer.example>\r\nTo: alice@example.org\r\nSubject: Hello\r\n"
    b"Message-ID: <1@peer.example>\r\nReceived: from a by b; c\r\n\r\nwords\r\n"
)


def judged(*methods: Method, letter: bytes = LETTER) -> bytes:
    return write_verdict("mx.example.org", methods or [Method("spf", "pass")]) + letter


class Delivery(LocalDelivery):
    """Notes what is delivered to whom, in the clear."""

    given: list[tuple[str, bytes]]

    async def deliver_by(
        self, keep: Callable[[Sequence[SealedMessage]], Awaitable[T]], copies: Sequence[Copy]
    ) -> T:
        sealed = [message(copy.account, max(1024, _size(copy))) for copy in copies]
        outcome = await keep(sealed)
        if not isinstance(outcome, StoreUnavailable):
            self.given += [(c.account.name, b"".join(map(bytes, c.pieces))) for c in copies]
        return outcome


def _size(copy: Copy) -> int:
    return sum(map(len, copy.pieces))


class FakeScanner:
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    async def scan(self, _message: Sequence[bytes | memoryview]) -> Verdict:
        return self.verdict


class Office:
    """Arrivals over stores in memory, with alice, bob and a postmaster."""

    def __init__(
        self,
        verdict: Verdict | None = None,
        budget: ProbeBudget | None = None,
        limit_octets: int = DEFAULT_LIMIT_OCTETS,
        cannot_clean: Why | None = None,
    ) -> None:
        self.accounts = MemoryAccounts()
        for name in ("alice", "bob", "post"):
            self.accounts.add(account(name))
        self.accounts.assign_role("postmaster", "post")
        self.shelf = MemoryMaildrops(self.accounts, limit_octets)
        self.now = 0.0
        self.pauses: list[float] = []
        self.quarantined: list[bytes] = []
        self.opted_out: list[Address] = []
        self.takes_no_opt_outs = False
        self.written_to: set[tuple[str, str]] = set()
        self.delivery = Delivery(
            maildrops=self.shelf,
            sealer=Sealer(os.urandom),
            now_nanoseconds=lambda: 1,
            notice=lambda *_: [b""],
            offload=self._at_once,
        )
        self.delivery.given = []
        self.desk = Desk(
            name="mail.i2p",
            standings=Standings(
                Directory(self.accounts, self._at_once, "mail.i2p", ("example.org",)),
                self.delivery,
                self,
                frozenset(("example.org",)),
            ),
            probes=Probes(budget or ProbeBudget(), lambda: self.now),
            delivery=self.delivery,
            conversations=Conversations(self.shelf, lambda _: b"k" * 32, _plain, _plain),
            screening=Screening(FakeScanner(verdict) if verdict else None),
            cleaner=CleanAtOnce(cannot_clean),
            internalised=Internalised(("example.org",), "mail.i2p"),
            private_key=PRIVATE,
            tag=lambda transfer, to: transfer + to.number.to_bytes(8, "big"),
            quarantine=self._quarantine,
            opt_out=self._opt_out,
            offload=self._at_once,
            randomness=os.urandom,
            now_utc=lambda: 1_700_000_000,
            pause=self._pause,
        )
        self.arrivals = Arrivals(self.desk)

    async def has_written_to(self, owner: Account, address: Address) -> bool:
        return (owner.name, str(address)) in self.written_to

    async def _at_once(self, work: Callable[[], T]) -> T:
        return work()

    async def _quarantine(self, octets: bytes) -> None:
        self.quarantined.append(octets)

    async def _opt_out(self, address: Address) -> bool:
        if self.takes_no_opt_outs:
            return False
        self.opted_out.append(address)
        return True

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def prefer(self, name: str, **wishes: Any) -> None:
        before = self.accounts.find(name)
        assert before is not None
        self.accounts.replace(replace(before, preferences=Preferences(**wishes)), before)

    def disable(self, name: str) -> None:
        before = self.accounts.find(name)
        assert before is not None
        self.accounts.replace(replace(before, state=State.DISABLED), before)

    async def ask(
        self, recipient: str, sender: str = "bob@peer.example", peer: bytes = b"p"
    ) -> Standing:
        return await self.arrivals.standing("gw", recipient, sender, peer)

    async def bring(
        self,
        *recipients: str,
        content: bytes | None = None,
        sender: str = "bob@peer.example",
        transfer: bytes = TRANSFER,
    ) -> Taken | None:
        octets = judged() if content is None else content
        order = Incoming(7, transfer, sender, recipients, len(octets))
        return await self.arrivals.take("gw", order, bytearray(octets))

    async def forward(
        self, *recipients: str, content: bytes | None = None, transfer: bytes = TRANSFER
    ) -> Taken | None:
        octets = judged() if content is None else content
        envelope = KeptEnvelope("bob@peer.example", recipients)
        parcel = b"".join(
            seal_parcel(PRIVATE.public_key, os.urandom, write_kept(envelope, [octets]))
        )
        order = Incoming(7, transfer, "", (), len(parcel), is_sealed=True)
        return await self.arrivals.take("gw", order, bytearray(parcel))

    def names(self) -> list[str]:
        return [name for name, _ in self.delivery.given]


def _plain(_account: Account, octets: bytes) -> bytes:
    return octets


WELCOME, UNKNOWN, LATER = Standing.WELCOME, Standing.UNKNOWN, Standing.LATER


# What gateways are told.


@pytest.mark.parametrize(
    ("recipient", "standing"),
    [
        ("alice@example.org", WELCOME),
        ("ALICE@example.org", WELCOME),
        ("postmaster@example.org", WELCOME),
        ("Postmaster", WELCOME),
        ("abuse@example.org", LATER),
        ("ghost@example.org", UNKNOWN),
        ("webmaster@example.org", UNKNOWN),
        ("alice@mail.i2p", UNKNOWN),
        ("alice@elsewhere.example", UNKNOWN),
        ("unsubscribe@example.org", WELCOME),
        ("not an address", UNKNOWN),
        ("", UNKNOWN),
    ],
)
async def test_recipient_stands(recipient: str, standing: Standing) -> None:
    assert await Office().ask(recipient) is standing


async def test_disabled_account_is_nobody_and_a_disabled_role_later() -> None:
    office = Office()
    office.disable("alice")
    office.disable("post")
    assert await office.ask("alice@example.org") is UNKNOWN
    assert await office.ask("postmaster@example.org") is LATER


async def test_full_maildrop_is_told_late_and_coarsely() -> None:
    office = Office(limit_octets=1024)
    assert await office.ask("bob@example.org") is WELCOME
    (alice,) = [each for each in office.accounts.accounts() if each.name == "alice"]
    await office.shelf.deliver([message(alice)])
    assert await office.ask("alice@example.org") is LATER
    assert office.pauses == [LATER_SECONDS]


async def test_wishes_count_before_anything_is_sent() -> None:
    office = Office()
    office.prefer("alice", blocked=("bob@peer.example", "@evil.example"))
    office.prefer("bob", internet_mail=InternetMail.FROM_NONE)
    assert await office.ask("alice@example.org") is UNKNOWN
    assert await office.ask("alice@example.org", "BOB@Peer.Example") is UNKNOWN
    assert await office.ask("alice@example.org", "x@evil.example") is UNKNOWN
    assert await office.ask("alice@example.org", "x@good.example") is WELCOME
    assert await office.ask("alice@example.org", "") is WELCOME
    assert await office.ask("bob@example.org") is UNKNOWN


async def test_roles_take_mail_whatever_their_holder_wishes() -> None:
    office = Office()
    office.prefer("post", internet_mail=InternetMail.FROM_NONE)
    assert await office.ask("post@example.org") is UNKNOWN
    assert await office.ask("postmaster@example.org") is WELCOME
    await office.bring("postmaster@example.org")
    assert office.names() == ["post"]


async def test_peer_that_guesses_is_put_off_and_another_is_not() -> None:
    office = Office(budget=ProbeBudget(of_a_peer=2, of_a_gateway=100))
    for number in range(2):
        assert await office.ask(f"x{number}@example.org") is UNKNOWN
    assert await office.ask("x9@example.org") is LATER
    assert await office.ask("alice@example.org") is LATER
    assert await office.ask("alice@example.org", peer=b"other") is WELCOME
    office.now += WINDOW_SECONDS
    assert await office.ask("x9@example.org") is UNKNOWN


async def test_gateway_through_which_too_much_is_guessed_hears_yes_to_everything() -> None:
    office = Office(budget=ProbeBudget(of_a_peer=100, of_a_gateway=3))
    for number in range(3):
        await office.ask(f"x{number}@example.org", peer=bytes([number]))
    for name in ("alice", "x9"):
        assert await office.ask(f"{name}@example.org") is WELCOME
    taken = await office.bring("alice@example.org", "x9@example.org")
    assert taken == Taken(7, (WELCOME, WELCOME))
    assert office.names() == ["alice"]
    assert office.desk.counts.unknown == 1


async def test_gateway_that_guesses_by_whole_messages_hears_yes_to_everything_as_well() -> None:
    office = Office(budget=ProbeBudget(of_a_peer=100, of_a_gateway=3))
    guesses = [f"x{number}@example.org" for number in range(3)]
    first = await office.bring(*guesses[:2])
    assert first == Taken(7, (UNKNOWN, UNKNOWN))
    assert await office.bring(*guesses, "alice@example.org") == Taken(7, (WELCOME,) * 4)
    assert await office.ask("x9@example.org") is WELCOME


async def test_probes_of_many_peers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eepost.services.mta.standings.MAX_PEERS", 3)
    probes = Probes(ProbeBudget(of_a_peer=1), lambda: 0.0)
    for number in range(5):
        probes.note("gw", bytes([number]))
    assert probes.pressure("gw", b"\0") is Pressure.USUAL
    assert probes.pressure("gw", b"\4") is Pressure.PEER_IS_OVER


# Mail while the sender waits.


async def test_mail_is_delivered_with_our_trace_and_the_gateways_verdict() -> None:
    office = Office()
    assert await office.bring("alice@example.org") == Taken(7, (WELCOME,))
    ((name, octets),) = office.delivery.given
    assert name == "alice"
    assert octets == (
        b"Return-Path: <bob@peer.example>\r\n"
        b"Received: by mail.i2p with ESMTP; Tue, 14 Nov 2023 22:13:00 +0000\r\n"
        b"Authentication-Results: mx.example.org;\r\n spf=pass\r\n"
        b"From: Bob <bob@peer.example>\r\nTo: alice@mail.i2p\r\nSubject: Hello\r\n"
        b"Message-ID: <1@peer.example>\r\n\r\nwords\r\n"
    )


async def test_verdict_in_any_other_shape_is_dropped() -> None:
    office = Office()
    forged = b"Authentication-Results: mx.example.org; dmarc=pass (trust me)\r\n" + LETTER
    await office.bring("alice@example.org", content=forged)
    assert b"Authentication-Results" not in office.delivery.given[0][1]


async def test_one_account_under_two_addresses_gets_one_copy() -> None:
    office = Office()
    await office.bring("alice@example.org", "Alice@example.org", "bob@example.org")
    assert sorted(office.names()) == ["alice", "bob"]


async def test_everybody_gets_mail_as_he_chose() -> None:
    office = Office()
    office.prefer("bob", cleaning=Choices(dangerous=Dangerous.DROP))
    program = (
        b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
        b'Content-Disposition: attachment; filename="run.exe"\r\n\r\nMZ\r\n'
    )
    await office.bring("alice@example.org", "bob@example.org", content=judged(letter=program))
    given = dict(office.delivery.given)
    assert b"run.exe.unsafe" in given["alice"]
    assert b"A file was removed" in given["bob"]


async def test_unknown_recipients_are_told_and_the_others_get_theirs() -> None:
    office = Office()
    taken = await office.bring("ghost@example.org", "alice@example.org")
    assert taken == Taken(7, (UNKNOWN, WELCOME))
    assert office.names() == ["alice"]


async def test_where_one_has_no_room_nobody_gets_it_so_that_the_sender_can_try_again() -> None:
    office = Office(limit_octets=1024)
    (alice,) = [each for each in office.accounts.accounts() if each.name == "alice"]
    await office.shelf.deliver([message(alice)])
    taken = await office.bring("alice@example.org", "bob@example.org", "ghost@example.org")
    assert taken == Taken(7, (LATER, LATER, UNKNOWN))
    assert await office.shelf.arrived([TRANSFER + alice.number.to_bytes(8, "big")]) == frozenset()


async def test_role_without_a_holder_puts_the_message_off() -> None:
    office = Office()
    assert await office.bring("abuse@example.org", "alice@example.org") == Taken(
        7, (LATER, WELCOME)
    )
    assert office.names() == []


async def test_transfer_that_comes_again_is_not_delivered_again() -> None:
    office = Office()
    for _ in range(2):
        assert await office.bring("alice@example.org") == Taken(7, (WELCOME,))
    assert await office.bring("alice@example.org", "bob@example.org") == Taken(
        7, (WELCOME, WELCOME)
    )
    assert office.names() == ["alice", "bob"]
    assert office.desk.counts.repeated == 2
    await office.bring("alice@example.org", transfer=b"u" * 16)
    assert office.names() == ["alice", "bob", "alice"]


async def test_transfer_that_comes_by_two_streams_at_once_is_delivered_once() -> None:
    office = Office()
    arrive = office.shelf.arrive

    async def race(messages: Sequence[SealedMessage], arrival: Any) -> Any:
        office.shelf.arrive = arrive  # type: ignore[method-assign]
        await arrive(messages, arrival)  # by the other stream
        return TakenBefore()

    office.shelf.arrive = race  # type: ignore[method-assign]
    assert await office.bring("alice@example.org") == Taken(7, (WELCOME,))
    assert office.desk.counts.delivered == 0
    assert office.desk.counts.repeated == 1


async def test_account_that_goes_meanwhile_puts_the_message_off() -> None:
    office = Office()

    async def gone(_messages: object, arrival: object) -> AccountGone:
        del arrival
        return AccountGone(1)

    office.shelf.arrive = gone  # type: ignore[assignment, method-assign]
    assert await office.bring("alice@example.org") == Taken(7, (LATER,))


async def test_author_is_looked_at_as_well_as_the_reverse_path() -> None:
    office = Office()
    office.prefer("alice", blocked=("@peer.example",))
    assert await office.bring("alice@example.org", sender="x@y.example") == Taken(7, (UNKNOWN,))
    assert office.desk.counts.unwanted == 1


@pytest.mark.parametrize(
    ("written_to", "dmarc", "is_taken"),
    [
        (set(), "pass", False),
        ({("bob", "x@y.example")}, "fail", True),
        ({("bob", "bob@peer.example")}, "pass", True),
        ({("bob", "bob@peer.example")}, "none", True),
        ({("bob", "bob@peer.example")}, "fail", False),
        ({("alice", "x@y.example")}, "pass", False),
    ],
)
async def test_people_written_to_may_write(
    written_to: set[tuple[str, str]], dmarc: str, is_taken: bool
) -> None:
    office = Office()
    office.prefer("bob", internet_mail=InternetMail.FROM_CORRESPONDENTS)
    office.written_to = written_to
    content = judged(Method("dmarc", dmarc, (("header.from", "peer.example"),)))
    assert await office.ask("bob@example.org", "x@y.example") is WELCOME  # the author decides too
    taken = await office.bring("bob@example.org", content=content, sender="x@y.example")
    assert taken == Taken(7, (WELCOME if is_taken else UNKNOWN,))


# Content.


@pytest.mark.parametrize(
    "letter", [b"From: a@b\r\nFrom: c@d\r\n\r\nx\r\n", b"no header\n", b"From: a@b\r\n\r\nx\0y\r\n"]
)
async def test_malformed_mail_is_refused_for_everybody(letter: bytes) -> None:
    office = Office()
    taken = await office.bring("alice@example.org", "bob@example.org", content=letter)
    assert taken == Taken(7, (UNKNOWN, UNKNOWN), is_refused=True)
    assert await office.forward("alice@example.org", content=letter) == Taken(0, ())
    assert office.desk.counts.malformed == 1
    assert office.names() == []


@pytest.mark.parametrize(
    ("sender", "author", "method", "is_taken"),
    [
        ("x@y.example", b"alice@mail.i2p", Method("dmarc", "pass"), False),
        ("alice@mail.i2p", b"x@y.example", Method("dmarc", "pass"), False),
        ("x@y.example", b"alice@example.org", Method("dmarc", "none"), False),
        ("alice@example.org", b"x@y.example", Method("dmarc", "none"), False),
        (
            "list@y.example",
            b"alice@example.org",
            Method("dkim", "pass", (("header.d", "example.org"),)),
            True,
        ),
        ("x@y.example", b"alice@example.org.evil", Method("dmarc", "none"), True),
        # What is behind the first author, in his name, or no address to anybody but a reader.
        ("x@y.example", b"x@y.example, alice@mail.i2p", Method("dmarc", "none"), False),
        ("x@y.example", b"Us: x@y.example, alice@mail.i2p;", Method("dmarc", "none"), False),
        ("x@y.example", b'"alice@MAIL.i2p" <x@y.example>', Method("dmarc", "none"), False),
        (
            "x@y.example",
            b"=?utf-8?q?alice=40mail.i2p?= <x@y.example>",
            Method("dmarc", "none"),
            False,
        ),
        (
            "x@y.example",
            "alice@\uff4dail\uff0ei2p <x@y.example>".encode(),
            Method("dmarc", "none"),
            False,
        ),
        ("x@y.example", b"alice@mail.i2p.", Method("dmarc", "none"), False),
        ("x@y.example", b"=?utf-8?q?alice=40mail.i2p?=", Method("dmarc", "none"), False),
        ("x@y.example", b"alice (x) @ mail (y) . i2p", Method("dmarc", "none"), False),
        ("x@y.example", b"alice@mail.i2p.example", Method("dmarc", "none"), True),
        (
            "x@y.example",
            b"x@y.example, alice@example.org",
            Method("dmarc", "pass", (("header.from", "y.example"),)),
            False,
        ),
    ],
)
async def test_nobody_outside_writes_as_a_user_here(
    sender: str, author: bytes, method: Method, is_taken: bool
) -> None:
    office = Office()
    letter = judged(method, letter=b"From: " + author + b"\r\n\r\nx\r\n")
    taken = await office.bring("bob@example.org", content=letter, sender=sender)
    assert taken == (Taken(7, (WELCOME,)) if is_taken else Taken(7, (UNKNOWN,), is_refused=True))


async def test_every_author_may_be_one_that_is_not_wanted() -> None:
    office = Office()
    office.prefer("alice", blocked=("@evil.example",))
    letter = judged(letter=b"From: x@y.example, x@evil.example\r\n\r\nx\r\n")
    assert await office.bring("alice@example.org", content=letter) == Taken(7, (UNKNOWN,))


async def test_header_may_grow_on_its_way() -> None:
    office = Office()
    names = b"To: " + b"a@b.example,\r\n " * 4_000 + b"a@b.example\r\n"
    letter = judged(letter=names + LETTER)
    longer = Internalised(("b.example",), "a-longer-name.i2p")
    office.arrivals = Arrivals(replace(office.desk, internalised=longer))
    assert await office.bring("alice@example.org", content=letter) == Taken(7, (WELCOME,))
    # Where it grows beyond what is looked at, it has no author.
    office.arrivals = Arrivals(
        replace(office.desk, internalised=Internalised(("b.example",), "x" * 63 + ".i2p"))
    )
    refused = Taken(7, (UNKNOWN,), is_refused=True)
    assert await office.bring("bob@example.org", content=letter, transfer=b"u" * 16) == refused
    assert office.names() == ["alice"]


async def test_mail_that_grows_too_large_to_be_read_does_not_come_again_and_again() -> None:
    office = Office()
    parts = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" + b"--%s\r\n\r\nx\r\n" * 600
    packed = b64encode(parts.replace(b"%s", b"inner"))
    head = b"--outer\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    letter = judged(letter=LETTER[:-9] + parts.replace(b"%s", b"outer") + head + packed)
    refused = Taken(7, (UNKNOWN,), is_refused=True)
    assert await office.bring("alice@example.org", content=letter) == refused
    assert await office.forward("alice@example.org", content=letter) == Taken(7, ())
    assert office.desk.counts.malformed == 2
    assert office.names() == []


async def test_infected_mail_is_refused_live_and_kept_apart_where_it_was_accepted() -> None:
    office = Office(Infected("Eicar"))
    assert await office.bring("alice@example.org") == Taken(7, (UNKNOWN,), is_refused=True)
    assert office.quarantined == []
    assert await office.forward("alice@example.org") == Taken(0, ())
    assert office.quarantined == [judged()]
    assert office.desk.counts.infected == 1
    assert office.names() == []


async def test_mail_that_can_not_be_scanned_now_comes_again() -> None:
    office = Office(Unscannable(Obstacle.DOWN))
    assert await office.bring("alice@example.org") is None
    assert await office.forward("alice@example.org") is None
    assert Office(Clean()).names() == office.names() == []


async def test_mail_that_can_not_be_cleaned_now_comes_again() -> None:
    office = Office(cannot_clean=Why.BUSY)
    assert await office.bring("alice@example.org") is None
    assert await office.forward("alice@example.org") is None
    assert office.names() == []


async def test_author_that_can_not_be_read_is_nobody() -> None:
    office = Office()
    for sender in (b"nonsense", b"a@b, " * 20_000, b""):
        letter = b"From: " + sender + b"\r\n\r\nx\r\n"
        await office.bring(
            "alice@example.org", content=judged(letter=letter), transfer=os.urandom(16)
        )
    assert office.names()[0] == "alice"


# What a gateway had to accept by itself.


async def test_kept_mail_goes_to_whoever_is_there_and_the_rest_is_counted() -> None:
    office = Office()
    assert await office.forward("alice@example.org", "ghost@example.org") == Taken(0, ())
    assert office.names() == ["alice"]
    assert office.desk.counts.unknown == 1
    assert b"spf=pass" in office.delivery.given[0][1]


async def test_kept_mail_that_was_handed_over_live_after_all_is_delivered_once() -> None:
    office = Office()
    await office.bring("alice@example.org")
    assert await office.forward("alice@example.org") == Taken(0, ())
    assert office.names() == ["alice"]


async def test_kept_mail_waits_for_room_and_nobody_gets_it_twice_meanwhile() -> None:
    office = Office(limit_octets=2048)
    (alice,) = [each for each in office.accounts.accounts() if each.name == "alice"]
    full = [message(alice), message(alice)]
    await office.shelf.deliver(full)
    for _ in range(3):
        assert await office.forward("alice@example.org", "bob@example.org") is None
    assert office.names().count("bob") == 1
    await office.shelf.remove(alice.number, [each.number for each in full])
    assert await office.forward("alice@example.org", "bob@example.org") == Taken(0, ())
    assert office.desk.counts.delivered == 2


async def test_kept_mail_for_a_role_without_a_holder_waits() -> None:
    assert await Office().forward("abuse@example.org") is None


@pytest.mark.parametrize("parcel", [b"", b"\1" * 3_000, b"junk"])
async def test_parcel_that_never_opens_is_counted_and_done_with(parcel: bytes) -> None:
    office = Office()
    order = Incoming(7, TRANSFER, "", (), len(parcel), is_sealed=True)
    assert await office.arrivals.take("gw", order, bytearray(parcel)) == Taken(0, ())
    assert office.desk.counts.unreadable == 1


# Who wants no mail from here.


@pytest.mark.parametrize(
    ("methods", "is_proven"),
    [
        ([Method("dmarc", "pass", (("header.from", "peer.example"),))], True),
        ([Method("dkim", "pass", (("header.d", "peer.example"),)), Method("dmarc", "none")], True),
        ([Method("dkim", "pass", (("header.d", "other.example"),))], False),
        ([Method("dkim", "fail", (("header.d", "peer.example"),))], False),
        ([Method("dmarc", "pass", (("header.from", "peer.example.evil"),))], False),
        ([Method("spf", "pass", (("smtp.mailfrom", "peer.example"),))], False),
    ],
)
async def test_only_who_is_proven_opts_out(methods: list[Method], is_proven: bool) -> None:
    office = Office()
    taken = await office.bring("unsubscribe@example.org", content=judged(*methods))
    assert taken == Taken(7, (WELCOME if is_proven else UNKNOWN,))
    assert office.opted_out == ([Address("bob", "peer.example")] if is_proven else [])
    assert office.names() == []


@pytest.mark.parametrize("is_kept", [False, True])
async def test_who_opts_out_after_too_many_others_asks_again(is_kept: bool) -> None:
    office = Office()
    office.takes_no_opt_outs = True
    content = judged(Method("dkim", "pass", (("header.d", "peer.example"),)))
    bring = office.forward if is_kept else office.bring
    taken = await bring("unsubscribe@example.org", content=content)
    assert taken == (None if is_kept else Taken(7, (LATER,)))


async def test_store_that_fails_is_no_answer() -> None:
    office = Office()
    office.shelf.is_unavailable = True
    with pytest.raises(StoreUnavailable):
        await office.bring("alice@example.org")
