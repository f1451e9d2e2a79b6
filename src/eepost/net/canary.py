# SPDX-License-Identifier: Apache-2.0
"""Mails whose verdict is known, to find out whether a virus scanner can be believed."""

import gzip

from eepost.mail.transfer import encode_base64

# The EICAR test file (https://www.eicar.org) is harmless, and every set of signatures knows it. It
# stands here backwards, so that no scanner finds it in our own source.
_BACKWARDS = rb"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\4[PA@%P!O5X"
# More layers than any clamd is set to unpack: it looks into 17 of them unless told otherwise.
_LAYERS = 120


def eicar() -> bytes:
    """Return the EICAR test file."""
    return _BACKWARDS[::-1]


def seen() -> bytes:
    """Return a mail with the file compressed: whoever reads mail and archives finds it."""
    return _mail(gzip.compress(eicar(), mtime=0))


def deep() -> bytes:
    """Return a mail with the file in so many layers that it is found or told to be too deep."""
    octets = eicar()
    for _ in range(_LAYERS):
        octets = gzip.compress(octets, mtime=0)
    return _mail(octets)


def _mail(attachment: bytes) -> bytes:
    return (
        b"From: canary\r\nSubject: canary\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ) + encode_base64(attachment)
