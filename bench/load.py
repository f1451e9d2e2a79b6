# SPDX-License-Identifier: Apache-2.0
"""The load generator: many dialogues at once, on one epoll and one thread.

It shares two cores with the server that it measures, so it is as lean as Python lets it be: no
event loop library, no coroutine, one object a connection. `python -m bench --only generator`
measures it against a sink that stores nothing.
"""

import gc
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

_CHUNK_OCTETS = 262_144  # a burst of a hundred small messages in two reads
_SILENCE_SECONDS = 60.0  # longer than any server here takes to answer anything
_BIND_WITHOUT_PORT = 24  # IP_BIND_ADDRESS_NO_PORT of ip(7): the port is chosen at connect
_READ = select.EPOLLIN
_READ_WRITE = select.EPOLLIN | select.EPOLLOUT

Address = tuple[str, int]


class WrongAnswer(Exception):  # noqa: N818 - what the server did, not a fault of the program
    """A server answered otherwise than every dialogue here must be answered."""


class Stalled(Exception):  # noqa: N818 - what the server did, not a fault of the program
    """No server answered any dialogue for a long time."""


class Dialogue(Protocol):
    """One connection as its client sees it."""

    def answer(self, chunk: bytes) -> bytes | None:
        """Return what to send after these octets (maybe nothing), None when the dialogue is over.

        Raises WrongAnswer.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load came to."""

    seconds: float  # from the first connect to the last answer
    latencies: list[float]  # of each dialogue, seconds from its connect to its last answer

    @property
    def dialogues(self) -> int:
        """How many dialogues ran to their end."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Dialogues a second."""
        return self.dialogues / self.seconds


class _Connection:
    """A socket, its dialogue and what the kernel has not taken yet."""

    __slots__ = ("begun", "client", "dialogue", "socket", "unsent")

    def __init__(self, address: Address, client: int, dialogue: Dialogue) -> None:
        self.client = client
        self.dialogue = dialogue
        self.unsent = b""
        self.begun = time.perf_counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        # An ordinary client's small commands must not wait for Nagle's algorithm.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Each client has an address of its own, as I2P's router gives one to each destination.
        self.socket.setsockopt(socket.IPPROTO_IP, _BIND_WITHOUT_PORT, 1)
        self.socket.bind((f"127.9.{client >> 8}.{client & 255}", 0))
        self.socket.connect_ex(address)

    def send(self, octets: bytes) -> None:
        """Send what fits; the rest waits for the kernel to have room."""
        try:
            sent = self.socket.send(octets)
        except BlockingIOError:
            sent = 0
        self.unsent = octets[sent:]


class _Generator:
    """Keeps a number of dialogues under way until no more are wanted."""

    def __init__(
        self,
        address: Address,
        dialogues: Iterator[Dialogue],
        retire: Callable[[socket.socket], None],
    ) -> None:
        self.address = address
        self.dialogues = dialogues
        self.retire = retire
        self.poll = select.epoll()
        self.connections: dict[int, _Connection] = {}
        self.latencies: list[float] = []
        self.buffer = memoryview(bytearray(_CHUNK_OCTETS))

    def run(self, clients: int) -> None:
        """Run dialogues, `clients` at once, until there are no more."""
        try:
            for client in range(clients):
                self._begin(client)
            while self.connections:
                ready = self.poll.poll(_SILENCE_SECONDS)
                if not ready:
                    raise Stalled(f"{len(self.connections)} dialogues wait for an answer")
                for descriptor, _ in ready:
                    self._advance(descriptor)
        finally:
            self.poll.close()
            for connection in self.connections.values():
                connection.socket.close()

    def _begin(self, client: int) -> None:
        dialogue = next(self.dialogues, None)
        if dialogue is None:
            return
        connection = _Connection(self.address, client, dialogue)
        descriptor = connection.socket.fileno()
        self.connections[descriptor] = connection
        self.poll.register(descriptor, _READ)

    def _advance(self, descriptor: int) -> None:
        connection = self.connections[descriptor]
        if connection.unsent:
            connection.send(connection.unsent)
            if not connection.unsent:
                self.poll.modify(descriptor, _READ)
        try:
            # Into one buffer for all: `recv` would allocate the largest chunk for each answer.
            size = connection.socket.recv_into(self.buffer)
        except BlockingIOError:
            return
        if not size:
            raise WrongAnswer("the server closed a connection within a dialogue")
        reply = connection.dialogue.answer(bytes(self.buffer[:size]))
        if reply is None:
            self._end(descriptor, connection)
        elif reply:
            connection.send(reply)
            if connection.unsent:
                self.poll.modify(descriptor, _READ_WRITE)

    def _end(self, descriptor: int, connection: _Connection) -> None:
        self.latencies.append(time.perf_counter() - connection.begun)
        self.poll.unregister(descriptor)
        del self.connections[descriptor]
        self.retire(connection.socket)
        self._begin(connection.client)


def drive(
    address: Address,
    dialogues: Iterable[Dialogue],
    clients: int,
    retire: Callable[[socket.socket], None] = socket.socket.close,
) -> Outcome:
    """Run all `dialogues`, `clients` at once, each on a connection of its own.

    `retire` gets each socket whose dialogue is over. Raises WrongAnswer, Stalled, OSError.
    """
    generator = _Generator(address, iter(dialogues), retire)
    gc.collect()
    gc.disable()  # what is measured is the server, not our garbage collector
    try:
        begun = time.perf_counter()
        generator.run(clients)
        seconds = time.perf_counter() - begun
    finally:
        gc.enable()
    return Outcome(seconds, generator.latencies)


_D = TypeVar("_D", bound=Dialogue)


def for_seconds(seconds: float, dialogues: Iterable[_D]) -> Iterator[_D]:
    """Pass dialogues on for some seconds from the first one, then no more.

    None is taken that is not passed on: who makes dialogues may count them.
    """
    end = time.perf_counter() + seconds
    for dialogue in dialogues:
        yield dialogue
        if time.perf_counter() >= end:
            return
