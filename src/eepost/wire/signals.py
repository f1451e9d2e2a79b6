# SPDX-License-Identifier: Apache-2.0
"""What an engine answers where it has no event to give."""

from enum import Enum, auto


class Signal(Enum):
    """`next_event` gives one of these when there is nothing to decide."""

    NEED_DATA = auto()  # feed it with receive(), or send what outgoing() has
    START_TLS = auto()  # read no more, send what outgoing() has, begin TLS, then call secured()
    CLOSED = auto()  # send what outgoing() has, then close the stream
