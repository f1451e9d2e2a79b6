# SPDX-License-Identifier: Apache-2.0
"""The engine in scripted dialogues: what it says to a server, and what it believes of one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import PeerViolation
from eepost.services.notify.bot import Appeared, Asked, Ready
from eepost.services.notify.commands import HELP, Command, Verb
from eepost.services.notify.inquiries import Finding
from eepost.services.notify.lines import MAX_LINE_OCTETS, say
from eepost.services.notify.registration import Identity, Means
from tests.notify.dialogue import Dialogue

IS_AMY = (
    ":irc.test 311 postbot amy u h * :Amy",
    ":irc.test 330 postbot amy amyacct :is logged in as",
    ":irc.test 318 postbot amy :End",
)


def test_it_registers_and_answers_ping_at_once() -> None:
    session = Dialogue()
    assert session.said() == ["NICK postbot", "USER postbot 0 * :tells users of new mail; .help"]
    session.server(
        "PING :token with blanks", *(":irc.test 001 postbot :x", ":irc.test 422 postbot :-")
    )
    assert session.said() == ["PONG :token with blanks"]
    assert session.events == [Ready()]
    assert session.bot.nick == "postbot"


def test_a_server_that_does_not_greet_is_left() -> None:
    session = Dialogue()
    with pytest.raises(PeerViolation):
        session.passes(200)


def test_a_silent_server_is_asked_for_a_sign_of_life_and_then_left() -> None:
    session = Dialogue().greeted()
    assert session.passes(121) == ["PING eepost"]
    session.server("PONG eepost")
    assert session.passes(121) == ["PING eepost"]
    with pytest.raises(PeerViolation):
        session.passes(200)


def test_a_taken_nick_is_replaced_and_asked_for_again() -> None:
    session = Dialogue()
    session.said()
    taken = ":irc.test 433 * postbot :in use"
    session.server(taken, taken, taken, taken)
    assert session.said() == ["NICK postbot_", "NICK postbot__", "NICK postbot-", "NICK postb5000"]
    session.server(":irc.test 001 postb5000 :x", ":irc.test 376 postb5000 :x")
    assert session.bot.nick == "postb5000"
    session.server("PING x")
    session.passes(110)
    for _ in range(6):
        session.server("PING x")
        said = session.passes(100)
        if "NICK postbot" in said:
            break
    else:
        pytest.fail("it never asked for its nick")
    session.server(taken)  # still taken: this one stays
    assert session.said() == []
    session.server(":postb5000!u@h NICK postbot")
    assert session.bot.nick == "postbot"


def test_it_logs_in_by_sasl_before_it_registers() -> None:
    session = Dialogue(Identity("postbot", Means.SASL, "acct", "secret"))
    assert session.said()[0] == "CAP REQ sasl"
    session.server(":irc.test CAP * ACK :sasl")
    assert session.said() == ["AUTHENTICATE PLAIN"]
    session.server("AUTHENTICATE +")
    assert session.said() == ["AUTHENTICATE AGFjY3QAc2VjcmV0"]
    session.server(":irc.test 903 * :ok")
    assert session.said() == ["CAP END"]
    assert not session.bot.is_refused


@pytest.mark.parametrize("answer", [":irc.test CAP * NAK :sasl", ":irc.test 904 * :failed"])
def test_it_goes_on_where_its_password_is_refused(answer: str) -> None:
    session = Dialogue(Identity("postbot", Means.SASL, "acct", "secret"))
    session.said()
    session.server(answer)
    assert session.said() == ["CAP END"]
    assert session.bot.is_refused


@pytest.mark.parametrize("means", [Means.NONE, Means.NICKSERV])
def test_a_password_is_given_to_nobody_who_asks_out_of_turn(means: Means) -> None:
    session = Dialogue(Identity("postbot", means, "acct", "secret"))
    session.said()
    session.server(":x CAP * ACK :sasl", "AUTHENTICATE +")
    assert session.said() == []
    late = Dialogue(Identity("postbot", Means.SASL, "acct", "secret")).greeted()
    late.server("AUTHENTICATE +")
    assert late.said() == []


def test_a_password_is_not_given_before_the_server_agreed_to_take_it() -> None:
    session = Dialogue(Identity("postbot", Means.SASL, "acct", "secret"))
    session.said()
    session.server("AUTHENTICATE +")
    assert session.said() == []


def test_a_command_does_not_count_for_who_has_taken_the_nick_since() -> None:
    """Who is amy's namesake while she is away gives a command, and she comes back just then."""
    session = Dialogue().greeted()
    session.server(":amy!eve@elsewhere PRIVMSG postbot :.unbind", *IS_AMY)
    assert session.events == []
    session.server(":amy!u@h PRIVMSG postbot :.unbind", *IS_AMY)
    assert session.events == [Asked("amy", "amyacct", Command(Verb.UNBIND))]


