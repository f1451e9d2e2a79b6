# SPDX-License-Identifier: Apache-2.0
"""Puts together what a core answers to its gateways about mail from the Internet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from eepost.app.settings import Settings
from eepost.net import clock
from eepost.net.exchanges.answerer import Asked, Responses
from eepost.sanitise.domains import Internalised
from eepost.seal.keypair import PrivateKey
from eepost.seal.startkey import StartKey
from eepost.services.mta.arrivals import Arrivals, Counts, Desk
from eepost.services.mta.outgoing import Outgoing
from eepost.services.mta.standings import ProbeBudget, Probes, Standings
from eepost.services.mta.submission import Desk as SubmissionDesk
from eepost.store.quarantine import Quarantine
from eepost.wire.transfer.messages import (
    UNNUMBERED,
    AskRecipient,
    AskSealingKey,
    Incoming,
    RecipientStanding,
    SealingKey,
)

# Three derived keys make the seed of one pair. The pair is in no file: who has the start key has
# it, and a seized gateway's parcels stay shut without.
_SEED_PARTS = ("gateway parcel 1", "gateway parcel 2", "gateway parcel 3")


def parcel_key(key: StartKey) -> PrivateKey:
    """Return the private key that gateways' parcels open with."""
    return PrivateKey.from_seed(b"".join(map(key.subkey, _SEED_PARTS)))


def make_arrivals(
    settings: Settings,
    key: StartKey,
    submitting: SubmissionDesk,
    outgoing: Outgoing,
    quarantine: Quarantine,
    counts: Counts,
) -> Arrivals:
    """Return the service; it shares with submission what knows accounts and maildrops."""
    official = settings.mail.official_domains
    budget = ProbeBudget(settings.gateways.probes_of_a_peer, settings.gateways.probes_of_a_gateway)
    return Arrivals(
        Desk(
            name=settings.mail.domain,
            standings=Standings(
                submitting.directory,
                submitting.delivery,
                outgoing.correspondents,
                frozenset(official),
            ),
            probes=Probes(budget, clock.monotonic_seconds),
            delivery=submitting.delivery,
            conversations=submitting.conversations,
            screening=submitting.screening,
            cleaner=submitting.cleaner,
            internalised=Internalised(official, settings.mail.domain),
            private_key=parcel_key(key),
            tag=lambda transfer, account: key.tag("arrival", f"{transfer.hex()} {account.number}"),
            quarantine=quarantine.keep,
            opt_out=outgoing.opt_outs.note,
            offload=submitting.delivery.offload,
            randomness=clock.random_octets,
            now_utc=lambda: int(clock.wall_seconds()),
            pause=asyncio.sleep,
            counts=counts,
        )
    )


@dataclass(frozen=True, slots=True)
class GatewayAnswers:
    """What is answered to the gateway called `gateway`."""

    arrivals: Arrivals
    public_key: bytes
    gateway: str

    def responses(self) -> Responses:
        """Return the answer to each kind of question."""
        return {
            AskRecipient: self._standing,
            Incoming: self._take,
            AskSealingKey: self._key,
        }

    async def _standing(self, asked: Asked) -> None:
        question = asked.question
        assert isinstance(question, AskRecipient)  # noqa: S101 - the table says so
        standing = await self.arrivals.standing(
            self.gateway, question.recipient, question.reverse_path, question.peer
        )
        await asked.answer(RecipientStanding(UNNUMBERED, standing))

    async def _take(self, asked: Asked) -> None:
        order = asked.question
        assert isinstance(order, Incoming)  # noqa: S101 - the table says so
        if asked.is_too_large:
            return  # declined
        taken = await self.arrivals.take(self.gateway, order, await asked.content())
        if taken is not None:
            await asked.answer(taken)

    async def _key(self, asked: Asked) -> None:
        await asked.answer(SealingKey(UNNUMBERED, self.public_key))


def answers_to_gateways(arrivals: Arrivals, key: StartKey) -> Callable[[str], Responses]:
    """Return what gives each gateway, by its name, its answers."""
    public_key = parcel_key(key).public_key.octets
    return lambda gateway: GatewayAnswers(arrivals, public_key, gateway).responses()
