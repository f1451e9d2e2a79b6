# SPDX-License-Identifier: Apache-2.0
import re

from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, rebuild_from_user
from eepost.sanitise.outcome import Refused, Sanitised

ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE}),
    message_id_key=b"k" * 32,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"\x01" * count,
)


def octets(outcome: Sanitised | Refused) -> bytes:
    assert isinstance(outcome, Sanitised)
    return b"".join(outcome.pieces)


def passed(message: bytes) -> Sanitised:
    outcome = rebuild_from_user(message, CONTEXT)
    assert isinstance(outcome, Sanitised)
    return outcome


def test_refusal_of_a_part_is_told() -> None:
    outcome = rebuild_from_user(b"Content-Type: message/partial; id=x\r\n\r\nx", CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply.code == 554


LINES = st.sampled_from(
    [
        *(b"one line", b"", b" stuffed", b"> quoted", b">>quoted", b"-- ", b"blank ", b"tab\t"),
        *(b"x" * 76, b"x" * 77, b"\x07", b"caf\xc3\xa9", b"caf\xe9", b"a\rb", b"a\nb", b"=20"),
        *(b"-----BEGIN PGP MESSAGE-----", b"Version: 1", b"- dash", b"."),
    ]
)
HEADERS = st.sampled_from(
    [
        *(b"", b"Content-Type: text/plain\r\n", b"Content-Type: TEXT/plain; charset=UTF-8\r\n"),
        *(b"Content-Type: text/plain; charset=us-ascii; format=flowed\r\n",),
        *(b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n",),
    ]
)


@given(HEADERS, st.lists(LINES), st.booleans())
def test_shortcut_for_plain_text_changes_nothing(
    header: bytes, lines: list[bytes], has_end: bool
) -> None:
    body = b"\r\n".join(lines) + (b"\r\n" if has_end else b"")
    message = b"From: alice@mail.i2p\r\nMessage-ID: <1@x>\r\n" + header + b"\r\n" + body
    disposed = message.replace(b"\r\n\r\n", b"\r\nContent-Disposition: inline\r\n\r\n", 1)
    assert octets(passed(message)) == octets(passed(disposed))


@given(HEADERS, st.lists(LINES))
def test_what_was_made_anew_stays_as_it_is(header: bytes, lines: list[bytes]) -> None:
    first = octets(passed(header + b"\r\n" + b"\r\n".join(lines)))
    again = octets(passed(first))
    strip = re.compile(rb"Message-ID: [^\r]*")
    assert strip.sub(b"", again) == strip.sub(b"", first)
