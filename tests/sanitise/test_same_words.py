# SPDX-License-Identifier: Apache-2.0
"""Two users send the same words with different programs: nobody can tell which used which.

What is delivered differs in address, name, Message-ID and boundary, and in nothing else.
"""

import base64
import io
import quopri
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Sanitised
from tests.sanitise.golden import counted

WORDS = (
    "Hello Bob,\n"
    "\n"
    "the caf\u00e9 opens at nine \u2013 \u201creally\u201d, for 5 \u20ac.\n"
    "It is the one behind the church.\n"
    "\n"
    "> Where is it?\n"
    "\n"
    "-- \n"
    "Alice\n"
)
ASCII = "Hello Bob,\n\nnine o'clock.\n\nAlice\n"


def crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def packed(words: str, charset: str, encoding: str) -> bytes:
    octets = crlf(words.encode(charset))
    if encoding == "quoted-printable":
        return crlf(quopri.encodestring(octets.replace(b"\r\n", b"\n")))
    return crlf(base64.encodebytes(octets)) if encoding == "base64" else octets


def stuffed(words: str) -> str:
    """Words as RFC 3676 asks for them: blanks in front of what would read as a quote."""
    return re.sub(r"(?m)^(?= |From )", " ", words)


# How programs write one text: fields in their order, then character set, encoding and habits.
Program = Callable[[str, str], bytes]


def text_by(
    head: str, charset: str, encoding: str, *, end: str = "", flowed: bool = False
) -> Program:
    def write(words: str, name: str) -> bytes:
        fields = head.replace("NAME", name).encode()
        body = packed((stuffed(words) if flowed else words) + end, charset, encoding)
        return crlf(fields) + b"\r\n" + body

    return write


TEXTS: dict[str, Program] = {
    "thunderbird": text_by(
        "Message-ID: <0d8c2a7e-6f0f@mail.i2p>\nDate: Mon, 23 Nov 2026 13:07:42 +0100\n"
        "MIME-Version: 1.0\nUser-Agent: Mozilla Thunderbird\nContent-Language: en-GB\n"
        "To: Bob <bob@mail.i2p>\nFrom: NAME <NAME@mail.i2p>\nSubject: =?UTF-8?Q?caf=C3=A9?=\n"
        "Content-Type: text/plain; charset=UTF-8; format=flowed\n"
        "Content-Transfer-Encoding: 8bit\n",
        *("utf-8", "8bit"),
        flowed=True,
        end="\n",
    ),
    "outlook express": text_by(
        'Message-ID: <000a01c2e5b7$4f9e2b80$0200a8c0@pc>\nFrom: "NAME" <NAME@mail.i2p>\n'
        'To: "Bob" <bob@mail.i2p>\nSubject: =?Windows-1252?B?Y2Fm6Q==?=\n'
        "Date: Sat, 8 Mar 2003 21:14:10 +0100\nMIME-Version: 1.0\n"
        'Content-Type: text/plain;\n\tcharset="Windows-1252"\n'
        "Content-Transfer-Encoding: quoted-printable\nX-Priority: 3\n"
        "X-MimeOLE: Produced By Microsoft MimeOLE V6.00\n",
        *("windows-1252", "quoted-printable"),
        end="\n\n",
    ),
    "evolution": text_by(
        "Subject: =?UTF-8?Q?caf=C3=A9?=\nFrom: NAME <NAME@mail.i2p>\nTo: Bob <bob@mail.i2p>\n"
        'Content-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: base64\n'
        "Date: Mon, 23 Nov 2026 16:00:00 +0000\nMime-Version: 1.0\nX-Mailer: Evolution 3.52.4 \n",
        *("utf-8", "base64"),
    ),
    "a windows program": text_by(
        "from: NAME@mail.i2p (NAME)\nto: bob@mail.i2p (Bob)\nsubject: caf\u00e9\n"
        "content-type: TEXT/PLAIN; CHARSET=windows-1252\ncontent-transfer-encoding: 8BIT\n",
        *("windows-1252", "8bit"),
        end="\n",
    ),
    "a program in one part": lambda words, name: crlf(
        f'From: "NAME" <NAME@mail.i2p>\nTo: Bob <bob@mail.i2p>\nSubject: caf\u00e9\n'
        f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=_1"\n\nMIME!\n'
        f"--=_1\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: inline\n\n{words}\n"
        f"--=_1--\n".replace("NAME", name).encode()
    ),
}


def sent(message: bytes, name: str) -> bytes:
    """Return what is delivered, with what may differ made equal."""
    context = FromUser(
        address=Address(name, "mail.i2p"),
        addresses=frozenset({Address(name, "mail.i2p")}),
        message_id_key=name.encode().ljust(32),
        message_id_domain="mail.i2p",
        accepted_utc=1_795_435_200,
        randomness=counted(),
    )
    outcome = sanitise_from_user(message, context)
    assert isinstance(outcome, Sanitised)
    made = re.sub(rb"[a-z2-7]{32}", b"random", b"".join(outcome.pieces))
    return made.replace(name.encode(), b"author")


@pytest.mark.parametrize("program", TEXTS)
@pytest.mark.parametrize("words", [WORDS, ASCII])
def test_texts_are_equal(program: str, words: str) -> None:
    others = sent(TEXTS["thunderbird"](words, "carol"), "carol")
    assert sent(TEXTS[program](words, "dave"), "dave") == others
    assert "caf\u00e9" in words or b"nine o'clock" in others


