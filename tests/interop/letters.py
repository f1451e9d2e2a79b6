# SPDX-License-Identifier: Apache-2.0
"""The letter that every program sends, and what may and may not be left of it."""

import email
import email.policy
import re
from dataclasses import dataclass
from typing import Final

from tests.interop.isolation import HAS_OWN_NETWORK, HOST_NAME
from tests.interop.running import ZONE

SUBJECT: Final = "Grüße from the post office"
# A dot line would end DATA where a program does not stuff it; the last line is more than ASCII.
LINES: Final = (
    "Dear Bob,",
    "",
    ".",
    "..two dots, and a line of one above",
    "a trailing word",
    "Ünïcödé and € to the end",
)
TEXT: Final = "\n".join(LINES) + "\n"

# What programs add by themselves or pass on as it was given. Values to look for, by what they tell.
PLANTED: Final = {
    "Received": f"from {HOST_NAME} (192.0.2.7) by relay.example; Mon, 23 Nov 2026 01:02:03 {ZONE}",
    "X-Originating-IP": "[192.0.2.7]",
    "X-Mailer": "Planted Mailer 1.0",
    "User-Agent": "Planted Agent 2.0",
    "Message-ID": f"<planted.1234@{HOST_NAME}>",
    "Date": f"Mon, 23 Nov 2026 01:02:03 {ZONE}",
    "Bcc": "hidden@mail.i2p",
}
# Fields of a letter that reach the recipient; the value of every other one has to be gone.
_PASSED = frozenset(
    {
        "from",
        "to",
        "cc",
        "subject",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
    }
)

# A shorter value ("3", "en-US") is in many a mail by chance; with its name before it, it is not.
_TELLING_CHARACTERS = 6


def letter(sender: str, recipient: str, subject: str = SUBJECT) -> bytes:
    """Return a letter in CRLF lines that tells everything there is to tell."""
    fields = {
        **PLANTED,
        "From": f"Alice <{sender}>",
        "To": recipient,
        "Subject": _encoded(subject),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (head + "\r\n" + TEXT.replace("\n", "\r\n")).encode()


def _encoded(subject: str) -> str:
    return "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in subject.encode()) + "?="


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a program told the post office in one SMTP session."""

    greeting_name: str
    message: bytes

    @property
    def tells(self) -> dict[str, str]:
        """What it says of its user beyond the letter, by where it says it."""
        parsed = email.message_from_bytes(self.message, policy=email.policy.compat32)
        found = {
            name.lower(): " ".join(str(value).split())
            for name, value in parsed.items()
            if name.lower() not in _PASSED
        }
        return {"ehlo": self.greeting_name, **found}


def submitted(heard: bytes) -> Submitted:
    """Read the octets of an SMTP client's session with one message sent by DATA."""
    greeting = re.search(rb"^(?:EHLO|HELO) (\S+)\r$", heard, re.IGNORECASE | re.MULTILINE)
    assert greeting is not None
    content = re.search(rb"\r\nDATA\r\n(.*?\r\n)\.\r\n", heard, re.IGNORECASE | re.DOTALL)
    assert content is not None
    unstuffed = re.sub(rb"^\.", b"", content[1], flags=re.MULTILINE)
    return Submitted(greeting[1].decode(), unstuffed)


def body_of(message: bytes) -> bytes:
    """Return what follows the first empty line, in LF lines: programs store mail in those."""
    lines = message.replace(b"\r\n", b"\n")
    return lines.partition(b"\n\n")[2].rstrip(b"\n")


def subject_of(message: bytes) -> str:
    """Return the subject as a person reads it."""
    return str(email.message_from_bytes(message, policy=email.policy.default)["Subject"])


def text_of(message: bytes) -> str:
    """Return the text as a person reads it, in LF lines."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    content = parsed.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n").rstrip("\n") + "\n"  # programs differ in the last line


def leaks(delivered: bytes, told: Submitted) -> dict[str, str]:
    """Return what of `told.tells`, and of the machine, a recipient can still read."""
    suspects = {
        **{name: f"{name}: {value}" for name, value in told.tells.items()},
        **{f"value of {n}": v for n, v in told.tells.items() if len(v) >= _TELLING_CHARACTERS},
        "zone": ZONE,
        "loopback address": "127.0.0.1",
        "address of the writer's machine": "192.0.2.7",
    }
    if HAS_OWN_NETWORK:  # elsewhere it may be a word that any mail holds
        suspects["host name"] = HOST_NAME
    seen = " ".join(delivered.decode(errors="replace").split()).lower()
    return {where: value for where, value in suspects.items() if value.lower() in seen}
