# SPDX-License-Identifier: Apache-2.0
"""Puts the portal together."""

from collections.abc import Callable
from pathlib import Path

from markdown_it import MarkdownIt

from eepost.accounts.address_book import AddressBook
from eepost.accounts.authenticator import Authenticator
from eepost.accounts.invitations import Invitations
from eepost.accounts.ports import AccountStore, Compute
from eepost.accounts.registry import Registry
from eepost.accounts.sign_ins import SignIns
from eepost.app.config import ConfigError
from eepost.app.settings import Settings
from eepost.maildrop.ports import MaildropStore
from eepost.net import clock
from eepost.net.captcha import draw, speak
from eepost.net.peers import Resolver, resolve
from eepost.net.web import WebServer
from eepost.observe.journal import Journal
from eepost.pages.site import Counts
from eepost.pages.tickets import Tickets
from eepost.services.portal.desk import Desk
from eepost.services.portal.gates import Captchas, Gate, Gates, Rate
from eepost.services.portal.irc import IrcNews
from eepost.services.portal.portal import make_site
from eepost.services.portal.sending import Sending
from eepost.services.portal.sessions import Sessions
from eepost.services.portal.site import PAGES

# Pages stay under 30 kB with everything.
MAX_POLICY_CHARACTERS = 20_000


def make_portal(  # noqa: PLR0913 - wired in one place, by name
    settings: Settings,
    *,
    accounts: AccountStore,
    authenticator: Authenticator,
    maildrops: MaildropStore,
    compute: Compute,
    process_key: bytes,
    invitation_key: bytes,
    policy: str,
    sending: Sending,
    sign_ins: SignIns,
    irc: IrcNews | None,
    journal: Journal,
    counts: Counts,
) -> WebServer:
    """Return the portal's web server, not yet started. `process_key`: this process's own."""
    desk = Desk(
        name=settings.mail.domain,
        official_domains=settings.mail.official_domains,
        registry=Registry(accounts, clock.random_octets),
        accounts=accounts,
        book=AddressBook(accounts, compute, clock.monotonic_seconds),
        authenticator=authenticator,
        maildrops=maildrops,
        compute=compute,
        sessions=Sessions(process_key, clock.monotonic_seconds),
        tickets=Tickets(process_key, clock.monotonic_seconds, clock.random_octets),
        policy=policy,
        sending=sending,
        sign_ins=sign_ins,
        gates=_gates(settings, invitation_key),
        draw=draw,
        speak=speak,
        randomness=clock.random_octets,
        now_utc=lambda: int(clock.wall_seconds()),
        irc=irc,
        counts=counts,
    )
    bucket = _bucket(settings, process_key)
    return WebServer(make_site(desk, PAGES, journal, bucket), bucket)


def read_policy(file: Path) -> str:
    """Return the operator's page as HTML; empty where there is none. Raises ConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            file, "portal.policy", "can't be read as UTF-8 text", "write it in Markdown"
        ) from None
    if len(text) > MAX_POLICY_CHARACTERS:
        raise ConfigError(file, "portal.policy", "is too long for a page over a slow route")
    # HTML in it stays words: a page here must not be able to load anything.
    rendered: str = MarkdownIt("commonmark", {"html": False}).disable("image").render(text)
    return rendered


def _gates(settings: Settings, invitation_key: bytes) -> Gates:
    portal = settings.portal
    return Gates(
        kinds=frozenset(map(Gate, portal.gates)),
        captchas=Captchas(clock.monotonic_seconds, clock.random_octets),
        invitations=Invitations(invitation_key),
        hashcash_bits=portal.hashcash_bits,
        everybody=Rate(portal.accounts_per_hour, clock.monotonic_seconds),
        each_peer=Rate(portal.accounts_per_hour_and_peer, clock.monotonic_seconds),
    )


def _bucket(settings: Settings, key: bytes) -> Callable[[object], bytes | None]:
    resolver = Resolver(settings.portal.peers)
    return lambda peername: resolve(peername, resolver).bucket(key)
