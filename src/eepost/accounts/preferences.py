# SPDX-License-Identifier: Apache-2.0
"""What a user may choose about an account; every default is the safe one."""

from dataclasses import dataclass, field
from enum import Enum

from eepost.sanitise.choices import Choices


class Delay(Enum):
    """When mail to the Internet leaves; see `eepost.queue.release` for the instants."""

    NONE = "none"
    DEFER = "defer"  # after a random time, so that an observer can't pair sending with leaving
    BATCH = "batch"  # together with everybody else's, twice a day


class InternetMail(Enum):
    """Whose mail from the Internet is taken."""

    FROM_ALL = "from all"
    FROM_CORRESPONDENTS = "from people written to"
    FROM_NONE = "none"


# Senders that one account may block: each is compared with every sender from the Internet.
MAX_BLOCKED = 200


# How long news of mail may wait, in minutes, so that it does not mark the instant of arrival.
WINDOWS_MINUTES = (15, 60, 240, 720)


@dataclass(frozen=True, slots=True)
class IrcBinding:
    """Who is told of new mail on IRC; no repr shows who."""

    nick: str = field(repr=False)  # where notices go
    services_account: str = field(repr=False)  # that the nick has to be logged in to
    window_minutes: int = 60
    quiet_until_utc: int = 0


@dataclass(frozen=True, slots=True)
class Preferences:
    """A user's choices. No repr shows whom somebody blocked."""

    cleaning: Choices = field(default_factory=Choices)
    delay: Delay = Delay.DEFER
    delays_local_copies: bool = False  # of mixed mail, whose local copy shows the true time
    internet_mail: InternetMail = InternetMail.FROM_ALL
    # Addresses, or "@domain" for everybody there; lower case.
    blocked: tuple[str, ...] = field(default=(), repr=False)
    is_listed: bool = False  # in the address book
    is_warned: bool = True  # by mail, when the maildrop fills
    irc: IrcBinding | None = None