def test_it_logs_in_to_nickserv_and_marks_itself_as_a_robot() -> None:
    session = Dialogue(Identity("postbot", Means.NICKSERV, "acct", "secret"))
    session.said()
    session.server(
        ":x 001 postbot :x", ":x 005 postbot BOT=B MONITOR :supported", ":x 376 postbot :End"
    )
    assert session.said() == ["PRIVMSG NickServ :IDENTIFY acct secret", "MODE postbot +B"]


def test_a_command_is_passed_on_once_the_server_said_who_gave_it() -> None:
    session = Dialogue().greeted()
    session.server(":amy!u@h PRIVMSG postbot :.bind abc")
    assert session.events == []
    assert session.said() == ["WHOIS amy"]
    session.server(*IS_AMY)
    assert session.events == [Asked("amy", "amyacct", Command(Verb.BIND, "abc"))]


@pytest.mark.parametrize(
    "lines",
    [
        (IS_AMY[0], IS_AMY[2]),  # not logged in
        (IS_AMY[1], IS_AMY[2]),  # logged in, but not there
        (IS_AMY[0], ":irc.test 330 postbot bob amyacct :is", IS_AMY[2]),  # somebody else is
        (IS_AMY[0], ":irc.test 330 postbot amy * :is", IS_AMY[2]),
        (IS_AMY[0], ":irc.test 330 postbot amy :is", IS_AMY[2]),
        (IS_AMY[0], ":irc.test 307 postbot amy :is a registered nick", IS_AMY[2]),
        (":irc.test 401 postbot amy :No such nick",),
    ],
)
def test_whoever_is_not_logged_in_is_nobody(lines: tuple[str, ...]) -> None:
    session = Dialogue().greeted()
    session.server(":amy!u@h PRIVMSG postbot :.status")
    session.server(*lines)
    assert session.events == [Asked("amy", "", Command(Verb.STATUS))]


def test_what_the_server_said_before_it_was_asked_is_not_believed() -> None:
    session = Dialogue().greeted()
    session.server(*IS_AMY[:2])
    session.server(":amy!u@h PRIVMSG postbot :.status", IS_AMY[0], IS_AMY[2])
    assert session.events == [Asked("amy", "", Command(Verb.STATUS))]


def test_who_is_not_answered_for_in_time_is_nobody() -> None:
    session = Dialogue().greeted()
    assert session.bot.look_at("amy", session.now)
    session.server(*IS_AMY[:2])
    for _ in range(4):
        session.passes(100)
        session.server("PING x")
    assert session.events == [Finding("amy", is_there=False, services_account="")]


@pytest.mark.parametrize(
    "line",
    [
        ":amy!u@h PRIVMSG #channel :.status",
        ":amy!u@h NOTICE postbot :.status",  # robots answer no NOTICE (RFC 2812 3.3.2)
        ":amy!u@h PRIVMSG postbot :hello",
        ":amy!u@h PRIVMSG postbot :\x01VERSION\x01",
        ":amy!u@h PRIVMSG postbot :.unknown",
        ":amy!u@h PRIVMSG postbot",
        "PRIVMSG postbot :.status",
        ":irc.test PRIVMSG postbot :.status",
        ":a,b!u@h PRIVMSG postbot :.status",
        ":amy!u@h INVITE postbot #channel",
        ":#channel!u@h PRIVMSG postbot :.help",
        ":amy!u@h PRIVMSG postbot :.bind " + "x" * 200,
    ],
)
def test_what_is_no_command_to_it_is_passed_over_in_silence(line: str) -> None:
    session = Dialogue().greeted()
    session.server(line)
    assert list(session.passes(60)) == []
    assert session.events == []


