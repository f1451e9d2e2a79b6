# SPDX-License-Identifier: Apache-2.0
"""Which messages are light: plain text of bounded size, which no parser of files or HTML sees.

A light message may be sanitised where everything else waits for it; all others go to a worker.
"""

import re

# The slowest text of this size takes some milliseconds, the usual one a tenth of that.
MAX_LIGHT_OCTETS = 65_536
# Addresses with many quotes and brackets take longest of all: five milliseconds for so many.
MAX_LIGHT_HEADER_OCTETS = 8_192

_HEADER_END = b"\r\n\r\n"
_TYPE = b"content-type"
_PLAIN = re.compile(rb"content-type[ \t]*+:(?:\r\n)?[ \t]*+text/plain[ \t]*+(?:[;\r]|$)")
# What makes a file of a text, or has to be decoded before anybody can see what it is.
_HEAVY_MARKS = (b"content-disposition", b"name=", b"name*", b"base64", b"boundary")
# Keys and signatures are read by a library.
_ARMOR = b"-----BEGIN PGP"


def is_light(message: bytes | bytearray) -> bool:
    """Say whether `message` (CRLF lines) is surely no more than a header and a plain text.

    In doubt it is not: a second Content-Type, a name, a header without end or too long.
    """
    if len(message) > MAX_LIGHT_OCTETS or _ARMOR in message:
        return False
    end = message.find(_HEADER_END, 0, MAX_LIGHT_HEADER_OCTETS)
    if end < 0:
        return False
    header = bytes(message[:end]).lower()
    if any(mark in header for mark in _HEAVY_MARKS):
        return False
    named = header.count(_TYPE)
    return named == 0 or (named == 1 and _is_plain(header, header.find(_TYPE)))


def _is_plain(header: bytes, at: int) -> bool:
    """Say whether a field begins at `at` that says text/plain."""
    begins_line = at == 0 or header.startswith(b"\r\n", at - 2)
    return begins_line and _PLAIN.match(header, at) is not None
