# SPDX-License-Identifier: Apache-2.0
"""No hidden place of a message keeps a secret, and programs can not be told apart afterwards."""

import base64
import io
import itertools
import quopri
import re
import zipfile
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Sanitised

_numbers = itertools.count(1)
ALICE = Address("alice", "mail.i2p")
CONTEXT: Final = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: next(_numbers).to_bytes(count, "big"),
)


def sanitised(message: bytes, context: FromUser = CONTEXT) -> bytes:
    outcome = sanitise_from_user(message, context)
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def picture(secret: str) -> bytes:
    made = io.BytesIO()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", secret)
    Image.new("RGB", (8, 8), "red").save(made, "PNG", pnginfo=notes)
    return made.getvalue()


def photograph(secret: str) -> bytes:
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = secret
    Image.new("RGB", (8, 8), "red").save(made, "JPEG", exif=exif, comment=secret.encode())
    return made.getvalue()


def archive(secret: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.comment = secret.encode()
        packed.writestr("a.txt", "words")
    return made.getvalue()


# Each with %s where the secret stands. What a reader would not see is no place to keep it.
HEADERS: Final = (
    "X-Anything: %s",
    "Received: from %s.laptop.example (%s [203.0.113.7])",
    "User-Agent: %s/7.1",
    "Message-ID: <%s@laptop>",
    "In-Reply-To: <%s@laptop>",
    "References: <a@b> <%s@laptop>",
    "Bcc: %s@elsewhere.example",
    "Sender: %s@elsewhere.example",
    "Reply-To: %s@elsewhere.example",
    "Date: Mon, 23 Nov 2026 18:04:51 +0300 (%s)",
    "Comments: %s",
    "Keywords: %s",
    "List-Id: <%s.example>",
    "MIME-Version: 1.0 (%s)",
    "Resent-From: %s@elsewhere.example",
    "DKIM-Signature: v=1; d=%s.example; b=%s",
    "Disposition-Notification-To: %s@elsewhere.example",
    "Autocrypt: addr=%s@x.example; keydata=AAAA",
    "Auto-Submitted: auto-replied; owner-email=%s",
)
HTMLS: Final = (
    "<!-- %s --><p>words</p>",
    '<html lang="%s"><p>words</p>',
    '<p class="%s" id="%s" style="font-family: %s" title="%s" data-x="%s">words</p>',
    '<meta name="generator" content="%s"><p>words</p>',
    "<style>.%s {color: red}</style><p>words</p>",
    "<script>var x = '%s'</script><p>words</p>",
    "<title>%s</title><p>words</p>",
    '<img src="http://%s.example/pixel.png" alt="x"><p>words</p>',
    '<p onclick="%s()">words</p>',
    "<o:p hidden-%s='x'></o:p><p>words</p>",
    "<template>%s</template><p>words</p>",
)
RECORDS: Final = (
    "BEGIN:VCALENDAR\r\nPRODID:-//%s//EN\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@a\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART:20260102T000000Z\r\nSUMMARY:words\r\nX-THING:%s\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n",
)
FILES: Final = {"image/png": picture, "image/jpeg": photograph, "application/zip": archive}
TOP: Final = "From: alice@mail.i2p\r\nTo: bob@mail.i2p\r\nSubject: words\r\n"


def filled(text: str, secret: str) -> str:
    return text.replace("%s", secret)


def multipart(secret: str, place: str) -> str:
    """A message of two parts, the secret in one of the places between and around them."""
    at = dict.fromkeys(("preamble", "epilogue", "boundary", "part header", "charset", "name"), "")
    at[place] = secret
    boundary = f"b{at['boundary']}"
    part = f"X-Part: {at['part header']}\r\n" if at["part header"] else ""
    folder = f"/home/{at['name']}/" if at["name"] else ""
    about = f'; x-{at["charset"]}="{at["charset"]}"' if at["charset"] else ""
    return (
        f"Content-Type: multipart/mixed; boundary={boundary}{about}\r\n\r\n{at['preamble']}\r\n"
        f"--{boundary}\r\n{part}Content-Type: text/plain{about}\r\n\r\nwords\r\n"
        f'--{boundary}\r\nContent-Type: application/octet-stream; name="{folder}a.bin"\r\n'
        f'Content-Disposition: attachment; filename="{folder}a.bin"\r\n'
        f"Content-Description: {at['part header']}\r\n\r\noctets\r\n"
        f"--{boundary}--\r\n{at['epilogue']}\r\n"
    )


def places(secret: str) -> list[tuple[str, bytes]]:
    """Return messages with the secret, each in another place that nobody sees."""
    found = [
        (field.partition(":")[0], f"{TOP}{filled(field, secret)}\r\n\r\nwords\r\n".encode())
        for field in HEADERS
    ]
    found += [
        (html[:24], f"{TOP}Content-Type: text/html\r\n\r\n{filled(html, secret)}\r\n".encode())
        for html in HTMLS
    ]
    found += [
        (place, (TOP + multipart(secret, place)).encode())
        for place in ("preamble", "epilogue", "boundary", "part header", "charset", "name")
    ]
    found += [
        ("calendar", f"{TOP}Content-Type: text/calendar\r\n\r\n{filled(each, secret)}".encode())
        for each in RECORDS
    ]
    inner = f"From: x@y.example\r\nX-Mailer: {secret}\r\nReceived: {secret}\r\n\r\nwords\r\n"
    found.append(("nested", f"{TOP}Content-Type: message/rfc822\r\n\r\n{inner}".encode()))
    for kind, make in FILES.items():
        head = f"{TOP}Content-Type: {kind}\r\nContent-Disposition: attachment; filename=f\r\n"
        body = base64.encodebytes(make(secret)).replace(b"\n", b"\r\n")
        found.append((kind, f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + body))
    return found


def holds(message: bytes, secret: str) -> bool:
    """Say whether the secret stands in a message, as it is or in what base 64 in it holds."""
    wanted = secret.lower().encode()
    runs = re.findall(
        rb"(?:[A-Za-z0-9+/]{60,}\r\n)*[A-Za-z0-9+/=]{20,}(?:\r\n[A-Za-z0-9+/=]{4,}(?=\r\n))?",
        message + b"\r\n",
    )
    decoded = b"".join(_octets(b"".join(run.split())) for run in runs)
    return wanted in message.lower() or wanted in decoded.lower()


def _octets(run: bytes) -> bytes:
    """Return what a run of base 64 holds; a word that only looks like one gives noise."""
    letters = run.rstrip(b"=").replace(b"=", b"")
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


secrets = st.from_regex(r"\Azq[a-z]{8,16}qz\Z")


@given(secrets)
@settings(max_examples=15, deadline=None)
def test_no_hidden_place_keeps_a_secret(secret: str) -> None:
    for place, message in places(secret):
        assert holds(message, secret), f"nothing to find in {place}"
        assert not holds(sanitised(message), secret), place


@given(secrets)
@settings(max_examples=15, deadline=None)
def test_what_a_reader_sees_stays(secret: str) -> None:
    for head, body in (
        ("", f"words {secret}"),
        (f"Subject: {secret}\r\n", "words"),
        ("Content-Type: text/html\r\n", f"<p>{secret}</p>"),
    ):
        top = TOP.replace("Subject: words\r\n", "") if head.startswith("Subject") else TOP
        assert holds(sanitised(f"{top}{head}\r\n{body}\r\n".encode()), secret)


WORDS: Final = "Grüße aus dem Netz.\n\nBis bald\nAlice\n"
# One space at the end of a line lets the next one flow on (RFC 3676), so this says the same words.
ENCODED: Final = {
    "8bit": (b"text/plain; charset=utf-8", b"8bit", WORDS.encode()),
    "qp": (
        b'text/plain; charset="UTF-8"',
        b"quoted-printable",
        quopri.encodestring(WORDS.encode()),
    ),
    "base64": (b"text/plain;\r\n charset=utf-8", b"base64", base64.encodebytes(WORDS.encode())),
    "latin": (b"text/plain; charset=ISO-8859-1", b"8bit", WORDS.encode("latin-1")),
    "flowed": (b"text/plain; charset=utf-8; format=flowed", b"8bit", WORDS.encode()),
}
HABITS: Final = (
    b"From: %s\r\nTo: bob@mail.i2p\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"User-Agent: Mutt/2.2\r\nMessage-ID: <20261123.GA1@laptop>\r\n",
    b"Message-ID: <4A5B@laptop>\r\nDate: Mon, 23 Nov 2026 18:04:51 +0300\r\nMIME-Version: 1.0\r\n"
    b"User-Agent: Mozilla Thunderbird\r\nContent-Language: de-DE\r\nTo: bob@mail.i2p\r\n"
    b"From: %s\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\nX-Mozilla-Draft-Info: x\r\n",
    b"Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nFrom: %s\r\nTO: <bob@mail.i2p>\r\nX-Priority: 3\r\n"
    b"X-Mailer: Microsoft Outlook 16.0\r\nThread-Index: AdF2\r\nImportance: Normal\r\n",
    b"Received: from localhost\r\nfrom: %s\r\nto: bob@mail.i2p\r\n"
    b"subject:  =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Universally-Unique-Identifier: 1\r\n"
    b"Mime-Version: 1.0 (Mac OS X Mail 16.0)\r\n",
)


def comparable(message: bytes, name: bytes) -> bytes:
    """Return a message without what may differ between two people."""
    without_id = re.sub(rb"Message-ID: <[^>]+>", b"Message-ID: <>", message)
    return without_id.replace(name + b"@mail.i2p", b"SOMEBODY")


@pytest.mark.parametrize("coding", sorted(ENCODED))
def test_two_users_with_different_programs_can_not_be_told_apart(coding: str) -> None:
    kind, encoding, body = ENCODED[coding]
    found = set()
    for name, habit in zip((b"alice", b"carol", b"dave", b"erin"), HABITS, strict=True):
        own = Address(name.decode(), "mail.i2p")
        context = replace(
            CONTEXT, address=own, addresses=frozenset({own}), message_id_key=name.ljust(32)
        )
        head = habit % (name + b"@mail.i2p")
        typed = b"Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (kind, encoding)
        lines = re.sub(rb"\r?\n", b"\r\n", body)
        found.add(comparable(sanitised(head + typed + lines, context), name))
    kind, encoding, body = ENCODED["8bit"]
    reference = b"Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (kind, encoding)
    plain = sanitised(HABITS[0] % b"alice@mail.i2p" + reference + body.replace(b"\n", b"\r\n"))
    found.add(comparable(plain, b"alice"))
    assert len(found) == 1, found


def test_programs_do_differ_before() -> None:
    assert len({comparable(habit % b"alice@mail.i2p", b"alice") for habit in HABITS}) == len(HABITS)
