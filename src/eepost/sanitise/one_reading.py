# SPDX-License-Identifier: Apache-2.0
"""What a part says of itself, written so that every reader takes it as it was taken here.

Trust: anybody may have written the header.

What is spelt as nearly all programs spell it stays to the octet. Comments, stray words, parameters
that stand twice: of these each reader makes something else, so they are written anew as they were
read here.
"""

import re

from eepost.mail.header import Field
from eepost.mail.message import Part
from eepost.mail.parameters import Parameters, parse_parameters, write_parameters
from eepost.mail.transfer import ENCODINGS
from eepost.sanitise.parts import disposition_of
from eepost.sanitise.text import PLAIN_TYPE

_TOKEN = rb"[A-Za-z0-9!#$%&'*+.^_`{|}~-]++"
_NAME = rb"[A-Za-z0-9-]++(?:\*(?:0|[1-9][0-9]?)\*?|\*)?"
_CLEAR = re.compile(
    rb'\s*+%s(?:/%s)?((?:\s*+;\s*+%s=(?:%s|"[ !#-\[\]-~]*+"))*)\s*+;?\s*+'
    % (_TOKEN, _TOKEN, _NAME, _TOKEN)
)
_NAMES = re.compile(rb'(?:\A|;)\s*+([A-Za-z0-9*-]++)=(?:"[^"]*+"|[^;"]*+)')
CLEAR_ENCODING = re.compile(rb"\s*+[A-Za-z0-9-]++\s*+")
_ATTRIBUTE = re.compile(r"[a-z0-9-]{1,40}")
_PRINTABLE = re.compile(r"[ -~]{1,200}")
# Written anew, what is not ASCII takes seven times as long. Real fields have five parameters.
MAX_PARAMETERS = 10
MAX_VALUE_CHARACTERS = 255
_TYPE, _DISPOSITION = b"content-type", b"content-disposition"
_ENCODING = b"content-transfer-encoding"
_ONCE = frozenset((_TYPE, _DISPOSITION, _ENCODING))
_UNENCODED = frozenset((b"7bit", b"8bit", b"binary"))


def with_one_reading(part: Part, fields: list[Field]) -> list[Field]:
    """Return `fields`, which are those of `part` or some of them, as all readers take them."""
    settled = []
    seen = set()
    for field in fields:
        lower = field[0].lower()
        if lower in _ONCE:
            if lower in seen:
                continue  # here the first one counts
            seen.add(lower)
            if not _is_clear(part, lower, field[2]):
                field = _anew(part, field[0], lower, field[2])  # noqa: PLW2901 - in its place
        settled.append(field)
    return settled


def is_one_reading(part: Part) -> bool:
    """Say whether all readers take the header of `part` alike."""
    return with_one_reading(part, part.fields) == part.fields


def hides_fields(part: Part, message: bytes | bytearray) -> bool:
    """Say whether `part`, which stands in `message`, says something behind a line that is no field.

    Here such a line ends the header; other readers skip it.
    """
    view = memoryview(message)
    header = bytes(view[part.start : part.body_start])
    if header == b"\r\n" or header.endswith(b"\r\n\r\n"):
        return False
    end = message.find(b"\r\n\r\n", part.body_start, part.end)
    rest = view[part.body_start : part.end if end < 0 else end]
    return _HIDDEN.search(rest) is not None


_HIDDEN = re.compile(rb"(?im)^content-[a-z-]++[ \t]*+:")


def _is_clear(part: Part, name: bytes, value: bytes) -> bool:
    if name == _ENCODING:
        if part.children and part.transfer_encoding not in _UNENCODED:
            return False
        return CLEAR_ENCODING.fullmatch(value) is not None
    if PLAIN_TYPE.fullmatch(value) is not None:
        return True
    found = _CLEAR.fullmatch(value)
    if found is None or (name == _TYPE and not _is_type(part, value)):
        return False
    names = [each.lower().rstrip(b"*") for each in _NAMES.findall(found[1])]
    whole = set(names)
    return len(names) == len(whole) and not any(
        b"*" in each and each.partition(b"*")[0] in whole for each in names
    )


def _is_type(part: Part, value: bytes) -> bool:
    boundary = part.content_type.get("boundary")
    return boundary == boundary.rstrip() and b"/" in value.partition(b";")[0]


def _anew(part: Part, name: bytes, lower: bytes, value: bytes) -> Field:
    if lower == _ENCODING:
        encoding = part.transfer_encoding
        if part.children or encoding not in ENCODINGS:
            encoding = b"8bit"  # as which it was taken
        return name, b":", b" %s\r\n" % encoding.replace(b" ", b"-")
    if lower == _TYPE:
        return _described(name, part.content_type.value, part.content_type)
    return _described(name, disposition_of(part) or "inline", parse_parameters(value))


def _described(name: bytes, value: str, said: Parameters) -> Field:
    parameters = [
        (attribute, content)
        for attribute, content in said.by_name.items()
        if _ATTRIBUTE.fullmatch(attribute) and len(content) <= MAX_VALUE_CHARACTERS
    ][:MAX_PARAMETERS]
    boundary = said.get("boundary").rstrip()
    if not _PRINTABLE.fullmatch(boundary):
        written = write_parameters(name, value, parameters)
    else:  # never in sections, which few readers join
        others = [each for each in parameters if each[0] != "boundary"]
        quoted = re.sub(r'(["\\])', r"\\\1", boundary).encode("ascii")
        written = write_parameters(name, value, others)[:-2]
        written += b';\r\n boundary="%s"\r\n' % quoted
    return name, b":", written[len(name) + 1 :]
