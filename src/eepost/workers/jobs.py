# SPDX-License-Identifier: Apache-2.0
"""What a worker can do: the four policies of the sanitiser, each a name, a context and octets."""

import codecs
import gc
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from eepost.mail.charset import codec_names
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet
from eepost.workers.answers import Pieces, write_outcome
from eepost.workers.contexts import PlainFromUser, PlainInbound, PlainToInternet
from eepost.workers.worker import Work

Policy = Callable[[bytes | bytearray, Any], Sanitised | Refused]
Context = FromUser | ToInternet | Inbound

_PLAIN: Final[Mapping[type, type[PlainFromUser | PlainInbound | PlainToInternet]]] = {
    FromUser: PlainFromUser,
    Inbound: PlainInbound,
    ToInternet: PlainToInternet,
}
POLICIES: Final[Mapping[bytes, tuple[Policy, type[Context]]]] = {
    b"from_user": (sanitise_from_user, FromUser),
    b"to_internet": (sanitise_to_internet, ToInternet),
    b"from_internet": (sanitise_from_internet, Inbound),
    b"to_user": (sanitise_to_user, Inbound),
}


def write_job(policy: bytes, context: Context) -> bytes:
    """Return the head for a job. Raises TypeError where a context holds what can't cross."""
    plain: Any = _PLAIN[type(context)]
    return policy + b" " + msgspec.msgpack.encode(plain.of(context))


def do_job(head: bytes, message: bytearray) -> tuple[bytes, Pieces]:
    """Return head and body of the answer to a job that `write_job` wrote."""
    name, _, octets = head.partition(b" ")
    policy, kind = POLICIES[name]
    context = msgspec.msgpack.decode(octets, type=_PLAIN[kind]).context()
    return write_outcome(policy(message, context))


_REHEARSED: Final = b"From: a@b.c\r\nContent-Type: text/html\r\n\r\n<p>Mind the gap</p>\r\n"


def load() -> Work:
    """Return `do_job` with all that it will need loaded: in a worker nothing can be opened."""
    for name in ("ascii", "latin-1", "utf-8", "utf-16-le", *codec_names()):
        codecs.lookup(name)
    # What Python notes in its code when that first runs is then noted here once, not in the copy of
    # each worker: a third of what the first message costs it.
    for _ in range(20):
        do_job(write_job(b"to_user", Inbound(os.urandom)), bytearray(_REHEARSED))
    # What is loaded is for ever; looking at it for garbage would make each worker copy its pages.
    gc.collect()
    gc.freeze()
    return do_job
