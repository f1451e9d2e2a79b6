# SPDX-License-Identifier: Apache-2.0
"""What a policy needs to know besides the message, as plain values that cross to a worker.

Field by field the same as in the policy's own context but for what is not plain: chance is the
worker's own, and of identifiers only those cross that a store has found beforehand.
"""

import os
from typing import Any, Self

from msgspec import Struct

from eepost.mail.address import Address
from eepost.mail.message import Bounds
from eepost.sanitise.choices import Choices
from eepost.sanitise.domains import Internalised
from eepost.sanitise.from_user import FromUser
from eepost.sanitise.inbound import Inbound
from eepost.sanitise.sent_ids import OriginalOf, SentIds
from eepost.sanitise.threads import DeliveredIds, KnownIds
from eepost.sanitise.to_internet import ToInternet


class PlainFromUser(Struct, frozen=True, array_like=True, kw_only=True):
    """`FromUser` but for `randomness`."""

    address: Address
    addresses: frozenset[Address]
    message_id_key: bytes
    message_id_domain: str
    accepted_utc: int
    known_ids: DeliveredIds | None
    choices: Choices

    @classmethod
    def of(cls, context: FromUser) -> Self:
        """Return it as plain values. Raises TypeError."""
        return cls(**_values(cls, context) | {"known_ids": _found(context.known_ids)})

    def context(self) -> FromUser:
        """Return it as the policy wants it."""
        return FromUser(randomness=os.urandom, **_values(type(self), self))


class PlainInbound(Struct, frozen=True, array_like=True, kw_only=True):
    """`Inbound` but for `randomness`."""

    verdict: bytes
    choices: Choices
    original_of: SentIds | None
    bounds: Bounds
    internalised: tuple[tuple[str, ...], str] | None  # official domains, the internal one

    @classmethod
    def of(cls, context: Inbound) -> Self:
        """Return it as plain values. Raises TypeError."""
        domains = context.internalised
        changed = {
            "original_of": _owner(context.original_of),
            "internalised": (domains.official, domains.internal) if domains is not None else None,
        }
        return cls(**_values(cls, context) | changed)

    def context(self) -> Inbound:
        """Return it as the policy wants it."""
        found, domains = self.original_of, self.internalised
        changed = {
            "original_of": found.original if found is not None else None,
            "internalised": Internalised(*domains) if domains is not None else None,
        }
        return Inbound(randomness=os.urandom, **_values(type(self), self) | changed)


class PlainToInternet(Struct, frozen=True, array_like=True, kw_only=True):
    """`ToInternet`."""

    internal_domain: str
    official_domain: str

    @classmethod
    def of(cls, context: ToInternet) -> Self:
        """Return it as plain values."""
        return cls(**_values(cls, context))

    def context(self) -> ToInternet:
        """Return it as the policy wants it."""
        return ToInternet(**_values(type(self), self))


def _values(kind: type[Struct], of: object) -> dict[str, Any]:
    return {name: getattr(of, name) for name in kind.__struct_fields__}


def _found(known_ids: KnownIds | None) -> DeliveredIds | None:
    if known_ids is None or isinstance(known_ids, DeliveredIds):
        return known_ids
    raise TypeError("only plain values cross to a worker")


def _owner(original_of: OriginalOf | None) -> SentIds | None:
    owner = getattr(original_of, "__self__", None)
    if original_of is None or isinstance(owner, SentIds):
        return owner
    raise TypeError("only plain values cross to a worker")
