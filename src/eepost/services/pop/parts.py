# SPDX-License-Identifier: Apache-2.0
"""Answers RETR and TOP of a large message: its segments, each read and opened when it is wanted.

Never more than one segment is held, and none is read that TOP would not show.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from eepost.accounts.ports import Compute
from eepost.maildrop.opening import Listed, Opener
from eepost.maildrop.ports import MaildropStore
from eepost.services.pop import refusals
from eepost.wire.pop3.events import Answer, Content, Finished, Refused


@dataclass(frozen=True, slots=True)
class Source:
    """Where segments come from, and who opens them."""

    account: int
    maildrops: MaildropStore
    opener: Opener
    offload: Compute


async def in_parts(
    source: Source,
    listed: Listed,
    first: Callable[[], Awaitable[bytes | Refused]],
    has_enough: Callable[[], bool],
) -> AsyncIterator[Answer]:
    """Yield Content from the sealed `first` segment on, then Finished; or a refusal."""
    begun = await first()
    if isinstance(begun, Refused):
        yield begun
        return
    sealed: bytes | None = begun
    at, left = 0, listed.entry.size_octets
    while sealed is not None and left > 0:
        content = await source.offload(partial(source.opener.open_segment, listed, at, sealed))
        left -= len(content)
        yield Content(content)
        if has_enough():
            break
        at += 1
        if left > 0:
            sealed = await source.maildrops.fetch_segment(source.account, listed.number, at)
    if left > 0 and not has_enough():
        yield refusals.NOT_READ  # after content the engine can only close the stream
    else:
        yield Finished()
