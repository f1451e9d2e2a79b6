# SPDX-License-Identifier: Apache-2.0
"""TNEF (winmail.dat): unpacked into parts of the message."""

from eepost.mail.message import Part
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import Cleaned, is_text_with_rules
from eepost.sanitise.files.tnef import MAGIC, Unpacked, unpack_tnef
from eepost.sanitise.names import file_name, file_type
from eepost.sanitise.rebuild.attachments import cleaned_file, file, type_of_file, unclean
from eepost.sanitise.rebuild.built import Built, built_file, built_multipart
from eepost.sanitise.rebuild.rebuilder import Rebuilder
from eepost.sanitise.rebuild.texts import plain_text


def tnef(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return the text and the files in a TNEF as parts of their own."""
    content = rebuilder.content(part)
    if not content.startswith(MAGIC):
        return file(rebuilder, part)
    try:
        text, files = unpack_tnef(content)
    except Unclean as reason:
        return unclean(rebuilder, part, content, str(reason))
    built = [plain_text(text)] if text.strip() else []
    found = [_unpacked(rebuilder, part, each) for each in files]
    built += [each for each in found if each is not None]
    rebuilder.tally.add("TNEF unpacked")
    if len(built) > 1:
        return built_multipart("multipart/mixed", (), rebuilder.boundary(), built)
    return built[0] if built else None


def _unpacked(rebuilder: Rebuilder, part: Part, unpacked: Unpacked) -> Built | None:
    name = file_name(unpacked.name)
    kind = file_type(name, "")
    cleaned: Cleaned | None = Cleaned(unpacked.octets, "", kind)
    is_text = kind.startswith("text/") and b"\0" not in unpacked.octets
    if not is_text or is_text_with_rules(unpacked.octets):
        cleaned = cleaned_file(rebuilder, part, unpacked.octets)
    if cleaned is None:
        return None
    content_type = type_of_file(cleaned.media_type or kind, cleaned.octets)
    return built_file(content_type, name, cleaned.octets)
