# SPDX-License-Identifier: Apache-2.0
"""Account names: what a name may look like, which ones nobody gets, and logins in either form.

Trust: names and logins come from anybody who can reach a port.
"""

import re
from collections.abc import Container

# What users of such a service know; also keeps name@domain well within RFC 5321 4.5.3.1.1.
MAX_NAME_CHARACTERS = 32
# A name, an at sign and the longest domain (RFC 5321 4.5.3.1.2).
_MAX_LOGIN_CHARACTERS = MAX_NAME_CHARACTERS + 1 + 255

# RFC 2142: mailboxes that every domain is expected to have. Roles map them to accounts.
_RFC_2142 = """
    abuse ftp hostmaster info marketing news noc postmaster sales security support usenet uucp
    webmaster www
"""
# What others would take for the post office or its operator (proofs of domain control among them,
# and where reports about mail go), and what programs send from or throw away.
_MISLEADING = """
    account accounts admin administrator autoconfig autodiscover billing bounce bounces contact
    daemon dmarc dry-run eepost everyone feedback helpdesk help listserv localhost login mail mailer
    mailer-daemon mailerdaemon majordomo manager moderator mx no-reply nobody noreply official
    operator owner password pop pop3 portal register registrar root service smtp ssladmin
    ssladministrator sslwebmaster staff superuser sysadmin sysop system team tls-reports tlsrpt
    trust undisclosed unsubscribe verify warning webadmin
"""
RESERVED = frozenset((_RFC_2142 + _MISLEADING).split())

_NAME = re.compile(r"[a-z0-9._-]+")
# The first that matches is why a name is refused.
_REFUSALS = (
    (re.compile(rf"(?s).{{{MAX_NAME_CHARACTERS + 1}}}"), "it has more than 32 characters"),
    (re.compile(r"(?s).*[^a-z0-9._-]"), "only letters a-z, digits, dot, underscore and hyphen"),
    (re.compile(r"[^a-z0-9]"), "it begins with neither a letter nor a digit"),
    (re.compile(r"(?s).*[^a-z0-9]\Z"), "it ends with neither a letter nor a digit"),
    (re.compile(r".*\.\."), "two dots stand together"),
)


class NameRefused(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """Nobody can have this name; the text says why, without the name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_name(name: str) -> str:
    """Return the normal form (lower case) of a name for a new account. Raises NameRefused."""
    # Case is folded for ASCII only: U+212A KELVIN SIGN folds to k, and would pass for it.
    normal = name.lower() if name.isascii() else name
    if not normal:
        raise NameRefused("it is empty")
    for pattern, reason in _REFUSALS:
        if pattern.match(normal):
            raise NameRefused(reason)
    if normal in RESERVED:
        raise NameRefused("it is reserved: mail to it would be taken for the operator's")
    return normal


def check_role(role: str) -> str:
    """Return the normal form of a role, for example `postmaster`. Raises NameRefused.

    Only reserved names can be roles, so that no role ever takes mail from an account.
    """
    normal = role.lower()
    if normal not in RESERVED:
        raise NameRefused("a role is one of the reserved names, such as postmaster or abuse")
    return normal


def local_name(local_part: str) -> str | None:
    """Return the account or role name that a local part may mean here, None if it can be none."""
    if len(local_part) > MAX_NAME_CHARACTERS or not local_part.isascii():
        return None
    name = local_part.lower()
    return name if _NAME.fullmatch(name) else None


def login_name(login: str, domains: Container[str]) -> str | None:
    """Return the account name that `login` means: a bare name, or an address in one of `domains`.

    None where it can't be an account here. Whether there is such an account is not looked at.
    """
    if len(login) > _MAX_LOGIN_CHARACTERS:
        return None
    name, at, domain = login.partition("@")
    if at and domain.lower() not in domains:
        return None
    return local_name(name)
