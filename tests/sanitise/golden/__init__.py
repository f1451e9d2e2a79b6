# SPDX-License-Identifier: Apache-2.0
"""Messages with what each policy makes of them, octet for octet: the sanitiser's specification.

One folder a case, `NN-name`: `message.eml` as it is given, `policy` (one line for each way it is
given, see Case), and for each line what comes of it, named by the policy: `from_user.eml` or
`from_user.refused` (the reply), and `from_user.report` (what was changed, as people read it).
README.md says what the case shows. A line's key `is=NAME` gives its files another name.

`python -m tests.sanitise.golden --write` writes the results anew: read every difference, since
what these files say is what eepost promises.
"""

import itertools
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec

from eepost.mail.address import Address
from eepost.sanitise.choices import Choices
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.threads import DeliveredIds, hash_id
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from eepost.sanitise.words import describe

FOLDER = Path(__file__).parent
KEY = b"golden key for message ids, 32 o"
NOON = 1_795_435_200  # 2026-11-23 12:00:00 UTC
INTERNAL, OFFICIAL = "mail.i2p", "post.example"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a `policy` file: a policy's name, then `key=value` for what differs.

    Keys: `as` (account, default alice), `known` (identifier that was delivered to the account),
    `is` (name of the result), and the names of the user's Choices.
    """

    folder: Path
    policy: str
    options: dict[str, str]

    @property
    def name(self) -> str:
        """What its results are called."""
        return self.options.get("is", self.policy)

    @property
    def message(self) -> bytes:
        """The message as it is given."""
        return (self.folder / "message.eml").read_bytes()

    def outcome(self) -> Sanitised | Refused:
        """Return what the policy makes of the message: always the same."""
        return self.of(self.message)

    def of(self, message: bytes) -> Sanitised | Refused:
        """Return what the policy makes of any message."""
        if self.policy == "from_user":
            return sanitise_from_user(message, self._from_user())
        if self.policy == "to_internet":
            return sanitise_to_internet(message, ToInternet(INTERNAL, OFFICIAL))
        inbound = Inbound(counted(), choices=self.choices)
        rule = {"from_internet": sanitise_from_internet, "to_user": sanitise_to_user}[self.policy]
        return rule(message, inbound)

    @property
    def choices(self) -> Choices:
        """The user's choices: the defaults but for what the line names."""
        names = {each.name for each in fields(Choices)}
        chosen = {key: value for key, value in self.options.items() if key in names}
        return msgspec.convert(chosen, Choices, strict=False)

    def _from_user(self) -> FromUser:
        name = self.options.get("as", "alice")
        known = self.options.get("known", "").encode()
        return FromUser(
            address=Address(name, INTERNAL),
            addresses=frozenset({Address(name, INTERNAL), Address(name, OFFICIAL)}),
            message_id_key=KEY,
            message_id_domain=OFFICIAL,
            accepted_utc=NOON,
            randomness=counted(),
            known_ids=DeliveredIds(KEY, frozenset({hash_id(KEY, known)})) if known else None,
            choices=self.choices,
        )

    def files(self) -> dict[str, bytes]:
        """Return what comes of the case, by file name."""
        outcome = self.outcome()
        report = describe(outcome.report).encode("ascii")
        if isinstance(outcome, Refused):
            return {f"{self.name}.refused": outcome.reply.octets, f"{self.name}.report": report}
        return {f"{self.name}.eml": b"".join(outcome.pieces), f"{self.name}.report": report}


def counted() -> "Randomness":
    """Return randomness that is the same in each run."""
    return Randomness(itertools.count(1))


@dataclass(frozen=True, slots=True)
class Randomness:
    """Octets that only look different from each other."""

    numbers: Iterator[int]

    def __call__(self, count: int) -> bytes:
        """Return the next number in so many octets."""
        return next(self.numbers).to_bytes(count, "big")


def cases() -> list[Case]:
    """Return all cases in the order of their folders."""
    found = []
    for file in sorted(FOLDER.glob("*/policy")):
        for line in file.read_text().splitlines():
            policy, *options = shlex.split(line)
            found.append(Case(file.parent, policy, dict(each.split("=", 1) for each in options)))
    return found
