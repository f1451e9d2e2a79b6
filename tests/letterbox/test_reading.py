# SPDX-License-Identifier: Apache-2.0
"""Messages taken apart for their reader, and made of what he writes: without pages and stores."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.mailbox import Mailbox
from eepost.services.letterbox.webmail import drafts
from eepost.services.letterbox.webmail.composing import (
    Enclosed,
    Letter,
    Unreadable,
    answer,
    compose,
    forward,
    read_addresses,
    write_addresses,
)
from eepost.services.letterbox.webmail.frames import render_frame
from eepost.services.letterbox.webmail.links import MAX_LINKS, Link, Links
from eepost.services.letterbox.webmail.reading import Reading, read_message

NOW = 1_795_000_000
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn")))


def person(text: str) -> Mailbox:
    (found,) = read_addresses(text, "mail.i2p")
    return found


def made(**given: object) -> Reading:
    letter = Letter("alice@mail.i2p", **given)  # type: ignore[arg-type]
    return read_message(compose(letter, NOW, os.urandom))


@given(TEXT, TEXT, st.lists(st.tuples(TEXT, st.binary(max_size=200)), max_size=3))
def test_what_is_written_is_what_is_read(
    subject: str, text: str, files: list[tuple[str, bytes]]
) -> None:
    reading = made(subject=" ".join(subject.split()), text=text,
                   files=tuple(Enclosed(*each) for each in files))  # fmt: skip
    assert reading.is_whole
    assert reading.head.subject.split() == subject.split()
    assert reading.text.split() == text.split()
    assert [reading.content(each.part) for each in reading.files] == [each[1] for each in files]


@given(st.binary(max_size=3_000))
def test_any_octets_can_be_read_answered_and_shown(octets: bytes) -> None:
    reading = read_message(octets)
    letter = answer(reading, frozenset(), "alice@mail.i2p", to_all=True)
    compose(letter, NOW, os.urandom)
    compose(forward(reading, "alice@mail.i2p"), NOW, os.urandom)
    render_frame(reading, Links(), "/mail/1/html")
    drafts.read_draft(reading)


@pytest.mark.parametrize(
    ("typed", "people"),
    [
        ("bob", ["bob@mail.i2p"]),
        (
            "bob, carol@x.i2p; dave\nerin",
            ["bob@mail.i2p", "carol@x.i2p", "dave@mail.i2p", "erin@mail.i2p"],
        ),
        ('"Last, First" <a@b.i2p>, ', ["a@b.i2p"]),
        ("Żółw <a@b.i2p>", ["a@b.i2p"]),
        ("", []),
    ],
)
def test_lines_of_addresses_are_read_as_people_write_them(typed: str, people: list[str]) -> None:
    found = read_addresses(typed, "mail.i2p")
    assert [str(each.address) for each in found] == people
    assert read_addresses(write_addresses(found), "mail.i2p") == found


@pytest.mark.parametrize(
    "typed", ["a b", "a@", "<>", '"x', "a@b.i2p c@d.i2p", "x <a@b@c>", "@", "ü ü"]
)
def test_what_is_no_address_is_named(typed: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_addresses(f"bob, {typed}", "mail.i2p")
    assert raised.value.text == typed


MESSAGE = b"""From: Bob <bob@x.i2p>
Reply-To: list@x.i2p
To: Alice <Alice@mail.i2p>, carol@x.i2p
Cc: alice@example.org, dave@x.i2p, carol@x.i2p
Subject: RE: tea
Message-ID: <two@x.i2p>
References: <one@x.i2p>

