# SPDX-License-Identifier: Apache-2.0
"""What a part says of itself, read from its header in one place."""

from collections.abc import Iterator

from eepost.mail.message import Part
from eepost.mail.parameters import parse_parameters
from eepost.sanitise.names import file_name, file_type


def part_name(part: Part) -> str:
    """Return the clean name of the file that a part is, "" where it has none."""
    disposition = part.raw(b"content-disposition")
    name = parse_parameters(disposition).get("filename") if disposition is not None else ""
    return file_name(name or part.content_type.get("name"))


def names_of(part: Part) -> frozenset[str]:
    """Return all clean names that a reader may give the file that a part is, "" where none."""
    return frozenset((part_name(part), file_name(part.content_type.get("name"))))


def disposition_of(part: Part) -> str:
    """Return "inline", "attachment", or "" where nothing is said."""
    disposition = part.raw(b"content-disposition")
    value = parse_parameters(disposition).value if disposition is not None else ""
    return value if value in {"inline", ""} else "attachment"  # RFC 2183 2.8


def kind_of(part: Part) -> str:
    """Return the media type, by the file's name where nothing better than "octets" was declared."""
    declared = part.content_type.value
    return file_type(part_name(part), declared) if declared in _UNTOLD else declared


_UNTOLD = frozenset(("application/octet-stream", "application/x-octet-stream"))


def is_file(part: Part) -> bool:
    """Say whether a part is meant as a file rather than as text to be read."""
    return disposition_of(part) == "attachment" or part_name(part) != ""


def root_first(part: Part) -> list[Part]:
    """Return the parts of a multipart/related with the one that `start` names in front.

    RFC 2387 3.1 takes the first one otherwise, so the parameter can be left out.
    """
    start = part.content_type.get("start").strip().strip("<>").encode("latin-1", "replace")
    children = list(part.children)
    for child in children if start else ():
        if (child.raw(b"content-id") or b"").strip().strip(b"<>") == start:
            children.remove(child)
            return [child, *children]
    return children


_OPAQUE = frozenset(("multipart/signed", "multipart/encrypted"))


def readable(part: Part) -> Iterator[Part]:
    """Yield the leaves of a message that may be changed, those of nested messages left out."""
    if part.content_type.value in _OPAQUE or part.main_type == "message":
        return
    if not part.children:
        yield part
    for child in part.children:
        yield from readable(child)


def html_to_read(root: Part) -> Iterator[Part]:
    """Yield the HTML parts of a message, those of nested messages left out."""
    return (part for part in readable(root) if part.content_type.value == "text/html")
