# SPDX-License-Identifier: Apache-2.0
"""A part as it may go on, and the shapes that all rules write it in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eepost.mail.parameters import write_parameters
from eepost.mail.reply import Reply
from eepost.mail.transfer import encode_base64
from eepost.sanitise.text import encode_text

Piece = bytes | memoryview

TEXT_PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n"
TEXT_HTML = b"Content-Type: text/html; charset=utf-8\r\n"
OCTETS = "application/octet-stream"


class Refusal(Exception):  # noqa: N818 - caught where the outcome is made
    """The message may not pass."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Built:
    """A part made anew: its header fields in order, and its body."""

    fields: bytes
    pieces: list[Piece]


def body_fields(
    content_type: bytes, encoding: bytes, disposition: bytes = b"", content_id: bytes = b""
) -> bytes:
    """Return a part's fields in their order."""
    written = b"Content-Transfer-Encoding: %s\r\n" % encoding
    return content_type + written + disposition + content_id


def built_text(content_type: bytes, octets: bytes) -> Built:
    """Return a text to be read (CRLF lines) in the encoding that follows from its octets."""
    encoded = encode_text(octets)
    return Built(body_fields(content_type, encoded.encoding), [encoded.octets])


def built_file(
    content_type: bytes,
    name: str,
    octets: bytes,
    *,
    is_shown: bool = False,
    content_id: bytes = b"",
) -> Built:
    """Return a file, in base64 whatever it holds; `content_id` without brackets."""
    disposition = write_parameters(
        b"Content-Disposition", "inline" if is_shown else "attachment", [("filename", name)]
    )
    id_field = b"Content-ID: <%s>\r\n" % content_id if content_id else b""
    return Built(
        body_fields(content_type, b"base64", disposition, id_field), [encode_base64(octets)]
    )


def built_multipart(
    kind: str,
    parameters: Iterable[tuple[str, str]],
    boundary: str,
    children: Sequence[Built | Sequence[Piece]],
) -> Built:
    """Return a multipart of `children`; one that is pieces passes as it is, with its header."""
    delimiter = b"--" + boundary.encode("ascii")
    pieces: list[Piece] = []
    for child in children:
        pieces.append(delimiter + b"\r\n")
        if isinstance(child, Built):
            pieces += [child.fields + b"\r\n", *child.pieces, b"\r\n"]
        else:
            pieces += [*child, b"\r\n"]
    pieces.append(delimiter + b"--\r\n")
    parameters = [*parameters, ("boundary", boundary)]
    return Built(write_parameters(b"Content-Type", kind, parameters), pieces)
