# SPDX-License-Identifier: Apache-2.0
"""What core and gateway say to each other once a link is proven.

A stream carries many exchanges at once; each has a number, chosen by the side that opened the
stream, never used twice on it. That side asks, the other answers:

    core to gateway      Relay, Content..., EndOfContent     ->  Outcome..., Reported
    gateway to core      AskRecipient                        ->  RecipientStanding
    gateway to core      Incoming, Content..., EndOfContent  ->  Taken
    gateway to core      AskSealingKey                       ->  SealingKey
    either               Abandon takes an exchange back      ->  (nothing)
    either               StillThere, when all is quiet       ->  StillHere

`Declined` may come instead of any answer: the whole exchange may be tried again later. No message
carries an account: a gateway learns addresses of the Internet's side and of the official domains
only, and no words of a far server go to the core.

Trust: both sides are proven, and either may have been seized; whatever comes is bounded and checked
by `codec`.
"""

from enum import Enum

from msgspec import Struct

UNNUMBERED = 0  # the exchange of a message that whoever sends it has not numbered yet
TRANSFER_OCTETS = 16  # random; one for each message and gateway attempt chain
# Content in one message, so that exchanges on one stream take turns; as long as a link's record.
MAX_CONTENT_OCTETS = 16_384
MAX_RECIPIENTS = 1_000
SEALING_KEY_OCTETS = 1_216  # as long as `seal.keypair` makes them
MAX_ADDRESS_OCTETS = 1_024  # RFC 5321 4.5.3.1 with room for UTF-8


class Message(Struct, frozen=True, tag_field="kind", array_like=True):
    """Anything that is said; `exchange` is the number of its exchange."""

    exchange: int


class Relay(Message, frozen=True, tag="relay"):
    """Deliver what follows to these recipients on the Internet; each outcome is told at once."""

    transfer: bytes  # TRANSFER_OCTETS; the same again where a cut link makes this a repetition
    reverse_path: str  # an official address, or empty for a report
    recipients: tuple[str, ...]
    octets: int  # of the content that follows
    is_first_try: bool = True


class Incoming(Message, frozen=True, tag="incoming"):
    """Put what follows into the maildrops of these recipients.

    With `is_sealed` what follows is a parcel that the gateway kept (see `kept` and `seal.parcel`);
    the envelope is in it, and neither reverse-path nor recipients stand here.
    """

    transfer: bytes  # TRANSFER_OCTETS; the core keeps them seven days against doubles
    reverse_path: str
    recipients: tuple[str, ...]  # as the Internet knows them
    octets: int
    is_sealed: bool = False


class AskRecipient(Message, frozen=True, tag="ask"):
    """May mail from `reverse_path` come in for `recipient`?"""

    recipient: str
    reverse_path: str
    peer: bytes  # keyed hash of the asking server's network, so that the core can budget probes


class AskSealingKey(Message, frozen=True, tag="ask-key"):
    """To which public key is mail sealed that has to be kept?"""


class Content(Message, frozen=True, tag="content"):
    """The next octets, CRLF lines, not dot-stuffed."""

    octets: bytes


class EndOfContent(Message, frozen=True, tag="end"):
    """All content was sent."""


class Abandon(Message, frozen=True, tag="abandon"):
    """The opener takes the exchange back; answers to it may still be under way."""


class StillThere(Message, frozen=True, tag="still-there"):
    """Is anybody there? A route that went away over I2P says nothing of it."""


class StillHere(Message, frozen=True, tag="still-here"):
    """The answer to StillThere."""


class Declined(Message, frozen=True, tag="declined"):
    """The exchange can't be dealt with now; nothing of it was done."""


class Fate(Enum):
    """What became of one recipient on the Internet."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"  # this try failed for now; the core decides when to try again
    FAILED = "failed"  # for good


class Outcome(Message, frozen=True, tag="outcome"):
    """One recipient's outcome; `recipient` counts from 0 in Relay.recipients."""

    recipient: int
    fate: Fate
    status: str  # RFC 3463, for example "5.1.1"
    code: int  # RFC 5321 4.2 reply code of the far server, 0 where none was given


class Reported(Message, frozen=True, tag="reported"):
    """Every recipient of the Relay was reported."""


class Standing(Enum):
    """What the core says of a recipient; coarse on purpose."""

    WELCOME = "welcome"
    UNKNOWN = "unknown"  # nobody, or nobody who takes this sender's mail
    LATER = "later"  # full, or asked too often


class RecipientStanding(Message, frozen=True, tag="standing"):
    """The answer to AskRecipient."""

    standing: Standing


class Taken(Message, frozen=True, tag="taken"):
    """The answer to Incoming, one standing for each recipient; durable when sent.

    `is_refused`: the content itself may not come in (a virus, a malformed message), for anybody.
    """

    standings: tuple[Standing, ...]
    is_refused: bool = False


class SealingKey(Message, frozen=True, tag="key"):
    """The answer to AskSealingKey: the core's public key, SEALING_KEY_OCTETS long."""

    octets: bytes


# What opens an exchange, and what may be answered.
Question = Relay | Incoming | AskRecipient | AskSealingKey | StillThere
Answer = Outcome | Reported | RecipientStanding | Taken | SealingKey | StillHere | Declined
AnyMessage = Question | Content | EndOfContent | Abandon | Answer
