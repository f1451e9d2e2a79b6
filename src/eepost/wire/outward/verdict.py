# SPDX-License-Identifier: Apache-2.0
"""What a far server's reply means for a recipient: a fate and two codes, never its words."""

import re
from dataclasses import dataclass

from eepost.wire.transfer.messages import Fate

_STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_FATES = {"2": Fate.DELIVERED, "4": Fate.DEFERRED, "5": Fate.FAILED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One recipient's outcome; `code` is 0 where no reply led to it."""

    fate: Fate
    status: str  # RFC 3463
    code: int = 0


def deferred(status: str, code: int = 0) -> Verdict:
    """Return that this try failed for now."""
    return Verdict(Fate.DEFERRED, status, code)


def failed(status: str, code: int = 0) -> Verdict:
    """Return that it failed for good."""
    return Verdict(Fate.FAILED, status, code)


# RFC 3463 3.5; 4.7.5 is what others use where a certificate is not the right one.
UNREACHABLE = deferred("4.4.1")
CONNECTION_LOST = deferred("4.4.2")
NOT_SECURE = deferred("4.7.5")
# RFC 6531 3.6, RFC 6152 3: a host that lacks the extension; a body that must not be changed.
NEEDS_UTF8 = failed("5.6.7")
NEEDS_8BIT = failed("5.6.3")
BAD_REPLY = deferred("4.5.0")


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
    return Verdict(fate, status, code)
