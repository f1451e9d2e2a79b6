# SPDX-License-Identifier: Apache-2.0
import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.signals import Signal
from eepost.wire.smtp.events import AuthGiven, Connected, MailGiven, MessageGiven, RcptGiven
from eepost.wire.smtp.limits import SmtpLimits
from eepost.wire.smtp.server import SmtpServer
from eepost.wire.submit.client import EHLO_NAME, NO_UTF8, TOO_LARGE, SmtpClient
from eepost.wire.submit.events import Answered, Event, Ready, Stage, TurnedAway
from eepost.wire.submit.letter import Envelope
from eepost.wire.submit.offers import Offers, read_offers
from eepost.wire.submit.replies import MAX_LINES, FarReply, ReplyReader
from tests.engines.submit.far import EHLO, LETTER, answer, begun, letter, spoken


def test_it_waits_for_the_greeting_and_tells_nothing_of_its_machine() -> None:
    client = SmtpClient("alice", "secret")
    assert client.next_event() is Signal.NEED_DATA
    assert client.outgoing() == b""
    assert spoken(client, b"220 mail.i2p ESMTP\r\n") == b"EHLO " + EHLO_NAME + b"\r\n"
    assert "secret" not in repr(client)


def test_a_password_goes_in_one_step_where_plain_is_offered() -> None:
    client = SmtpClient("alice", "secret")
    spoken(client, b"220 hello\r\n")
    said = spoken(client, EHLO)
    assert said == b"AUTH PLAIN " + base64.b64encode(b"\0alice\0secret") + b"\r\n"
    client.receive(b"235 2.7.0 fine\r\n")
    assert client.next_event() == Ready()
    assert client.is_ready


def test_a_password_goes_in_three_steps_where_only_login_is_offered() -> None:
    client = SmtpClient("alice", "secret")
    spoken(client, b"220 hello\r\n")
    assert spoken(client, b"250-hi\r\n250 AUTH=LOGIN\r\n") == b"AUTH LOGIN\r\n"
    assert base64.b64decode(spoken(client, b"334 VXNlcm5hbWU6\r\n")) == b"alice"
    assert base64.b64decode(spoken(client, b"334 UGFzc3dvcmQ6\r\n")) == b"secret"
    client.receive(b"235 fine\r\n")
    assert client.next_event() == Ready()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_refusal_in_the_middle_of_login_is_one(steps: int) -> None:
    client = SmtpClient("alice", "secret")
    spoken(client, b"220 hello\r\n250-hi\r\n250 AUTH LOGIN\r\n" + b"334 a\r\n" * (steps - 1))
    client.receive(b"535 5.7.8 no\r\n")
    away = client.next_event()
    assert away == TurnedAway(Stage.LOGIN, FarReply(535, ("5.7.8 no",)))
    assert client.next_event() is Signal.CLOSED


def test_who_wants_no_login_is_told_no_password() -> None:
    client = SmtpClient("alice", "secret")
    spoken(client, b"220 hello\r\n")
    client.receive(b"250 hi\r\n")
    assert client.next_event() == Ready()
    assert client.outgoing() == b""


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        (b"554 go away\r\n", Stage.GREETING),
        (b"421 too busy\r\n", Stage.GREETING),
        (b"220 hi\r\n502 what?\r\n", Stage.HELLO),
        (b"220 hi\r\n421 stopping\r\n", Stage.LOGIN),
        (b"220 hi\r\n" + EHLO + b"454 later\r\n", Stage.LOGIN),
        (b"220 hi\r\n" + EHLO + b"421 later\r\n", Stage.LOGIN),
    ],
)
def test_a_session_is_turned_away_at_each_stage(said: bytes, stage: Stage) -> None:
    client = SmtpClient("alice", "secret")
    client.receive(said)
    away = client.next_event()
    assert isinstance(away, TurnedAway)
    assert away.stage is stage
    assert client.next_event() is Signal.CLOSED
    client.receive(b"250 too late\r\n")
    assert client.next_event() is Signal.CLOSED


