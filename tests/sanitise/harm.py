# SPDX-License-Identifier: Apache-2.0
"""Looks for what a message may not bring to its reader, with other people's parsers.

Independent on purpose, as `leaks` is for what leaves.
"""

import email
import re
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser

from tests.sanitise.parts import children, content

# Verdicts of others, receipts, pictures of authors, hints to act at once, ways of the message.
HEADER = re.compile(
    r"(?i)authentication-results|arc-|received|x-spam|x-virus|disposition-notification|"
    r"return-receipt|x-confirm-reading|x-image-url|x-face|face$|list-unsubscribe-post|"
    r"content-(?:base|location)|x-mailer|user-agent|dkim-signature|return-path|delivered-to"
)
ACTIVE_TAGS = frozenset(
    {
        *("script", "iframe", "frame", "object", "embed", "applet", "form", "input", "button"),
        *("link", "base", "svg", "math", "video", "audio", "source", "style", "meta", "portal"),
    }
)
REMOTE = frozenset(
    ("src", "srcset", "background", "poster", "data", "action", "ping", "lowsrc", "dynsrc")
)
NEVER = frozenset(("message/external-body", "message/partial"))
DANGEROUS_NAME = re.compile(
    r"(?i)\.(?:exe|scr|com|bat|cmd|js|vbs|hta|lnk|iso|html?|svg|xlsm|docm)$"
)


def harms(message: bytes, verdict: str) -> list[str]:
    """Return what is wrong with a message, a constant phrase for each kind.

    `verdict` is the one Authentication-Results that may stand.
    """
    parsed = email.message_from_bytes(message)
    found = set(_of_part(parsed))
    names = [name for name in parsed if HEADER.match(name)]
    if names != ["Authentication-Results"] or parsed["Authentication-Results"] != verdict:
        found.add("header")
    if any(names.count(each) > 1 for each in ("From", "To", "Subject", "Date", "Content-Type")):
        found.add("doubled field")
    if max(map(len, message.split(b"\r\n"))) > 998:
        found.add("long line")
    return sorted(found)


def _of_part(part: Message) -> Iterator[str]:
    kind = part.get_content_type()
    if kind in NEVER:
        yield "reference"
    if "Content-Location" in part or "Content-Base" in part:
        yield "remote base"
    if not part.is_multipart() and DANGEROUS_NAME.search(part.get_filename("")):
        yield "dangerous file"
    if kind == "text/html" and not part.is_multipart() and part.get_filename() is None:
        yield from _of_html(content(part).decode("utf-8", "replace"))
    for child in children(part):
        yield from _of_part(child)


def _of_html(text: str) -> Iterator[str]:
    reader = _Reader()
    reader.feed(text)
    yield from sorted(reader.found)


class _Reader(HTMLParser):
    """Notes tags that do something and attributes that fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag in ACTIVE_TAGS and not (tag == "meta" and list(names) == ["charset"]):
            self.found.add("active HTML")
        for name, value in attrs:
            if name in REMOTE and not (value or "").lower().startswith("cid:"):
                self.found.add("remote HTML")
            if name.startswith("on") or name == "style" or "javascript:" in (value or "").lower():
                self.found.add("active HTML")
