# SPDX-License-Identifier: Apache-2.0
"""The sanitiser's four policies in a worker do what they do outside."""

import dataclasses
import os
import re

import pytest

from eepost.mail.address import Address
from eepost.sanitise.choices import Choices, Dangerous, Html, OnFailure
from eepost.sanitise.domains import Internalised
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.sent_ids import SentIds
from eepost.sanitise.threads import DeliveredIds, hash_id
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from eepost.workers.cleaner import PooledCleaner
from eepost.workers.jobs import POLICIES, Context, do_job, write_job
from tests.sanitise.corpus import real_messages
from tests.workers.rig import REAL, running, told_by_kernel

ALICE = Address("alice", "mail.i2p")
FROM_USER = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE, Address("alice", "example.org")}),
    message_id_key=b"k" * 32,
    message_id_domain="example.org",
    accepted_utc=1_795_446_839,
    randomness=os.urandom,
    known_ids=DeliveredIds(b"t" * 32, frozenset({hash_id(b"t" * 32, b"known@x")})),
    choices=Choices(html=Html.PLAIN_TEXT, unclean=OnFailure.PASS),
)
INBOUND = Inbound(
    os.urandom,
    verdict=b"Authentication-Results: x; none\r\n",
    choices=Choices(dangerous=Dangerous.DROP),
    original_of=SentIds(b"t" * 32, {hash_id(b"t" * 32, b"known@x"): b"1@laptop"}).original,
    internalised=Internalised(("example.org",), "mail.i2p"),
)
TO_INTERNET = ToInternet("mail.i2p", "example.org")
HTML = (
    b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: hello\r\nIn-Reply-To: <known@x>\r\n"
    b"Message-ID: <1@laptop>\r\nContent-Type: text/html\r\n\r\n<p>Hi <b onclick='x()'>Bob\r\n"
)
# What chance makes differs from one run to the next.
_RANDOM = re.compile(rb"[a-z2-7]{32}|[0-9a-f]{40}")


def same(outcome: Sanitised | Refused) -> object:
    """Return what of an outcome does not hang on chance."""
    if isinstance(outcome, Refused):
        return outcome
    octets = _RANDOM.sub(b"RANDOM", b"".join(outcome.pieces))
    header = len(_RANDOM.sub(b"RANDOM", bytes(outcome.pieces[0])))
    ids = [_RANDOM.sub(b"RANDOM", each) for each in outcome.thread_ids]
    return octets, header, outcome.report, ids, outcome.given_id


def test_every_policy_has_a_context_that_crosses() -> None:
    kinds = {kind for _, kind in POLICIES.values()}
    assert kinds == {type(each) for each in (FROM_USER, INBOUND, TO_INTERNET)}


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_policy_gives_in_a_job_what_it_gives_directly(policy: bytes) -> None:
    function, kind = POLICIES[policy]
    (context,) = [each for each in (FROM_USER, INBOUND, TO_INTERNET) if isinstance(each, kind)]
    direct = function(bytearray(HTML), context)
    head, pieces = do_job(write_job(policy, context), bytearray(HTML))
    assert isinstance(direct, Sanitised) == (b"Cleaned" in head)
    if isinstance(direct, Sanitised):
        assert _RANDOM.sub(b"", b"".join(pieces)) == _RANDOM.sub(b"", b"".join(direct.pieces))


@pytest.mark.parametrize("context", [FROM_USER, INBOUND, TO_INTERNET])
def test_each_field_of_a_context_arrives(context: Context) -> None:
    seen: list[Context] = []

    def look(_message: bytes | bytearray, arrived: Context) -> Sanitised:
        seen.append(arrived)
        raise StopIteration

    name = next(name for name, (_, kind) in POLICIES.items() if isinstance(context, kind))
    policies = {name: (look, type(context))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eepost.workers.jobs.POLICIES", policies)
        with pytest.raises(StopIteration):
            do_job(write_job(name, context), bytearray(b""))
    (arrived,) = seen
    for field in dataclasses.fields(context):
        came, went = getattr(arrived, field.name), getattr(context, field.name)
        assert came == went or came.__self__ == went.__self__, field.name


def test_context_that_is_not_plain_does_not_cross() -> None:
    class Looking:
        def knows(self, message_id: bytes) -> bool:
            raise AssertionError

    with pytest.raises(TypeError, match="plain"):
        write_job(b"from_user", dataclasses.replace(FROM_USER, known_ids=Looking()))
    with pytest.raises(TypeError, match="plain"):
        write_job(b"to_user", dataclasses.replace(INBOUND, original_of=lambda _: b"1@laptop"))


async def test_each_policy_cleans_light_and_heavy_mail_through_the_pool() -> None:
    async with running(*REAL) as rig:
        cleaner = PooledCleaner(rig.pool)
        for message in (HTML, HTML.replace(b"text/html", b"text/plain")):
            found = await cleaner.from_user(message, FROM_USER)
            assert same(found) == same(sanitise_from_user(message, FROM_USER))
            found = await cleaner.from_internet(message, INBOUND)
            assert same(found) == same(sanitise_from_internet(message, INBOUND))
            found = await cleaner.to_user(message, INBOUND)
            assert same(found) == same(sanitise_to_user(message, INBOUND))
            left = await cleaner.to_internet(message, TO_INTERNET)
            assert same(left) == same(sanitise_to_internet(message, TO_INTERNET))
            assert isinstance(left, Refused)
        assert rig.pool.counts.cleaned == 4  # the heavy ones


async def test_real_messages_come_out_of_a_worker_as_they_do_outside() -> None:
    """Nothing that a rare message needs is missing in there: a codec, a module, a system call."""
    messages = [each.as_submitted_by(str(ALICE)) for each in real_messages()]
    async with running(*REAL) as rig:
        for message in messages:
            outcome = await rig.pool.clean(write_job(b"from_user", FROM_USER), message, "alice")
            assert same(outcome) == same(sanitise_from_user(message, FROM_USER))
        for message in messages[::5]:
            outcome = await rig.pool.clean(write_job(b"to_user", INBOUND), message, "alice")
            assert same(outcome) == same(sanitise_to_user(message, INBOUND))


async def test_forkserver_stays_one_thread() -> None:
    """Only a process of one thread can go into a namespace of its own, and be forked safely."""
    async with running(*REAL) as rig:
        await rig.pool.clean(write_job(b"from_user", FROM_USER), HTML, "alice")
        assert "Threads:\t1\n" in told_by_kernel(rig.starter.pid, "status")
