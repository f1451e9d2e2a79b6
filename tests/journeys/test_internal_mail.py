# SPDX-License-Identifier: Apache-2.0
"""Journey 1 through a running post office, as a mail program sees it."""

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from eepost.sanitise.choices import Choices, Dangerous
from tests.office import DOMAIN, OFFICIAL, PASSWORD, PostOffice, address, mail

DROP = Dangerous.DROP


@contextmanager
def logged_in(office: PostOffice, name: str = "alice") -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login(name, PASSWORD)
        yield smtp


def header(message: bytes) -> str:
    return message.partition(b"\r\n\r\n")[0].decode()


def test_mail_arrives_with_one_clean_trace_and_without_what_tells(office: PostOffice) -> None:
    leaks = (
        "Received: from laptop (home.example [192.0.2.7])\r\nUser-Agent: Secret/1\r\n"
        "X-Originating-IP: 192.0.2.7\r\nMessage-ID: <1.2@laptop>\r\n"
        "Date: Mon, 23 Nov 2026 18:04:51 +0300\r\nBcc: carol@mail.i2p\r\n"
    )
    office.submit(address("alice"), address("bob"), mail("alice", "bob", extra=leaks))
    (message,) = office.fetch("bob")
    names = [line.partition(":")[0] for line in header(message).splitlines()]
    assert names[:2] == ["Return-Path", "Received"]
    assert names.count("Received") == 1
    assert re.search(r"\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:00 \+0000\r\n", header(message))
    for leak in ("laptop", "192.0.2.7", "Secret", "carol", "+0300", "18:04", "1.2@", "127.0.0.1"):
        assert leak not in header(message)
    assert message.endswith(b"\r\n\r\nHello\r\n")


def test_official_addresses_are_the_same_mailbox_everywhere(office: PostOffice) -> None:
    official = f"alice@{OFFICIAL}"
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login(official, PASSWORD)
        text = f"From: {official}\r\nTo: bob@{OFFICIAL}\r\nSubject: s\r\n\r\nHello\r\n"
        smtp.sendmail(official, [f"BOB@{OFFICIAL.upper()}", address("bob")], text)
    assert len(office.fetch(f"bob@{OFFICIAL}")) == 1


def test_sender_can_be_nobody_else(office: PostOffice) -> None:
    with logged_in(office) as smtp:
        for other in (address("bob"), "alice@elsewhere.example", ""):
            assert smtp.mail(other)[0] == 553
        assert smtp.mail(address("alice"))[0] == 250


def test_from_can_be_nobody_else(office: PostOffice) -> None:
    with logged_in(office) as smtp, pytest.raises(smtplib.SMTPDataError) as caught:
        smtp.sendmail(address("alice"), address("bob"), mail("bob", "bob"))
    assert caught.value.smtp_code == 553
    assert office.fetch("bob") == []


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        (f"nobody@{DOMAIN}", 550),
        ("somebody@elsewhere.example", 550),
        (f"bob@{OFFICIAL}", 250),
        (f"BOB@{DOMAIN}", 250),
        (f'"bob"@{DOMAIN}', 250),
        ("not an address", 501),
    ],
)
def test_recipient_is_answered_at_once(office: PostOffice, recipient: str, code: int) -> None:
    with logged_in(office) as smtp:
        smtp.mail(address("alice"))
        assert smtp.docmd(f"RCPT TO:<{recipient}>")[0] == code


def test_nothing_without_a_login(office: PostOffice) -> None:
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.ehlo()
        code, text = smtp.mail(address("alice"))
        assert (code, text[:5]) == (530, b"5.7.0")


def test_postmaster_reaches_the_account_with_the_role(new_office: PostOffice) -> None:
    new_office.add("alice", "bob")
    new_office.assign("postmaster", "bob")
    office = new_office.start()
    with logged_in(office) as smtp:
        for recipient in ("postmaster", f"PostMaster@{DOMAIN}", f"postmaster@{OFFICIAL}"):
            smtp.mail(address("alice"))
            assert smtp.docmd(f"RCPT TO:<{recipient}>")[0] == 250
            assert smtp.data(mail("alice", "postmaster"))[0] == 250
    assert len(office.fetch("bob")) == 3


def test_disabled_account_neither_logs_in_nor_gets_mail(office: PostOffice) -> None:
    office.disable("bob")
    with logged_in(office) as smtp:
        smtp.mail(address("alice"))
        assert smtp.rcpt(address("bob"))[0] == 550
    with pytest.raises(smtplib.SMTPAuthenticationError), logged_in(office, "bob"):
        pass