# ---- text and HTML in one message

PAGES = {
    "thunderbird": '<!DOCTYPE html>\n<html>\n  <head>\n\n    <meta http-equiv="content-type" '
    'content="text/html; charset=UTF-8">\n  </head>\n  <body>\n    <p>Hello Bob,</p>\n    <p>the '
    "<b>caf\u00e9</b> opens at nine:<br>\n      it is the one behind the church.<br>\n    </p>\n"
    "    <p>Alice<br>\n    </p>\n  </body>\n</html>\n",
    "a web page": '<div dir="ltr">Hello Bob,<div><br></div><div>the <b>caf\u00e9</b> opens at nine:'
    '</div><div>it is the one behind the church.</div><div><br></div><div><span class="x_sig">'
    "Alice</span></div></div>\n",
    "a word processor": '<html xmlns:o="urn:schemas-microsoft-com:office"><head><style><!--\n'
    "p.MsoNormal {margin:0cm}\n--></style></head><body lang=EN-GB><div class=WordSection1>"
    "<p class=MsoNormal>Hello Bob,<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
    "<p class=MsoNormal>the <b>caf\u00e9</b> opens at nine:<o:p></o:p></p><p class=MsoNormal>it is "
    "the one\nbehind the church.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
    "<p class=MsoNormal>Alice<o:p></o:p></p></div></body></html>",
    "a telephone": '<html><head></head><body dir="auto">Hello Bob,<div><br></div><div>the <b>caf'
    "&eacute;</b> opens at nine:</div><div>it is the one behind the church.<br><br>"
    '<div dir="ltr">Alice</div></div></body></html>',
    "a desk of 1999": "<HTML>\n<HEAD>\n<META content=MSHTML name=GENERATOR></HEAD>\n<BODY "
    "bgColor=#ffffff>\n<DIV><FONT face=Arial size=2>Hello Bob,</FONT></DIV>\n<DIV>&nbsp;</DIV>\n"
    "<DIV>the <STRONG>caf&#233;</STRONG> opens at nine:</DIV>\n<DIV>it is the one behind the "
    "church.</DIV>\n<DIV>&nbsp;</DIV>\n<DIV>Alice</DIV></BODY></HTML>\n",
    "an old desk": "<html>\n<body>\nHello Bob,<br><br>\nthe <b>caf\u00e9</b> opens at nine:<br>\n"
    "it is the one behind the church.<br><br>\n<x-sigsep></x-sigsep>Alice</body>\n</html>\n",
}
PLAIN = "Hello Bob,\n\nthe caf\u00e9 opens at nine:\nit is the one behind the church.\n\nAlice\n"


def page_by(program: str, name: str, charset: str) -> bytes:
    parts = (("plain", PLAIN), ("html", PAGES[program]))
    written = b"".join(
        f"--={program}=\r\nContent-Type: text/{kind}; charset={charset}\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        + packed(text, charset, "quoted-printable")
        + b"\r\n"
        for kind, text in parts
    )
    return (
        f"X-Mailer: {program}\r\nFrom: {name}@mail.i2p\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="={program}="\r\n\r\n'.encode()
        + written
        + f"--={program}=--\r\n".encode()
    )


@pytest.mark.parametrize("program", PAGES)
def test_pages_are_equal(program: str) -> None:
    carols = sent(page_by("thunderbird", "carol", "utf-8"), "carol")
    assert sent(page_by(program, "dave", "iso-8859-1"), "dave") == carols


# ---- pictures


def photo(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 7), "teal").save(file, "JPEG", quality=80, **options)
    return file.getvalue()


def camera(maker: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = maker
    return exif


ATTACHED = {
    "telephone": b"Content-Type: multipart/mixed; boundary=Apple-Mail-1\r\n\r\n"
    b"--Apple-Mail-1\r\nContent-Type: text/plain;\r\n\tcharset=us-ascii\r\n\r\nsee\r\n\r\n"
    b"--Apple-Mail-1\r\nContent-Type: image/jpeg; name=photo.jpg; x-apple-part-url=1\r\n"
    b"Content-Disposition: inline; filename=photo.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(photo(exif=camera("Pear"))).replace(b"\n", b"\r\n")
    + b"\r\n--Apple-Mail-1--\r\n",
    "desk": b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="--x"\r\n\r\nMIME\r\n'
    b"----x\r\nContent-Type: text/plain; format=flowed\r\n\r\nsee\r\n"
    b"----x\r\nContent-Type: IMAGE/PJPEG\r\nContent-ID: <1@desk>\r\nContent-Description: C:\\\r\n"
    b'Content-Disposition: attachment;\r\n filename="C:\\photo.jpg"; size=9\r\n'
    b"Content-Transfer-Encoding: BASE64\r\n\r\n"
    + base64.b64encode(photo(comment=b"made on a desk"))
    + b"\r\n----x--\r\nbye\r\n",
}


def test_messages_with_a_photo_are_equal() -> None:
    carols = sent(b"From: carol@mail.i2p\r\n" + ATTACHED["telephone"], "carol")
    assert sent(b"From: dave@mail.i2p\r\n" + ATTACHED["desk"], "dave") == carols
    assert carols.count(b"/9j/") == 1
