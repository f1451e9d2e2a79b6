# SPDX-License-Identifier: Apache-2.0
"""Attached files: cleaned by what they are, or treated as the user chose."""

from eepost.mail.message import Part
from eepost.mail.parameters import write_parameters
from eepost.mail.reply import Reply
from eepost.sanitise.choices import OnFailure
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import Cleaned, is_text_with_rules, strip_file
from eepost.sanitise.names import file_name, file_type
from eepost.sanitise.parts import disposition_of, part_name
from eepost.sanitise.rebuild.built import OCTETS, Built, Refusal, built_file
from eepost.sanitise.rebuild.keys import file_without_names
from eepost.sanitise.rebuild.rebuilder import Rebuilder
from eepost.sanitise.text import is_utf8


def file(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return a file without metadata, by what it is."""
    content = file_without_names(rebuilder, part, rebuilder.content(part))
    cleaned = cleaned_file(rebuilder, part, content)
    if cleaned is None:
        return None
    return known_file(rebuilder, part, cleaned.octets, cleaned.media_type)


def cleaned_file(rebuilder: Rebuilder, part: Part, content: bytes) -> Cleaned | None:
    """Return the file `content`, which stands in `part`, as it may go on; None where it goes."""
    choices = rebuilder.around.choices
    try:
        cleaned = strip_file(content, rebuilder.allowance.files)
    except Unclean as reason:
        return _chosen(choices.unclean, "file", rebuilder, part, (content, str(reason)))
    if not cleaned.kind:
        unknown = (content, "its type is unknown")
        return _chosen(choices.unknown, "unknown file", rebuilder, part, unknown)
    if cleaned.octets != content:
        rebuilder.tally.add(f"{cleaned.kind} cleaned")
    return cleaned


def _chosen(
    choice: OnFailure, kind: str, rebuilder: Rebuilder, part: Part, file: tuple[bytes, str]
) -> Cleaned | None:
    content, reason = file
    if choice is OnFailure.REFUSE:
        raise Refusal(Reply(554, "5.6.1", f"{rebuilder.place(part)} can't be cleaned: {reason}"))
    if choice is OnFailure.DROP:
        rebuilder.tally.add(f"{kind} dropped")
        return None
    rebuilder.tally.add(f"{kind} passed as it is")
    return Cleaned(content, "", "")


def unclean(rebuilder: Rebuilder, part: Part, content: bytes, reason: str) -> Built | None:
    """Return what the user chose for a part that can't be cleaned."""
    choice = rebuilder.around.choices.unclean
    chosen = _chosen(choice, "file", rebuilder, part, (content, reason))
    return None if chosen is None else known_file(rebuilder, part, chosen.octets)


def known_file(rebuilder: Rebuilder, part: Part, octets: bytes, media_type: str = "") -> Built:
    """Return clean octets as a file; `media_type` says what they were found to be."""
    kind = media_type or file_type(part_name(part), part.content_type.value)
    return named_file(rebuilder, part, type_of_file(kind, octets), octets)


def type_of_file(kind: str, octets: bytes) -> bytes:
    """Return the Content-Type of a file of the media type `kind`."""
    parameters: list[tuple[str, str]] = []
    if kind.startswith("text/"):
        kind, parameters = (kind, [("charset", "utf-8")]) if is_utf8(octets) else (OCTETS, [])
    return write_parameters(b"Content-Type", kind, parameters)


def named_file(rebuilder: Rebuilder, part: Part, content_type: bytes, octets: bytes) -> Built:
    """Return a file under the part's clean name, shown in its place where HTML refers to it."""
    content_id = rebuilder.pictures.name_of(part)
    is_shown = content_id != b"" or (disposition_of(part) == "inline" and part.main_type == "text")
    return built_file(
        content_type, part_name(part), octets, is_shown=is_shown, content_id=content_id
    )


def packed_file(rebuilder: Rebuilder, part: Part, name: str, octets: bytes) -> Built | None:
    """Return a file that was packed in `part` as a part of its own, None where it goes."""
    name = file_name(name)
    kind = file_type(name, "")
    cleaned: Cleaned | None = Cleaned(octets, "", kind)
    is_text = kind.startswith("text/") and b"\0" not in octets
    if not is_text or is_text_with_rules(octets):
        cleaned = cleaned_file(rebuilder, part, octets)
    if cleaned is None:
        return None
    content_type = type_of_file(cleaned.media_type or kind, cleaned.octets)
    return built_file(content_type, name, cleaned.octets)
