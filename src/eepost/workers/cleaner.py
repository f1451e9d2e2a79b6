# SPDX-License-Identifier: Apache-2.0
"""The Cleaner that services get: light messages at once, all others in a worker."""

from dataclasses import dataclass

from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from eepost.sanitise.weight import is_light
from eepost.workers.jobs import write_job
from eepost.workers.pool import Pool


@dataclass(frozen=True, slots=True)
class PooledCleaner:
    """`eepost.sanitise.cleaner.Cleaner` over a pool of workers."""

    pool: Pool

    async def from_user(self, message: bytes | bytearray, context: FromUser) -> Sanitised | Refused:
        """Return what a user submits as it may go on."""
        if is_light(message):
            return sanitise_from_user(message, context)
        whose = str(context.address)
        return await self.pool.clean(write_job(b"from_user", context), message, whose)

    async def to_internet(
        self, message: bytes | bytearray, context: ToInternet, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return what `from_user` made as it may leave for the Internet."""
        if is_light(message):
            return sanitise_to_internet(message, context)
        return await self.pool.clean(write_job(b"to_internet", context), message, whose)

    async def from_internet(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return what came from the Internet as it may go on to the core."""
        if is_light(message):
            return sanitise_from_internet(message, context)
        return await self.pool.clean(write_job(b"from_internet", context), message, whose)

    async def to_user(
        self, message: bytes | bytearray, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        """Return a message as its reader gets it."""
        if is_light(message):
            return sanitise_to_user(message, context)
        return await self.pool.clean(write_job(b"to_user", context), message, whose)
