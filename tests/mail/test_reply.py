# SPDX-License-Identifier: Apache-2.0
import pytest

from eepost.mail.reply import MAX_REPLY_LINE_OCTETS, Reply


def test_reply_is_rendered_with_its_codes() -> None:
    assert Reply(250, "2.1.5", "Fine").octets == b"250 2.1.5 Fine\r\n"
    assert Reply(354, "", "Go on").octets == b"354 Go on\r\n"


def test_every_line_carries_the_codes() -> None:
    assert Reply(550, "5.1.1", "No\nReally").octets == b"550-5.1.1 No\r\n550 5.1.1 Really\r\n"


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (199, "", "x"),
        (600, "", "x"),
        (250, "5.0.0", "x"),
        (354, "3.0.0", "x"),
        (250, "2", "x"),
        (250, "2.0", "x"),
        (250, "2.0.0 ", "x"),
        (250, "2.1234.0", "x"),
        (250, "2.0.0", ""),
        (250, "", ""),
        (250, "2.0.0", "a\n"),
        (250, "2.0.0", "a\n\nb"),
        (250, "2.0.0", "a\r\nb"),
        (250, "2.0.0", "a\tb"),
        (250, "2.0.0", "ä"),
        (250, "2.0.0", "\0"),
    ],
)
def test_reply_that_would_confuse_a_client_is_refused(code: int, enhanced: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"reply|class|ascii"):
        Reply(code, enhanced, text)


def test_longest_line_has_512_octets() -> None:
    text = "x" * (MAX_REPLY_LINE_OCTETS - len("250 2.0.0 \r\n"))
    assert len(Reply(250, "2.0.0", text).octets) == MAX_REPLY_LINE_OCTETS
    with pytest.raises(ValueError, match="512"):
        Reply(250, "2.0.0", text + "x")


@pytest.mark.parametrize(
    ("code", "is_positive", "is_transient"),
    [(250, True, False), (354, True, False), (451, False, True), (550, False, False)],
)
def test_first_digit_says_what_may_follow(code: int, is_positive: bool, is_transient: bool) -> None:
    reply = Reply(code, "", "x")
    assert (reply.is_positive, reply.is_transient) == (is_positive, is_transient)


def test_replies_are_equal_by_what_they_say() -> None:
    assert Reply(250, "2.0.0", "x") == Reply(250, "2.0.0", "x") != Reply(250, "2.0.0", "y")
    assert "octets" not in repr(Reply(250, "2.0.0", "x"))
