# SPDX-License-Identifier: Apache-2.0
"""A user and somebody on the Internet answer each other: threads hold on both sides.

All policies in their order, with the tables that a post office keeps between them. What the peer
sees names nothing of the user's machine; what the user's program sees names what it wrote itself.
"""

import email
import email.policy
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from eepost.mail.address import Address
from eepost.sanitise.domains import Internalised
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.sent_ids import SentIds
from eepost.sanitise.threads import DeliveredIds, hash_id, hashes_to_remember
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet

INTERNAL, OFFICIAL = "mail.i2p", "post.example"
KEY = b"k" * 32
ID = re.compile(r"<[^<>]+>")


def passed(outcome: Sanitised | Refused) -> tuple[bytes, Sanitised]:
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces), outcome


@dataclass
class PostOffice:
    """The tables of one account, and the way through core and gateway."""

    delivered: set[bytes] = field(default_factory=set)
    sent: dict[bytes, bytes] = field(default_factory=dict)
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def chance(self, count: int) -> bytes:
        return next(iter(self.numbers)).to_bytes(count, "big")

    def out(self, message: bytes) -> bytes:
        """Return what the peer gets of what the user's program submits."""
        context = FromUser(
            address=Address("alice", INTERNAL),
            addresses=frozenset((Address("alice", INTERNAL), Address("alice", OFFICIAL))),
            message_id_key=KEY,
            message_id_domain=OFFICIAL,
            accepted_utc=1_795_435_200,
            randomness=self.chance,
            known_ids=DeliveredIds(KEY, frozenset(self.delivered)),
        )
        octets, outcome = passed(sanitise_from_user(message, context))
        if outcome.given_id is not None:
            self.sent[hash_id(KEY, outcome.given_id.ours)] = outcome.given_id.original
        left, _ = passed(sanitise_to_internet(octets, ToInternet(INTERNAL, OFFICIAL)))
        return left

    def into(self, message: bytes) -> bytes:
        """Return what the user's program gets of what the peer sends."""
        arrived, _ = passed(sanitise_from_internet(message, Inbound(self.chance)))
        core = Inbound(self.chance, internalised=Internalised((OFFICIAL,), INTERNAL))
        cleaned, outcome = passed(sanitise_from_internet(arrived, core))
        self.delivered |= hashes_to_remember(KEY, outcome.thread_ids)
        reader = Inbound(self.chance, original_of=SentIds(KEY, self.sent).original)
        return passed(sanitise_to_user(cleaned, reader))[0]


def written(author: str, message_id: str, parents: str, references: str) -> bytes:
    """A message as a program of Python's own email package writes it."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"] = author, "alice@post.example"
    message["Subject"], message["Message-ID"] = "Re: tea", message_id
    if parents:
        message["In-Reply-To"] = parents
    if references:
        message["References"] = references
    message.set_content("words\n")
    return message.as_bytes()


def ids(message: bytes, name: str) -> list[str]:
    return ID.findall(str(email.message_from_bytes(message).get(name, "")))


def answer(author: str, message_id: str, to: bytes, habit: str = "both") -> bytes:
    """What `author`'s program writes when its user answers the message that it shows."""
    (parent,) = ids(to, "Message-ID")
    references = " ".join([*ids(to, "References"), parent])
    return written(
        author,
        message_id,
        parent if habit != "references" else "",
        references if habit != "in-reply-to" else "",
    )


def threads(mailbox: Iterable[bytes]) -> int:
    """Return into how many threads a program sorts its messages, those it sent among them."""
    groups: list[set[str]] = []
    for message in mailbox:
        named = {
            each
            for name in ("Message-ID", "In-Reply-To", "References")
            for each in ids(message, name)
        }
        apart = [group for group in groups if not group & named]
        together = [group for group in groups if group & named]
        groups = [*apart, named.union(*together)]
    return len(groups)


@pytest.mark.parametrize("habit", ["both", "in-reply-to", "references"])
@pytest.mark.parametrize("alices_habit", ["both", "in-reply-to", "references"])
def test_threads_hold_on_both_sides(habit: str, alices_habit: str) -> None:
    office = PostOffice()
    alice, bob = "alice@mail.i2p", "bob@example.org"
    opening = written(alice, "<1@alice-laptop>", "", "")
    alices, bobs = [opening], [office.out(opening)]
    for turn in range(3):
        reply = answer(bob, f"<{turn}@bob-desk.example.org>", bobs[-1], habit)
        bobs.append(reply)
        alices.append(office.into(reply))
        further = answer(alice, f"<{turn + 2}@alice-laptop>", alices[-1], alices_habit)
        alices.append(further)
        bobs.append(office.out(further))
    assert threads(alices) == 1
    assert threads(bobs) == 1
    assert not any(b"alice-laptop" in each for each in bobs)
    assert not any(b"mail.i2p" in each for each in bobs)
    # Each answer names what is before it, so that not only the thread but its order holds.
    field = "In-Reply-To" if habit == "in-reply-to" else "References"
    for before, after in itertools.pairwise(bobs):
        assert ids(before, "Message-ID")[0] in ids(after, field)


def test_without_the_tables_threads_fall_apart() -> None:
    office = PostOffice()
    opening = written("alice@mail.i2p", "<1@alice-laptop>", "", "")
    reply = answer("bob@example.org", "<2@bob>", office.out(opening))
    office.sent.clear()
    assert threads([opening, office.into(reply)]) == 2
    office.delivered.clear()
    further = answer("alice@mail.i2p", "<3@alice-laptop>", office.into(reply))
    office.delivered.clear()
    assert b"<2@bob>" not in office.out(further)