def test_help_is_a_notice_to_who_asked() -> None:
    session = Dialogue().greeted()
    session.server(":amy!u@h PRIVMSG PostBot :.HELP")
    assert session.said() == [f"NOTICE amy :{HELP}"]


def test_it_leaves_every_channel_that_it_is_put_into_and_joins_none() -> None:
    session = Dialogue().greeted()
    session.server(":postbot!u@h JOIN :#trap", ":amy!u@h JOIN :#other")
    assert session.said() == ["PART #trap"]


def test_presence_is_left_to_monitor_where_there_is_room_and_asked_for_by_ison_beyond() -> None:
    session = Dialogue().greeted("MONITOR=1")
    session.bot.wait_for("amy")
    session.bot.wait_for("bob")
    session.bot.wait_for("AMY")
    assert list(session.passes(10)) == ["MONITOR + amy", "ISON bob"]
    session.server(":irc.test 730 postbot :amy!u@h", ":irc.test 303 postbot :bob carol")
    assert session.events == [Appeared("amy"), Appeared("bob")]
    assert list(session.passes(60)) == ["MONITOR - amy"]


def test_who_does_not_fit_into_the_servers_list_is_asked_for_by_ison() -> None:
    session = Dialogue().greeted("MONITOR")
    session.bot.wait_for("amy")
    assert list(session.passes(1)) == ["MONITOR + amy"]
    session.server(":irc.test 734 postbot 0 amy :Monitor list is full.")
    assert list(session.passes(5)) == ["ISON amy"]
    session.server(":irc.test 303 postbot :AMY")
    assert session.events == [Appeared("amy")]


def test_everybody_gets_a_turn_in_ison_and_nobody_once_waiting_is_over() -> None:
    session = Dialogue().greeted()
    nicks = [f"n{number}" for number in range(16)]
    for nick in nicks:
        session.bot.wait_for(nick)
    asked = [nick for line in session.passes(45) for nick in line.split()[1:]]
    assert set(asked) == set(nicks)
    for nick in nicks:
        session.bot.wait_no_more(nick)
    assert list(session.passes(60)) == []


def test_nothing_is_due_before_it_can_be_done() -> None:
    session = Dialogue(seconds_a_line=3.0).greeted()
    for number in range(6):
        session.bot.tell("amy", f"news {number}")
        session.bot.wait_for(f"n{number}")
    for _ in range(100):
        session.server(":irc.test PONG irc.test eepost")
        session.bot.tell("amy", "news without end")
        session.bot.tick(session.now)
        session.said()
        due = session.bot.due(session.now)
        assert due > session.now
        session.now = due


def test_what_goes_out_keeps_to_the_pace_and_news_goes_before_answers() -> None:
    session = Dialogue(seconds_a_line=2.0).greeted()
    session.now += 100
    for number in range(6):
        session.bot.answer("mallory", f"answer {number}")
    for number in range(6):
        session.bot.tell("amy", f"news {number}")
    assert session.said() == [f"NOTICE amy :news {number}" for number in range(4)]
    assert session.said() == []
    assert len(session.passes(4.1)) == 2
    assert len(session.passes(15)) == 6


def test_a_flood_of_commands_costs_a_bounded_number_of_answers_and_holds_up_no_news() -> None:
    session = Dialogue().greeted()
    for number in range(2_000):
        session.server(f":n{number}!u@h PRIVMSG postbot :.status")
        session.server(":amy!u@h PRIVMSG postbot :.help")
    session.now += 10
    session.bot.tell("amy", "news")
    assert session.said()[0] == "NOTICE amy news"
    assert len(session.passes(100)) < 60
    assert session.bot.look_at("amy", session.now)


def test_one_nick_is_not_answered_for_ever_and_others_are_meanwhile() -> None:
    session = Dialogue(seconds_a_line=0.01).greeted()
    for _ in range(50):
        session.server(":amy!u@h PRIVMSG postbot :.help")
    assert len(session.passes(0.5)) == 5
    session.server(":bob!u@h PRIVMSG postbot :.help")
    assert len(session.passes(0.5)) == 1
    session.now += 60
    session.server(":amy!u@h PRIVMSG postbot :.help")
    assert len(session.passes(0.5)) == 1


