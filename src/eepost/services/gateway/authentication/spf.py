# SPDX-License-Identifier: Apache-2.0
"""Whether an address may send for a domain: RFC 7208 by pyspf's rules and our questions.

Trust: whoever owns the domain wrote the record; the library bounds how many questions it may cause.
"""

from dataclasses import dataclass, field
from typing import Any

import spf  # type: ignore[import-untyped]

from eepost.mail.address import Address
from eepost.services.gateway.authentication.names import ascii_domain
from eepost.services.gateway.authentication.questions import DnsUnavailable, Kind, LookUp

# RFC 7208 3.4 asks for far less. The library takes time that grows with the square of some words.
MAX_RECORD_OCTETS = 2_048
RESULTS = frozenset(
    ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"),
)


@dataclass(frozen=True, slots=True)
class SpfVerdict:
    """What SPF says, of which domain; `identity` is where that stood: mailfrom or helo."""

    result: str
    domain: str = field(default="", repr=False)
    identity: str = "mailfrom"


def check_spf(peer: str, helo: str, reverse_path: Address | None, look_up: LookUp) -> SpfVerdict:
    """Return what SPF says of `peer` (a numeric address) sending with this envelope.

    A null reverse-path is judged by the EHLO name (RFC 7208 2.4).
    """
    identity = "mailfrom" if reverse_path else "helo"
    domain = ascii_domain(reverse_path.domain if reverse_path else helo)
    if domain is None:
        return SpfVerdict("none", "", identity)
    local = reverse_path.local_part if reverse_path else "postmaster"
    query = _Query(peer, f"{_ascii(local)}@{domain}", ascii_domain(helo) or "unknown", look_up)
    try:
        result = query.check()[0]
    except Exception:  # of a library fed by strangers; none of its faults may stop mail
        result = "permerror"
    return SpfVerdict(result if result in RESULTS else "permerror", domain, identity)


def _ascii(local_part: str) -> str:
    # It counts only in macros of records that name single users.
    return local_part if local_part.isascii() and "@" not in local_part else "postmaster"


class _Query(spf.query):  # type: ignore[misc] # the library has no types
    """The library's evaluation over our questions; it asks nothing itself."""

    def __init__(self, peer: str, sender: str, helo: str, look_up: LookUp) -> None:
        super().__init__(i=peer, s=sender, h=helo, strict=True)
        self._look_up = look_up

    def dns(
        self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False
    ) -> list[Any]:
        """Return what a name has; count answers that hold nothing (RFC 7208 4.6.4)."""
        del cnames  # aliases were followed by whoever answers
        values = self._values(str(name).rstrip("."), qtype)
        if not values and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("void lookups")
        return values

    def _values(self, name: str, qtype: str) -> list[Any]:
        if not name.isascii() or not all(0 < len(each) < 64 for each in name.split(".")):
            return []
        try:
            found = self._look_up(name.lower(), Kind(qtype)).values
        except DnsUnavailable:
            raise spf.TempError("DNS") from None
        match qtype:
            case "TXT":
                return [(each,) for each in found if len(each) <= MAX_RECORD_OCTETS]
            case "MX":
                return list(enumerate(found))
            case _:
                return list(found)
