# SPDX-License-Identifier: Apache-2.0
"""Looks for what a message may not tell, by the policy and with other people's parsers.

Independent on purpose: it uses none of the sanitiser's code, so it shares none of its mistakes.
"""

import binascii
import email
import email.policy
import io
import re
import zipfile
from collections.abc import Iterator
from email.message import Message

import pikepdf
from PIL import Image

from tests.sanitise.parts import children, content

TOP = [
    *("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"),
]
PART = ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"]
PARAMETERS = {
    *("charset", "boundary", "filename", "protocol", "micalg", "smime-type", "method"),
    "report-type",
}
DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:00 \+0000")
BOUNDARY = re.compile(r"[a-z2-7]{32}")
PRODUCTS = re.compile(
    rb"(?i)outlook|thunderbird|mozilla|apple mail|x-mailer|user-agent|eudora|evolution/|mutt/|"
    rb"microsoft|libreoffice|photoshop|adobe|gimp|exchange|lotus|gmail|squirrelmail|roundcube"
)
ADDRESS = re.compile(rb"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
HTML_HABITS = re.compile(
    rb"(?i)<[a-z][^>]*\s(?:class|id|style|lang|xml:lang|title)=|<!--|generator|<o:p|"
    rb"<img(?![^>]*\ssrc=\"cid:part)"
)
ARMOR = re.compile(
    rb"-----BEGIN PGP [^\r\n]*-----\r?\n(?:[A-Za-z]+:[^\r\n]*\r?\n)*?(?!Hash)[A-Za-z]+:"
)
KEY = re.compile(
    rb"(?s)-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[A-Za-z]+:[^\r\n]*\r?\n)*(.*?)"
    rb"(?:\r?\n=|-----END)"
)
NAME_IN_KEY = re.compile(rb"<[^<>@\s]+@(?!mail\.i2p>)[^<>@\s]+>")
CALENDAR = re.compile(rb"(?im)^(?:prodid:(?!-//eepost)|x-|created:|last-modified:)")
DOCUMENT_PROPERTIES = {"docProps/core.xml", "docProps/app.xml", "meta.xml"}
REPORT = re.compile(PRODUCTS.pattern + rb"|" + ADDRESS.pattern)
RECEIPT = re.compile(
    rb"(?im)^(?!reporting-ua: [a-z0-9.-]+$|(?:final-recipient|original-message-id|disposition):).+"
)
CARD = re.compile(rb"(?im)^(?:prodid|rev|x-[a-z0-9-]+|uid)[:;]")

BY_TYPE = (
    ("text/html", HTML_HABITS, "HTML habits"),
    ("text/calendar", CALENDAR, "calendar"),
    ("text/vcard", CARD, "card"),
    ("message/delivery-status", REPORT, "delivery report"),
    ("message/disposition-notification", RECEIPT, "receipt"),
)


def leaks(message: bytes, domain: str = "mail.i2p", known: str = "") -> list[str]:
    """Return what is wrong with a message, a constant phrase for each kind.

    `domain` is the one on which identifiers are to be made, `known` an identifier that was
    delivered to the author, so that he may name it.
    """
    if known:
        message = message.replace(f"<{known}>".encode(), f"<{'a' * 32}@{domain}>".encode())
    parsed = email.message_from_bytes(message, policy=email.policy.compat32)
    return sorted(set(_of_message(parsed, re.escape(domain), is_top=True)))


def _of_message(message: Message, domain: str, *, is_top: bool) -> Iterator[str]:
    names = list(message)
    own_id = rf"<[a-z2-7]{{32}}@{domain}>"
    if names != [name for name in TOP if name in names]:
        yield "header fields, their order or spelling"
    if (is_top or "Date" in names) and not DATE.fullmatch(str(message["Date"])):
        yield "date"
    if (is_top or "Message-ID" in names) and not re.fullmatch(own_id, str(message["Message-ID"])):
        yield "message identifier"
    for name in ("In-Reply-To", "References"):
        if not all(re.fullmatch(own_id, each) for each in message.get(name, "").split()):
            yield "thread"
    head = b"\n".join(
        f"{n}: {v}".encode("utf-8", "replace")
        for n, v in message.raw_items()
        if n not in {"Subject", "From", "To", "Cc"}
    )
    if PRODUCTS.search(head):
        yield "product in header"
    if ADDRESS.search(head):
        yield "IP address in header"
    yield from _of_part(message, domain, is_root=True)


def _of_part(part: Message, domain: str, *, is_root: bool = False) -> Iterator[str]:
    names = list(part)
    if not is_root and names != [name for name in PART if name in names]:
        yield "part header fields, their order or spelling"
    for field in ("Content-Type", "Content-Disposition"):
        parameters = part.get_params(header=field, failobj=[])[1:] if field in part else []
        if not {name for name, _ in parameters} <= PARAMETERS:
            yield "parameters"
    content_id = rf"<part[1-9][0-9]*@{domain}>"
    if "Content-ID" in part and not re.fullmatch(content_id, str(part["Content-ID"])):
        yield "content identifier"
    kind = part.get_content_type()
    if part.is_multipart() and kind.startswith("multipart/"):
        yield from _of_multipart(part, kind, domain)
    elif kind == "message/rfc822":
        for child in children(part):
            yield from _of_message(child, domain, is_top=False)
    elif not part.is_multipart():
        yield from _of_leaf(part, kind)


def _of_multipart(part: Message, kind: str, domain: str) -> Iterator[str]:
    if not BOUNDARY.fullmatch(part.get_boundary("")):
        yield "boundary"
    if part.preamble or (part.epilogue or "").strip("\r\n"):
        yield "preamble or epilogue"
    parts = children(part)
    for child in parts[1:] if kind == "multipart/signed" else parts:
        yield from _of_part(child, domain)


def _of_leaf(part: Message, kind: str) -> Iterator[str]:
    octets = content(part)
    if kind.startswith("text/") and kind != "text/rfc822-headers":
        yield from _of_text(part, octets)
    if ARMOR.search(octets):
        yield "armor header"
    keys = [octets] if kind == "application/pgp-keys" else []
    keys += [binascii.a2b_base64(each) for each in KEY.findall(octets)]
    if any(map(NAME_IN_KEY.search, keys)):
        yield "name in an OpenPGP key"
    for only, pattern, phrase in BY_TYPE:
        if kind == only and pattern.search(octets):
            yield phrase
    if kind in {"application/ms-tnef", "message/partial"}:
        yield "part that may not pass"
    yield from _of_file(octets)


def _of_text(part: Message, octets: bytes) -> Iterator[str]:
    if b"-----BEGIN PGP" in octets:
        return  # a signature covers the octets
    if part.get_content_charset() != "utf-8":
        yield "character set"
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        yield "text that is not UTF-8"


def _of_file(octets: bytes) -> Iterator[str]:
    if octets[:3] == b"\xff\xd8\xff" or octets[:4] in {b"\x89PNG", b"GIF8"}:
        yield from _of_picture(octets)
    elif octets.startswith(b"%PDF"):
        yield from _of_pdf(octets)
    elif octets.startswith(b"PK\x03\x04"):
        yield from _of_archive(octets)


def _of_picture(octets: bytes) -> Iterator[str]:
    if b"ns.adobe.com/xap" in octets or b"Photoshop 3.0" in octets or b"tEXt" in octets:
        yield "picture metadata"
    try:
        with Image.open(io.BytesIO(octets)) as picture:
            if set(picture.getexif()) - {0x0112} or "comment" in picture.info:
                yield "picture metadata"
    except OSError:
        return


def _of_pdf(octets: bytes) -> Iterator[str]:
    try:
        with pikepdf.open(io.BytesIO(octets)) as document:
            if document.docinfo.keys() or "/Metadata" in document.Root:
                yield "PDF metadata"
    except (pikepdf.PdfError, pikepdf.PasswordError):
        if re.search(rb"/Producer|/Author|/Creator", octets):
            yield "PDF metadata"


def _of_archive(octets: bytes) -> Iterator[str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(octets))
    except zipfile.BadZipFile:
        return
    with archive:
        for entry in archive.infolist():
            if entry.date_time != (1980, 1, 1, 0, 0, 0) or entry.extra or entry.comment:
                yield "archive times"
            if entry.filename in DOCUMENT_PROPERTIES:
                properties = re.sub(rb'"[^"]*"', b"", archive.read(entry))
                if re.search(rb"(?i)creator|Application|generator|date", properties):
                    yield "document metadata"
