# SPDX-License-Identifier: Apache-2.0
"""A report in plain words: for people who ask what would become of their message.

It names kinds and counts. It can't quote the message, since a report holds nothing of it.
"""

from collections import defaultdict
from collections.abc import Mapping
from enum import Enum

from eepost.sanitise.report import Report


class Group(Enum):
    """What a change means to its reader; groups are shown in this order."""

    LEFT = "Passes as it is. What it tells, it still tells:"
    REMOVED = "Left out:"
    ANEW = "Written anew:"
    FILES = "Freed of their metadata:"
    HARMLESS = "Made harmless:"
    FAULTS = "Why it may not leave:"
    OTHER = "Also changed:"


_WORDS: Mapping[Group, Mapping[str, str]] = {
    Group.LEFT: {
        "signed part passed to the octet": "signed parts (a change would break the signature)",
        "signed part that tells": "signed parts that tell more than they must (sign them anew)",
        "encrypted part passed to the octet": "encrypted parts (nobody here can read them)",
        "file passed as it is": "files that can't be cleaned (your choice)",
        "unknown file passed as it is": "files of types that nobody here can clean",
    },
    Group.REMOVED: {
        "header field dropped": "header fields",
        "line that is no field dropped": "lines in the header that are no fields",
        "doubled header field dropped": "header fields that stood twice",
        "name in OpenPGP key dropped": "names and other people's signatures in OpenPGP keys",
        "key in the header dropped": "keys in the header without a user id of the official address",
        "part field dropped": "header fields of parts",
        "unreadable address dropped": "addresses that can't be read",
        "identifier dropped": "identifiers of other messages that may not leave",
        "file dropped": "files that can't be cleaned (your choice)",
        "unknown file dropped": "files of types that nobody here can clean (your choice)",
        "receipt dropped": "receipts for senders",
        "system part dropped": "parts that only the sending program reads",
        "reference to a file elsewhere dropped": "references to files elsewhere",
        "wrapper of one part removed": "wrappers around a single part",
    },
    Group.ANEW: {
        "From added": "sender (your program wrote none)",
        "HTML made anew": "HTML",
        "calendar or card made anew": "calendars and cards",
        "nested message unpacked": "messages inside the message, unpacked",
        "nested message made anew": "messages inside the message",
        "delivery report made anew": "delivery reports",
        "receipt made anew": "receipts for senders (your choice)",
        "address made official": "addresses, in their official form",
        "file in a text unpacked": "files that stood in a text, unpacked",
        "TNEF unpacked": "winmail.dat, unpacked",
        "long lines encoded": "parts with overlong lines",
    },
    Group.HARMLESS: {
        "HTML made harmless": "HTML",
        "signed active HTML set aside": "signed HTML that does something: its words are shown",
        "dangerous file": "files that may run something when opened",
        "reference neutralised": "references to something elsewhere",
    },
    Group.FAULTS: {
        "out of bounds": "sizes or counts out of bounds",
        "header fields": "header fields that may not leave",
        "date": "date that is not the post office's",
        "message identifier": "identifier that is not the post office's",
        "part that may not pass": "parts of a forbidden type",
        "parameters": "parameters that may not leave",
        "part header fields": "header fields of parts that may not leave",
        "content identifier": "names of parts that are not the post office's",
        "boundary": "boundaries that are not the post office's",
        "preamble": "text before the first part",
        "epilogue": "text after the last part",
    },
}
_GROUPS = {kind: group for group, kinds in _WORDS.items() for kind in kinds}
# "JPEG cleaned" and the like: whatever rules for files there are, their name is in the kind.
_CLEANED = " cleaned"

# What happens to every message that a user sends, and is not counted.
ALWAYS = (
    "Always written anew: the date (the post office's, in UTC), the identifier, the boundaries"
    " between parts, and the spelling and order of all header fields."
)


def grouped(report: Report) -> list[tuple[Group, list[tuple[str, int]]]]:
    """Return what was counted in words, by what it means, in the order to be shown."""
    found: dict[Group, list[tuple[str, int]]] = defaultdict(list)
    for kind, count in sorted(report.counts.items()):
        group, words = _in_words(kind)
        found[group].append((words, count))
    return [(group, found[group]) for group in Group if group in found]


def describe(report: Report) -> str:
    """Return the report as lines of plain ASCII for people, LF at the end of each."""
    blocks = [
        "".join([f"{group.value}\n", *(f"  {words}: {count}\n" for words, count in lines)])
        for group, lines in grouped(report)
    ]
    return "\n".join([*blocks, f"{ALWAYS}\n"])


def _in_words(kind: str) -> tuple[Group, str]:
    if kind.endswith(_CLEANED):
        return Group.FILES, f"{kind.removesuffix(_CLEANED)} files"
    group = _GROUPS.get(kind, Group.OTHER)
    return group, _WORDS.get(group, {}).get(kind, kind)
