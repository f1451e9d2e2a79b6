# SPDX-License-Identifier: Apache-2.0
"""Whether a host on the Internet may bring mail for somebody: its name, lists, rates, patience.

Nothing is refused before a recipient is named, since mail to postmaster and abuse is always taken
(RFC 5321 4.5.1): who was shut out by mistake has to be able to say so.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from eepost.mail.address import Address
from eepost.mail.reply import Reply
from eepost.services.gateway.authentication.names import ascii_domain
from eepost.services.gateway.reception import replies
from eepost.services.gateway.reception.greylist import Greylist
from eepost.services.gateway.reception.rates import Rates

ALWAYS_TAKEN: Final = frozenset(("postmaster", "abuse"))


@dataclass(slots=True, repr=False)
class Caller:
    """A host that brings mail. `address` is numeric; `network` its bucket for limits."""

    address: str
    network: bytes | None
    name: str = ""  # as EHLO gave it


@dataclass(frozen=True, slots=True)
class Gate:
    """The rules for all callers. `is_listed` asks the lists of hosts that send abuse."""

    own_names: frozenset[str]  # of this host and the official domains
    rates: Rates
    greylist: Greylist | None = None
    block_lists: Sequence[str] = ()
    addresses_of: Callable[[str], Awaitable[Sequence[str]]] = field(default=lambda _: _nothing())

    async def refusal(self, caller: Caller, sender: str, recipient: Address) -> Reply | None:
        """Return why `caller` may not bring mail for `recipient`, None if it may."""
        if recipient.local_part.lower() in ALWAYS_TAKEN:
            return None
        if self.rates.is_over(caller.network):
            return replies.TOO_FAST
        refusal = self.objection_to_name(caller)
        if refusal is not None:
            return refusal
        if await self.is_listed(caller.address):
            return replies.LISTED
        if self.greylist is None or caller.network is None:
            return None
        is_welcome = self.greylist.is_welcome(caller.network, sender, str(recipient))
        return None if is_welcome else replies.GREYLISTED

    def objection_to_name(self, caller: Caller) -> Reply | None:
        """Return what is wrong with the name in EHLO (RFC 5321 4.1.4), None if nothing is.

        Whether it leads to the caller's address is not asked: RFC 5321 forbids to refuse for that.
        """
        name = caller.name.strip()
        if name.startswith("["):
            return None if _is_literal_of(name, caller.address) else replies.BAD_NAME
        domain = ascii_domain(name)
        if domain is None or "." not in domain:
            return replies.BAD_NAME
        return replies.OUR_NAME if domain in self.own_names else None

    async def is_listed(self, address: str) -> bool:
        """Say whether a list names the host (RFC 5782). A list that does not answer says no."""
        if not self.block_lists:
            return False
        reversed_address = ip_address(address).reverse_pointer.rpartition(".in-addr.arpa")[0]
        if not reversed_address:
            reversed_address = ip_address(address).reverse_pointer.rpartition(".ip6.arpa")[0]
        for zone in self.block_lists:
            answers = await self.addresses_of(f"{reversed_address}.{zone}")
            # 127.255.255.0/24 says that the list refuses to answer this resolver.
            if any(a.startswith("127.") and not a.startswith("127.255.255.") for a in answers):
                return True
        return False


def _is_literal_of(name: str, address: str) -> bool:
    literal = name.removeprefix("[").removesuffix("]")
    if literal[:5].lower() == "ipv6:":
        literal = literal[5:]
    try:
        return name.endswith("]") and ip_address(literal) == ip_address(address)
    except ValueError:
        return False


async def _nothing() -> Sequence[str]:
    return ()
