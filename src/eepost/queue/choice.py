# SPDX-License-Identifier: Apache-2.0
"""Which gateway gets a message, and for how long one that failed is passed over."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

# A gateway that failed once may have lost one stream; one that keeps failing is not worth asking
# more often than this, and is found again soon after it is back.
FIRST_PAUSE_SECONDS = 15
LONGEST_PAUSE_SECONDS = 600


def preference(key: bytes, gateways: Collection[str], kept: str | None) -> list[str]:
    """Return `gateways` in the order in which an item with this random `key` tries them.

    Each item has an order of its own, always the same: gateways share the load evenly, retries
    stay where they were, also after a crash, and what one leaves is shared by the others. `kept`
    had the last attempt and comes first: a far server that greylists knows it.
    """
    return sorted(gateways, key=lambda each: (each != kept, _rank(key, each)))


def _rank(key: bytes, gateway: str) -> bytes:
    label = b"gateway:" + gateway.encode()
    return hashlib.blake2b(label, key=key, digest_size=16).digest()


@dataclass(slots=True)
class PassedOver:
    """Gateways that failed lately. `clock` gives seconds that only rise."""

    clock: Callable[[], float]
    _until: dict[str, tuple[float, float]] = field(default_factory=dict)  # until, pause

    def failed(self, gateway: str) -> None:
        """Pass a gateway over, for twice as long as the last time."""
        now = self.clock()
        until, pause = self._until.get(gateway, (now, FIRST_PAUSE_SECONDS / 2))
        if until > now:
            return  # several messages failed with one link: that counts once
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self._until[gateway] = (now + pause, pause)

    def worked(self, gateway: str) -> None:
        """Forget what stood against a gateway."""
        self._until.pop(gateway, None)

    def usable(self, gateways: Sequence[str]) -> list[str]:
        """Return those of `gateways` that are not passed over; forget about all others."""
        now = self.clock()
        self._until = {each: self._until[each] for each in gateways if each in self._until}
        return [each for each in gateways if self._until.get(each, (now, 0.0))[0] <= now]