def test_nothing_that_is_said_can_begin_another_line_or_be_longer_than_one() -> None:
    line = say("NOTICE", "amy", "one\r\nQUIT :two\0" + "é" * 600)
    assert line.startswith(b"NOTICE amy :one  QUIT :two ")
    assert (line.count(b"\n"), line.count(b"\r"), line[-2:], len(line)) == (1, 1, b"\r\n", 512)


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_line_without_end_ends_the_session(end: bytes) -> None:
    session = Dialogue().greeted()
    with pytest.raises(PeerViolation):
        session.octets(b"x" * (MAX_LINE_OCTETS + 1) + end)


def test_an_error_ends_the_session() -> None:
    with pytest.raises(PeerViolation):
        Dialogue().greeted().server("ERROR :Closing link")


def test_a_flood_of_findings_ends_the_session() -> None:
    session = Dialogue().greeted()
    for number in range(1_000):
        session.bot.wait_for(f"n{number}")
    names = ",".join(f"n{number}" for number in range(1_000))
    with pytest.raises(PeerViolation):
        session.server(f":irc.test 730 postbot :{names}")


SCRIPT = "".join(
    f"{line}\r\n"
    for line in (
        "PING :a",
        ":irc.test 001 postbot :x",
        ":irc.test 005 postbot MONITOR=9 :x",
        ":irc.test 376 postbot :x",
        ":amy!u@h PRIVMSG postbot :.bind abc",
        *IS_AMY,
        "",
        ":postbot!u@h JOIN #a",
        "PING é",
    )
).encode()


@given(st.lists(st.integers(0, len(SCRIPT)), max_size=8))
def test_however_the_input_is_cut_all_is_the_same(cuts: list[int]) -> None:
    whole, cut = Dialogue(), Dialogue()
    whole.octets(SCRIPT)
    edges = [0, *sorted(cuts), len(SCRIPT)]
    for start, end in pairwise(edges):
        cut.octets(SCRIPT[start:end])
    assert cut.events == whole.events
    assert len(whole.events) == 2
    assert cut.said() == whole.said()


WORDS = st.sampled_from(
    [
        *(
            "PING",
            "001",
            "005",
            "376",
            "433",
            "NICK",
            "JOIN",
            "PRIVMSG",
            "311",
            "330",
            "318",
            "401",
        ),
        *(
            "303",
            "730",
            "734",
            "CAP",
            "AUTHENTICATE",
            "903",
            "904",
            "postbot",
            "amy",
            "*",
            ":",
            "+",
        ),
        *(
            ":amy!u@h",
            ":postbot!u@h",
            ":.bind x",
            ":.help",
            ":.quiet",
            "MONITOR=",
            "MONITOR=-1",
            "@",
        ),
        *("ACK", ":sasl", "\r", "\0", "@a=\\ ", "BOT=", "é", ",", "ı"),
    ]
)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.lists(WORDS, max_size=6).map(lambda words: " ".join(words).encode()),
        ),
        max_size=30,
    )
)
def test_any_octets_give_well_formed_lines_or_end_the_session(lines: list[bytes]) -> None:
    session = Dialogue(Identity("postbot", Means.SASL, "acct", "secret"))
    session.bot.look_at("amy", session.now)
    session.bot.wait_for("amy")
    octets = b""
    try:
        for line in lines:
            session.bot.receive(line + b"\r\n", session.now)
            while session.bot.next_event():
                pass
            octets += session.bot.outgoing(session.now)
            session.now += 3
            session.bot.tick(session.now)
    except PeerViolation:
        return
    for said in octets.split(b"\r\n"):
        assert len(said) <= 510
        assert not {*said} & {0, 10, 13}
    assert octets == b"" or octets.endswith(b"\r\n")


@given(st.lists(WORDS, max_size=40))
def test_nobody_is_logged_in_whom_no_line_named_after_the_question(words: list[str]) -> None:
    session = Dialogue().greeted()
    session.server(" ".join(words), *IS_AMY[1:2])
    session.events.clear()
    session.bot.look_at("carol", session.now)
    session.server(" ".join(words), ":irc.test 318 postbot carol :End")
    assert all(
        each.services_account == "" for each in session.events if isinstance(each, Finding | Asked)
    )
