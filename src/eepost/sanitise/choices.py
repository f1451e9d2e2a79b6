# SPDX-License-Identifier: Apache-2.0
"""What a user may choose about the mail that he sends and gets.

Flat on purpose: an account's record holds it as it stands, and a page can show it field by field.
"""

from dataclasses import dataclass
from enum import Enum


class Html(Enum):
    """What becomes of HTML that a user sends; it never passes as it came."""

    REBUILT = "rebuilt"
    PLAIN_TEXT = "plain text"


class OnFailure(Enum):
    """What becomes of something that can't be cleaned."""

    REFUSE = "refuse"  # the message; the sender is told which part
    DROP = "drop"  # the part
    PASS = "pass"  # as it is  # noqa: S105 - no password


class Dangerous(Enum):
    """What becomes of a file that comes to a user and may run something when it is opened."""

    RENAME = "rename"  # so that no system knows how to open it
    DROP = "drop"
    PASS = "pass"  # with a warning  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class Choices:
    """A user's choices, each with the safe one as its default where mail would not suffer."""

    # ---- mail that he sends

    html: Html = Html.REBUILT
    # Files whose metadata can't be removed: encrypted, signed, damaged.
    unclean: OnFailure = OnFailure.REFUSE
    # Files that nobody here has rules for: sound, programs, old office documents.
    unknown: OnFailure = OnFailure.PASS
    # Names in OpenPGP keys that are not his own address, and who signed them. Keys of other people
    # lose theirs too, since nothing tells them from his own under another name.
    foreign_user_ids: OnFailure = OnFailure.DROP
    # What is signed can't be changed. Where it tells a date, a program or another address, only its
    # author can mend it: the message may be refused, or passes and the report counts it.
    refuses_telling_signed: bool = False
    keeps_receipts: bool = False  # disposition notifications that his program sends
    keeps_threads: bool = True  # In-Reply-To and References
    keeps_reply_to: bool = False  # with his own addresses only
    keeps_autocrypt: bool = False  # the OpenPGP key that his program puts into each header
    keeps_auto_submitted: bool = False  # an answering machine says that it is one (RFC 3834)

    # ---- mail that he gets

    # Answers name his messages as his program named them, so that they thread with his Sent copy.
    maps_ids_back: bool = True
    dangerous: Dangerous = Dangerous.RENAME
    keeps_first_hop: bool = False  # one line on where mail from the Internet set out


DEFAULT = Choices()