Tea?
> Yes.
""".replace(b"\n", b"\r\n")
OWN = frozenset(("alice@mail.i2p", "alice@example.org"))


def test_answer_goes_to_who_asked_and_to_all_others_but_oneself() -> None:
    letter = answer(read_message(MESSAGE), OWN, "alice@mail.i2p", to_all=True)
    assert [str(each.address) for each in letter.to] == ["list@x.i2p"]
    assert [str(each.address) for each in letter.cc] == ["carol@x.i2p", "dave@x.i2p"]
    assert letter.subject == "RE: tea"
    assert letter.text.endswith("> Tea?\n>> Yes.\n")
    octets = compose(letter, NOW, os.urandom)
    assert b"In-Reply-To: <two@x.i2p>\r\n" in octets
    assert b"References: <one@x.i2p> <two@x.i2p>\r\n" in octets


def test_answer_to_own_mail_goes_to_whom_it_went() -> None:
    mine = MESSAGE.replace(b"Bob <bob@x.i2p>", b"alice@example.org").replace(b"Reply-To", b"X")
    letter = answer(read_message(mine), OWN, "alice@mail.i2p", to_all=False)
    assert {str(each.address).lower() for each in letter.to} == {"alice@mail.i2p", "carol@x.i2p"}
    assert letter.cc == ()


def test_hidden_copies_stand_in_the_writers_own_copy() -> None:
    octets = compose(Letter("alice@mail.i2p", bcc=(person("carol"),)), NOW, os.urandom)
    assert b"Bcc: carol@mail.i2p\r\n" in octets


def test_draft_keeps_every_word_as_it_was_typed() -> None:
    typed = drafts.Typed("half an addre", 'c"', "<", "s\u202e", "text\n", True, 3, 4)
    octets = drafts.draft_field(typed) + compose(Letter("a@mail.i2p", text="text"), NOW, os.urandom)
    found = drafts.read_draft(read_message(octets))
    assert found is not None
    assert (found.to, found.cc, found.bcc, found.subject) == ("half an addre", 'c"', "<", "s\u202e")
    assert (found.text.strip(), found.encrypt, found.answers, found.forwards) == (
        "text",
        True,
        3,
        4,
    )


def test_text_stands_before_html_and_for_it() -> None:
    both = (
        b"Content-Type: multipart/alternative; boundary=e\r\n\r\n--e\r\n\r\nplain\r\n--e\r\n"
        b"Content-Type: text/html\r\n\r\n<p>rich\r\n--e--\r\n"
    )
    assert read_message(both).text == "plain"
    assert len(read_message(both).html) == 1
    assert (
        read_message(b"Content-Type: text/html\r\n\r\n<p>rich<br>words\r\n").text == "rich\nwords"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see http://x.i2p/a.", ["http://x.i2p/a"]),
        ("(http://x.i2p/a_(b))", ["http://x.i2p/a_(b)"]),
        ("<https://x.i2p/?q=1&r=2>, next", ["https://x.i2p/?q=1&r=2"]),
        ("javascript:alert(1) data:text/html,x", []),
        ("http://x.i2p http://x.i2p", ["http://x.i2p"]),
    ],
)
def test_links_in_text_end_where_people_end_them(text: str, found: list[str]) -> None:
    links = Links()
    pieces = links.in_text(text)
    assert "".join(piece for piece, _ in pieces) == text
    assert [each.address for each in links.found] == found


def test_links_are_bounded() -> None:
    links = Links()
    text = " ".join(f"http://x{n}.i2p/" for n in range(MAX_LINKS + 10))
    assert "".join(piece for piece, _ in links.in_text(text)) == text
    assert len(links.found) == MAX_LINKS


@pytest.mark.parametrize(
    ("address", "words", "warnings"),
    [
        ("http://shop.i2p/x", "shop.i2p", 0),
        ("http://shop.i2p/x", "click here", 0),
        ("http://evil.i2p/x", "http://shop.i2p/login", 1),
        ("http://evil.i2p/x", "shop.i2p/way", 1),
        ("https://www.shop.example/", "shop.example", 1),
        ("http://shop.i2p@evil.i2p/", "", 1),
        ("http://sh\u043ep.i2p/", "", 1),
        ("mailto:a@b.i2p", "", 0),
    ],
)
def test_links_that_should_make_people_think_say_so(
    address: str, words: str, warnings: int
) -> None:
    assert len(Link(1, address, words).warnings) == warnings
