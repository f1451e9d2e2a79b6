# SPDX-License-Identifier: Apache-2.0
"""Questions to the DNS as the checks ask them: plain calls, since the libraries know no others.

The checks run in threads of their own; whoever makes the function bounds each question in time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What is asked for; the values are the DNS's names."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"
    TXT = "TXT"


class DnsUnavailable(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No answer in time, or a name server failed: it may be known later."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a name has: octets of TXT records, texts of all others; `exists` is False for NXDOMAIN.

    Names and addresses are text without a final dot; of MX records the names, best first.
    """

    values: tuple[bytes, ...] | tuple[str, ...] = ()
    exists: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as text; octets beyond ASCII are replaced, which no record means anything by.

        RFC 7208 and RFC 9989 know ASCII only.
        """
        return tuple(
            each.decode("ascii", "replace") if isinstance(each, bytes) else each
            for each in self.values
        )


LookUp = Callable[[str, Kind], Found]
"""Answers a question; names are ASCII. Raises DnsUnavailable."""
