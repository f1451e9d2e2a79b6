# SPDX-License-Identifier: Apache-2.0
"""What a far server's reply means for a recipient: a fate and two codes, never its words."""

import re
from dataclasses import dataclass, replace

from eepost.wire.transfer.messages import Fate

_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_FATES = {"2": Fate.DELIVERED, "4": Fate.DEFERRED, "5": Fate.FAILED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One recipient's outcome; `code` is 0 where no reply led to it."""

    fate: Fate
    status: str  # RFC 3463
    code: int = 0
    # Another host of the same domain may say otherwise: nothing of the message was taken here.
    ask_elsewhere: bool = False


def deferred(status: str, code: int = 0, *, ask_elsewhere: bool = False) -> Verdict:
    """Return that this try failed for now."""
    return Verdict(Fate.DEFERRED, status, code, ask_elsewhere)


def failed(status: str, code: int = 0) -> Verdict:
    """Return that it failed for good."""
    return Verdict(Fate.FAILED, status, code)


# RFC 3463 3.5; 4.7.5 is what others use where a certificate is not the right one.
UNREACHABLE = deferred("4.4.1", ask_elsewhere=True)
CONNECTION_LOST = deferred("4.4.2", ask_elsewhere=True)
NOT_SECURE = deferred("4.7.5", ask_elsewhere=True)
# RFC 3463 3.5: too much of ours is under way to that domain, or altogether.
CONGESTED = deferred("4.4.5")
# The host exists, as far as the DNS says, and nowhere that mail could go to.
NO_ADDRESS = failed("5.4.4")
# It broke after the content was sent: the message may have been taken.
UNSURE = deferred("4.4.2")
# RFC 6531 3.6, RFC 6152 3: a host that lacks the extension; a body that must not be changed.
NEEDS_UTF8 = failed("5.6.7")
NEEDS_8BIT = failed("5.6.3")
TOO_LARGE = failed("5.3.4")
# We can't look at it right now.
NOT_NOW = deferred("4.3.0")
# What we ourselves refuse: a faulty core let it through, or nobody can be reached so.
NOT_CLEAN = failed("5.7.1")
BAD_ADDRESS = failed("5.1.3")
BAD_REPLY = deferred("4.5.0", ask_elsewhere=True)


def of_reply(code: int, text: str, subject: str) -> Verdict:
    """Return what a reply to a command means (RFC 5321 4.2.1).

    `subject` is `subject.detail` of RFC 3463 for where the reply names no status of its class.
    A code that no server may give is the server's fault and is tried again.
    """
    kind = str(code)[:1]
    fate = _FATES.get(kind)
    if fate is None or not 200 <= code <= 599:
        return BAD_REPLY
    found = _STATUS.match(text)
    status = found[0] if found and found[1] == kind else f"{kind}.{subject}"
    return Verdict(fate, status, code, ask_elsewhere=fate is Fate.DEFERRED)


def of_host(code: int, text: str) -> Verdict:
    """Return what it means that a host turns us away before it has heard of any message.

    That speaks of the host or of us and never of a recipient, so even a 5yz is tried again, at
    another host first (RFC 5321 3.1, 4.2.4.2).
    """
    said = of_reply(code, text, "3.0")
    status = said.status if said.fate is Fate.DEFERRED else "4.3.0"
    return deferred(status, code if said is not BAD_REPLY else 0, ask_elsewhere=True)


def of_content(code: int, text: str) -> Verdict:
    """Return what the reply to the content means; no other host is asked after that."""
    return replace(of_reply(code, text, "0.0"), ask_elsewhere=False)
