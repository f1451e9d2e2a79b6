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
# A field with a signature of 4096 bits and a long list of names has 2 kB. The library takes time
# that grows with the square of a field's blanks.
MAX_FIELD_OCTETS: Final = 8_192
# Folding makes a few; a field full of them takes the library half a second.
_LONG_ROW: Final = re.compile(rb"\s{100}")
# A key of 4096 bits has 736 characters. In what fits besides, an exponent can't grow so long that
# one signature costs seconds.
MAX_KEY_RECORD_OCTETS: Final = 1_024
# RFC 8301 3.2: shorter RSA keys sign nothing.
MIN_RSA_BITS: Final = 1_024
_CHANGED: Final = "body hash mismatch"
_BLANKS: Final = re.compile(rb"[\t ]+")
# Of c=, the part behind the slash is the body's algorithm; "simple" where nothing stands.
_RELAXED: Final = re.compile(rb"(?:^|;)\s*c\s*=\s*\w+\s*/\s*relaxed\s*(?:;|$)")
_ARC_FIELD: Final = re.compile(
    rb"^ARC-[^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*", re.IGNORECASE | re.MULTILINE
)
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
        record = first.encode("ascii", "replace") if isinstance(first, str) else first
        if record is None or len(record) > MAX_KEY_RECORD_OCTETS:
            return None
        self.is_found = True
        return record


def check_dkim(message: bytes, look_up: LookUp) -> list[DkimVerdict]:
    """Return a verdict for each signature of `message`, from the top."""
    try:
        as_sent = _verifier(message)
        values = [value for name, value in as_sent.headers if name.lower() == b"dkim-signature"]
    except Exception:  # of a library fed by strangers
        return []
    if not values:
        return []
    relaxed = _verifier(relax_body(message))
    return [
        DkimVerdict("permerror")
        if _is_costly(value)
        else _judge(relaxed if _RELAXED.search(value) else as_sent, at, look_up)
        for at, value in enumerate(values[:MAX_SIGNATURES])
    ]


def _is_costly(field: bytes) -> bool:
    return len(field) > MAX_FIELD_OCTETS or _LONG_ROW.search(field) is not None


def _verifier(message: bytes) -> Any:
    return dkim.DKIM(message, logger=_Silent(), minkey=MIN_RSA_BITS)


def relax_body(message: bytes) -> bytes:
    """Return `message` with its body as the relaxed algorithm reads it (RFC 6376 3.4.4).

    Blanks are shortened and taken from the ends of lines; doing so twice changes nothing. The
    library does it in time that grows with the square of the blanks: ten lines of 60,000 each
    took it a minute, in which nothing else ran.
    """
    header, empty_line, body = message.partition(b"\r\n\r\n")
    body = _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n")
    return header + empty_line + body


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
    if any(map(_is_costly, _ARC_FIELD.findall(header))):
        return ArcVerdict("fail")
    message = relax_body(message)  # the only way in which ARC reads one
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
