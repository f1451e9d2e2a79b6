# SPDX-License-Identifier: Apache-2.0
"""TNEF (winmail.dat): unpacked into parts of the message."""

from eepost.mail.message import Part
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.tnef import MAGIC, unpack_tnef
from eepost.sanitise.rebuild.attachments import file, packed_file, unclean
from eepost.sanitise.rebuild.built import Built, built_multipart
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
    found = [packed_file(rebuilder, part, each.name, each.octets) for each in files]
    built += [each for each in found if each is not None]
    rebuilder.tally.add("TNEF unpacked")
    if len(built) > 1:
        return built_multipart("multipart/mixed", (), rebuilder.boundary(), built)
    return built[0] if built else None
