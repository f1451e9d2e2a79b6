# SPDX-License-Identifier: Apache-2.0
"""The proxy as a mail program meets it: quick on slow ways, safe when killed, telling nothing."""

import poplib
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.isolation import HOST_NAME
from tests.interop.running import Desk
from tests.interop.senders import SENDERS
from tests.interop.wiretap import Wiretap
from tests.letterbox.box import Letterbox
from tests.letterbox.relays import Stand, saying, slow_way
from tests.letterbox.waiting import until
from tests.office import PASSWORD, PostOffice, address, mail


def send(port: int, sender: str, *recipients: str, body: str = "Hello\r\n") -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname=HOST_NAME, timeout=60) as smtp:
        smtp.login(sender, PASSWORD)
        smtp.sendmail(address(sender), list(recipients), mail(sender, "bob", body))


def inbox(port: int, name: str) -> list[bytes]:
    pop = poplib.POP3("127.0.0.1", port, timeout=60)
    try:
        pop.user(name)
        pop.pass_(PASSWORD)
        count = len(pop.list()[1])
        found = [b"\r\n".join([*pop.retr(number + 1)[1], b""]) for number in range(count)]
        pop.quit()
        return found
    finally:
        pop.close()


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[Letterbox]:
    """A letterbox that has no identity yet."""
    box = Letterbox(tmp_path / "letterbox")
    yield box
    box.kill()


def test_mail_survives_a_letterbox_that_is_killed(
    post: PostOffice, alice: Desk, bob: Desk, boxes: Letterbox
) -> None:
    tap = Wiretap(post.smtp_port)
    boxes.add(tap.port, post.pop3_port).start()
    send(boxes.smtp_port, alice.account, bob.address, body="before\r\n")
    until(lambda: len(post.fetch(bob.account)) == 1)
    tap.target_port = 1  # nobody is there
    for number in range(3):
        send(boxes.smtp_port, alice.account, bob.address, body=f"letter {number}\r\n")
    boxes.kill()
    tap.target_port = post.smtp_port
    boxes.start()
    time.sleep(0.3)
    assert len(post.fetch(bob.account)) == 1  # nobody has signed in: it knows no password
    inbox(boxes.pop3_port, alice.account)
    found = until(lambda: (all_ := post.fetch(bob.account))[3:] and all_)
    assert len(found) == 4
    for number in range(3):
        assert sum(b"letter %d\r\n" % number in each for each in found) == 1
    tap.close()


def test_a_mail_program_does_not_wait_for_a_slow_way(
    post: PostOffice, alice: Desk, boxes: Letterbox
) -> None:
    people = [f"person{number}" for number in range(10)]
    post.add(*people)
    with slow_way(post.smtp_port, 0.25) as smtp, slow_way(post.pop3_port, 0.25) as pop3:
        boxes.add(smtp.port, pop3.port).start()
        inbox(boxes.pop3_port, alice.account)  # the first sign-in goes to the service
        begun = time.monotonic()
        send(boxes.smtp_port, alice.account, *map(address, people))
        waited = time.monotonic() - begun
        until(lambda: post.fetch(people[-1]))
        took = time.monotonic() - begun
    assert waited < 1.0
    # A round trip takes 0.5 s. Greeting, EHLO, AUTH, the envelope in one piece, the letter: five.
    # With a round trip for each recipient it would take 8 s and more.
    assert took < 7.0


def test_a_round_trip_for_each_message_is_saved_too(
    post: PostOffice, alice: Desk, bob: Desk, boxes: Letterbox
) -> None:
    for number in range(20):
        post.submit(bob.address, alice.address, mail(bob.account, alice.account, f"{number}\r\n"))
    with slow_way(post.pop3_port, 0.25) as pop3:
        boxes.add(post.smtp_port, pop3.port).start()
        begun = time.monotonic()
        assert len(inbox(boxes.pop3_port, alice.account)) == 20
        took = time.monotonic() - begun
    assert took < 12.0  # the first sign-in and the fetching; one by one it would take 10 s more


def test_a_wrong_password_opens_nothing(post: PostOffice, alice: Desk, box: Letterbox) -> None:
    for is_known in (False, True):
        with smtplib.SMTP("127.0.0.1", box.smtp_port, timeout=60) as smtp:
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                smtp.login(alice.account, "wrong " + PASSWORD)
            assert refused.value.smtp_code == 535
            assert smtp.docmd("MAIL FROM:<x@mail.i2p>")[0] == 530
        pop = poplib.POP3("127.0.0.1", box.pop3_port, timeout=60)
        pop.user(alice.account)
        with pytest.raises(poplib.error_proto, match="AUTH"):
            pop.pass_("wrong " + PASSWORD)
        pop.close()
        if not is_known:
            inbox(box.pop3_port, alice.account)


