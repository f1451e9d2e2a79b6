# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace

import pytest

from eepost.mail.address import Address
from eepost.mail.header import MAX_HEADER_OCTETS, split_header
from eepost.mail.msgid import fresh_id, map_id
from eepost.mail.parameters import MAX_PARAMETERS
from eepost.sanitise.choices import Choices
from eepost.sanitise.from_user import (
    NO_FIELD,
    NOT_YOUR_ADDRESS,
    OUT_OF_BOUNDS,
    FromUser,
    sanitise_from_user,
)
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.threads import (
    DeliveredIds,
    hash_id,
    hashes_to_look_up,
    hashes_to_remember,
)
from tests.sanitise.corpus import real_messages

KEY = b"k" * 32
TABLE_KEY = b"t" * 32
ALICE = Address("alice", "mail.i2p")
CONTEXT = FromUser(
    address=ALICE,
    addresses=frozenset({ALICE, Address("alice", "post.example")}),
    message_id_key=KEY,
    message_id_domain="mail.i2p",
    accepted_utc=1_795_446_839,
    randomness=lambda count: b"\x01" * count,
)
ORDER = (
    b"From To Cc Subject Date Message-ID In-Reply-To References MIME-Version Content-Type "
    b"Content-Transfer-Encoding Content-Disposition"
).split()


def mapped(message_id: bytes) -> bytes:
    return b"<" + map_id(KEY, message_id, "mail.i2p") + b">"


def passed(message: bytes, context: FromUser = CONTEXT) -> Sanitised:
    outcome = sanitise_from_user(message, context)
    assert isinstance(outcome, Sanitised)
    assert outcome.size_octets == len(octets(outcome))
    return outcome


def octets(outcome: Sanitised) -> bytes:
    return b"".join(outcome.pieces)


def written(field: bytes, context: FromUser = CONTEXT) -> dict[bytes, bytes]:
    """The fields that come of a message with `field` beside From."""
    message = octets(passed(b"From: alice@mail.i2p\r\n" + field + b"\r\n\r\nbody", context))
    return {name: value.strip() for name, _, value in split_header(message).fields}


def test_header_is_made_anew_in_one_order() -> None:
    outcome = passed(
        b"Received: from laptop\r\nX-Mailer: Foo 1.2\r\n"
        b"Content-Disposition: inline; filename=a.txt\r\n"
        b"content-transfer-encoding: 8BIT\r\nCONTENT-TYPE: Text/Plain; CHARSET=UTF-8\r\n"
        b"Mime-Version: 1.0 (Foo)\r\nReferences: <r@laptop>\r\nIn-Reply-To: <r@laptop>\r\n"
        b"Message-Id: <1@laptop>\r\nDate: Mon, 1 Jan 2024 10:00:05 +0300\r\nsubject:  Hi\r\n"
        b"CC: carol@mail.i2p\r\nTO: Bob <bob@mail.i2p>\r\nBcc: dave@mail.i2p\r\n"
        b"FROM: Alice <ALICE@Mail.I2P>\r\nSender: x@laptop\r\n\r\nbody\r\n"
    )
    assert octets(outcome) == (
        b"From: Alice <alice@mail.i2p>\r\nTo: Bob <bob@mail.i2p>\r\nCc: carol@mail.i2p\r\n"
        b"Subject: Hi\r\nDate: Mon, 23 Nov 2026 15:13:00 +0000\r\n"
        b"Message-ID: " + mapped(b"1@laptop") + b"\r\nIn-Reply-To: " + mapped(b"r@laptop") + b"\r\n"
        b"References: " + mapped(b"r@laptop") + b"\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: inline; filename=a.txt\r\n\r\nYm9keQ0K\r\n"
    )
    assert outcome.report.counts == {"header field dropped": 4}


