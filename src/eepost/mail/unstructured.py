# SPDX-License-Identifier: Apache-2.0
"""Text in header fields: read from whatever programs write, written in one way (RFC 2047, 5322).

Trust: anybody may have written what is read here.

Written text is folded at 76 columns. Printable ASCII stands as it is; any other text becomes
UTF-8 encoded words in base64, all of it, so that the choice follows from the text alone.
"""

import base64
import binascii
import re

from eepost.mail.charset import decode_text

# RFC 2047 2: an encoded word has at most 75 characters, a line that holds one 76.
MAX_LINE_COLUMNS = 76
# 48 columns of base64 make a word of 60: it fits the first line beside any of our field names.
_WORD_OCTETS = 36
# Without a space a line can't be folded; RFC 5322 2.1.1 allows 998 octets. Longer than a line
# already breaks the one way of folding, so such text goes into encoded words too.
_MAX_ASCII_WORD = 60

_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*+)\?=")
_QUOTED_PAIR = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]{2,}+|[^\S ]|[\x00-\x1f\x7f-\x9f]")
# Shown as nothing or as reordering: they hide what a name or a subject says (UTS 36 3.1).
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_ASCII_WORDS = re.compile(rf"[!-~]{{1,{_MAX_ASCII_WORD}}}+(?: [!-~]{{1,{_MAX_ASCII_WORD}}}+)*+")


def decode_unstructured(value: bytes) -> str:
    """Return the text of a field's value: unfolded, encoded words decoded, blanks made one space.

    Octets over 127 outside encoded words are UTF-8 or else Windows-1252. Controls count as blanks;
    characters that only hide or reorder others are removed. Never fails.
    """
    if value.isascii() and b"=?" not in value:
        return _BLANK.sub(" ", value.decode("ascii")).strip()
    text = _BLANK.sub(" ", _decode_words(value))
    return _INVISIBLE.sub("", text).strip()


def _decode_words(value: bytes) -> str:
    pieces: list[tuple[bytes, bytes]] = []  # charset, octets: characters may be cut across words
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        if not pieces or between.strip():  # RFC 2047 6.2: blanks between words are none
            pieces.append((b"", between))
        _append(pieces, word[1].lower(), _decode_word(word[2], word[3]))
        at = word.end()
    pieces.append((b"", value[at:]))
    return "".join(decode_text(octets, charset.decode("latin-1")) for charset, octets in pieces)


def _append(pieces: list[tuple[bytes, bytes]], charset: bytes, octets: bytes) -> None:
    charset = charset.partition(b"*")[0]  # RFC 2231 5: a language may follow
    if pieces and pieces[-1][0] == charset:
        octets = pieces.pop()[1] + octets
    pieces.append((charset, octets))


def _decode_word(encoding: bytes, content: bytes) -> bytes:
    if encoding in b"qQ":
        content = content.replace(b"_", b" ")
        return _QUOTED_PAIR.sub(lambda pair: bytes.fromhex(pair[1].decode()), content)
    content = _NOT_BASE64.sub(b"", content)
    if len(content) % 4 == 1:
        content = content[:-1]
    return binascii.a2b_base64(content + b"==")


def write_unstructured(name: bytes, text: str) -> bytes:
    """Return the field `name: text`, folded, with its CRLF. `text` is as decoded here."""
    if len(text) < MAX_LINE_COLUMNS - len(name) - 2 and is_plain(text):
        return b"%s: %s\r\n" % (name, text.encode("ascii"))
    return fold(name, words_of(text))


def rewrite_unstructured(name: bytes, value: bytes) -> bytes:
    """Return the field `name` for a value that is short plain text, b"" for any other value.

    It is what decoding and writing would give, in half of the time.
    """
    found = _ASCII_VALUE.fullmatch(value)
    if found is None or b"=?" in value or len(found[1]) + len(name) + 2 >= MAX_LINE_COLUMNS:
        return b""
    return b"%s: %s\r\n" % (name, found[1])


_ASCII_VALUE = re.compile(rb"[ \t]*+([!-~]{1,60}+(?: [!-~]{1,60}+)*)[ \t\r\n]*+")


def is_plain(text: str) -> bool:
    """Say whether `text` needs no encoded words: short words of printable ASCII."""
    return "=?" not in text and _ASCII_WORDS.fullmatch(text) is not None


def words_of(text: str) -> list[bytes]:
    """Return what stands for `text`, to be parted by single spaces or folds; nothing for ""."""
    return text.encode("ascii").split(b" ") if is_plain(text) else encoded_words(text)


def encoded_words(text: str) -> list[bytes]:
    """Return the encoded words that stand for `text`, each of at most 60 columns."""
    octets = text.encode("utf-8")
    return [_encoded_word(octets[start:end]) for start, end in _cuts(octets)]


def _cuts(octets: bytes) -> list[tuple[int, int]]:
    cuts = []
    start = 0
    while start < len(octets):
        end = start + _WORD_OCTETS
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # RFC 2047 5: no cut in a character
            end -= 1
        cuts.append((start, min(end, len(octets))))
        start = end
    return cuts


def _encoded_word(octets: bytes) -> bytes:
    return b"=?utf-8?b?%s?=" % base64.b64encode(octets)


def fold(name: bytes, words: list[bytes]) -> bytes:
    """Return the field `name` with `words` on lines of at most 76 columns where they fit.

    The first word stays on the field's own line, since an empty first line reads as an empty
    field to some (RFC 5322 3.2.2 forbids lines of white space only).
    """
    line = b"%s: %s" % (name, b" ".join(words))
    if len(line) <= MAX_LINE_COLUMNS:
        return line + b"\r\n"
    lines = []
    line = name + b":"
    for at, word in enumerate(words):
        if at and len(line) + 1 + len(word) > MAX_LINE_COLUMNS:
            lines.append(line)
            line = b""
        line += b" " + word
    return b"\r\n".join([*lines, line]) + b"\r\n"
