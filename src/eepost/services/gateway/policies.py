# SPDX-License-Identifier: Apache-2.0
"""Remembers domains' MTA-STS policies, in memory only: on disk they would say who was written to.

A new policy is looked for when the TXT record names another one (RFC 8461 3.1); one that is known
holds for its age whatever happens to record or host, or an attacker could simply take both away.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.services.gateway.ports import Dns, PolicyHosts
from eepost.wire.outward.route import DnsFailed
from eepost.wire.outward.sts import Policy, parse_policy, policy_id

# Domains remembered; one costs some hundred octets.
MAX_DOMAINS = 5_000
# How long a host that gave no policy is left alone, RFC 8461 5.1 suggests five minutes.
PAUSE_SECONDS = 300.0


@dataclass(slots=True)
class _Known:
    """What is known of a domain."""

    identifier: str = ""
    policy: Policy | None = None
    until: float = 0.0
    fetch_again: float = 0.0


@dataclass(slots=True)
class Policies:
    """Finds a domain's policy."""

    dns: Dns
    hosts: PolicyHosts
    clock: Callable[[], float]
    _known: OrderedDict[str, _Known] = field(default_factory=OrderedDict)

    async def find(self, domain: str) -> Policy | None:
        """Return the policy that holds for `domain` now."""
        known = self._known.get(domain) or _Known()
        try:
            identifier = policy_id(await self.dns.texts(f"_mta-sts.{domain}"))
        except DnsFailed:
            identifier = None
        if identifier is not None and self._is_due(known, identifier):
            await self._fetch(domain, identifier, known)
        return known.policy if self.clock() < known.until else None

    def _is_due(self, known: _Known, identifier: str) -> bool:
        now = self.clock()
        is_fresh = known.identifier == identifier and now < known.until
        return not is_fresh and now >= known.fetch_again

    async def _fetch(self, domain: str, identifier: str, known: _Known) -> None:
        file = await self.hosts.fetch(domain)
        policy = parse_policy(file) if file is not None else None
        now = self.clock()
        if policy is None:
            known.fetch_again = now + PAUSE_SECONDS
        else:
            known.identifier, known.policy = identifier, policy
            known.until = now + policy.max_age_seconds
        self._known[domain] = known
        self._known.move_to_end(domain)
        while len(self._known) > MAX_DOMAINS:
            self._known.popitem(last=False)
