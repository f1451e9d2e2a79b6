# SPDX-License-Identifier: Apache-2.0
"""The core as a gateway sees it: over the link, and the key that mail is sealed to without it."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from eepost.net.exchanges.standing import StandingLink
from eepost.net.link import LinkCut
from eepost.seal.broken import SealBroken
from eepost.seal.keypair import PublicKey
from eepost.services.gateway.reception.core import CoreDeclined, CoreUnreachable, Pieces
from eepost.wire.transfer.messages import (
    UNNUMBERED,
    Answer,
    AskRecipient,
    AskSealingKey,
    Declined,
    Incoming,
    Question,
    RecipientStanding,
    SealingKey,
    Standing,
    Taken,
)

KEY_FILE_NAME = "core.key"
# How often it is looked whether the link is up and the key has to be asked for.
LOOK_SECONDS = 1.0
KEY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LinkedCore:
    """Satisfies `services.gateway.reception.core.Core`."""

    link: StandingLink

    async def standing(self, recipient: str, reverse_path: str, peer: bytes) -> Standing:
        """Return whether mail may come in. Raises CoreUnreachable, CoreDeclined."""
        answer = await self.ask(AskRecipient(UNNUMBERED, recipient, reverse_path, peer))
        assert isinstance(answer, RecipientStanding)  # noqa: S101 - the link has looked
        return answer.standing

    async def take(self, order: Incoming, content: Pieces) -> Taken:
        """Hand a message over; durable there on return. Raises CoreUnreachable, CoreDeclined."""
        answer = await self.ask(order, content)
        assert isinstance(answer, Taken)  # noqa: S101 - the link has looked
        return answer

    async def ask(self, question: Question, content: Pieces = ()) -> Answer:
        """Return the one answer to `question`. Raises CoreUnreachable, CoreDeclined."""
        try:
            async with self.link.ask(question, content) as answers:
                answer = await anext(answers)
        except LinkCut:
            raise CoreUnreachable from None
        if isinstance(answer, Declined):
            raise CoreDeclined
        return answer


@dataclass(slots=True)
class CoreKey:
    """The core's public key: asked for whenever the link is made, kept in a file meanwhile."""

    file: Path
    key: PublicKey | None = None
    _asked: bool = field(default=False)

    def load(self) -> None:
        """Read what an earlier run was told. Raises OSError."""
        try:
            self.key = PublicKey.from_octets(self.file.read_bytes())
        except (FileNotFoundError, SealBroken):
            self.key = None

    async def keep_up_to_date(self, core: LinkedCore) -> None:
        """Ask each time the link has come up; until cancelled."""
        while True:
            if not core.link.is_up:
                self._asked = False
            elif not self._asked:
                self._asked = await self._ask(core)
            await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, core: LinkedCore) -> bool:
        try:
            async with asyncio.timeout(KEY_SECONDS):
                answer = await core.ask(AskSealingKey(UNNUMBERED))
            assert isinstance(answer, SealingKey)  # noqa: S101 - the link has looked
            key = PublicKey.from_octets(answer.octets)
        except (CoreUnreachable, CoreDeclined, TimeoutError, SealBroken):
            return False
        if self.key is None or self.key.octets != key.octets:
            await asyncio.to_thread(self._write, key.octets)
            self.key = key
        return True

    def _write(self, octets: bytes) -> None:
        new = self.file.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self.file)