def test_an_envelope_goes_in_one_piece_and_the_letter_at_once_behind_the_354() -> None:
    client = begun()
    client.submit(letter("bob@mail.i2p", "carol@mail.i2p"))
    assert client.outgoing() == (
        b"MAIL FROM:<alice@mail.i2p> SIZE=%d\r\n"
        b"RCPT TO:<bob@mail.i2p>\r\nRCPT TO:<carol@mail.i2p>\r\nDATA\r\n" % len(LETTER)
    )
    said = spoken(client, b"250 a\r\n250 b\r\n550 5.1.1 nobody\r\n354 go\r\n")
    assert said == LETTER.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    assert answer(client, b"250 2.0.0 kept\r\n") == (
        FarReply(250, ("2.0.0 kept",)),
        FarReply(550, ("5.1.1 nobody",)),
    )
    client.quit()
    assert client.outgoing() == b"QUIT\r\n"
    assert client.next_event() is Signal.CLOSED


def test_without_pipelining_one_command_follows_the_other() -> None:
    client = begun(EHLO.replace(b"PIPELINING", b"ENHANCEDSTATUSCODES"))
    client.submit(letter("bob@mail.i2p", "carol@mail.i2p", "dave@mail.i2p"))
    assert client.outgoing().startswith(b"MAIL FROM:<alice@mail.i2p>")
    assert spoken(client, b"250 a\r\n") == b"RCPT TO:<bob@mail.i2p>\r\n"
    assert spoken(client, b"450 later\r\n") == b"RCPT TO:<carol@mail.i2p>\r\n"
    assert spoken(client, b"250 b\r\n") == b"RCPT TO:<dave@mail.i2p>\r\n"
    assert spoken(client, b"251 c\r\n") == b"DATA\r\n"
    assert spoken(client, b"354 go\r\n").endswith(b"\r\n.\r\n")
    replies = answer(client, b"250 kept\r\n")
    assert [each.code for each in replies] == [450, 250, 250]


@pytest.mark.parametrize("offers_pipelining", [True, False])
def test_each_command_may_be_refused(offers_pipelining: bool) -> None:
    ehlo = EHLO if offers_pipelining else EHLO.replace(b"PIPELINING", b"HELP")
    refusals = {
        b"MAIL": ([b"550 5.7.1 not you\r\n"], [b"503 a\r\n", b"503 b\r\n"]),
        b"RCPT": ([b"250 a\r\n", b"550 5.7.1 not you\r\n"], [b"554 nobody\r\n"]),
        b"DATA": ([b"250 a\r\n", b"250 b\r\n", b"550 5.7.1 not you\r\n"], []),
        b"text": ([b"250 a\r\n", b"250 b\r\n", b"354 go\r\n", b"550 5.7.1 not you\r\n"], []),
    }
    for said, behind in refusals.values():
        client = begun(ehlo)
        client.submit(letter("bob@mail.i2p"))
        replies = answer(client, b"".join([*said, *(behind if offers_pipelining else [])]))
        assert replies == (FarReply(550, ("5.7.1 not you",)),)
        # Whatever is left open there must not stand in the next letter's way.
        client.outgoing()
        client.submit(letter("bob@mail.i2p"))
        assert client.outgoing().startswith(b"MAIL" if said[-2:-1] == [b"354 go\r\n"] else b"RSET")
        codes = b"250 reset\r\n" if said[-2:-1] != [b"354 go\r\n"] else b""
        whole = codes + b"250 a\r\n250 b\r\n354 go\r\n250 kept\r\n"
        assert [each.code for each in answer(client, whole)] == [250]


def test_who_takes_data_for_nobody_gets_an_empty_message() -> None:
    client = begun()
    client.submit(letter("bob@mail.i2p"))
    client.outgoing()
    assert spoken(client, b"250 a\r\n550 nobody\r\n354 go\r\n") == b".\r\n"
    assert [each.code for each in answer(client, b"250 kept\r\n")] == [550]


def test_a_yes_to_data_that_is_no_354_is_a_violation() -> None:
    client = begun()
    client.submit(letter("bob@mail.i2p"))
    client.receive(b"250 a\r\n250 b\r\n250 what?\r\n")
    with pytest.raises(PeerViolation):
        client.next_event()
    assert client.next_event() is Signal.CLOSED


