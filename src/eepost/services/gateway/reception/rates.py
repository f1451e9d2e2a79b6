# SPDX-License-Identifier: Apache-2.0
"""How much one network on the Internet has brought lately; in memory, under keyed hashes."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Networks remembered; one costs about 200 octets.
MAX_NETWORKS = 50_000
WINDOW_SECONDS = 3_600.0


@dataclass(slots=True)
class _Window:
    begins: float
    messages: int = 0
    refused: int = 0


class Rates:
    """Messages taken and recipients refused in an hour. A network is known by its bucket only."""

    __slots__ = ("_clock", "_messages", "_refused", "_windows")

    def __init__(self, messages: int, refused: int, clock: Callable[[], float]) -> None:
        """Take how many of each an hour may have; `clock` gives seconds that only go forward."""
        self._messages = messages
        self._refused = refused
        self._clock = clock
        self._windows: OrderedDict[bytes, _Window] = OrderedDict()

    def is_over(self, network: bytes | None) -> bool:
        """Whether the network has to wait. One that is not known never has to."""
        window = self._windows.get(network) if network else None
        if window is None or self._is_past(window):
            return False
        return window.messages >= self._messages or window.refused >= self._refused

    def note_message(self, network: bytes | None) -> None:
        """Count a message."""
        if network:
            self._window(network).messages += 1

    def note_refused(self, network: bytes | None) -> None:
        """Count a recipient that was refused."""
        if network:
            self._window(network).refused += 1

    def _is_past(self, window: _Window) -> bool:
        return self._clock() - window.begins >= WINDOW_SECONDS

    def _window(self, network: bytes) -> _Window:
        window = self._windows.get(network)
        if window is None or self._is_past(window):
            window = self._windows[network] = _Window(self._clock())
        self._windows.move_to_end(network)
        if len(self._windows) > MAX_NETWORKS:
            self._windows.popitem(last=False)
        return window
