# SPDX-License-Identifier: Apache-2.0
"""Mailboxes in header fields: read as tolerantly as is safe, written in one way (RFC 5322 3.4).

Trust: anybody may have written what is read here.

Read once and written anew from what was read: no later reader sees the original, so none can
find another address in it than the one that was checked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eepost.mail.address import (
    MAX_LABEL_OCTETS,
    MAX_LOCAL_PART_OCTETS,
    Address,
    parse_address,
    strip_source_route,
)
from eepost.mail.charset import decode_text
from eepost.mail.unstructured import MAX_LINE_COLUMNS, decode_unstructured, encoded_words, fold
from eepost.mail.violation import PeerViolation

# Mailboxes in one field. A submission has some hundreds of recipients at most; reading 10,000
# takes about 50 ms.
MAX_MAILBOXES = 10_000

# What nearly all programs write: one plain name or none, one plain address.
_SIMPLE = re.compile(
    rb'[ \t]*+(?:"?([A-Za-z0-9][\w .\'/&+-]*+)"?[ \t]*+<([\w.+=-]++@[A-Za-z0-9.-]++)>'
    rb"|<?([\w.+=-]++@[A-Za-z0-9.-]++)>?)[ \t\r\n]*+",
    re.ASCII,
)
# The group in angle brackets is greedy, not possessive, for Python before 3.11.5; see mail.header.
_TOKEN = re.compile(
    rb'[\s)]++|"(?:[^"\\]|\\.)*+"?|\(|[,;:]|<[^<>"]*+(?:"(?:[^"\\]|\\.)*+"[^<>"]*+)*>?'
    rb'|[^\s"(),;:<]++',
    re.DOTALL,
)
_COMMENT_TOKEN = re.compile(rb"[^()\\]++|\\.|[()\\]", re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,60}+"
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*+")
# Longer names go into encoded words, since a quoted string can't be folded in one way.
_LONGEST_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name shown with it, decoded; the name is empty where there was none."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class MailboxList:
    """What a field names, groups dissolved, and how many of its items were no mailboxes."""

    mailboxes: list[Mailbox]
    unreadable: int = 0


def parse_mailboxes(value: bytes) -> MailboxList:
    """Return the mailboxes of a field's value. Raises PeerViolation where there are too many.

    A name comes from the phrase in front or, as in old mail, from a comment behind. An empty item
    counts as nothing; what is neither empty nor a mailbox is counted as unreadable.
    """
    simple = _SIMPLE.fullmatch(value)
    if simple:
        address = parse_address((simple[2] or simple[3]).decode("ascii"))
        if address is not None:
            return MailboxList([Mailbox(decode_unstructured(simple[1] or b""), address)])
    return _parse_list(value)


def _parse_list(value: bytes) -> MailboxList:
    mailboxes: list[Mailbox] = []
    unreadable = empty = 0
    for item in _items(value):
        mailbox = item.mailbox()
        if mailbox is not None:
            mailboxes.append(mailbox)
        elif item.phrase or item.route:
            unreadable += 1
        else:
            empty += 1  # "a@b,,,c@d" is allowed (RFC 5322 4.4), a hundred thousand commas are not
        if len(mailboxes) + unreadable + empty > MAX_MAILBOXES:
            raise PeerViolation("too many addresses in a header field")
    return MailboxList(mailboxes, unreadable)


class _Item:
    """The tokens between two commas."""

    __slots__ = ("comments", "phrase", "route")

    def __init__(self) -> None:
        self.phrase: list[bytes] = []
        self.comments: list[bytes] = []
        self.route: list[bytes] = []

    def mailbox(self) -> Mailbox | None:
        if len(self.route) > 1:
            return None
        if self.route:
            address = _address(_QUOTED_OR_WHITE.sub(_keep_quoted, self.route[0].strip(b"<>")))
            name = _text(self.phrase)
        else:
            address = _address(_joined(self.phrase))
            name = ""
        if address is None:
            return None
        return Mailbox(name or _text(self.comments), address)


_QUOTED_OR_WHITE = re.compile(rb'("(?:[^"\\]|\\.)*+")|\s++', re.DOTALL)


def _keep_quoted(found: re.Match[bytes]) -> bytes:
    return found[1] or b""


def _address(octets: bytes) -> Address | None:
    return parse_address(strip_source_route(decode_text(octets)))


def _joined(tokens: list[bytes]) -> bytes:
    # RFC 5322 4.4 lets blanks stand around dots and the at sign; anywhere else they part words.
    joined = b""
    for token in tokens:
        is_joint = joined.endswith(_JOINTS) or token.startswith(_JOINTS)
        joined += token if is_joint or not joined else b" " + token
    return joined


_JOINTS = (b".", b"@")


def _text(tokens: Iterable[bytes]) -> str:
    return decode_unstructured(b" ".join(_unquoted(token) for token in tokens))


def _unquoted(token: bytes) -> bytes:
    if token.startswith(b'"'):
        token = token[1:-1] if token.endswith(b'"') and len(token) > 1 else token[1:]
    return _QUOTED_PAIR.sub(rb"\1", token)


def _items(value: bytes) -> Iterable[_Item]:
    item = _Item()
    at = 0
    while (token := _TOKEN.match(value, at)) is not None:  # it takes any octet
        octets = token[0]
        at = token.end()
        if octets == b"(":
            at = _take_comment(value, at, item)
        elif octets in _SEPARATORS:
            if octets == b":":
                item.phrase.clear()  # the name of a group says nothing about anybody in it
            else:
                yield item
                item = _Item()
        elif octets[:1] == b"<":
            item.route.append(octets)
        elif octets.strip(b" \t\r\n\x0b\x0c)"):
            item.phrase.append(octets)
    yield item


_SEPARATORS = frozenset((b",", b";", b":"))


def _take_comment(value: bytes, at: int, item: _Item) -> int:
    start, depth = at, 1
    while depth and (token := _COMMENT_TOKEN.match(value, at)) is not None:
        depth += {b"(": 1, b")": -1}.get(token[0], 0)
        at = token.end()
    item.comments.append(value[start : at - 1 if depth == 0 else at])
    return at


def write_mailboxes(name: bytes, mailboxes: Iterable[Mailbox]) -> bytes:
    """Return the field `name` with `mailboxes`, folded, with its CRLF; nothing for none."""
    words = [word for each in mailboxes for word in _words(each)]
    if not words:
        return b""
    words[-1] = words[-1][:-1]  # the last comma
    return fold(name, words)


_PLAIN_NAME = rb"[\w'&/+-]{1,60}+(?: [\w'&/+-]{1,60}+)*"
_PLAIN_DOMAIN = rb"%s(?:\.%s)*" % ((rb"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*",) * 2)
_CANONICAL = re.compile(
    rb'[ \t]*+(?:(?:"(%s)"|(%s))[ \t]++(?=<))?' % (_PLAIN_NAME, _PLAIN_NAME)
    + rb"(<)?([\w+=-]++(?:\.[\w+=-]++)*)@(%s)(?(3)>)[ \t\r\n]*+" % _PLAIN_DOMAIN,
    re.ASCII,
)


def rewrite_mailbox(name: bytes, value: bytes) -> bytes:
    """Return the field `name` for a value that is one plain mailbox, b"" for any other value.

    It is what reading and writing would give, in a quarter of the time; most mail goes to one
    recipient under such a name.
    """
    found = _CANONICAL.fullmatch(value)
    if found is None:
        return b""
    quoted, bare, _, local, domain = found.groups()
    if len(local) > MAX_LOCAL_PART_OCTETS or len(domain) > MAX_LABEL_OCTETS:
        return b""
    shown = quoted or bare
    box = b"%s@%s" % (local, domain.lower())
    line = b"%s: %s" % (name, b"%s <%s>" % (shown, box) if shown else box)
    return line + b"\r\n" if len(line) <= MAX_LINE_COLUMNS else b""


def _words(mailbox: Mailbox) -> list[bytes]:
    address = str(mailbox.address).encode()
    name = mailbox.name
    if not name:
        return [b"%s," % address]
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return [*name.encode("ascii").split(b" "), b"<%s>," % address]
    if name.isascii() and len(name) <= _LONGEST_QUOTED and "=?" not in name:
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return [b'"%s"' % quoted.encode("ascii"), b"<%s>," % address]
    return [*encoded_words(name), b"<%s>," % address]