def test_a_three_hundred_is_no_yes_to_a_recipient() -> None:
    client = begun()
    client.submit(letter("bob@mail.i2p"))
    (reply,) = answer(client, b"250 a\r\n354 hm\r\n554 nobody\r\n")
    assert not reply.is_positive
    assert not reply.is_final


def test_a_421_puts_everything_off_that_was_not_answered() -> None:
    client = begun()
    client.submit(letter("bob@mail.i2p", "carol@mail.i2p"))
    replies = answer(client, b"250 a\r\n550 nobody\r\n421 4.3.2 stopping\r\n")
    assert [each.code for each in replies] == [550, 421]
    assert not client.is_ready
    assert client.next_event() is Signal.CLOSED
    idle = begun()
    idle.receive(b"421 bye\r\n")
    assert idle.next_event() is Signal.CLOSED


def test_a_reply_to_nothing_is_a_violation() -> None:
    client = begun()
    client.receive(b"250 surprise\r\n")
    with pytest.raises(PeerViolation):
        client.next_event()


def test_what_the_service_can_not_take_is_not_sent() -> None:
    client = begun(b"250-hi\r\n250-SIZE 10\r\n250 PIPELINING\r\n", login=False)
    client.submit(letter("bob@mail.i2p", "carol@mail.i2p"))
    assert client.next_event() == Answered((TOO_LARGE, TOO_LARGE))
    assert client.outgoing() == b""
    client = begun(b"250-hi\r\n250 PIPELINING\r\n", login=False)
    client.submit(letter("bøb@mail.i2p"))
    assert client.next_event() == Answered((NO_UTF8,))
    client.submit(Envelope("alice@mail.i2p", ("bob@mail.i2p",), "Subject: ä\r\n\r\n".encode()))
    assert client.next_event() == Answered((NO_UTF8,))


def test_parameters_are_said_only_where_they_are_offered_and_needed() -> None:
    client = begun(b"250-hi\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n", login=False)
    client.submit(Envelope("alice@mail.i2p", ("bøb@mail.i2p",), "a: b\r\n\r\nä\r\n".encode()))
    said = client.outgoing().decode()
    assert said.startswith("MAIL FROM:<alice@mail.i2p> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<bøb@")
    plain = begun(b"250-hi\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", login=False)
    plain.submit(letter("bob@mail.i2p"))
    assert plain.outgoing() == b"MAIL FROM:<alice@mail.i2p>\r\n"


def test_nothing_can_be_injected_by_an_address() -> None:
    for path in ("bob@mail.i2p>\r\nRSET", "bob@mail.i2p>", "", "bob", "bob@mail.i2p NOTIFY=NEVER"):
        with pytest.raises(Misuse):
            letter(path)
        with pytest.raises(Misuse):
            Envelope(path, ("bob@mail.i2p",), LETTER)
    with pytest.raises(Misuse):
        Envelope("alice@mail.i2p", (), LETTER)


def test_letters_and_the_end_come_in_their_time_only() -> None:
    client = SmtpClient("alice", "secret")
    with pytest.raises(Misuse):
        client.submit(letter("bob@mail.i2p"))
    with pytest.raises(Misuse):
        client.quit()
    client = begun()
    client.submit(letter("bob@mail.i2p"))
    with pytest.raises(Misuse):
        client.submit(letter("bob@mail.i2p"))


def test_offers_are_read_as_tolerantly_as_is_safe() -> None:
    def offers(*lines: str) -> Offers:
        return read_offers(FarReply(250, ("hi", *lines)))

    assert offers("size 100", "auth plain LOGIN") == Offers(
        size_octets=100, mechanisms=frozenset({"PLAIN", "LOGIN"})
    )
    assert offers("SIZE").size_octets is None
    assert offers("SIZE 0").size_octets is None
    assert offers("SIZE x").size_octets is None
    assert offers("SIZE " + "9" * 30).size_octets is None
    assert offers("") == Offers()
    assert read_offers(FarReply(250, ("PIPELINING",))) == Offers()


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n",
        b"199 what\r\n",
        b"600 what\r\n",
        b"250_what\r\n",
        b"220-a\r\n250 b\r\n",
        b"220 bare\nline\r\n",
        b"220 " + b"x" * 3_000,
        b"220-x\r\n" * (MAX_LINES + 1),
        b"\r\n",
    ],
)
def test_what_is_no_reply_is_a_violation(said: bytes) -> None:
    client = SmtpClient("alice", "secret")
    client.receive(said)
    with pytest.raises(PeerViolation):
        client.next_event()
    assert client.next_event() is Signal.CLOSED


