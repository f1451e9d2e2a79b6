# SPDX-License-Identifier: Apache-2.0
"""What a worker does until it is ended: one message after the other, from a socket and back.

Trust: the messages are hostile, the post office that gives the jobs is not.
"""

from collections.abc import Callable

from eepost.workers.answers import Pieces, write_fault
from eepost.workers.frames import receive, send

# Head and octets of a job to head and octets of its answer.
Work = Callable[[bytes, bytearray], tuple[bytes, Pieces]]


def serve(handle: int, work: Work) -> None:
    """Do jobs until nobody gives any more, or one fails: nobody knows what it left behind."""
    while (job := receive(handle)) is not None:
        try:
            head, pieces = work(*job)
        except Exception as error:
            send(handle, write_fault(error), ())
            return
        send(handle, head, pieces)
        del job, pieces  # not to keep them while waiting for the next
