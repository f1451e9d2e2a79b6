# SPDX-License-Identifier: Apache-2.0
"""Small texts of fields inside messages: delivery reports, calendars, cards."""

import re
from collections.abc import Iterable, Iterator

from eepost.mail.charset import decode_text

# Lines of a report or receipt: one for three hundred recipients has some thousand.
MAX_REPORT_LINES = 20_000

_LINE_END = re.compile(r"\r\n|\r|\n")
_FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")

# RFC 3464: what a person learns from a report. Host names, queue identifiers, times and the words
# of foreign servers (with addresses of clients in them) go. Reporting-MTA must stand; it is ours.
_REPORT_FIELDS = frozenset(("final-recipient", "action", "status"))


def rebuild_delivery_status(content: bytes, domain: str) -> bytes | None:
    """Return message/delivery-status with who and what, CRLF lines (RFC 3464 2).

    None where no field of one stands in it, or far too many.
    """
    if _lines(content) > MAX_REPORT_LINES:
        return None
    groups = re.split(r"\n[ \t]*\n", _LINE_END.sub("\n", decode_text(content)).strip())
    kept = [f"Reporting-MTA: dns; {domain}\r\n"]
    for group in groups:
        lines = _FOLD.sub(" ", group).split("\n")
        fields = [line.strip() for line in lines if _name(line, ":") in _REPORT_FIELDS]
        if fields:
            kept.append("\r\n".join(fields) + "\r\n")
    return "\r\n".join(kept).encode("utf-8") if len(kept) > 1 else None


# RFC 8098 3.2: what a receipt says. Who displayed it and how it was got there goes; the
# identifier is the message's that was read, as it came.
_RECEIPT_FIELDS = frozenset(("final-recipient", "original-message-id", "disposition"))


def rebuild_receipt(content: bytes, domain: str) -> bytes | None:
    """Return message/disposition-notification without program, host and times (RFC 8098 3).

    None where it does not say what became of the message, or far too much.
    """
    if _lines(content) > MAX_REPORT_LINES:
        return None
    lines = _FOLD.sub(" ", _LINE_END.sub("\n", decode_text(content))).split("\n")
    kept = {_name(line, ":"): line.strip() for line in lines if _name(line, ":") in _RECEIPT_FIELDS}
    if "disposition" not in kept:
        return None
    return "\r\n".join([f"Reporting-UA: {domain}", *kept.values(), ""]).encode("utf-8")


def _lines(content: bytes) -> int:
    return content.count(b"\n") + content.count(b"\r")


def _name(line: str, end: str) -> str:
    return re.split(rf"[{end}]", line, maxsplit=1)[0].strip().lower()


# RFC 5545: who made it, when and with what goes, with all X- properties. DTSTAMP must stand; it
# becomes the beginning of the event, which says nothing new.
_CALENDAR_DROPPED = frozenset(
    (
        "prodid",
        "created",
        "last-modified",
        "dtstamp",
        "url",
        "source",
        "refresh-interval",
        "comment",
    )
)
_CALENDAR_PARAMETERS = re.compile(
    r";(?:CN|SENT-BY|DIR|LANGUAGE|ALTREP|X-[A-Z0-9-]+)=(?:\"[^\"]{0,200}\"|[^;:\"]{0,200})",
    re.IGNORECASE,
)


def rebuild_calendar(content: bytes, charset: str) -> bytes:
    """Return a calendar without program, times of editing and private properties, CRLF lines."""
    lines = _unfolded(content, charset)
    start = next((line.partition(":")[2] for line in lines if _name(line, ";:") == "dtstart"), "")
    stamp = start if re.fullmatch(r"\d{8}T\d{6}Z", start) else "19700101T000000Z"
    kept = []
    for line in lines:
        name = _name(line, ";:")
        if name == "begin" and line.upper().rstrip() == "BEGIN:VCALENDAR":
            kept += [line, "PRODID:-//eepost//EN"]
        elif name == "dtstamp":
            kept.append(f"DTSTAMP:{stamp}")
        elif name not in _CALENDAR_DROPPED and not name.startswith("x-"):
            kept.append(_CALENDAR_PARAMETERS.sub("", line))
    return _folded(kept)


_CARD_DROPPED = frozenset(
    ("prodid", "rev", "uid", "source", "class", "mailer", "agent", "tz", "geo")
)


_NAME = re.compile(r"[^;:]*")  # programs differ in how they spell it


def rebuild_card(content: bytes, charset: str) -> bytes:
    """Return a vCard without program, revision, zone and private properties, CRLF lines."""
    kept = []
    for line in _unfolded(content, charset):
        name = _name(line, ";:").rpartition(".")[2]
        if name not in _CARD_DROPPED and not name.startswith("x-"):
            kept.append(_NAME.sub(lambda found: found[0].upper(), line.rstrip(), count=1))
    return _folded(kept)


def _unfolded(content: bytes, charset: str) -> list[str]:
    text = _FOLD.sub("", decode_text(content, charset))
    return [line for line in _LINE_END.split(text) if line.strip()]


def _folded(lines: Iterable[str]) -> bytes:
    """Fold at 75 octets, as RFC 5545 3.1 and 6350 3.2 ask, never inside a character."""
    return b"\r\n".join([b"\r\n ".join(_pieces(line.encode("utf-8"))) for line in lines] + [b""])


def _pieces(octets: bytes) -> Iterator[bytes]:
    at, columns = 0, 75
    while len(octets) - at > columns:
        end = at + columns
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        yield octets[at:end]
        at, columns = end, 74  # one is for the space in front
    yield octets[at:]