def test_delivery_report_comes_back_where_it_was_asked_for(office: PostOffice) -> None:
    with logged_in(office) as smtp:
        smtp.ehlo()
        assert smtp.mail(address("alice"), ["ENVID=job-42", "RET=HDRS"])[0] == 250
        assert smtp.rcpt(address("bob"), ["NOTIFY=SUCCESS,FAILURE"])[0] == 250
        assert smtp.data(mail("alice", "bob", "secret words\r\n"))[0] == 250
    (report,) = office.fetch("alice")
    text = report.decode()
    assert "Return-Path: <>\r\n" in text
    assert "report-type=delivery-status" in text
    assert "Original-Envelope-Id: job-42\r\n" in text
    assert f"Final-Recipient: rfc822; bob@{DOMAIN}\r\nAction: delivered\r\n" in text
    assert "Subject: test\r\n" in text
    assert "secret words" not in text
    (message,) = office.fetch("bob")
    assert b"job-42" not in message


def test_no_report_where_none_was_asked_for(office: PostOffice) -> None:
    with logged_in(office) as smtp:
        smtp.ehlo()
        for notify in (["NOTIFY=NEVER"], ["NOTIFY=FAILURE"], []):
            smtp.mail(address("alice"))
            smtp.rcpt(address("bob"), notify)
            assert smtp.data(mail("alice", "bob"))[0] == 250
    assert office.fetch("alice") == []


def test_hundred_recipients_get_one_message(new_office: PostOffice) -> None:
    names = [f"user{number:03}" for number in range(120)]
    new_office.add("alice", *names)
    office = new_office.start()
    office.submit(address("alice"), [address(name) for name in names], mail("alice", "user000"))
    assert all(len(office.fetch(name)) == 1 for name in names[::40])


def small(new_office: PostOffice) -> PostOffice:
    """A post office whose maildrops hold little more than a megabyte."""
    new_office.change_config("#message_octets = 10485760", "message_octets = 65536")
    new_office.change_config("#maildrop_octets = 50000000", "maildrop_octets = 1000000")
    new_office.add("alice", "bob")
    return new_office.start()


def test_filling_maildrop_warns_twice_and_then_refuses_until_there_is_room(
    new_office: PostOffice,
) -> None:
    office = small(new_office)
    body = ("x" * 70 + "\r\n") * 800
    sent = 0
    with logged_in(office) as smtp:
        while smtp.mail(address("alice"))[0] == 250 and smtp.rcpt(address("bob"))[0] == 250:
            code, _ = smtp.data(mail("alice", "bob", body))
            if code != 250:
                assert code == 452
                break
            sent += 1
            assert sent < 30
    messages = office.fetch("bob")
    warnings = [m for m in messages if b"percent full" in header(m).encode()]
    assert [re.findall(rb"is (\d+) percent", m)[0] for m in warnings] == [b"80", b"95"]
    assert len(messages) == sent + 2
    office.remove_all("bob")
    with logged_in(office) as smtp:
        smtp.mail(address("alice"))
        assert smtp.rcpt(address("bob"))[0] == 250
        assert smtp.data(mail("alice", "bob", body))[0] == 250


def test_declared_size_beyond_the_maildrop_is_refused_before_the_content(
    new_office: PostOffice,
) -> None:
    office = small(new_office)
    with logged_in(office) as smtp:
        smtp.ehlo()
        assert smtp.mail(address("alice"), ["SIZE=65537"])[0] == 552


def test_stop_finishes_and_start_goes_on_with_the_same_mail(office: PostOffice) -> None:
    office.submit(address("alice"), address("bob"), mail("alice", "bob"))
    before = office.fetch("bob")
    assert office.stop() == 0
    office.start()
    assert office.fetch("bob") == before


def test_journal_holds_nothing_of_what_was_said(office: PostOffice) -> None:
    office.submit(address("alice"), address("bob"), mail("alice", "bob", "planted words\r\n"))
    office.fetch("bob")
    office.stop()
    journal = repr(office.lines)
    assert "serving" in journal
    for secret in ("alice", "bob", "planted", PASSWORD, "Subject", "test"):
        assert secret not in journal


def test_conversation_holds_together_on_both_sides(office: PostOffice) -> None:
    office.submit(
        address("alice"), address("bob"), mail("alice", "bob", extra="Message-ID: <1@a>\r\n")
    )
    first = message_id(office.fetch("bob")[0])
    answer = f"Message-ID: <2@b>\r\nIn-Reply-To: {first}\r\nReferences: {first}\r\n"
    office.submit(address("bob"), address("alice"), mail("bob", "alice", extra=answer))
    (reply,) = office.fetch("alice")
    # Alice's program kept her first mail under its own name for it, which Bob never sees.
    assert "1@a" not in first
    assert "In-Reply-To: <1@a>\r\nReferences: <1@a>\r\n" in header(reply)
    again = f"In-Reply-To: {message_id(reply)}\r\nReferences: <1@a> {message_id(reply)}\r\n"
    office.submit(address("alice"), address("bob"), mail("alice", "bob", extra=again))
    last = header(office.fetch("bob")[1])
    assert f"References: {first} <2@b>\r\n" in last.replace("\r\n ", " ") + "\r\n"


