# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.violation import Misuse, PeerViolation
from eepost.wire.fetch.client import Pop3Client
from eepost.wire.fetch.events import (
    Complete,
    Content,
    Deleted,
    Ended,
    Entry,
    Event,
    Listed,
    Missing,
    Stage,
    TurnedAway,
)
from eepost.wire.fetch.limits import FetchLimits
from eepost.wire.fetch.listing import read_entries
from eepost.wire.pop3 import events as served
from eepost.wire.pop3.limits import Pop3Limits
from eepost.wire.pop3.server import Pop3Server
from eepost.wire.signals import Signal

CAPA = b"+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n"
IN = b"+OK hi\r\n" + CAPA + b"+OK\r\n+OK in\r\n"
LISTED = IN + b"+OK\r\n1 120\r\n2 10 more\r\n.\r\n+OK\r\n1 aa\r\n2 bb \r\n.\r\n"
ENTRIES = [Entry(1, 120, "aa"), Entry(2, 10, "bb")]


def begun(said: bytes = LISTED, limits: FetchLimits | None = None) -> Pop3Client:
    client = Pop3Client("alice", "secret", limits or FetchLimits())
    client.receive(said)
    assert isinstance(client.next_event(), Listed)
    client.outgoing()
    return client


def heard(client: Pop3Client, said: bytes) -> list[Event]:
    client.receive(said)
    events = []
    while not isinstance(event := client.next_event(), Signal):
        events.append(event)
    return events


def test_round_trips_are_saved_where_the_service_offers_pipelining() -> None:
    client = Pop3Client("alice", "secret")
    assert heard(client, b"") == []
    assert client.outgoing() == b""
    assert heard(client, b"+OK hi\r\n") == []
    assert client.outgoing() == b"CAPA\r\n"
    assert heard(client, CAPA) == []
    assert client.outgoing() == b"USER alice\r\nPASS secret\r\n"
    assert heard(client, b"+OK\r\n+OK in\r\n") == []
    assert client.outgoing() == b"LIST\r\nUIDL\r\n"
    rest = LISTED.removeprefix(IN)
    assert heard(client, rest) == [Listed(ENTRIES)]
    assert "secret" not in repr(client)


def test_without_pipelining_one_command_follows_the_other() -> None:
    client = Pop3Client("alice", "secret")
    steps = [
        (b"+OK hi\r\n", b"CAPA\r\n"),
        (b"-ERR what?\r\n", b"USER alice\r\n"),
        (b"+OK\r\n", b"PASS secret\r\n"),
        (b"+OK in\r\n", b"LIST\r\n"),
        (b"+OK\r\n1 120\r\n", b""),
        (b"2 10\r\n.\r\n", b"UIDL\r\n"),
    ]
    for said, answered in steps:
        assert heard(client, said) == []
        assert client.outgoing() == answered
    assert heard(client, b"+OK\r\n1 aa\r\n2 bb\r\n.\r\n") == [Listed(ENTRIES)]
    client.retrieve(1)
    client.retrieve(2)
    assert client.outgoing() == b"RETR 1\r\n"
    assert heard(client, b"+OK\r\na\r\n") == [Content(b"a")]
    assert client.outgoing() == b""
    assert heard(client, b".\r\n") == [Content(b"\r\n"), Complete(1)]
    assert client.outgoing() == b"RETR 2\r\n"


def test_messages_come_in_order_with_their_dots() -> None:
    client = begun()
    client.retrieve(2)
    client.look(1)
    client.retrieve(7)
    assert client.outgoing() == b"RETR 2\r\nTOP 1 0\r\nRETR 7\r\n"
    events = heard(
        client, b"+OK\r\n..a\r\n...\r\n.\r\n+OK\r\nSubject: x\r\n\r\n.\r\n-ERR no such message\r\n"
    )
    assert events == [
        Content(b".a\r\n..\r\n"),
        Complete(2),
        Content(b"Subject: x\r\n\r\n"),
        Complete(1),
        Missing(7),
    ]


def test_an_empty_message_is_one() -> None:
    client = begun()
    client.retrieve(1)
    assert heard(client, b"+OK\r\n.\r\n") == [Complete(1)]


def test_never_more_is_under_way_than_the_window() -> None:
    client = begun(limits=FetchLimits(window=2))
    for _ in range(4):
        client.retrieve(1)
    assert client.outgoing().count(b"RETR") == 2
    assert heard(client, b"+OK\r\n.\r\n") == [Complete(1)]
    assert client.outgoing().count(b"RETR") == 1