def test_others_addresses_are_refused_before_anything_leaves(box: Letterbox, alice: Desk) -> None:
    with smtplib.SMTP("127.0.0.1", box.smtp_port, timeout=60) as smtp:
        smtp.login(alice.account, PASSWORD)
        with pytest.raises(smtplib.SMTPSenderRefused):
            smtp.sendmail(address("mallory"), [address("bob")], mail("mallory", "bob"))
        with pytest.raises(smtplib.SMTPDataError):
            smtp.sendmail(alice.address, [address("bob")], mail("mallory", "bob"))


def test_a_refusal_of_the_service_comes_as_mail(box: Letterbox, alice: Desk) -> None:
    send(box.smtp_port, alice.account, address("nobody-at-all"))
    (report,) = until(lambda: inbox(box.pop3_port, alice.account))
    assert b"nobody-at-all@mail.i2p" in report
    assert b"There is no such address here" in report


def test_what_a_program_deletes_is_gone_for_programs_and_at_the_service(
    post: PostOffice, box: Letterbox, alice: Desk, bob: Desk
) -> None:
    post.submit(bob.address, alice.address, mail(bob.account, alice.account))
    pop = poplib.POP3("127.0.0.1", box.pop3_port, timeout=60)
    pop.user(alice.account)
    pop.pass_(PASSWORD)
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    names = [line.split()[1] for line in pop.uidl()[1]]
    content = b"\r\n".join([*pop.retr(1)[1], b""])
    assert sizes == [len(content)]
    assert len(names) == 1
    pop.dele(1)
    pop.quit()
    assert inbox(box.pop3_port, alice.account) == []
    until(lambda: post.fetch(alice.account) == [])


# What a service, or somebody on the way to it, hears.


def _tell_tale(desk: Desk) -> set[bytes]:
    return {HOST_NAME.encode(), b"swaks", b"Planted", b"192.0.2.7", b"tell-tale", b"Darwin"}


def _heard_from(desk: Desk, tap: Wiretap, recipient: str) -> set[bytes]:
    for sender in SENDERS:
        if sender.name in {"swaks PLAIN", "curl", "mutt"}:
            done = sender.send(desk, recipient)
            assert done.succeeded, done.output
    until(lambda: tap.heard.count(b"\r\n.\r\n") >= 3)
    return {each for each in _tell_tale(desk) if each in tap.heard}


@pytest.mark.interop
def test_the_service_hears_nothing_that_the_programs_told(
    post: PostOffice, alice: Desk, bob: Desk, boxes: Letterbox, tmp_path: Path
) -> None:
    tap = Wiretap(post.smtp_port)
    boxes.add(tap.port, post.pop3_port).start()
    home = tmp_path / "other"
    home.mkdir()
    through = Desk(home, boxes.smtp_port, boxes.pop3_port, alice.account)
    assert _heard_from(through, tap, bob.address) == set()
    assert b"EHLO [127.0.0.1]\r\n" in tap.heard
    # The same programs without the letterbox: the search finds what they tell.
    bare = Wiretap(post.smtp_port)
    control = Desk(home, bare.port, post.pop3_port, alice.account)
    assert _heard_from(control, bare, bob.address) >= {HOST_NAME.encode(), b"Planted", b"swaks"}
    tap.close()
    bare.close()


def test_nothing_of_a_user_stands_in_the_journal(
    post: PostOffice, alice: Desk, bob: Desk, boxes: Letterbox
) -> None:
    boxes.add(post.smtp_port, post.pop3_port).start()
    send(boxes.smtp_port, alice.account, bob.address, body="a telling body\r\n")
    until(lambda: post.fetch(bob.account))
    boxes.stop()
    text = str(boxes.lines)
    assert "serving" in text
    for word in (alice.account, bob.account, "mail.i2p", "telling", PASSWORD, HOST_NAME):
        assert word not in text


# Who is no service, or a bad one.

_POP3_IN = (b"+OK hi\r\n", b"+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n", b"+OK\r\n+OK in\r\n")
_POP3_LISTED = (*_POP3_IN, b"+OK\r\n1 100\r\n2 100\r\n.\r\n+OK\r\n1 aa\r\n2 bb\r\n.\r\n")
HOSTILE_POP3: dict[str, Callable[[], Stand]] = {
    "says nothing": lambda: saying(b"", then="silent"),
    "closes at once": lambda: saying(b""),
    "greets for ever": lambda: saying(
        b"+OK hi\r\n", b"+OK\r\n" + b"UIDL\r\n" * 99, then="for ever"
    ),
    "has no lines": lambda: saying(b"x" * 65_536, then="for ever"),
    "is another protocol": lambda: saying(b"HTTP/1.1 200 OK\r\n\r\n<html>"),
    "closes in the middle": lambda: saying(*_POP3_LISTED, b"+OK 100 octets\r\nSubject: half"),
    "lies about sizes": lambda: saying(
        *_POP3_LISTED, b"+OK\r\nSubject: x\r\n\r\n" + b"y" * 50_000, then="for ever"
    ),
    "lists for ever": lambda: saying(*_POP3_IN, b"+OK\r\n", b"1 1\r\n" * 1_000, then="for ever"),
    "lists nonsense": lambda: saying(*_POP3_IN, b"+OK\r\n1 -1\r\n.\r\n+OK\r\n.\r\n"),
}


