# SPDX-License-Identifier: Apache-2.0
"""Which domains signed a message: DKIM (RFC 6376, RFC 8463) and ARC (RFC 8617), by dkimpy.

Trust: anybody wrote the message, and whoever owns a domain its keys. The library is kept to a few
signatures of a message, since each costs a pass over its octets and a question.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import dkim  # type: ignore[import-untyped]

from eepost.services.gateway.authentication.names import ascii_domain
from eepost.services.gateway.authentication.questions import DnsUnavailable, Kind, LookUp

# Signatures that are looked at: one of the author's, one of his provider, one or two on the way.
MAX_SIGNATURES: Final = 5
# Forwarders with ARC: chains of three or four exist. More are not looked at, and count as none.
MAX_ARC_SETS: Final = 10
# RFC 8301 3.2: shorter RSA keys sign nothing.
MIN_RSA_BITS: Final = 1_024
_CHANGED: Final = "body hash mismatch"
_SEAL: Final = re.compile(rb"^ARC-Seal[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DkimVerdict:
    """What one signature is worth, and whose it is."""

    result: str  # pass, fail, policy, temperror, permerror
    domain: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ArcVerdict:
    """What a chain of forwarders is worth, and who sealed it last."""

    result: str  # none, pass, fail, temperror
    sealer: str = field(default="", repr=False)


class _Unavailable(dkim.DKIMException):  # type: ignore[misc] # the library has no types
    """The library lets its own exceptions through only."""


class _Silent:
    """What the library logs quotes the message."""

    def debug(self, *_: object) -> None:
        """Say nothing."""

    info = warning = error = debug


class _Keys:
    """Looks keys up for the library, and knows whether one could not be had."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self.is_unavailable = self.is_found = False

    def __call__(self, name: bytes | str, timeout: float = 0) -> bytes | None:
        """Return the first TXT record of `name`, None where there is none."""
        del timeout  # whoever answers bounds it
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        domain = ascii_domain(text)
        if domain is None:
            return None
        try:
            values = self._look_up(domain, Kind.TXT).values
        except DnsUnavailable:
            self.is_unavailable = True
            raise _Unavailable from None
        first = values[0] if values else None
        self.is_found = first is not None
        return first.encode("ascii", "replace") if isinstance(first, str) else first


def check_dkim(message: bytes, look_up: LookUp) -> list[DkimVerdict]:
    """Return a verdict for each signature of `message`, from the top."""
    try:
        verifier = dkim.DKIM(message, logger=_Silent(), minkey=MIN_RSA_BITS)
        found = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
    except Exception:  # of a library fed by strangers
        return []
    return [_judge(verifier, at, look_up) for at in range(min(found, MAX_SIGNATURES))]


def _judge(verifier: Any, at: int, look_up: LookUp) -> DkimVerdict:
    keys = _Keys(look_up)
    verifier.signature_fields = {}  # else it keeps those of the signature before
    try:
        result = "pass" if verifier.verify(at, dnsfunc=keys) else "fail"
    except dkim.ValidationError as reason:
        result = "fail" if str(reason).startswith(_CHANGED) else "permerror"
    except Exception:  # of a library fed by strangers; what confuses it is worth nothing
        result = "permerror"
    if result != "pass" and not keys.is_found:
        result = "temperror" if keys.is_unavailable else "permerror"
    fields = verifier.signature_fields
    domain = ascii_domain(fields.get(b"d", b"").decode("ascii", "replace"))
    if domain is None:
        return DkimVerdict("permerror")
    if result == "pass" and b"l" in fields:
        # l= leaves the end of the body to whoever adds something to it.
        result = "policy"
    return DkimVerdict(result, domain)


def check_arc(message: bytes, header: bytes, look_up: LookUp) -> ArcVerdict:
    """Return what the chain of ARC sets in `message` is worth."""
    sets = len(_SEAL.findall(header))
    if not 0 < sets <= MAX_ARC_SETS:
        return ArcVerdict("none")
    keys = _Keys(look_up)
    try:
        state, results, _ = dkim.ARC(message, logger=_Silent(), minkey=MIN_RSA_BITS).verify(keys)
    except Exception:  # of a library fed by strangers
        return ArcVerdict("temperror" if keys.is_unavailable else "fail")
    sealer = results[0].get("as-domain", b"").decode("ascii", "replace") if results else ""
    is_pass = state == dkim.CV_Pass
    if not is_pass and keys.is_unavailable:
        return ArcVerdict("temperror")
    return ArcVerdict("pass" if is_pass else "fail", ascii_domain(sealer) or "")
