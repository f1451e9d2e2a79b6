# SPDX-License-Identifier: Apache-2.0
"""What a user may choose about the mail that he sends."""

from dataclasses import dataclass
from enum import Enum


class Html(Enum):
    """What becomes of HTML; it never passes as it came."""

    REBUILT = "rebuilt"
    PLAIN_TEXT = "plain text"


class OnFailure(Enum):
    """What becomes of a part that can't be cleaned."""

    REFUSE = "refuse"  # the message; the sender is told which part
    DROP = "drop"  # the part
    PASS = "pass"  # as it is  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class Choices:
    """A user's choices, each with the safe one as its default where mail would not suffer."""

    html: Html = Html.REBUILT
    unclean: OnFailure = OnFailure.REFUSE
    # Files that nobody here has rules for: sound, programs, old office documents.
    unknown: OnFailure = OnFailure.PASS
    keeps_receipts: bool = False  # disposition notifications that the user's program sends
    keeps_threads: bool = True  # In-Reply-To and References


DEFAULT = Choices()
