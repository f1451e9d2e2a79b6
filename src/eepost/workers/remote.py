# SPDX-License-Identifier: Apache-2.0
"""The post office's end of one worker: asks it for one message at a time.

Trust: a worker has read hostile messages; what it answers is bounded and read as a stranger's.
"""

import asyncio
import socket
from dataclasses import dataclass

from eepost.sanitise.outcome import Refused, Sanitised
from eepost.workers.answers import Fault, Unreadable, read_answer
from eepost.workers.frames import JOINED_OCTETS, MAX_HEAD_OCTETS, SIZES

# What becomes of a message may be larger than it was: Latin text as UTF-8 in base64 is 2.7 times,
# HTML with all its brackets written out up to four times.
MAX_GROWTH = 4
GRACE_OCTETS = 1_048_576  # for small ones, whose header alone is longer afterwards


@dataclass(slots=True, eq=False)
class RemoteWorker:
    """A worker as the pool knows it. `whose` mail it cleans: never anybody else's."""

    number: int
    stream: socket.socket  # does not block
    whose: str
    messages: int = 0
    octets: int = 0
    retirement: asyncio.TimerHandle | None = None  # while it is idle

    @property
    def is_alive(self) -> bool:
        """Nothing has come from it unasked, not even its end."""
        try:
            self.stream.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def ask(self, job: bytes, message: bytes | bytearray) -> Sanitised | Refused | Fault:
        """Return its answer. Raises EOFError or OSError where it died, Unreadable."""
        self.messages += 1
        self.octets += len(message)
        loop = asyncio.get_running_loop()
        start = SIZES.pack(len(job), len(message)) + job
        if len(message) <= JOINED_OCTETS:
            await loop.sock_sendall(self.stream, start + message)
        else:
            await loop.sock_sendall(self.stream, start)
            await loop.sock_sendall(self.stream, message)
        return await self._answer(loop, len(message) * MAX_GROWTH + GRACE_OCTETS)

    async def _answer(
        self, loop: asyncio.AbstractEventLoop, most_octets: int
    ) -> Sanitised | Refused | Fault:
        first = b""
        while len(first) < SIZES.size:
            more = await loop.sock_recv(self.stream, JOINED_OCTETS)
            if not more:
                raise EOFError
            first += more
        head_octets, body_octets = SIZES.unpack_from(first)
        at = len(first) - SIZES.size
        if head_octets > MAX_HEAD_OCTETS or not at - head_octets <= body_octets <= most_octets:
            raise Unreadable
        answer = memoryview(bytearray(head_octets + body_octets))
        answer[:at] = first[SIZES.size :]
        while at < len(answer):
            count = await loop.sock_recv_into(self.stream, answer[at:])
            if not count:
                raise EOFError
            at += count
        return read_answer(bytes(answer[:head_octets]), answer[head_octets:])