def test_bad_services_leave_the_letterbox_as_it_was(
    post: PostOffice, alice: Desk, boxes: Letterbox
) -> None:
    patience = {"silence_seconds": 5.0, "shares_destination": True}
    with ExitStack() as stack:
        stands: dict[str, Stand] = {}
        for at, (kind, make) in enumerate(HOSTILE_POP3.items()):
            stands[kind] = stack.enter_context(make())
            boxes.add(post.smtp_port, stands[kind].port, f"bad-{at}", service=patience)
        boxes.add(post.smtp_port, post.pop3_port, "good", service=patience)
        boxes.change_config("#wait_seconds = 20.0", "wait_seconds = 1.0")
        boxes.start()
        for at, kind in enumerate(HOSTILE_POP3):
            port = boxes.ports[f"bad-{at}_pop3"]
            if kind in _LETS_IN:
                assert inbox(port, alice.account) == [], kind
            else:
                with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
                    inbox(port, alice.account)
            assert stands[kind].opened >= 1
            # The other identity never hears of it.
            assert inbox(boxes.ports["good_pop3"], alice.account) == [], kind
            assert _resident_megabytes(boxes.pid) < 400, kind
    assert all(line["event"] != "fault" for line in boxes.lines), boxes.lines


_LETS_IN = frozenset(("closes in the middle", "lies about sizes"))


def _resident_megabytes(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1_024


HOSTILE_SMTP: dict[str, Callable[[], Stand]] = {
    "turns away": lambda: saying(b"554 5.7.1 go away\r\n"),
    "closes after the letter": lambda: saying(
        b"220 hi\r\n", b"250-hi\r\n250 PIPELINING\r\n", b"250 a\r\n250 b\r\n354 go\r\n"
    ),
    "takes the letter before it was sent": lambda: saying(
        b"220 hi\r\n", b"250-hi\r\n250 PIPELINING\r\n", b"250 a\r\n250 b\r\n250 kept\r\n"
    ),
    "replies for ever": lambda: saying(b"220-hi\r\n", then="for ever"),
    "replies without a line's end": lambda: saying(b"220" + b"x" * 65_536, then="for ever"),
}


def test_mail_outlives_bad_services(post: PostOffice, alice: Desk, boxes: Letterbox) -> None:
    patience = {"silence_seconds": 5.0, "shares_destination": True}
    people = {f"at-{at}": kind for at, kind in enumerate(HOSTILE_SMTP)}
    post.add(*people)
    taps: dict[str, Wiretap] = {}
    with ExitStack() as stack:
        stands = {name: stack.enter_context(HOSTILE_SMTP[kind]()) for name, kind in people.items()}
        for name, stand in stands.items():
            taps[name] = Wiretap(stand.port)
            boxes.add(taps[name].port, post.pop3_port, name, service=patience)
        boxes.start()
        for name, stand in stands.items():
            send(boxes.ports[f"{name}_smtp"], alice.account, address(name), body="outlives\r\n")
            until(lambda at=stand: at.opened >= 1)  # type: ignore[misc]
        assert all(post.fetch(name) == [] for name in people)
        boxes.stop()
    for tap in taps.values():
        tap.target_port = post.smtp_port
    boxes.start()
    for name, kind in people.items():
        inbox(boxes.ports[f"{name}_pop3"], alice.account)
        (message,) = until(lambda at=name: post.fetch(at))  # type: ignore[misc]
        assert b"outlives" in message, kind
        taps[name].close()
    assert all(line["event"] != "fault" for line in boxes.lines), boxes.lines


def test_two_identities_of_one_person_are_refused_one_tunnel(
    post: PostOffice, boxes: Letterbox
) -> None:
    boxes.add(post.smtp_port, post.pop3_port)
    command = [sys.executable, "-m", "eepost", "letterbox", "init", "--data", str(boxes.directory)]
    given = ["--identity", "second", "--domain", "mail.i2p"]
    ways = ["--smtp", f"port 127.0.0.1:{post.smtp_port}", "--pop3", "port 127.0.0.1:1"]
    listen = ["--listen-smtp", "127.0.0.1:0", "--listen-pop3", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, *given, *ways, *listen], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "one person" in done.stderr
    assert not (boxes.directory / "identities" / "second" / "identity.toml").exists()


def test_handing_a_letter_in_costs_little(post: PostOffice, alice: Desk, box: Letterbox) -> None:
    body = "A line of a letter that has four thousand octets in all.\r\n" * 70
    took = []
    with smtplib.SMTP("127.0.0.1", box.smtp_port, timeout=60) as smtp:
        smtp.login(alice.account, PASSWORD)
        for _ in range(20):
            begun = time.monotonic()
            smtp.sendmail(alice.address, [alice.address], mail(alice.account, alice.account, body))
            took.append(time.monotonic() - begun)
    # Cleaned, sealed, flushed: under 10 ms on a quiet machine (docs/letterbox.md); this is none.
    assert sorted(took)[5] < 0.1, took
