# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail import mailbox as module
from eepost.mail.address import Address
from eepost.mail.mailbox import (
    MAX_MAILBOXES,
    Mailbox,
    parse_mailboxes,
    rewrite_mailbox,
    write_mailboxes,
)
from eepost.mail.violation import PeerViolation

PIECES = [
    *(b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b":", b"@", b".", b" ", b"\r\n"),
    *(b"a", b"bob@mail.i2p", b"=?utf-8?q?x?=", b"\xe9"),
]


def read(value: bytes) -> list[tuple[str, str]]:
    return [(each.name, str(each.address)) for each in parse_mailboxes(value).mailboxes]


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        (b" bob@mail.i2p\r\n", [("", "bob@mail.i2p")]),
        (b" Bob B. <bob@mail.i2p>\r\n", [("Bob B.", "bob@mail.i2p")]),
        (b' "Bob, B. \\"x\\"" <bob@mail.i2p>', [('Bob, B. "x"', "bob@mail.i2p")]),
        (b' "=?utf-8?q?B=C3=B6b?=" <bob@mail.i2p>', [("B\u00f6b", "bob@mail.i2p")]),
        (b"bob@mail.i2p (Bob (the) B)", [("Bob (the) B", "bob@mail.i2p")]),
        (b'bob@mail.i2p (it"s \\) me)', [('it"s ) me', "bob@mail.i2p")]),
        (b"bob@mail.i2p (unended", [("unended", "bob@mail.i2p")]),
        (b"a@x.i2p, ,b@y.i2p;", [("", "a@x.i2p"), ("", "b@y.i2p")]),
        (b"friends: a@x.i2p, B <b@y.i2p>;", [("", "a@x.i2p"), ("B", "b@y.i2p")]),
        (b"undisclosed-recipients:;", []),
        (b"bob @ mail . i2p", [("", "bob@mail.i2p")]),
        (b"Bob bob@mail.i2p", []),
        (b'"a b"@x.i2p', [("", '"a b"@x.i2p')]),
        (b'<"a b"@x.i2p>', [("", '"a b"@x.i2p')]),
        (b"< bob@\r\n mail.i2p >", [("", "bob@mail.i2p")]),
        (b"<@relay.i2p:bob@mail.i2p>", [("", "bob@mail.i2p")]),
        (b"<a@x.i2p> <b@y.i2p>", []),
        (b"a@mail.i2p <b@evil.org>", [("a@mail.i2p", "b@evil.org")]),
        (b"bob@[10.0.0.1]", []),
        (b"Bob <bob@-bad>", []),
        (b'"unended <bob@mail.i2p>', [("unended", "bob@mail.i2p")]),
        (b'"un,ended <bob@mail.i2p>', []),
        (b"", []),
    ],
)
def test_mailboxes_are_read_from_whatever_programs_write(
    value: bytes, mailboxes: list[tuple[str, str]]
) -> None:
    assert read(value) == mailboxes


def test_what_is_no_mailbox_is_counted() -> None:
    assert parse_mailboxes(b"root, bob@mail.i2p, <>,, ()").unreadable == 2


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_whatever_was_read_reads_the_same_once_written(value: bytes) -> None:
    first = parse_mailboxes(value).mailboxes
    written = write_mailboxes(b"To", first)
    again = parse_mailboxes(written.removeprefix(b"To:"))
    assert again.mailboxes == first
    assert again.unreadable == 0


def test_too_many_mailboxes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MAILBOXES", 2)
    assert len(parse_mailboxes(b"a@x.i2p, a@x.i2p").mailboxes) == 2
    with pytest.raises(PeerViolation):
        parse_mailboxes(b"a@x.i2p, a@x.i2p, a@x.i2p")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", b"To: bob@mail.i2p\r\n"),
        ("Bob", b"To: Bob <bob@mail.i2p>\r\n"),
        ("Bob B.", b'To: "Bob B." <bob@mail.i2p>\r\n'),
        ('B "\\', b'To: "B \\"\\\\" <bob@mail.i2p>\r\n'),
        ("B\u00f6b", b"To: =?utf-8?b?QsO2Yg==?= <bob@mail.i2p>\r\n"),
        ("=?x?=", b"To: =?utf-8?b?PT94Pz0=?= <bob@mail.i2p>\r\n"),
        (
            "x" * 61,
            b"To: =?utf-8?b?"
            + b"eHh4" * 12
            + b"?=\r\n =?utf-8?b?"
            + b"eHh4" * 8
            + b"eA==?= <bob@mail.i2p>\r\n",
        ),
    ],
)
def test_names_are_written_in_one_way(name: str, written: bytes) -> None:
    assert write_mailboxes(b"To", [Mailbox(name, Address("bob", "mail.i2p"))]) == written


def test_long_lists_are_folded() -> None:
    boxes = [Mailbox("", Address(f"recipient{at}", "mail.i2p")) for at in range(5)]
    assert write_mailboxes(b"Cc", boxes) == (
        b"Cc: recipient0@mail.i2p, recipient1@mail.i2p, recipient2@mail.i2p,\r\n"
        b" recipient3@mail.i2p, recipient4@mail.i2p\r\n"
    )
    assert write_mailboxes(b"Cc", []) == b""


def test_commas_without_end_are_refused() -> None:
    with pytest.raises(PeerViolation):
        parse_mailboxes(b"," * (MAX_MAILBOXES + 1))
    assert parse_mailboxes(b"a@b.example,,, c@d.example,").mailboxes


ONE_BOX = [
    *(b"Bob", b"bob@Mail.I2P", b"Bob <", b"<", b">", b'"', b" ", b"  ", b"\r\n ", b".", b"-", b"'"),
    *(b"a@b", b"B. ", b"x" * 60, b"@", b"_", b"=", b"x" * 30 + b"@y", b"\xe9", b"\r\n", b"Bob Bee"),
]


@given(st.lists(st.sampled_from(ONE_BOX), max_size=8))
def test_short_cut_for_one_mailbox_changes_nothing(pieces: list[bytes]) -> None:
    value = b" " + b"".join(pieces)
    rewritten = rewrite_mailbox(b"To", value)
    assert rewritten in {b"", write_mailboxes(b"To", parse_mailboxes(value).mailboxes)}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (b' "Bob Bee"  <bob@MAIL.i2p>\r\n', b"To: Bob Bee <bob@mail.i2p>\r\n"),
        (b" <bob@mail.i2p>", b"To: bob@mail.i2p\r\n"),
        (b" bob@mail.i2p, a@b", b""),
        (b" %s@mail.i2p" % (b"x" * 65), b""),
        (b" b@%s" % (b"x" * 64), b""),
        (b" %s <bob@%s>" % (b"Bob" * 10, b"x" * 63), b""),
    ],
)
def test_short_cut_is_for_one_plain_mailbox(value: bytes, field: bytes) -> None:
    assert rewrite_mailbox(b"To", value) == field
