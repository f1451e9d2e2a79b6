# SPDX-License-Identifier: Apache-2.0
"""Reads OpenPGP of strangers in a process of its own, which may take so much and no more.

A few hundred octets can unpack to gigabytes, and the library unpacks all of it before it returns.
So it works in a child that is born for one message, gets the keys through a pipe, and dies with
them: by itself, or of its limits.

Trust: anybody may have written what is read; the child's answer is read as strictly.
"""

import os
import resource
import subprocess
import sys
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from eepost.app.hardening import keep_memory_private
from eepost.services.letterbox.webmail import openpgp
from eepost.services.letterbox.webmail.openpgp import (
    KeyRefused,
    KeyRing,
    Opened,
    OwnKey,
    Shut,
    TooLarge,
)

# What a mail of 50 MB needs several times over, the interpreter included.
MAX_MEMORY_OCTETS: Final = 1_073_741_824
# What is shown or downloaded of it; more than any service takes.
MAX_OPENED_OCTETS: Final = 67_108_864
MAX_CPU_SECONDS: Final = 20
MAX_SECONDS: Final = 30.0


class Decrypt(Struct, frozen=True, tag="decrypt"):
    """Asks for `openpgp.decrypt`."""

    encrypted: bytes
    ring: KeyRing

    def __repr__(self) -> str:
        return "Decrypt()"


class ReadCertificates(Struct, frozen=True, tag="certificates"):
    """Asks for `openpgp.read_certificates`."""

    given: bytes


class ReadOwnKey(Struct, frozen=True, tag="read own key"):
    """Asks for `openpgp.read_own_key`."""

    given: bytes
    passphrase: str

    def __repr__(self) -> str:
        return "ReadOwnKey()"


class Certificates(Struct, frozen=True, tag="found"):
    """Certificates by fingerprint."""

    found: dict[str, bytes]


class Refusal(Struct, frozen=True, tag="refusal"):
    """Why there is nothing; empty: no key fits."""

    reason: str = ""


Question = Decrypt | ReadCertificates | ReadOwnKey
Answer = Opened | Certificates | OwnKey | Refusal
_QUESTION: Final = msgspec.msgpack.Decoder(Question)
_ANSWER: Final = msgspec.msgpack.Decoder(Answer)
AnswerT = TypeVar("AnswerT", Opened, Certificates, OwnKey)


class Apart:
    """Satisfies `openpgp.Reader`."""

    def decrypt(self, encrypted: bytes, ring: KeyRing) -> Opened:
        """Return what a message says, with whose signature. Raises Shut, TooLarge."""
        if not ring.own:
            raise Shut
        return _asked(Decrypt(encrypted, ring), Opened)

    def read_certificates(self, given: bytes) -> dict[str, bytes]:
        """Return certificates by their fingerprints. Raises KeyRefused, TooLarge."""
        return _asked(ReadCertificates(given), Certificates).found

    def read_own_key(self, given: bytes, passphrase: str) -> OwnKey:
        """Return a private key that was made elsewhere. Raises KeyRefused, TooLarge."""
        return _asked(ReadOwnKey(given, passphrase), OwnKey)


def _asked(question: Question, kind: type[AnswerT]) -> AnswerT:
    try:
        done = subprocess.run(  # noqa: S603 - this module, by the interpreter that runs already
            # From nowhere but where we come from: a folder that the program was started in may
            # hold what somebody has sent, and the child has the keys.
            [sys.executable, "-s", "-P", "-m", __name__],
            cwd="/",
            env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))},
            input=msgspec.msgpack.encode(question),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MAX_SECONDS,
            check=False,
        )
        answer = _ANSWER.decode(done.stdout)
    except (subprocess.TimeoutExpired, msgspec.MsgspecError):
        raise TooLarge from None
    if isinstance(answer, kind):
        return answer
    if isinstance(answer, Refusal) and answer.reason:
        raise KeyRefused(answer.reason)
    raise Shut


def answer(question: Question) -> Answer:
    """Return what the child says."""
    try:
        match question:
            case Decrypt(encrypted, ring):
                return openpgp.decrypt(encrypted, ring)
            case ReadCertificates(given):
                return Certificates(openpgp.read_certificates(given))
            case ReadOwnKey(given, passphrase):
                return openpgp.read_own_key(given, passphrase)
    except KeyRefused as refused:
        return Refusal(refused.reason)
    except Shut:
        return Refusal()


def main() -> None:
    """Answer one question; say nothing where that is too much."""
    keep_memory_private()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_OCTETS, MAX_MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    try:
        octets = msgspec.msgpack.encode(answer(_QUESTION.decode(sys.stdin.buffer.read())))
    except (MemoryError, TooLarge):
        return
    if len(octets) <= MAX_OPENED_OCTETS:
        sys.stdout.buffer.write(octets)


if __name__ == "__main__":
    main()
