# SPDX-License-Identifier: Apache-2.0
"""Mails with something in them."""

from base64 import encodebytes
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

HEADER = (
    b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: a file\r\n"
    b"Message-ID: <1@x>\r\nMIME-Version: 1.0\r\n"
)
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"


def attached(octets: bytes, name: str = "file.bin") -> bytes:
    """Return a part with a file."""
    return (
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="%s"\r\n\r\n' % name.encode()
    ) + encodebytes(octets).replace(b"\n", b"\r\n")


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b1") -> bytes:
    """Return a multipart of parts."""
    line = b"--" + boundary.encode()
    head = f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n".encode()
    return head + b"".join(line + b"\r\n" + each + b"\r\n" for each in parts) + line + b"--\r\n"


def mail_with(octets: bytes, name: str = "file.bin") -> bytes:
    """Return a mail with a text and a file."""
    return HEADER + multipart(TEXT, attached(octets, name))


def zipped(octets: bytes, name: str = "inner.bin") -> bytes:
    """Return an archive with one file."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as writing:
        writing.writestr(name, octets)
    return archive.getvalue()


def nested(octets: bytes, layers: int) -> bytes:
    """Return archives in each other."""
    for _ in range(layers):
        octets = zipped(octets)
    return octets