@pytest.mark.parametrize(
    "author",
    [
        b"From: bob@mail.i2p\r\n",
        b"From: alice@mail.i2p, bob@mail.i2p\r\n",
        b"From: alice@mail.i2p\r\nFrom: bob@mail.i2p\r\n",
        b"From: alice@mail.i2p\r\nfrom : alice@mail.i2p\r\n",
        b"From: alice@mail.i2p <bob@mail.i2p>\r\n",
        b"From: <alice@mail.i2p> <bob@mail.i2p>\r\n",
        b"From: alice@mail.i2p, root\r\n",
        b"From: alice@evil.example\r\n",
        b"From: Alice\r\n",
        b"From: nobody:;\r\n",
        b"From: alice@mail.i2p\x00.evil.example\r\n",
    ],
)
def test_from_that_is_not_the_accounts_own_is_refused(author: bytes) -> None:
    outcome = sanitise_from_user(author + b"\r\nbody", CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply == NOT_YOUR_ADDRESS


def test_official_form_may_stand_in_from() -> None:
    assert octets(passed(b"From: A <alice@post.example>\r\n\r\n")).startswith(
        b"From: A <alice@post.example>\r\n"
    )


@pytest.mark.parametrize("message", [b"Subject: x\r\n\r\n", b"From: \r\n\r\n", b"", b"just text"])
def test_missing_from_becomes_the_plain_address(message: bytes) -> None:
    outcome = passed(message)
    assert octets(outcome).startswith(b"From: alice@mail.i2p\r\n")
    assert outcome.report.counts["From added"] == 1


def test_name_that_holds_an_address_goes() -> None:
    fields = written(b'To: "bob@elsewhere" <bob@mail.i2p>\r\n')
    assert fields[b"To"] == b"bob@mail.i2p"


def test_recipients_of_several_fields_are_one_list_and_unreadable_ones_go() -> None:
    outcome = passed(b"From: alice@mail.i2p\r\nTo: a@x.i2p\r\nTo: root, b@y.i2p\r\n\r\n")
    assert b"To: a@x.i2p, b@y.i2p\r\n" in octets(outcome)
    assert outcome.report.counts == {"unreadable address dropped": 1}


def test_field_that_may_stand_once_counts_once() -> None:
    outcome = passed(b"From: alice@mail.i2p\r\nSubject: one\r\nSubject: two\r\n\r\n")
    assert b"Subject: one\r\n" in octets(outcome)
    assert outcome.report.counts == {"header field dropped": 1}


def test_line_end_in_an_encoded_subject_makes_no_field() -> None:
    message = octets(passed(b"From: alice@mail.i2p\r\nSubject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n\r\n"))
    assert b"Subject: a Bcc: x\r\n" in message


def test_message_without_identifier_gets_a_random_one() -> None:
    assert written(b"Message-ID: \r\n")[b"Message-ID"] == (
        b"<" + fresh_id(b"\x01" * 20, "mail.i2p") + b">"
    )


def test_identifier_that_looks_like_ours_is_mapped_too() -> None:
    ours = map_id(KEY, b"1@laptop", "mail.i2p")
    assert written(b"Message-ID: <" + ours + b">\r\n")[b"Message-ID"] == mapped(ours)


def test_identifier_without_brackets_is_mapped_whole() -> None:
    assert written(b"Message-ID: 1@laptop\r\n")[b"Message-ID"] == mapped(b"1@laptop")


def test_own_references_map_to_the_identifiers_that_went_out() -> None:
    fields = written(b"In-Reply-To: <1@laptop>\r\nReferences: <0@laptop>\r\n <1@laptop>\r\n")
    assert fields[b"In-Reply-To"] == mapped(b"1@laptop")
    assert fields[b"References"] == mapped(b"0@laptop") + b"\r\n " + mapped(b"1@laptop")


def test_both_threading_fields_stand_or_none() -> None:
    assert written(b"In-Reply-To: <1@x>\r\n")[b"References"] == mapped(b"1@x")
    assert written(b"References: <0@x> <1@x>\r\n")[b"In-Reply-To"] == mapped(b"1@x")
    assert b"References" not in written(b"In-Reply-To: your mail\r\n")


def test_only_identifiers_delivered_to_the_account_stay() -> None:
    field = b"In-Reply-To: <b@peer>\r\nReferences: <a@laptop> <b@peer> <b peer@x>\r\n"
    message = b"From: alice@mail.i2p\r\n" + field + b"\r\n"
    remembered = hashes_to_remember(TABLE_KEY, [b"b@peer", b"c@peer"])
    found = hashes_to_look_up(TABLE_KEY, message) & remembered
    assert found == {hash_id(TABLE_KEY, b"b@peer")}
    known = replace(CONTEXT, known_ids=DeliveredIds(TABLE_KEY, found))
    fields = written(field, known)
    assert fields[b"In-Reply-To"] == b"<b@peer>"
    assert fields[b"References"].split() == [mapped(b"a@laptop"), b"<b@peer>", mapped(b"bpeer@x")]


def test_delivered_identifier_that_is_too_long_is_mapped() -> None:
    class KnowsAll:
        def knows(self, message_id: bytes) -> bool:
            return True

    long_id = b"x" * 300
    fields = written(b"References: <" + long_id + b">\r\n", replace(CONTEXT, known_ids=KnowsAll()))
    assert fields[b"References"] == mapped(long_id)


def test_identifiers_for_the_recipients_tables_are_told() -> None:
    outcome = passed(b"From: alice@mail.i2p\r\nMessage-ID: <1@x>\r\nReferences: <0@x>\r\n\r\n")
    ours, parent = map_id(KEY, b"1@x", "mail.i2p"), map_id(KEY, b"0@x", "mail.i2p")
    assert outcome.thread_ids == (ours, parent, parent)


def test_lookup_wants_nothing_for_mail_that_answers_none() -> None:
    assert hashes_to_look_up(TABLE_KEY, b"To: x\r\n\r\n") == frozenset()
    assert hashes_to_look_up(TABLE_KEY, b"Subject: <x>\r\n\r\nReferences: <a@b>") == frozenset()
    assert hashes_to_look_up(TABLE_KEY, b"References: <" + b"x" * MAX_HEADER_OCTETS) == frozenset()


@pytest.mark.parametrize(
    "field",
    [
        b"X: " + b"x" * MAX_HEADER_OCTETS,
        b"Content-Type: a/b" + b";x=y" * (MAX_PARAMETERS + 1),
    ],
)
def test_message_beyond_the_bounds_is_refused(field: bytes) -> None:
    outcome = sanitise_from_user(b"From: alice@mail.i2p\r\n" + field + b"\r\n\r\n", CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply == OUT_OF_BOUNDS


def test_context_shows_neither_key_nor_address() -> None:
    assert repr(CONTEXT) == "FromUser()"


def test_user_may_drop_threading() -> None:
    context = replace(CONTEXT, choices=Choices(keeps_threads=False))
    outcome = passed(b"From: alice@mail.i2p\r\nReferences: <0@x>\r\n\r\n", context)
    assert b"References" not in octets(outcome)
    assert len(outcome.thread_ids) == 1


def test_real_messages_keep_none_of_their_other_fields() -> None:
    for message in real_messages():
        outcome = sanitise_from_user(message.as_submitted_by("alice@mail.i2p"), CONTEXT)
        if isinstance(outcome, Refused):
            continue
        head = octets(outcome).partition(b"\r\n\r\n")[0]
        names = [name for name, _, _ in split_header(head + b"\r\n\r\n").fields]
        assert names == [name for name in ORDER if name in names], message.name
        head.decode("utf-8")  # not ASCII where an address isn't (RFC 6532)
        assert re.search(rb"[^\r]\n|\r[^\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", head) is None
        assert all(len(line) <= 998 for line in head.split(b"\r\n")), message.name


def test_reply_to_passes_by_choice_with_own_addresses_only() -> None:
    field = b"Reply-To: Alice <ALICE@post.example>, spy@elsewhere.example\r\n"
    assert b"Reply-To" not in written(field)
    chosen = replace(CONTEXT, choices=Choices(keeps_reply_to=True))
    assert written(field, chosen)[b"Reply-To"] == b"Alice <ALICE@post.example>"
    assert b"Reply-To" not in written(b"Reply-To: spy@elsewhere.example\r\n", chosen)
    header = octets(passed(b"From: alice@mail.i2p\r\n" + field + b"To: b@x.y\r\n\r\n", chosen))
    assert header.index(b"From:") < header.index(b"Reply-To:") < header.index(b"To: b")


def test_auto_submitted_passes_by_choice_in_two_spellings_only() -> None:
    field = b"Auto-Submitted: Auto-Replied; owner-email=a@laptop\r\n"
    assert b"Auto-Submitted" not in written(field)
    chosen = replace(CONTEXT, choices=Choices(keeps_auto_submitted=True))
    assert written(field, chosen)[b"Auto-Submitted"] == b"auto-replied"
    assert b"Auto-Submitted" not in written(b"Auto-Submitted: no\r\n", chosen)


@pytest.mark.parametrize("junk", [b">From a\r\n", b"words\r\n", b"X Mailer: a\r\n" * 9])
@pytest.mark.parametrize("field", [b"Received: from laptop", b"X-Originating-IP: [10.1.2.3]"])
def test_fields_behind_a_line_that_is_none_do_not_leave_as_text(junk: bytes, field: bytes) -> None:
    for end in (b"\r\n\r\nwords\r\n", b"\r\n"):
        outcome = sanitise_from_user(b"From: alice@mail.i2p\r\n" + junk + field + end, CONTEXT)
        assert isinstance(outcome, Refused)
        assert outcome.reply == NO_FIELD


@pytest.mark.parametrize(
    "junk",
    [b"X Mailer: Foo\r\n", "X-F\u00f6\u00f6: y\r\n\tz\r\n".encode(), b"X Mailer: a\r\n" * 8],
)
def test_what_looks_like_a_field_and_is_none_goes_with_those_behind_it(junk: bytes) -> None:
    header = b"From: alice@mail.i2p\r\n" + junk + b"X-Originating-IP: [10.1.2.3]\r\nSubject: s\r\n"
    made = octets(passed(header + b"\r\nwords\r\n"))
    assert b"\r\nSubject: s\r\n" in made
    assert made.endswith(b"\r\n\r\nwords\r\n")
    for dropped in (b"Foo", b"10.1.2.3", b": y", b"z"):
        assert dropped not in made.partition(b"Message-ID")[0]


def test_author_before_a_line_that_is_no_field_counts() -> None:
    behind = b"quite To: x\r\nFrom: mallory@mail.i2p\r\nDate: x\r\n\r\nwords\r\n"
    assert b"From: alice@mail.i2p\r\n" in octets(passed(b"From: alice@mail.i2p\r\n" + behind))
    outcome = sanitise_from_user(behind, CONTEXT)
    assert isinstance(outcome, Refused)
    assert outcome.reply == NOT_YOUR_ADDRESS


@pytest.mark.parametrize(
    "body",
    [
        b"some words: and\r\n\r\nX-Mailer: Foo\r\n",
        b"\r\nX-Mailer: Foo\r\n",
        b"--b\r\nContent-Type: x\r\n",
    ],
)
def test_text_that_looks_like_fields_leaves(body: bytes) -> None:
    for header in (b"From: alice@mail.i2p\r\n", b""):
        assert octets(passed(header + body)).endswith(body.lstrip())
