# SPDX-License-Identifier: Apache-2.0
"""A process that delivers and removes mail until it is killed, and says what was acknowledged.

    python -m tests.crash.deliverer DIRECTORY KEY SYNCHRONOUS SEED

Lines on standard output: `ready`, then `+ ACCOUNT NUMBER` once a message is durable, `? NUMBER`
before one is removed and `- NUMBER` once it is.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from eepost.accounts.model import Account
from eepost.maildrop.model import Encapsulation, SealedMessage
from eepost.maildrop.ports import Delivered
from eepost.seal.startkey import StartKey
from eepost.store.sqlite.maildrops import SqliteMaildrops
from eepost.store.sqlite.store import Tuning
from tests.contracts.samples import octets
from tests.store.shelf import Shelf

SENDERS = 10
_SEGMENT_OCTETS = 262_160


def message(number: int, account: int) -> SealedMessage:
    """Return the message with this number; all of it follows from the number."""
    # One in forty is large enough to be brought in portions.
    segments = 11 if number % 40 == 0 else 1
    size = _SEGMENT_OCTETS if segments > 1 else 1000 + number % 7000
    key = account ^ number % 3  # three sealing keys for each maildrop
    return SealedMessage(
        number=number,
        account=account,
        encapsulation=Encapsulation(key, account, 1, octets(f"key {key}", 1168)),
        entry=octets(f"entry {number}", 66),
        padded_octets=size * segments,
        segments=[
            (octets(f"{number} {at}", 64) * (size // 64 + 1))[:size] for at in range(segments)
        ],
    )


def shelf(directory: Path, key: str, synchronous: str = "FULL") -> Shelf:
    # A short log makes for many checkpoints, where most could go wrong.
    tuning = Tuning(synchronous=synchronous, checkpoint_pages=300, scrub_after_seconds=0.05)
    return Shelf(directory, StartKey.from_text(key), 10**12, tuning)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and whole: a pipe takes so little in one piece


async def _send(maildrops: SqliteMaildrops, accounts: list[Account], chance: random.Random) -> None:
    while True:
        account = chance.choice(accounts).number
        number = chance.getrandbits(63)
        outcome = await maildrops.deliver([message(number, account)])
        assert isinstance(outcome, Delivered)
        _say(f"+ {account} {number}")
        if chance.random() < 0.2:
            _say(f"? {number}")
            await maildrops.remove(account, [number])
            _say(f"- {number}")


async def _main(directory: str, key: str, synchronous: str, seed: str) -> None:
    async with shelf(Path(directory), key, synchronous).running() as (store, maildrops):
        accounts = list(store.accounts.accounts())
        _say("ready")
        senders = (
            _send(maildrops, accounts, random.Random(f"{seed} {sender}"))
            for sender in range(SENDERS)
        )
        await asyncio.gather(*senders)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