def test_user_may_have_answers_name_what_everybody_else_sees(new_office: PostOffice) -> None:
    new_office.add("alice", "bob")
    new_office.start()
    with new_office.registry() as registry:
        registry.adjust(
            "alice",
            lambda old: replace(old, cleaning=replace(old.cleaning, maps_ids_back=False)),
        )
    extra = "Message-ID: <1@a>\r\n"
    new_office.submit(address("alice"), address("bob"), mail("alice", "bob", extra=extra))
    first = message_id(new_office.fetch("bob")[0])
    answer = f"In-Reply-To: {first}\r\n"
    new_office.submit(address("bob"), address("alice"), mail("bob", "alice", extra=answer))
    (reply,) = new_office.fetch("alice")
    assert f"In-Reply-To: {first}\r\n" in header(reply)


def test_each_reader_gets_dangerous_files_as_he_chose(new_office: PostOffice) -> None:
    new_office.add("alice", "bob", "carol")
    new_office.start()
    with new_office.registry() as registry:
        registry.adjust("carol", lambda old: replace(old, cleaning=Choices(dangerous=DROP)))
    message = (
        f"From: {address('alice')}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/html\r\n\r\n<p>look</p>\r\n"
        "--x\r\nContent-Type: application/octet-stream; name=setup.exe\r\n\r\nMZ\r\n--x--\r\n"
    )
    new_office.submit(address("alice"), [address("bob"), address("carol")], message.encode())
    (bobs,) = new_office.fetch("bob")
    (carols,) = new_office.fetch("carol")
    assert b"setup.exe" in bobs
    assert b'filename="setup.exe"' not in bobs
    assert b"setup.exe" not in carols
    assert b"A file was removed" in carols
    assert b"look" in bobs
    assert b"look" in carols


def test_dry_run_tells_its_author_what_would_become_of_a_message(office: PostOffice) -> None:
    extra = "X-Mailer: Planted 1.0\r\nReceived: from planted.example\r\n"
    office.submit(address("alice"), f"Dry-Run@{DOMAIN}", mail("alice", "bob", extra=extra))
    (report,) = office.fetch("alice")
    assert "Subject: Not sent" in header(report)
    assert b"  header fields: 2\r\n" in report
    assert b"Content-Type: message/rfc822" in report
    assert b"lanted" not in report
    assert office.fetch("bob") == []


def test_dry_run_says_why_a_message_would_be_refused(office: PostOffice) -> None:
    office.submit(address("alice"), f"dry-run@{DOMAIN}", mail("bob", "alice"))
    (report,) = office.fetch("alice")
    assert b"it would have been refused" in report
    assert b"it must be your own" in report


def test_dry_run_goes_to_its_address_alone(office: PostOffice) -> None:
    dry_run = f"<dry-run@{OFFICIAL}>"
    with logged_in(office) as smtp:
        smtp.mail(address("alice"))
        assert smtp.rcpt(dry_run)[0] == 250
        assert smtp.rcpt(address("bob"))[0] == 550
        assert smtp.data(mail("alice", "bob"))[1].startswith(b"2.0.0 Not sent")
        smtp.mail(address("alice"))
        assert smtp.rcpt(address("bob"))[0] == 250
        assert smtp.rcpt(dry_run)[0] == 550
        assert smtp.data(mail("alice", "bob"))[1].startswith(b"2.0.0 Accepted")
    assert len(office.fetch("bob")) == 1
    assert len(office.fetch("alice")) == 1


def test_identifier_that_was_never_delivered_to_the_sender_does_not_pass(
    office: PostOffice,
) -> None:
    stranger = "<somebody-elses-mail@example.org>"
    answer = f"In-Reply-To: {stranger}\r\nReferences: {stranger}\r\n"
    office.submit(address("alice"), address("bob"), mail("alice", "bob", extra=answer))
    (message,) = office.fetch("bob")
    assert "somebody-elses" not in header(message)
    assert "In-Reply-To: <" in header(message)


def message_id(message: bytes) -> str:
    found: str = re.findall(r"\r\nMessage-ID: (<\S+>)", header(message))[0]
    return found