def test_deletions_count_when_the_end_is_answered() -> None:
    client = begun()
    client.delete(1)
    client.delete(2)
    client.quit()
    assert client.outgoing() == b"DELE 1\r\nDELE 2\r\nQUIT\r\n"
    events = heard(client, b"+OK\r\n-ERR gone\r\n+OK bye\r\n")
    assert events == [Deleted(1), Missing(2), Ended(is_done=True)]
    assert client.next_event() is Signal.CLOSED
    client.receive(b"+OK more\r\n")
    assert client.next_event() is Signal.CLOSED
    client = begun()
    client.quit()
    assert heard(client, b"-ERR not all\r\n") == [Ended(is_done=False)]


def test_nothing_is_asked_out_of_its_time() -> None:
    client = Pop3Client("alice", "secret")
    with pytest.raises(Misuse):
        client.retrieve(1)
    client = begun()
    client.quit()
    with pytest.raises(Misuse):
        client.delete(1)


@pytest.mark.parametrize(("login", "password"), [("a\r\nDELE 1", "b"), ("a", "b\n"), ("", "b")])
def test_nothing_is_injected_by_a_login(login: str, password: str) -> None:
    with pytest.raises(Misuse):
        Pop3Client(login, password)


@pytest.mark.parametrize(
    ("said", "stage", "is_temporary"),
    [
        (b"-ERR [SYS/TEMP] busy\r\n", Stage.GREETING, True),
        (b"+OK hi\r\n" + CAPA + b"-ERR who?\r\n", Stage.LOGIN, False),
        (b"+OK hi\r\n" + CAPA + b"+OK\r\n-ERR [AUTH] no\r\n", Stage.LOGIN, False),
        (b"+OK hi\r\n" + CAPA + b"+OK\r\n-ERR [in-use] later\r\n", Stage.LOGIN, True),
        (IN + b"-ERR not now\r\n", Stage.LISTING, False),
    ],
)
def test_a_session_is_turned_away_at_each_stage(
    said: bytes, stage: Stage, is_temporary: bool
) -> None:
    client = Pop3Client("alice", "secret")
    (away,) = heard(client, said)
    assert isinstance(away, TurnedAway)
    assert (away.stage, away.is_temporary) == (stage, is_temporary)
    assert away.words.isprintable()
    assert client.next_event() is Signal.CLOSED


def test_a_service_without_unique_ids_lists_without() -> None:
    client = Pop3Client("alice", "secret")
    events = heard(client, IN + b"+OK\r\n1 120\r\n2 10\r\n.\r\n-ERR what?\r\n")
    assert events == [Listed([Entry(1, 120, ""), Entry(2, 10, "")])]


def test_a_unique_id_that_comes_twice_or_not_at_all_is_listed_once_or_not() -> None:
    sizes = [b"2 10", b"1 120", b"3 1", b"4 1"]
    assert read_entries(sizes, [b"1 aa", b"2 bb", b"3 aa"]) == ENTRIES


def test_a_listing_may_be_dot_stuffed() -> None:
    client = Pop3Client("alice", "secret")
    with pytest.raises(PeerViolation):
        heard(client, IN + b"+OK\r\n..1 120\r\n.\r\n+OK\r\n.\r\n")


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n",
        b"+OK " + b"x" * 3_000,
        b"+OK bare\nline\r\n",
        b"+OK hi\r\n+OK\r\n" + b"X\r\n" * 200,
        LISTED + b"+OK surprise\r\n",
        IN + b"+OK\r\n1 one\r\n.\r\n+OK\r\n.\r\n",
        IN + b"+OK\r\n1 1\r\n1 1\r\n.\r\n+OK\r\n.\r\n",
        IN + b"+OK\r\n1 1\r\n.\r\n+OK\r\n1 a b\r\n.\r\n",
        IN + b"+OK\r\n" + b"1 1\r\n" * 5,
    ],
)
def test_what_is_no_answer_is_a_violation(said: bytes) -> None:
    client = Pop3Client("alice", "secret", FetchLimits(messages=3))
    client.receive(said)
    with pytest.raises(PeerViolation):
        heard(client, b"")
    assert client.next_event() is Signal.CLOSED


def test_a_message_that_never_ends_is_a_violation() -> None:
    client = begun(limits=FetchLimits(message_octets=1_000))
    client.retrieve(1)
    client.receive(b"+OK 10 octets\r\n" + b"x" * 900)
    assert len(heard(client, b"")) == 1
    client.receive(b"y" * 200)
    with pytest.raises(PeerViolation):
        client.next_event()


