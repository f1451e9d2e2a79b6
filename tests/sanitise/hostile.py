# SPDX-License-Identifier: Apache-2.0
"""Messages within all limits that are made to cost as much as they can, by what they attack."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

from eepost.mail.transfer import encode_base64
from eepost.sanitise.files.icc import _KEPT

OCTETS = 10_000_000
# Of a file, which takes a third more as base64.
_FILE_OCTETS = 7_000_000
_HEAD = b"From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: s\r\nMIME-Version: 1.0\r\n"

Make = Callable[[], bytes]
# Parts by which office documents are known.
_OOXML, _ODF = "[Content_Types].xml", "META-INF/manifest.xml"


def fill(unit: bytes, octets: int = OCTETS) -> bytes:
    return unit * (octets // len(unit))


def text(
    body: bytes, kind: bytes = b"text/plain; charset=utf-8", encoding: bytes = b"8bit"
) -> bytes:
    said = b"Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (kind, encoding)
    return _HEAD + said + body


def html(unit: bytes, octets: int = OCTETS, start: bytes = b"") -> bytes:
    return text(start + fill(unit, octets), b"text/html; charset=utf-8")


def multipart(parts: list[bytes], kind: bytes = b"mixed") -> bytes:
    body = b"".join(b"--b\r\n%s\r\n" % part for part in parts)
    said = b"Content-Type: multipart/%s; boundary=b\r\n\r\n" % kind
    return _HEAD + said + body + b"--b--\r\n"


def nested(message: bytes) -> bytes:
    said = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return said + encode_base64(message)


def file(octets: bytes, name: bytes) -> bytes:
    said = b"Content-Type: application/octet-stream; name=%s\r\n" % name
    return multipart([said + b"Content-Transfer-Encoding: base64\r\n\r\n" + encode_base64(octets)])


def archive(count: int, name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as entries:
        for number in range(count):
            entries.writestr(f"{number}{name}" if count > 1 else name, content)
    return file(made.getvalue(), b"a.zip")


def document(kind: str, name: str, unit: bytes) -> bytes:
    """An office document of one part, fifty megabytes when it is unpacked."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as entries:
        entries.writestr(kind, "")
        entries.writestr(name, fill(unit, 50_000_000))
    return file(made.getvalue(), b"a.docx")


def film_box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), name) + content


def film_of_lost_tracks(count: int) -> bytes:
    """A film of tracks that go, each with a hundred thousand samples of no size that it names."""
    table = film_box(
        b"stbl",
        film_box(b"stsz", struct.pack(">III", 0, 1, 100_000)),
        film_box(b"stco", struct.pack(">III", 0, 1, 0)),
        film_box(b"stsc", struct.pack(">5I", 0, 1, 1, 100_000, 1)),
    )
    handler = film_box(b"hdlr", bytes(8), b"meta")
    track = film_box(b"trak", film_box(b"mdia", handler, film_box(b"minf", table)))
    return film_box(b"ftyp") + film_box(b"moov", track * count)


def picture_of_pieces(count: int) -> bytes:
    """A picture of items, each of which stands in as many pieces of no octet as can be named."""
    listed = film_box(b"iinf", bytes(6))
    places = film_box(b"iloc", bytes(6) + struct.pack(">H", count) + b"\0\1\0\0\xff\xff" * count)
    handler = film_box(b"hdlr", bytes(8), b"pict")
    head = film_box(b"ftyp", b"heic", bytes(4))
    return head + film_box(b"meta", bytes(4), handler, listed, places)


_SMALLEST_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>> endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
    b"3 0 obj<</Type/Page/MediaBox[0 0 9 9]/Parent 2 0 R>> endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)


def boxes(count: int) -> bytes:
    """Delimiters that nearly are those of every level of a deep message."""
    levels = (b"b" * (each + 1) for each in range(29))
    opened = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n"
    return (
        _HEAD + b"".join(opened % (each, each) for each in levels) + fill(b"\r\n--" + b"b" * count)
    )


def fan() -> bytes:
    inner = nested(multipart([b"\r\n"] * 900))
    return multipart([inner] * 900)


