# SPDX-License-Identifier: Apache-2.0
"""MTA-STS: a domain's word that its hosts speak TLS under names it lists (RFC 8461).

Trust: the TXT record is anybody's on the way; the policy came over HTTPS from the domain's host.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# RFC 8461 3.2: a year at most; no less than a minute, or each message would fetch it.
MAX_AGE_SECONDS = 31_557_600
MIN_AGE_SECONDS = 60
# A policy is a few lines; RFC 8461 3.3 suggests 64 kB as a bound.
MAX_POLICY_OCTETS = 65_536
MAX_HOSTS = 100

_RECORD = re.compile(r"v=STSv1\s*;\s*(?:.*;\s*)?id=([A-Za-z0-9]{1,32})\s*(?:;.*)?", re.ASCII)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})+")


class Mode(Enum):
    """What follows where TLS fails."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """A domain's policy; `hosts` in lower case, a leading `*.` stands for one label."""

    mode: Mode
    hosts: tuple[str, ...]
    max_age_seconds: int

    @property
    def is_enforced(self) -> bool:
        """Mail must not go to a host that fails it."""
        return self.mode is Mode.ENFORCE

    def allows(self, host: str) -> bool:
        """Whether `host` is one of those the policy lists (RFC 8461 4.1)."""
        return host in self.hosts or f"*.{host.partition('.')[2]}" in self.hosts


def policy_id(texts: Sequence[str]) -> str | None:
    """Return the identifier in the TXT records at `_mta-sts.`; None where no policy is offered.

    RFC 8461 3.1: with none or several that begin right, the domain has none.
    """
    offered = [text for text in texts if text.startswith("v=STSv1")]
    found = _RECORD.fullmatch(offered[0]) if len(offered) == 1 else None
    return found[1] if found else None


def parse_policy(octets: bytes) -> Policy | None:
    """Return the policy in a file (RFC 8461 3.2), None where it is not one."""
    if len(octets) > MAX_POLICY_OCTETS:
        return None
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    pairs = [line.partition(":") for line in text.replace("\r\n", "\n").split("\n") if line]
    fields: dict[str, str] = {}
    for key, _, value in pairs:
        fields.setdefault(key.strip(), value.strip())  # the first one counts
    hosts = tuple(value.strip().lower() for key, _, value in pairs if key.strip() == "mx")
    return _checked(fields, hosts)


def _checked(fields: dict[str, str], hosts: tuple[str, ...]) -> Policy | None:
    modes = {mode.value: mode for mode in Mode}
    mode = modes.get(fields.get("mode", ""))
    age = fields.get("max_age", "")
    if fields.get("version") != "STSv1" or mode is None or not re.fullmatch(r"[0-9]{1,10}", age):
        return None
    if mode is not Mode.NONE and not hosts:
        return None
    if len(hosts) > MAX_HOSTS or not all(_HOST.fullmatch(host) for host in hosts):
        return None
    seconds = min(max(int(age), MIN_AGE_SECONDS), MAX_AGE_SECONDS)
    return Policy(mode, hosts, seconds)
