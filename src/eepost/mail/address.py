# SPDX-License-Identifier: Apache-2.0
"""Addresses and paths as they stand in SMTP commands and header fields (RFC 5321 4.1.2, 6531)."""

import re
from dataclasses import dataclass

# RFC 5321 4.5.3.1: octets of a local part, a domain and a path with its angle brackets.
MAX_LOCAL_PART_OCTETS = 64
MAX_DOMAIN_OCTETS = 255
MAX_LABEL_OCTETS = 63  # RFC 1035 2.3.4; counted in characters beyond ASCII
MAX_PATH_OCTETS = 256

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED_STRING = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*"')
_LABEL = (
    r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\-\u0080-\U0010ffff]*[A-Za-z0-9\u0080-\U0010ffff])?"
)
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SOURCE_ROUTE = re.compile(r"@[^:<>\s]*+:")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: the local part unquoted and as given, the domain in lower case.

    `domain` is empty only for the bare `postmaster` that RFC 5321 4.5.1 asks for.
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        local = self.local_part
        if not _DOT_STRING.fullmatch(local):
            local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def is_ascii(self) -> bool:
        """Needs no SMTPUTF8 (RFC 6531 3.3)."""
        return self.local_part.isascii() and self.domain.isascii()


def parse_address(text: str) -> Address | None:
    """Return the address that `text` is, to its last character, or None (RFC 5321 4.1.2).

    Quoted and unquoted forms of one local part give equal addresses. Address literals are not
    accepted: inside I2P they would only ever tell where somebody is.
    """
    if len(text) > MAX_PATH_OCTETS - 2 or not _is_visible(text):
        return None
    local, domain = _split_local_part(text)
    if local is None or not _DOMAIN.fullmatch(domain) or not _fits(text, local, domain):
        return None
    return Address(local, domain.lower())


def _is_visible(text: str) -> bool:
    # Beyond ASCII the grammar lets everything in: controls of the C1 set, line separators, marks
    # that turn the direction of what is shown, lone surrogates. Nobody can read those.
    return text.isascii() or text.isprintable()


def _fits(text: str, local: str, domain: str) -> bool:
    return (
        len(text.encode()) <= MAX_PATH_OCTETS - 2
        and len(local.encode()) <= MAX_LOCAL_PART_OCTETS
        and len(domain.encode()) <= MAX_DOMAIN_OCTETS
        and (len(domain) <= MAX_LABEL_OCTETS or _has_short_labels(domain))
    )


def _has_short_labels(domain: str) -> bool:
    return all(len(label) <= MAX_LABEL_OCTETS for label in domain.split("."))


def _split_local_part(text: str) -> tuple[str | None, str]:
    quoted = _QUOTED_STRING.match(text)
    if quoted:
        if text[quoted.end() : quoted.end() + 1] != "@":
            return None, ""
        return re.sub(r"\\(.)", r"\1", quoted[0][1:-1]), text[quoted.end() + 1 :]
    local, _, domain = text.rpartition("@")
    return (local, domain) if _DOT_STRING.fullmatch(local) else (None, "")


def strip_source_route(path: str) -> str:
    """Drop `@one,@two:` in front of a path's address: accepted and ignored (RFC 5321 4.1.1.3)."""
    # Matched at the beginning only: searching "@@@..." for a colon would take quadratic time.
    route = _SOURCE_ROUTE.match(path)
    return path[route.end() :] if route else path
