# SPDX-License-Identifier: Apache-2.0
"""One step of a delivery: which host at which address, what TLS has to prove, and the letter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from eepost.wire.outward.tlsa import Tlsa
from eepost.wire.outward.verdict import Verdict


class Need(Enum):
    """What TLS has to do before mail may go to a host."""

    NOTHING = "nothing"  # TLS where it works, plain otherwise (RFC 7435)
    TLS = "tls"  # TLS without a proof: DANE records of which none is usable (RFC 7672 2.2)
    NAME = "name"  # a certificate of an authority, for the host's name (RFC 8461 4.2)
    DANE = "dane"  # a certificate that the records describe (RFC 7672)


@dataclass(frozen=True, slots=True)
class Hop:
    """A host to talk to. `names`: what a certificate under a DANE trust anchor may be for."""

    host: str = field(repr=False)
    address: str = field(repr=False)
    need: Need = Need.NOTHING
    records: tuple[Tlsa, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)


class HopFailed(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """No conversation came about; `verdict` is what that means for a recipient."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("a host could not be talked to")
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for recipients of one domain; paths without their angle brackets."""

    reverse_path: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)  # CRLF lines, not dot-stuffed
    needs_utf8: bool = False  # an address or the header holds more than ASCII (RFC 6531)
    needs_8bit: bool = False  # the body does (RFC 6152)
    # Asked before the content is sent: after that, only the far server's reply counts.
    is_wanted: Callable[[], bool] = field(default=lambda: True, repr=False)
