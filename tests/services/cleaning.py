# SPDX-License-Identifier: Apache-2.0
"""Cleaners for services: one that cleans on the spot, one that never can."""

from eepost.sanitise.cleaner import CleaningFailed, Why
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet

Octets = bytes | bytearray


class CleanAtOnce:
    """`eepost.sanitise.cleaner.Cleaner` without workers; `why` makes every call fail."""

    def __init__(self, why: Why | None = None) -> None:
        self.why = why

    async def from_user(self, message: Octets, context: FromUser) -> Sanitised | Refused:
        self._fail()
        return sanitise_from_user(message, context)

    async def to_internet(
        self, message: Octets, context: ToInternet, whose: str | None = None
    ) -> Sanitised | Refused:
        self._fail()
        return sanitise_to_internet(message, context)

    async def from_internet(
        self, message: Octets, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        self._fail()
        return sanitise_from_internet(message, context)

    async def to_user(
        self, message: Octets, context: Inbound, whose: str | None = None
    ) -> Sanitised | Refused:
        self._fail()
        return sanitise_to_user(message, context)

    def _fail(self) -> None:
        if self.why is not None:
            raise CleaningFailed(self.why)
