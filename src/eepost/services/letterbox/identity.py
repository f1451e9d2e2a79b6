# SPDX-License-Identifier: Apache-2.0
"""Who a user is towards one service: its domains, and how a login there becomes an address."""

from dataclasses import dataclass, field
from enum import Enum

from eepost.mail.address import Address, parse_address


class LoginStyle(Enum):
    """What the service wants as a login; the values are those of the settings."""

    NAME = "name"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a service: what to log in with, and the addresses that are its own."""

    identity: str
    login: str = field(repr=False)
    address: Address = field(repr=False)
    addresses: frozenset[Address] = field(repr=False)

    def own(self, text: str) -> Address | None:
        """Return the address that `text` is, None where it is none of the account's."""
        address = parse_address(text)
        if address is None:
            return None
        lower = Address(address.local_part.lower(), address.domain)
        return lower if lower in self.addresses else None


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity; `domains` are equal to the service, the first is what the user is known by."""

    name: str
    domains: tuple[str, ...] = field(repr=False)
    login_style: LoginStyle = LoginStyle.NAME

    def account(self, name: str) -> Account | None:
        """Return the account that a person's or a program's `name` means, None for none.

        A bare name is as good as any of the addresses; case does not count.
        """
        local, at, domain = name.strip().lower().rpartition("@")
        if not at:
            local, domain = domain, self.domains[0]
        address = parse_address(f"{local}@{domain}")
        if address is None or address.domain not in self.domains:
            return None
        first = Address(address.local_part, self.domains[0])
        login = str(first) if self.login_style is LoginStyle.ADDRESS else first.local_part
        forms = frozenset(Address(address.local_part, each) for each in self.domains)
        return Account(self.name, login, first, forms)