def test_words_are_printable_and_bounded() -> None:
    reader = ReplyReader()
    reader.feed(b"550-5.1.1 no\x1b[31m\xff\r\n550 " + b"x" * 1_000 + b"\r\n220\r\n")
    reply = reader.next_reply()
    assert reply is not None
    assert reply.words.isprintable()
    assert len(reply.words) == 400
    assert reply.is_final
    short = reader.next_reply()
    assert short == FarReply(220, ("",))
    assert short.words == "220"


# However it is cut, and whatever comes.

_WHOLE = (
    b"220 hi\r\n" + EHLO + b"235 in\r\n250 a\r\n250 b\r\n550 c\r\n354 go\r\n250 kept\r\n421 bye\r\n"
)


def _run(chunks: list[bytes]) -> tuple[list[Event], bytes]:
    client = SmtpClient("alice", "secret")
    events: list[Event] = []
    said = b""
    for chunk in chunks:
        client.receive(chunk)
        while not isinstance(event := client.next_event(), Signal):
            events.append(event)
            if event == Ready():
                client.submit(letter("bob@mail.i2p", "carol@mail.i2p"))
        said += client.outgoing()
    return events, said


@given(st.sets(st.integers(1, len(_WHOLE) - 1)))
def test_the_way_it_is_cut_changes_nothing(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(_WHOLE)]
    chunks = [_WHOLE[start:end] for start, end in itertools.pairwise(edges)]
    assert _run(chunks) == _run([_WHOLE])


_NOISE = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b"220 a\r\n",
            b"250 a\r\n",
            b"250-a\r\n",
            b"354 a\r\n",
            b"235 a\r\n",
            b"334 a\r\n",
            EHLO,
            b"421 a\r\n",
            b"535 a\r\n",
            b"550 a\r\n",
            b"2\r\n",
            b"250",
            b"\r\n",
        ]
    ),
)


@given(st.lists(_NOISE, max_size=30))
def test_noise_gives_events_or_a_violation_and_nothing_else(noise: list[bytes]) -> None:
    try:
        events, _ = _run(noise)
    except PeerViolation:
        return
    answered = [each for each in events if isinstance(each, Answered)]
    assert all(len(each.replies) == 2 for each in answered)
    # The order of trust: nothing is answered before somebody was let in.
    if answered:
        assert events.index(Ready()) < events.index(answered[0])


def test_the_two_engines_understand_each_other() -> None:
    from eepost.mail.reply import Reply

    client, server = SmtpClient("alice", "secret"), SmtpServer(SmtpLimits(), "mail.i2p")
    yes = {
        Connected: Reply(220, "", "hi"),
        AuthGiven: Reply(235, "2.7.0", "in"),
        MailGiven: Reply(250, "2.1.0", "ok"),
        RcptGiven: Reply(250, "2.1.5", "ok"),
        MessageGiven: Reply(250, "2.0.0", "kept"),
    }
    content = b""
    for _ in range(40):
        while not isinstance(asked := server.next_event(), Signal):
            content += getattr(asked, "octets", b"")
            if type(asked) in yes:
                server.decide(yes[type(asked)])
        client.receive(server.outgoing())
        event = client.next_event()
        if event == Ready():
            client.submit(letter("bob@mail.i2p", "carol@mail.i2p"))
        if isinstance(event, Answered):
            assert [each.code for each in event.replies] == [250, 250]
            break
        server.receive(client.outgoing())
    else:
        raise AssertionError
    assert content == LETTER