def pdf(count: int, content: bytes) -> bytes:
    """A document of `count` objects with a sound table."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    objects += [content] * (count - 2)
    octets = bytearray(b"%PDF-1.4\n")
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(octets))
        octets += b"%d 0 obj%s endobj\n" % (number, each)
    start = len(octets)
    octets += b"xref\n0 %d\n0000000000 65535 f \n" % (count + 1)
    octets += b"".join(b"%010d 00000 n \n" % place for place in places)
    octets += b"trailer<</Size %d/Root 1 0 R>>startxref\n%d\n%%%%EOF" % (count + 1, start)
    return file(bytes(octets), b"a.pdf")


def stream(dictionary: bytes) -> bytes:
    packed = zlib.compress(bytes(60_000_000), 9)
    head = b"<<%s/Filter/FlateDecode/Length %d>>" % (dictionary, len(packed))
    return pdf(3, head + b"stream\n" + packed + b"\nendstream")


def packed_twice(dictionary: bytes = b"") -> bytes:
    packed = zlib.compress(bytes(60_000_000), 9).hex().encode() + b">"
    head = b"<<%s/Filter[/AHx/Fl]/Length %d>>" % (dictionary, len(packed))
    return pdf(30, head + b"stream\n" + packed + b"\nendstream")


def objects_packed() -> bytes:
    packed = zlib.compress(b"9 0 [" + b" " * 60_000_000, 9)
    head = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>" % len(packed)
    each = head + b"stream\n" + packed + b"\nendstream"
    body = b"".join(b"%d 0 obj%s endobj\n" % (number, each) for number in range(9, 99))
    start = len(body) + 9
    table = b"\2\0\0\0\x09\0" + b"".join(b"\2\0\0\0%c\0" % number for number in range(9, 99))
    end = b"8 0 obj<</Type/XRef/Size 100/W[1 4 1]/Root 1 0 R/Index[1 91]/Length %d>>stream\n"
    octets = b"%PDF-1.5\n" + body + end % len(table) + table + b"\nendstream endobj\n"
    return file(octets + b"startxref\n%d\n%%%%EOF" % start, b"a.pdf")


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(count: int) -> bytes:
    """A picture of `count` colour profiles that unpack to eight megabytes."""
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(8 * 1024 * 1024), 9))
    return b"\x89PNG\r\n\x1a\n" + profile * count + chunk(b"IEND", b"")


def profile_of_tags() -> bytes:
    """A JPEG with a colour profile all of whose tags are as long as it is."""
    names = sorted(_KEPT)
    start = 132 + 12 * len(names)
    size = _FILE_OCTETS - start
    tags = (struct.pack(">4sII", name, start + at, size - at) for at, name in enumerate(names))
    head = bytes(36) + b"acsp" + bytes(88) + struct.pack(">I", len(names)) + b"".join(tags)
    octets = head + bytes(size)
    piece = 65_000
    segments = (
        b"ICC_PROFILE\0" + bytes((1 + at // piece, 108)) + octets[at : at + piece]
        for at in range(0, len(octets), piece)
    )
    return b"\xff\xd8" + b"".join(
        b"\xff\xe2" + struct.pack(">H", len(each) + 2) + each for each in segments
    )


def header(field: bytes, unit: bytes, octets: int = 250_000) -> bytes:
    return b"From: alice@mail.i2p\r\n" + field + b": " + fill(unit, octets) + b"\r\n\r\nx"


def signed(unit: bytes) -> bytes:
    page = b"Content-Type: text/html\r\n\r\n" + fill(unit)
    return multipart([page, b"Content-Type: application/pgp-signature\r\n\r\nx"], b"signed")


_TEXTS: Mapping[str, Make] = {
    "nothing but line ends": lambda: text(fill(b"\r")),
    "stuffed lines": lambda: text(fill(b" a\r\n"), b"text/plain; format=flowed"),
    "soft breaks of quotes": lambda: text(fill(b">word word \r\n"), b"text/plain; format=flowed"),
    "soft breaks that delete": lambda: text(
        fill(b"some words \r\n"), b"text/plain; format=flowed; delsp=yes"
    ),
    "spaces of other scripts": lambda: text(fill("\u5b57\u3000 words\r\n".encode())),
    "characters that go": lambda: text(fill(b"\xc2\xa0\xef\xbb\xbf")),
    "quoted-printable of equals": lambda: text(fill(b"="), encoding=b"quoted-printable"),
    "base64 of padding": lambda: text(fill(b"QQ="), encoding=b"base64"),
    "short lines of uuencode": lambda: text(
        b"begin 644 a\r\n" + fill(b"!A\r\n") + b"end\r\n", encoding=b"x-uuencode"
    ),
    "nothing of its character set": lambda: text(
        fill(b"\xe9\xe8\xff"), b"text/plain; charset=utf-7"
    ),
    "armor": lambda: text(fill(b"-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\n\r\n")),
    "calendar of one line": lambda: text(b"BEGIN:VCALENDAR\r\nA:" + fill(b"x"), b"text/calendar"),
    "calendar of many lines": lambda: text(fill(b"A:b\r\n", 999_000), b"text/calendar"),
    "card of dots": lambda: text(fill(b"a.") + b":x\r\n", b"text/vcard"),
    "report of many lines": lambda: text(fill(b"a\n"), b"message/delivery-status"),
}
_KEY = b"\xc6\x26\x04\0\0\0\0\x1b" + b"k" * 32
_KEYS: Mapping[str, Make] = {
    "beginnings of keys": lambda: text(fill(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n")),
    "beginnings of signatures": lambda: text(
        b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" + fill(b"-----BEGIN PGP SIGNATURE-----\r\n")
    ),
    "key with many names": lambda: file(
        _KEY + fill(b"\xcd\x0e<alice@mail.i2p"[:16], 319_000), b"k.gpg"
    ),
    "key with many signatures": lambda: file(
        _KEY + fill(b"\xc2\x12\x04\x13\x1b\x08\0\2\1\x02\0\2\1\x19\0\0rest", 359_000), b"k.gpg"
    ),
}
_TREES: Mapping[str, Make] = {
    "lines like delimiters": lambda: multipart([fill(b"\r\n--bx")]),
    "lines like delimiters of every level": lambda: boxes(40),
    "messages in base64 with many parts": fan,
    "many pages": lambda: multipart(
        [b"Content-Type: text/html\r\n\r\n" + b"<p>words</p>\r\n" * 700] * 998
    ),
    "long fields of parts": lambda: multipart(
        [b"Content-Type: text/plain; name=" + b'\\"x' * 3_000 + b"\r\n\r\nx"] * 990
    ),
    "many fields of parts": lambda: multipart([b"X: y\r\n" * 900 + b"\r\nx"] * 990),
    "signed blanks": lambda: signed(b"<" + b" " * 5_000),
    "signed beginnings of tags": lambda: signed(b"<img "),
}
_HEADERS: Mapping[str, Make] = {
    "ten thousand addresses": lambda: header(b"To", b"Bob B <a@b.c>,\r\n "),
    "comments": lambda: header(b"To", b"(a)"),
    "open comments": lambda: header(b"To", b"("),
    "quotes": lambda: header(b"To", b'"\\"'),
    "open brackets": lambda: header(b"To", b'<"'),
    "words without an address": lambda: header(b"From", b"a "),
    "encoded words": lambda: header(b"Subject", b"=?utf-8?q?a?= =?koi8-r?q?b?="),
    "beginnings of encoded words": lambda: header(b"Subject", b"=?utf-8?q?"),
    "identifiers": lambda: header(b"References", b"<a@b>"),
    "open identifiers": lambda: header(b"References", b"<a"),
    "parameters": lambda: header(b"Content-Type", b'text/plain; name="\\\\'),
    "blanks": lambda: header(b"Date", b" "),
}
_PAGES: Mapping[str, Make] = {
    "open tags": lambda: html(b"<"),
    "beginnings of end tags": lambda: html(b"</"),
    "elements in each other": lambda: html(b"<div>", 22_000),
    "open formatting": lambda: html(b"<p><b>x", 7_000),
    "formatting in each block": lambda: html(b"<p>x", 48_000, b"<b>" * 80),
    "many tags": lambda: html(b"<p>", 447_000),
    "references in one text": lambda: html(b"& " + b"a" * 65),
    "long references": lambda: html(b"&" + b"a" * 1_000),
    "tables in each other": lambda: html(b"<table><tr><td>", 15_000),
    "line ends": lambda: html(b"\n"),
    "attributes": lambda: html(b" a=b", start=b"<p"),
    "comments": lambda: html(b"<!-- x -->"),
}
_FILES: Mapping[str, Make] = {
    "PDF of many objects": lambda: pdf(74_000, b"<</A 1>>"),
    "PDF of too many objects": lambda: pdf(140_000, b"<</A 1>>"),
    "PDF without a table": lambda: file(b"%PDF-1.4\n" + fill(b"1 0 obj\n", _FILE_OCTETS), b"a.pdf"),
    "PDF with a bomb": lambda: stream(b""),
    "PDF with a bomb for a profile": lambda: stream(b"/N 3"),
    "PDF with a bomb packed twice": packed_twice,
    "PDF with a bomb attached": lambda: packed_twice(b"/Type/EmbeddedFile"),
    "PDF of packed objects": objects_packed,
    "PDF of many notes": lambda: pdf(
        3, b"[" + fill(b"<</Rect[]/Subtype/Text/T(a)>>", _FILE_OCTETS) + b"]"
    ),
    "PDF of many numbers": lambda: pdf(3, b"[" + fill(b"0 ", _FILE_OCTETS) + b"/Rect]"),
    "PDF of many pictures": lambda: pdf(
        70_000, b"<</Filter/DCT/Length 3>>stream\n\xff\xd8\xff\nendstream"
    ),
    "PDF of many names": lambda: pdf(
        3, b"<<" + b"".join(b"/A%d()" % each for each in range(800_000)) + b"/Rect 1>>"
    ),
    "archive of documents": lambda: archive(7_000, ".pdf", _SMALLEST_PDF),
    "document of editing sessions": lambda: document(_OOXML, "word/document.xml", b' w:rsidR="0"'),
    "document of authors": lambda: document(_OOXML, "word/document.xml", b' w:author=""'),
    "workbook of open elements": lambda: document(_OOXML, "xl/workbook.xml", b"<xr:revisionPtr "),
    "workbook of folders": lambda: document(_OOXML, "xl/workbook.xml", b"<x15ac:absPath url="),
    "comments of people": lambda: document(_OOXML, "xl/comments.xml", b' name=""'),
    "text of authors": lambda: document(_ODF, "content.xml", b"<dc:creator>"),
    "picture of many pieces": lambda: file(picture_of_pieces(9_999), b"a.heic"),
    "archive of pictures of many pieces": lambda: archive(5_000, ".heic", picture_of_pieces(1)),
    "sound of small pages": lambda: file(
        b"OggS\0\2"
        + bytes(8)
        + b"\1\0\0\0"
        + bytes(8)
        + b"\1\x13OpusHead"
        + bytes(11)
        + fill(b"OggS\0\0" + bytes(8) + b"\1\0\0\0" + bytes(8) + b"\0", _FILE_OCTETS),
        b"a.opus",
    ),
    "sound of small blocks": lambda: file(b"fLaC" + fill(bytes(4), _FILE_OCTETS), b"a.flac"),
    "film of lost tracks": lambda: file(film_of_lost_tracks(30_000), b"a.mp4"),
    "archive of lost tracks": lambda: archive(5_000, ".mp4", film_of_lost_tracks(1)),
    "archive of many entries": lambda: archive(9_999, "a", b"x"),
    "damaged archive": lambda: file(fill(b"PK\x03\x04", _FILE_OCTETS), b"a.zip"),
    "archive of JPEG segments": lambda: archive(
        60, ".jpg", b"\xff\xd8\xff" + b"\xff\xe1\0\2" * 250_000
    ),
    "archive of JPEG fill": lambda: archive(60, ".jpg", b"\xff\xd8\xff" + b"\xff" * 1_000_000),
    "archive of GIF blocks": lambda: archive(
        60, ".gif", b"GIF89a" + bytes(7) + b"\x21\xfe\0" * 333_000
    ),
    "archive of sound": lambda: archive(
        800, ".wav", b"RIFF\0\0\0\0WAVE" + b"data\0\0\0\0" * 10_000
    ),
    "archive of RTF": lambda: archive(60, ".rtf", b"{\\rtf1" + b"{\\a" * 300_000),
    "picture of many packed profiles": lambda: file(png(700), b"a.png"),
    "archive of packed profiles": lambda: archive(800, ".png", png(1)),
    "profile of tags that overlap": lambda: file(profile_of_tags(), b"a.jpg"),
    "drawing of many elements": lambda: file(
        b"<svg xmlns='http://www.w3.org/2000/svg'>" + fill(b"<g a='b'/>", _FILE_OCTETS), b"a.svg"
    ),
    "film of lists": lambda: file(
        b"RIFF\0\0\0\0AVI " + fill(b"LIST\x04\0\0\0hdrl", _FILE_OCTETS), b"a.avi"
    ),
    "film of boxes": lambda: file(
        b"\0\0\0\x08ftyp" + fill(b"\0\0\0\x08free", _FILE_OCTETS), b"a.mp4"
    ),
    "TNEF of attributes": lambda: file(
        b"\x78\x9f\x3e\x22\0\0" + fill(b"\2" + struct.pack("<II", 1, 0) + b"\0\0", _FILE_OCTETS),
        b"winmail.dat",
    ),
}
CASES: Mapping[str, Make] = {
    f"{group}: {name}": make
    for group, cases in {
        "text": _TEXTS,
        "OpenPGP": _KEYS,
        "tree": _TREES,
        "header": _HEADERS,
        "HTML": _PAGES,
        "file": _FILES,
    }.items()
    for name, make in cases.items()
}
