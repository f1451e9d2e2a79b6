# SPDX-License-Identifier: Apache-2.0
"""What the sanitiser costs by itself: texts of 4 kB, the corpus, ten megabytes of pictures.

Each measurement has a process of its own (`python -m bench.sanitiser NAME`), which ends with its
figures as JSON: memory that another one left behind would count.
"""

import io
import json
import math
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image
from tests.sanitise.corpus import FOLDER, real_messages

from bench.figures import Figures
from eepost.mail.address import Address
from eepost.mail.transfer import encode_base64, encode_quoted_printable
from eepost.sanitise.from_user import FromUser, sanitise_from_user

_ALICE = Address("alice", "mail.i2p")
_CONTEXT = FromUser(
    address=_ALICE,
    addresses=frozenset({_ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"r" * count,
)
_HEAD = (
    b"Message-ID: <5f3c-1@laptop.lan>\r\nDate: Mon, 23 Nov 2026 17:13:59 +0200\r\n"
    b"MIME-Version: 1.0\r\nUser-Agent: Mozilla Thunderbird\r\nContent-Language: en-GB\r\n"
    b"To: Bob Example <bob@mail.i2p>\r\nFrom: Alice <alice@mail.i2p>\r\n"
    b"Subject: Re: The words of the day\r\n"
)
_ENGLISH = (
    "The quick brown fox jumps over the lazy dog, and nobody in the village minds it at all. "
)
_GERMAN = (
    "Der schnelle Fuchs springt über den faulen Hund, und niemanden im Dörfchen störte es je. "
)
_RUSSIAN = (
    "Съешь же ещё этих мягких французских булок, да выпей чаю, в деревне это никому не мешает. "
)
_OCTETS = 4_096
_COLUMNS = 72


def _text(words: str, soft: str = "") -> bytes:
    """Return about 4 kB of paragraphs; `soft` ends every line but the last of one."""
    lines: list[str] = []
    while len("\r\n".join(lines).encode()) < _OCTETS:
        *wrapped, last = textwrap.wrap(words * 4, _COLUMNS)
        lines += [*(line + soft for line in wrapped), last, ""]
    octets = "\r\n".join(lines).encode()
    return octets[: octets.rfind(b"\r\n", 0, _OCTETS) + 2]


def _letter(encoding: bytes, body: bytes, kind: bytes = b"charset=UTF-8") -> bytes:
    said = b"Content-Type: text/plain; %s\r\nContent-Transfer-Encoding: %s\r\n\r\n"
    return _HEAD + said % (kind, encoding) + body


def texts() -> Figures:
    """Microseconds for a text of 4 kB, by how a program sent it: the least of many attempts."""
    german, flowed = _text(_GERMAN), b"charset=UTF-8; format=flowed"
    letters = {
        "ascii_us": _letter(b"7bit", _text(_ENGLISH)),
        "utf8_us": _letter(b"8bit", german),
        "quoted_us": _letter(b"quoted-printable", encode_quoted_printable(german)),
        "base64_us": _letter(b"base64", encode_base64(german)),
        "cyrillic_us": _letter(b"8bit", _text(_RUSSIAN)),
        "flowed_us": _letter(b"7bit", _text(_ENGLISH, soft=" "), flowed),
    }
    return {name: _seconds(letter, 50, 60) * 1e6 for name, letter in letters.items()}


def _seconds(message: bytes, count: int, attempts: int) -> float:
    """Return the time of one message; the least, since load of the machine only ever adds."""
    least = math.inf
    for _ in range(attempts):
        start = time.perf_counter()
        for _ in range(count):
            sanitise_from_user(message, _CONTEXT)
        least = min(least, (time.perf_counter() - start) / count)
    return least


def corpus() -> Figures:
    """Milliseconds of one core for a real message, in the mean and at most."""
    taken = []
    for message in real_messages():
        submitted = message.as_submitted_by(str(_ALICE))
        taken.append(_seconds(submitted, 1, 3) * 1e3)
    return {"cpu_ms": sum(taken) / len(taken), "slowest_ms": max(taken)}


def pictures() -> Figures:
    """Seconds and memory for a message of ten megabytes, photographs in HTML."""
    message = _with_pictures()
    return {
        "seconds": _seconds(message, 1, 3),
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Return the most memory that this program had.

    Not `ru_maxrss`: that counts what the process was before it became this program, a test runner
    of half a gigabyte for instance.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1_024


def _with_pictures() -> bytes:
    chance = random.Random(1)
    parts = [b"Content-Type: text/html\r\n\r\n" + b"<img src=cid:1@x>" * 9]
    named = b"Content-Type: image/jpeg; name=%d.jpg\r\nContent-ID: <%d@x>\r\n"
    while sum(map(len, parts)) < 9_500_000:
        noise = Image.frombytes("RGB", (1_200, 800), chance.randbytes(1_200 * 800 * 3))
        made = io.BytesIO()
        noise.save(made, "JPEG", quality=80, exif=Image.Exif())
        octets = encode_base64(made.getvalue())
        head = named % (len(parts), len(parts))
        parts.append(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + octets)
    body = b"".join(b"--b\r\n%s\r\n" % part for part in parts)
    return _HEAD + b"Content-Type: multipart/related; boundary=b\r\n\r\n" + body + b"--b--\r\n"


MEASUREMENTS: Mapping[str, Callable[[], Figures]] = {
    "texts": texts,
    "corpus": corpus,
    "pictures": pictures,
}


def is_possible(name: str) -> bool:
    """Say whether a measurement finds what it needs."""
    return name != "corpus" or FOLDER.is_dir()


def measured_apart(name: str) -> Figures:
    """Return the figures of a measurement in a process of its own."""
    command = (sys.executable, "-m", "bench.sanitiser", name)
    root = Path(__file__).parents[1]
    said = subprocess.run(command, cwd=root, capture_output=True, check=True)
    figures: Figures = json.loads(said.stdout)
    return figures


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]]()))
