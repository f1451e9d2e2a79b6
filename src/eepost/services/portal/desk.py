# SPDX-License-Identifier: Apache-2.0
"""What all visits to the portal share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from eepost.accounts.address_book import AddressBook
from eepost.accounts.authenticator import Authenticator
from eepost.accounts.ports import AccountStore, Compute
from eepost.accounts.registry import Registry
from eepost.accounts.sign_ins import SignIns
from eepost.maildrop.ports import MaildropStore
from eepost.pages.site import Counts
from eepost.pages.tickets import Tickets
from eepost.services.portal.gates import Gates
from eepost.services.portal.irc import IrcNews
from eepost.services.portal.sending import Sending
from eepost.services.portal.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Desk:
    """What all visits share."""

    name: str  # the internal domain
    official_domains: tuple[str, ...]
    registry: Registry
    accounts: AccountStore
    book: AddressBook
    authenticator: Authenticator
    maildrops: MaildropStore
    compute: Compute  # runs blocking work: every call of the registry
    sessions: Sessions
    tickets: Tickets
    sending: Sending
    sign_ins: SignIns
    gates: Gates
    policy: str  # the operator's own page as HTML, safe; may be empty
    draw: Callable[[str], bytes]  # digits as PNG; blocks
    speak: Callable[[str], bytes]  # digits as WAV; blocks
    randomness: Callable[[int], bytes]
    now_utc: Callable[[], int]
    irc: IrcNews | None = None
    counts: Counts = field(default_factory=Counts)
