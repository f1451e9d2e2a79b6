# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys in a message, by what the user chose about names that are not his address."""

from eepost.mail.message import Part
from eepost.mail.reply import Reply
from eepost.sanitise.armor import clean_armored_keys, holds_armor, strip_armor_headers
from eepost.sanitise.choices import OnFailure
from eepost.sanitise.openpgp.keys import IsPrivate, clean_keys
from eepost.sanitise.parts import kind_of, part_name
from eepost.sanitise.rebuild.built import Refusal
from eepost.sanitise.rebuild.rebuilder import Rebuilder

_KEYS = "application/pgp-keys"
_ARMOR = b"-----BEGIN PGP "
_EXTENSIONS = (".gpg", ".key", ".pgp", ".pub")
_PRIVATE = "an OpenPGP private key, which nobody else may have"


def text_without_names(rebuilder: Rebuilder, part: Part, content: bytes) -> bytes:
    """Return a text with the armor and the keys in it made anew."""
    return _text(rebuilder, part, content) if holds_armor(content) else content


def file_without_names(rebuilder: Rebuilder, part: Part, content: bytes) -> bytes:
    """Return a file with its keys made anew, if it is one of keys.

    In binary it is one by its type or name only: octets of others may look alike.
    """
    is_declared = kind_of(part) == _KEYS
    if content.lstrip().startswith(_ARMOR) or (is_declared and holds_armor(content)):
        return _text(rebuilder, part, content)
    if is_declared or part_name(part).lower().endswith(_EXTENSIONS):
        return _binary(rebuilder, part, content, is_declared=is_declared)
    return content


def _text(rebuilder: Rebuilder, part: Part, content: bytes) -> bytes:
    content = strip_armor_headers(content)
    if rebuilder.around.choices.foreign_user_ids is OnFailure.PASS:
        return content
    try:
        cleaned = clean_armored_keys(content, rebuilder.around.is_own_user_id)
    except IsPrivate:
        raise _refusal(rebuilder, part, _PRIVATE) from None
    _count(rebuilder, part, cleaned.dropped)
    return cleaned.octets


def _binary(rebuilder: Rebuilder, part: Part, content: bytes, *, is_declared: bool) -> bytes:
    if rebuilder.around.choices.foreign_user_ids is OnFailure.PASS:
        return content
    try:
        cleaned = clean_keys(content, rebuilder.around.is_own_user_id)
    except IsPrivate:
        raise _refusal(rebuilder, part, _PRIVATE) from None
    if cleaned is None or not (cleaned.is_whole or is_declared):
        return content
    _count(rebuilder, part, cleaned.dropped)
    return cleaned.octets


def _count(rebuilder: Rebuilder, part: Part, dropped: int) -> None:
    if dropped and rebuilder.around.choices.foreign_user_ids is OnFailure.REFUSE:
        raise _refusal(rebuilder, part, "an OpenPGP key with names that are not your address")
    rebuilder.tally.add("name in OpenPGP key dropped", dropped)


def _refusal(rebuilder: Rebuilder, part: Part, what: str) -> Refusal:
    return Refusal(Reply(554, "5.6.1", f"{rebuilder.place(part)} is {what}"))
