# SPDX-License-Identifier: Apache-2.0
"""A zone in memory that answers the checks' questions, aliases followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eepost.services.gateway.authentication.questions import DnsUnavailable, Found, Kind

Value = str | bytes
FAILS = "fails"
MAX_ALIASES = 10


@dataclass
class Zone:
    """Records by name and kind; `FAILS` in place of values is a name server that does."""

    records: Mapping[str, Mapping[str, Sequence[Value] | str] | str]
    asked: list[tuple[str, Kind]] = field(default_factory=list)

    def __call__(self, name: str, kind: Kind) -> Found:
        self.asked.append((name, kind))
        for _ in range(MAX_ALIASES):
            held = self.records.get(name.lower())
            if held is None:
                is_above = any(each.endswith("." + name.lower()) for each in self.records)
                return Found(exists=is_above)
            if isinstance(held, str) or held.get(kind.value) == FAILS:
                raise DnsUnavailable
            if kind.value in held or "CNAME" not in held:
                return _found(kind, held.get(kind.value, ()))
            name = str(held["CNAME"][0]).rstrip(".")
        return Found()


def _found(kind: Kind, values: Sequence[Value] | str) -> Found:
    if kind is Kind.TXT:
        return Found(tuple(v.encode() if isinstance(v, str) else v for v in values))
    return Found(tuple(str(v).rstrip(".") for v in values))
