# SPDX-License-Identifier: Apache-2.0
"""What the link engine tells its owner."""

from dataclasses import dataclass, field
from enum import Enum, auto


class Decision(Enum):
    """An owner's answer to Proven."""

    ADMIT = auto()
    TURN_AWAY = auto()


@dataclass(frozen=True, slots=True)
class Proven:
    """*decide*: the other side knows the secret. Nothing was told or taken from it before."""


@dataclass(frozen=True, slots=True)
class RecordGiven:
    """Told: the next octets from the other side. Comes only after an admitted Proven."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """Told: the other side has sent all it had; we may still send, then `finish`."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Told: the stream broke before the other side's end; what came may be incomplete."""


Event = Proven | RecordGiven | Ended | Cut
