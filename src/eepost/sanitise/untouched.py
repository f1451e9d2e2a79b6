# SPDX-License-Identifier: Apache-2.0
"""The fields that describe a body which passes untouched: only what a reader needs to read it.

Trust: anybody with an account may have written the message.
"""

import re
from collections.abc import Iterable

from eepost.mail.parameters import Parameters, parse_parameters, write_parameters

_ENCODINGS = frozenset(b"7bit 8bit binary quoted-printable base64".split())
_NOT_TOKEN = re.compile(rb"[^a-z0-9-]")


def write_transfer_encoding(value: bytes | None) -> bytes:
    """Return Content-Transfer-Encoding in one spelling; nothing for names that mean nothing."""
    name = _NOT_TOKEN.sub(b"", value.lower()) if value is not None else b""
    return b"Content-Transfer-Encoding: %s\r\n" % name if name in _ENCODINGS else b""


# Of the parameters of a type, what a reader needs to read an untouched body, in the order written.
_TYPE_PARAMETERS = (
    *("charset", "format", "delsp", "protocol", "micalg", "smime-type", "method", "report-type"),
    *("type", "start", "id", "number", "total", "boundary"),
)
# What most text says of itself: found by one match instead of the whole grammar.
_PLAIN_TEXT = re.compile(
    rb'\s*+text/plain\s*+;\s*+charset="?([a-z0-9_-]{1,40})"?(\s*+;\s*+format="?flowed"?)?\s*+',
    re.IGNORECASE,
)
_DEFAULT_TYPE = Parameters("text/plain", {})


def content_fields(raw: dict[bytes, bytes]) -> Iterable[bytes]:
    """Yield the fields that say how to read the body, made anew from the raw values of `raw`."""
    plain = _PLAIN_TEXT.fullmatch(raw.get(b"content-type", b""))
    if plain is not None and b"content-disposition" not in raw:
        flowed = b"; format=flowed" if plain[2] else b""
        yield b"Content-Type: text/plain; charset=%s%s\r\n" % (plain[1], flowed)
        yield write_transfer_encoding(raw.get(b"content-transfer-encoding"))
        return
    content_type = _parameters(raw.get(b"content-type"))
    if content_type is not None:
        value = content_type.value if _is_type(content_type.value) else "text/plain"
        kept = [(name, content_type.get(name)) for name in _TYPE_PARAMETERS]
        yield write_parameters(b"Content-Type", value, kept)
    yield write_transfer_encoding(raw.get(b"content-transfer-encoding"))
    disposition = _parameters(raw.get(b"content-disposition"))
    filename = (disposition or _DEFAULT_TYPE).get("filename")
    filename = filename or (content_type or _DEFAULT_TYPE).get("name")
    if filename or (disposition is not None and disposition.value == "attachment"):
        is_inline = disposition is not None and disposition.value == "inline"
        name = filename.replace("\\", "/").rpartition("/")[2]
        kept = [("filename", name)]
        yield write_parameters(
            b"Content-Disposition", "inline" if is_inline else "attachment", kept
        )


def _parameters(value: bytes | None) -> Parameters | None:
    return parse_parameters(value) if value is not None else None


def _is_type(value: str) -> bool:
    return _TYPE.fullmatch(value) is not None


_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