# However it is cut, and whatever comes.

_WHOLE = LISTED + b"+OK\r\n..dots\r\n\r\n.\r\n-ERR gone\r\n+OK\r\n+OK bye\r\n"


def _run(chunks: list[bytes], limits: FetchLimits | None = None) -> tuple[list[Event], bytes]:
    """Return the events, contents joined, and all that the client said."""
    client = Pop3Client("alice", "secret", limits or FetchLimits())
    events: list[Event] = []
    said = b""
    for chunk in chunks:
        client.receive(chunk)
        while not isinstance(event := client.next_event(), Signal):
            if isinstance(event, Listed):
                client.retrieve(1)
                client.retrieve(2)
                client.delete(1)
                client.quit()
            if isinstance(event, Content) and events and isinstance(events[-1], Content):
                event = Content(events.pop().octets + event.octets)  # type: ignore[union-attr]
            events.append(event)
        said += client.outgoing()
    return events, said


@given(st.sets(st.integers(1, len(_WHOLE) - 1)))
def test_the_way_it_is_cut_changes_nothing(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(_WHOLE)]
    chunks = [_WHOLE[start:end] for start, end in pairwise(edges)]
    whole = _run([_WHOLE])
    assert _run(chunks) == whole
    assert [type(each) for each in whole[0]] == [
        *(Listed, Content, Complete, Missing, Deleted, Ended)
    ]


_NOISE = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            *(b"+OK\r\n", b"-ERR\r\n", b"-ERR [IN-USE] x\r\n", b".\r\n", b"1 1\r\n", b"1 aa\r\n"),
            *(CAPA, IN, LISTED, b"+OK\r\nSubject: x\r\n\r\n.\r\n", b"\r\n", b"..\r\n"),
        ]
    ),
)


@given(st.lists(_NOISE, max_size=30))
def test_noise_gives_events_or_a_violation_and_nothing_else(noise: list[bytes]) -> None:
    limits = FetchLimits(messages=4, message_octets=100, capabilities=5)
    try:
        events, _ = _run(noise, limits)
    except PeerViolation:
        return
    kinds = [type(each) for each in events]
    # The order of trust: no message before somebody was let in, no end before it was asked for.
    for kind in (Content, Complete, Missing, Deleted, Ended):
        if kind in kinds:
            assert kinds.index(Listed) < kinds.index(kind)
    assert sum(len(each.octets) for each in events if isinstance(each, Content)) <= 2 * 100


def test_the_two_engines_understand_each_other() -> None:
    client, server = Pop3Client("alice", "secret"), Pop3Server(Pop3Limits())
    letter = b"Subject: x\r\n\r\n.\r\n..\r\n"
    answers: dict[type, list[served.Answer]] = {
        served.Connected: [served.Proceed()],
        served.LoginGiven: [served.Admitted([served.Entry(len(letter), "aa")])],
        served.MessageWanted: [served.Content(letter), served.Finished()],
        served.UpdateGiven: [served.Proceed()],
    }
    events: list[Event] = []
    for _ in range(20):
        while not isinstance(asked := server.next_event(), Signal):
            for each in answers[type(asked)]:
                server.decide(each)
        client.receive(server.outgoing())
        while not isinstance(event := client.next_event(), Signal):
            events.append(event)
            if isinstance(event, Listed):
                client.retrieve(1)
                client.delete(1)
                client.quit()
        server.receive(client.outgoing())
    assert events == [
        Listed([Entry(1, len(letter), "aa")]),
        Content(letter),
        Complete(1),
        Deleted(1),
        Ended(is_done=True),
    ]


def test_of_listings_no_more_is_kept_than_what_says_something() -> None:
    chatter = b" and so on" * 150
    listed = IN + b"+OK\r\n1 120%s\r\n.\r\n+OK\r\n1 aa%s\r\n.\r\n" % (chatter, b" " * 1_000)
    client = Pop3Client("alice", "secret", FetchLimits(listed_octets=32))
    (event,) = heard(client, listed)
    assert isinstance(event, Listed)
    assert list(event.entries) == [Entry(1, 120, "aa")]
    kept: list[list[bytes]] = []
    client = Pop3Client("alice", "secret")
    client.receive(listed.partition(b".\r\n+OK\r\n1 aa")[0])
    assert client.next_event() is Signal.NEED_DATA
    kept += [client._lines.lines] if client._lines else []
    assert [len(each) for lines in kept for each in lines] == [256]
