# SPDX-License-Identifier: Apache-2.0
import binascii
import email
import os
import time
from dataclasses import replace

import pytest

from eepost.mail.address import Address
from eepost.mail.transfer import MAX_UU_LINES
from eepost.mail.violation import PeerViolation
from eepost.sanitise.choices import Choices, OnFailure
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.uuencoded import MAX_FILES, holds_files, split_files
from tests.sanitise.parts import content

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=os.urandom,
)
PHOTO = b"\xff\xd8\xff\xe1\x00\x20Exif\0\0taken at home, by my phone\xff\xd9"


def block(octets: bytes, name: bytes = b"/home/alice/me.jpg") -> bytes:
    lines = [binascii.b2a_uu(octets[at : at + 45]) for at in range(0, len(octets), 45)]
    body = b"".join(lines).replace(b"\n", b"\r\n")
    return b"begin 644 " + name + b"\r\n" + body + b"`\r\nend\r\n"


def sent(text: bytes, context: FromUser = CONTEXT) -> Sanitised | Refused:
    return sanitise_from_user(b"From: alice@mail.i2p\r\n\r\n" + text, context)


def parts(text: bytes, context: FromUser = CONTEXT) -> list[tuple[str, str | None, bytes]]:
    outcome = sent(text, context)
    assert isinstance(outcome, Sanitised)
    message = email.message_from_bytes(b"".join(outcome.pieces))
    leaves = [each for each in message.walk() if not each.is_multipart()]
    return [(each.get_content_type(), each.get_filename(), content(each)) for each in leaves]


def test_file_in_a_text_leaves_beside_it_and_clean() -> None:
    text, photo = parts(b"Look:\r\n" + block(PHOTO) + b"Bye\r\n")
    assert text == ("text/plain", None, b"Look:\r\nBye\r\n")
    assert photo[:2] == ("image/jpeg", "me.jpg")
    assert b"phone" not in photo[2]


def test_file_that_can_not_be_cleaned_is_treated_as_chosen() -> None:
    unclean = block(b"Rar!\x1a\x07\x00 packed by somebody")
    assert isinstance(sent(unclean), Refused)
    drops = replace(CONTEXT, choices=Choices(unclean=OnFailure.DROP))
    assert parts(b"words\r\n" + unclean, drops) == [("text/plain", None, b"words\r\n")]


@pytest.mark.parametrize(
    "text",
    [
        b"begin 644 of the story\r\nno file\r\nend\r\n",
        b"begin 644 a\r\n#~~~~\r\nend\r\n",
        b"begin 644 a\r\nend\r\n",
        b"begin 644 a\r\n#86)C end\r\n",
        b"begin 644 a\r\n#86)C",
        b"we begin 644 a\r\n#86)C\r\n`\r\nend\r\n",
    ],
)
def test_what_is_no_file_stays_text(text: bytes) -> None:
    ((kind, _, words),) = parts(text)
    assert kind == "text/plain"
    assert words.split() == text.split()


def test_clear_signed_text_stays_as_it_is() -> None:
    text = (
        b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n"
        + block(PHOTO)
        + b"-----BEGIN PGP SIGNATURE-----\r\n\r\nx\r\n-----END PGP SIGNATURE-----\r\n"
    )
    ((_, _, words),) = parts(text)
    assert words == text


def test_files_are_counted() -> None:
    assert len(split_files(block(b"x") * MAX_FILES)[1]) == MAX_FILES
    with pytest.raises(PeerViolation):
        split_files(block(b"x") * (MAX_FILES + 1))
    assert isinstance(sent(block(b"x") * (MAX_FILES + 1)), Refused)
    too_long = b"begin 644 a\n" + b"!A\n" * (MAX_UU_LINES + 1) + b"end\n"
    with pytest.raises(PeerViolation):
        split_files(too_long)


@pytest.mark.parametrize(
    "text",
    [b"begin 644 a\r\n" * 300_000, b"begin 644 a\r\n" + b"M\r\n" * 1_500_000, b"begin " * 800_000],
)
def test_looking_for_files_takes_no_time(text: bytes) -> None:
    began = time.process_time()
    assert not holds_files(text)
    assert split_files(text) == (text, [])
    assert time.process_time() - began < 2
