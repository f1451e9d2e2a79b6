# SPDX-License-Identifier: Apache-2.0
"""What keeps threads together: which identifiers an account may name, and what it calls its own.

See `eepost.sanitise.threads` and `eepost.sanitise.sent_ids` for the rules; here is what they need
of the store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eepost.accounts.model import Account
from eepost.maildrop.model import SentId, thread_period_of
from eepost.maildrop.ports import MaildropStore
from eepost.sanitise.outcome import Sanitised
from eepost.sanitise.sent_ids import SentIds, name_originals
from eepost.sanitise.threads import (
    DeliveredIds,
    KnownIds,
    hash_id,
    hashes_to_look_up,
    hashes_to_remember,
)

Pieces = Sequence[bytes | memoryview]


@dataclass(frozen=True, slots=True)
class Conversations:
    """The threads of all accounts. `seal` and `open_` are bound to the account's number."""

    maildrops: MaildropStore
    key: Callable[[Account], bytes]  # of the account's tags
    seal: Callable[[Account, bytes], bytes]
    open_: Callable[[Account, bytes], bytes]

    async def known_ids(self, account: Account, content: bytes | bytearray) -> KnownIds | None:
        """Return what `content` of the account may name, None where it names nothing."""
        key = self.key(account)
        tags = hashes_to_look_up(key, content)
        if not tags:
            return None
        return DeliveredIds(key, await self.maildrops.known_tags(account.number, tags))

    def tags(self, account: Account, message: Sanitised) -> frozenset[bytes]:
        """Return what a recipient may name from now on, to be kept with its copy."""
        return hashes_to_remember(self.key(account), message.thread_ids)

    def sent_id(self, sender: Account, message: Sanitised, now_utc: int) -> SentId | None:
        """Return what leads answers back to the sender's own copy, if there is anything."""
        given = message.given_id
        if given is None or not sender.preferences.cleaning.maps_ids_back:
            return None
        return SentId(
            sender.number,
            hash_id(self.key(sender), given.ours),
            self.seal(sender, given.original),
            thread_period_of(now_utc),
        )

    async def pieces_for(self, account: Account, message: Sanitised) -> Pieces:
        """Return the message as the account's own programs know its thread."""
        parents = message.thread_ids[1:]
        if not parents or not account.preferences.cleaning.maps_ids_back:
            return message.pieces
        key = self.key(account)
        sealed = await self.maildrops.sent_ids(
            account.number, {hash_id(key, each) for each in parents}
        )
        if not sealed:
            return message.pieces
        originals = {tag: self.open_(account, each) for tag, each in sealed.items()}
        header = name_originals(bytes(message.pieces[0]), SentIds(key, originals).original)
        return (header, *message.pieces[1:])
