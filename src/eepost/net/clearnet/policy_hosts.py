# SPDX-License-Identifier: Apache-2.0
"""Fetches MTA-STS policies over HTTPS (RFC 8461 3.3).

Names are looked up by our own resolver and the address is dialled, so that httpx asks nobody; the
certificate has to be good for the name all the same. No redirect is followed.

Trust: the host is whoever the domain's owner says; its answer is bounded in size and time.
"""

import asyncio
import ssl

import httpx

from eepost.net.dns import Dns
from eepost.wire.outward.route import DnsFailed, may_dial
from eepost.wire.outward.sts import MAX_POLICY_OCTETS

MAX_ADDRESSES = 2
# Nothing packed: a few octets could become any number before they are counted.
_HEADERS = {"User-Agent": "", "Accept": "text/plain", "Accept-Encoding": "identity"}
PATH = "/.well-known/mta-sts.txt"


class HttpsPolicyHosts:
    """Satisfies `services.gateway.ports.PolicyHosts`."""

    def __init__(self, dns: Dns, seconds: float) -> None:
        self._dns = dns
        self._seconds = seconds
        self._tls = ssl.create_default_context()

    async def fetch(self, domain: str) -> bytes | None:
        """Return the policy file of `domain`, None where there is none to be had."""
        host = f"mta-sts.{domain}"
        try:
            addresses, _ = await self._dns.validated_addresses(host)
        except DnsFailed:
            return None
        reachable = [each for each in addresses if may_dial(each, frozenset())]
        for address in reachable[:MAX_ADDRESSES]:
            try:
                # Altogether: the client's own limit is one for each octet.
                async with asyncio.timeout(self._seconds):
                    return await self._get(host, address)
            except (httpx.HTTPError, OSError, ValueError):  # TimeoutError is an OSError
                continue
        return None

    async def _get(self, host: str, address: str) -> bytes | None:
        place = f"[{address}]" if ":" in address else address
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._seconds) as client,
            client.stream(
                "GET",
                f"https://{place}{PATH}",
                headers={"Host": host, **_HEADERS},
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            if answer.status_code != 200:
                return None
            file = bytearray()
            async for piece in answer.aiter_raw():
                file += piece
                if len(file) > MAX_POLICY_OCTETS:
                    return None
            return bytes(file)
