# SPDX-License-Identifier: Apache-2.0
"""Hands a message to the core while the sender waits; what can't be handed over is sealed and kept.

Duty: nothing of a message ever lies on this machine's disk but a parcel that the core alone can
open, and nothing is answered with a yes that is not durable, there or here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.mail.reply import Reply
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PublicKey
from eepost.seal.parcel import seal_parcel
from eepost.services.gateway.reception import replies
from eepost.services.gateway.reception.core import (
    Core,
    CoreDeclined,
    CoreUnreachable,
    Parcels,
    Pieces,
)
from eepost.wire.transfer.kept import KeptEnvelope, write_kept
from eepost.wire.transfer.messages import TRANSFER_OCTETS, UNNUMBERED, Incoming, Standing, Taken

# A sender waits ten minutes for the reply to its dot (RFC 5321 4.5.3.2.6), but impatient ones give
# up after one, and would send everything again.
ANSWER_SECONDS = 45.0


@dataclass(slots=True)
class Counts:
    """What became of messages; numbers only."""

    handed_over: int = 0
    kept: int = 0
    refused: int = 0
    put_off: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """Gets messages to the core. `key` is the core's, None while it is not known."""

    core: Core
    parcels: Parcels
    key: Callable[[], PublicKey | None]
    randomness: Callable[[int], bytes]
    keeps_everything: bool = False  # so that not even the time of an answer tells who is there
    answer_seconds: float = ANSWER_SECONDS
    counts: Counts = field(default_factory=Counts)

    @property
    def can_keep(self) -> bool:
        """Mail can be accepted although the core is away."""
        return self.key() is not None

    async def hand_over(self, envelope: KeptEnvelope, content: Pieces) -> Reply:
        """Return the answer to the final dot; a yes is durable."""
        reply = await self._hand_over(envelope, content)
        if reply.is_transient:
            self.counts.put_off += 1
        elif not reply.is_positive:
            self.counts.refused += 1
        return reply

    async def _hand_over(self, envelope: KeptEnvelope, content: Pieces) -> Reply:
        transfer = self.randomness(TRANSFER_OCTETS)
        if self.keeps_everything:
            return await self._keep(transfer, envelope, content)
        order = Incoming(
            UNNUMBERED,
            transfer,
            envelope.reverse_path,
            envelope.recipients,
            sum(map(len, content)),
        )
        try:
            async with asyncio.timeout(self.answer_seconds):
                taken = await self.core.take(order, content)
        except CoreDeclined:
            return replies.FAULT
        except (CoreUnreachable, TimeoutError):
            # Perhaps it has the message, and only its answer was lost: the transfer tells it then.
            return await self._keep(transfer, envelope, content)
        return self._reply(taken)

    def _reply(self, taken: Taken) -> Reply:
        if taken.is_refused:
            return replies.CONTENT_REFUSED
        if Standing.LATER in taken.standings:
            return replies.RECIPIENT_LATER  # the core took nothing of it
        if Standing.WELCOME not in taken.standings:
            return replies.NO_SUCH_RECIPIENT
        self.counts.handed_over += 1
        return replies.ACCEPTED

    async def _keep(self, transfer: bytes, envelope: KeptEnvelope, content: Pieces) -> Reply:
        key = self.key()
        if key is None:
            return replies.CORE_AWAY
        try:
            parcel = seal_parcel(key, self.randomness, write_kept(envelope, content))
            is_kept = await self.parcels.put(transfer, parcel)
        except (OSError, SealBroken):
            return replies.QUEUE_FULL
        if not is_kept:
            return replies.QUEUE_FULL
        self.counts.kept += 1
        return replies.ACCEPTED
