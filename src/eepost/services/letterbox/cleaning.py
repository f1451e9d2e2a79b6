# SPDX-License-Identifier: Apache-2.0
"""Sanitises for one account: what leaves by the rules for users' mail, what came for its reader.

The same rules and the same worker processes as at a post office: whatever a file or a picture does
to a parser, it does not do it where the keys are.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eepost.letters.changes import Threaded
from eepost.letters.shelf import Shelf
from eepost.mail.message import Bounds
from eepost.mail.reply import Reply
from eepost.sanitise.choices import DEFAULT, Choices
from eepost.sanitise.cleaner import Cleaner, CleaningFailed
from eepost.sanitise.from_user import FromUser
from eepost.sanitise.inbound import Inbound
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.sent_ids import SentIds
from eepost.sanitise.threads import DeliveredIds, hash_id, hashes_to_look_up, hashes_to_remember
from eepost.services.letterbox.identity import Account
from eepost.services.letterbox.ports import NotAllowed

CLEANING_FAILED: Final = Reply(
    451, "4.3.0", "The message could not be cleaned right now: it was not kept, try again"
)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The sanitiser as one account uses it."""

    cleaner: Cleaner
    account: Account
    shelf: Shelf
    key: bytes  # 32 octets of the account's own, for message identifiers
    randomness: Callable[[int], bytes]
    now_utc: Callable[[], int]
    choices: Choices = DEFAULT

    def __repr__(self) -> str:
        return "Cleaning()"

    def name(self, number: int) -> str:
        """Return a name for the message of that number that says nothing of it."""
        person = b"eepost unique id"
        digest = hashlib.blake2b(b"%d" % number, key=self.key, digest_size=12, person=person)
        return digest.hexdigest()

    async def leaving(self, message: bytes | bytearray) -> Sanitised:
        """Return a message as it may leave this machine. Raises NotAllowed."""
        known = hashes_to_look_up(self.key, message) & self.shelf.thread_tags.keys()
        context = FromUser(
            address=self.account.address,
            addresses=self.account.addresses,
            message_id_key=self.key,
            message_id_domain=self.account.address.domain,
            accepted_utc=self.now_utc(),
            randomness=self.randomness,
            known_ids=DeliveredIds(self.key, known),
            choices=self.choices,
        )
        try:
            outcome = await self.cleaner.from_user(message, context)
        except CleaningFailed:
            raise NotAllowed(CLEANING_FAILED) from None
        if isinstance(outcome, Refused):
            raise NotAllowed(outcome.reply)
        return outcome

    async def arriving(self, message: bytes | bytearray) -> Sanitised | Refused:
        """Return what came as its reader gets it. Raises CleaningFailed."""
        tags = hashes_to_look_up(self.key, message) & self.shelf.originals.keys()
        originals = SentIds(self.key, {tag: self.shelf.originals[tag] for tag in tags})
        context = Inbound(
            randomness=self.randomness,
            choices=self.choices,
            original_of=originals.original if tags else None,
            bounds=Bounds(),  # a user's own header may be longer than a stranger's
        )
        return await self.cleaner.to_user(message, context, str(self.account.address))

    def came(self, message: Sanitised) -> Threaded:
        """Return what to remember of a message that came, so that answers may name it."""
        return Threaded(known=tuple(hashes_to_remember(self.key, message.thread_ids)))

    def left(self, message: Sanitised) -> Threaded:
        """Return what to remember of one that leaves, so that answers find the user's own copy."""
        given = message.given_id
        if given is None:
            return Threaded()
        return Threaded(originals=((hash_id(self.key, given.ours), given.original),))
