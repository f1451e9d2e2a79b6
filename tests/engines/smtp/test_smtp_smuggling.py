# SPDX-License-Identifier: Apache-2.0
"""No smuggling inwards, and none onwards: what we take is one message to any program behind us."""

import itertools

import pytest
from hypothesis import given, settings

from tests.engines.smtp.sessions import CONTENT, LIMITS, LOG_IN, OCTETS, read_replies, run
from tests.engines.smtp.sloppy import assert_one_message, sloppy_messages, stuffed

BEGIN = LOG_IN + b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<bob@mail.i2p>\r\n"
SMUGGLED = b"MAIL FROM:<alice@mail.i2p>\r\nRCPT TO:<carol@mail.i2p>\r\nDATA\r\nevil\r\n.\r\n"
BEFORE = [220, 250, 235, 250, 250]  # greeting, EHLO, AUTH, MAIL, RCPT

# What servers have been known to take for a line end; the true one is among them.
LINE_ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\n", b"\r\0\n", b"\n\n", b"\r\r"]
FALSE_ENDS = [
    before + dots + after
    for before, after in itertools.product(LINE_ENDS, LINE_ENDS)
    for dots in (b".", b"..")
    if b"\r\n.\r\n" not in before + dots + after
    and (before + dots + after).replace(b"\r\n", b"").strip(b".")
]


def test_there_are_many_false_ends() -> None:
    assert len(FALSE_ENDS) > 100


@pytest.mark.parametrize("end", FALSE_ENDS)
def test_false_end_of_data_is_refused(end: bytes) -> None:
    _, delivered, sent = run([BEGIN + b"DATA\r\none" + end + SMUGGLED + b"NOOP\r\n"])
    assert delivered == []
    assert read_replies(sent) == [*BEFORE, 354, 554, 250]


@pytest.mark.parametrize("end", FALSE_ENDS)
def test_false_end_in_a_chunk_is_refused(end: bytes) -> None:
    content = b"x" + end + b"y\r\n"
    chunk = b"BDAT %d LAST\r\n" % len(content) + content
    _, delivered, sent = run([BEGIN + chunk + b"NOOP\r\n"])
    assert delivered == []
    assert read_replies(sent) == [*BEFORE, 554, 250]


@pytest.mark.parametrize("end", FALSE_ENDS)
def test_false_end_across_chunks_is_refused(end: bytes) -> None:
    content = b"x" + end + b"y\r\n"
    chunks = b"".join(b"BDAT 1\r\n" + content[at : at + 1] for at in range(len(content)))
    _, delivered, sent = run([BEGIN + chunks + b"BDAT 0 LAST\r\nNOOP\r\n"])
    assert delivered == []
    assert read_replies(sent).count(554) == 1


def test_true_end_of_data_ends_the_message() -> None:
    """The control of the tests above: pipelined messages are two."""
    _, delivered, sent = run([BEGIN + b"DATA\r\none\r\n.\r\n" + SMUGGLED])
    assert [message.content for message in delivered] == [b"one\r\n", b"evil\r\n"]
    assert read_replies(sent) == [*BEFORE, 354, 250, 250, 250, 354, 250]


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\n"])
def test_sloppy_server_splits_what_nobody_checked(end: bytes) -> None:
    """The control of the property below: unchecked content is two messages to it."""
    content = b"one" + end + b"MAIL FROM:<alice@mail.i2p>\r\n"
    assert len(sloppy_messages(content + b"\r\n.\r\n")) == 2
    if not end.startswith(b"\r\n"):
        assert len(sloppy_messages(stuffed(content))) == 2, "dot-stuffing alone is no protection"


@settings(max_examples=500)
@given(CONTENT)
def test_taken_content_is_one_message_to_a_sloppy_server(content: bytes) -> None:
    _, delivered, _ = run([BEGIN + b"DATA\r\n" + content + b"\r\n.\r\n"])
    for message in delivered:
        assert_one_message(message)


@settings(max_examples=500)
@given(CONTENT)
def test_taken_chunks_are_one_message_to_a_sloppy_server(content: bytes) -> None:
    chunks = b"BDAT %d\r\n%bBDAT 0 LAST\r\n" % (len(content), content)
    _, delivered, _ = run([BEGIN + chunks])
    for message in delivered:
        assert_one_message(message)


@settings(max_examples=500)
@given(OCTETS)
def test_whatever_a_session_delivers_is_one_message_each(octets: bytes) -> None:
    _, delivered, _ = run([octets])
    assert len(delivered) <= LIMITS.messages
    for message in delivered:
        assert len(message.content) <= LIMITS.message_octets + 2
        assert_one_message(message)
