# SPDX-License-Identifier: Apache-2.0
"""Mail from the Internet: what real servers and hand-made peers bring, and what a user gets."""

import os
import re
import signal
import smtplib
import time
from collections.abc import Iterator

import pytest

from eepost.accounts.preferences import InternetMail, Preferences
from tests.internet.station import Peer, Raw, Station, newest, station, wait_until
from tests.internet.world.place import GATEWAY, host
from tests.internet.world.world import World
from tests.services.gateway.letters import record, signed

pytestmark = pytest.mark.interop

POSTFIX_ADDRESS = host(1)
EXIM_ADDRESS = host(3)
# How SPF records name a host.
WAYS = {
    "mx": "mx",
    "ptr": "ptr:peer.example",
    "a": "a:mail.ways.example/32",
    "exists": "exists:%{i}.ways.example",
    "include": "include:peer.example",
    "redirect": "redirect=peer.example",
}


@pytest.fixture(scope="module")
def ours(net: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One core and one gateway for all tests of this file."""
    key = f'"{record()[:200]}" "{record()[200:]}"'
    spf = {"far": POSTFIX_ADDRESS, "exim": EXIM_ADDRESS, "peer": host(20)}
    also = {
        "far": [f"s1._domainkey TXT {key}", '_dmarc TXT "v=DMARC1; p=reject"'],
        "peer": [f"s1._domainkey TXT {key}", '_dmarc TXT "v=DMARC1; p=none"'],
    }
    for name, address in spf.items():
        zone = net.zones.zones.get(f"{name}.example")
        lines = zone.lines if zone else ["@ MX 10 mail", f"mail A {address}"]
        net.zones.add(
            f"{name}.example",
            *lines,
            f'@ TXT "v=spf1 ip4:{address} -all"',
            *also.get(name, []),
        )
    net.zones.add("bank.example", '@ TXT "v=spf1 -all"', '_dmarc TXT "v=DMARC1; p=reject; adkim=s"')
    net.zones.add("shop.example", '_dmarc TXT "v=DMARC1; p=quarantine"')
    net.zones.add("spf-only.example", '@ TXT "v=spf1 -all"')
    net.zones.add("chained.example", *[f'@ TXT "v=spf1 {"include:chained.example " * 3}-all"'])
    for name, way in WAYS.items():
        end = "" if name == "redirect" else " -all"
        net.zones.add(
            f"{name}-way.example", f'@ TXT "v=spf1 {way}{end}"', "@ MX 10 mail.ways.example."
        )
    net.zones.add("ways.example", f"mail A {host(20)}", f"{host(20)} A 127.0.0.2")
    reverse = net.zones.zones["66.9.in-addr.arpa"].lines
    net.zones.add("66.9.in-addr.arpa", *reverse, "20.1 PTR mail.peer.example.")
    net.ours()
    with station(net, tmp_path_factory.mktemp("ours"), mx={"answer_seconds": 2.0}) as running:
        running.core.add("alice", "bob", "carol", "dave", "erin", "post")
        for role in ("postmaster", "abuse"):
            running.core.assign(role, "post")
        yield running
        assert "fault" not in {line["event"] for line in running.gateway.lines}
        assert "fault" not in {line["event"] for line in running.core.lines}


def letter(subject: str, sender: str = "Bob <bob@peer.example>", body: str = "words\r\n") -> bytes:
    return (
        f"From: {sender}\r\nTo: Alice <alice@example.org>\r\nCc: bob@EXAMPLE.org, x@y.example\r\n"
        f"Subject: {subject}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{subject}@peer.example>\r\n\r\n{body}"
    ).encode()


def found(ours: Station, subject: str, name: str = "alice") -> bytes:
    """Return the one message with that subject, once it is there."""

    def matching() -> list[bytes]:
        wanted = f"\r\nSubject: {subject}\r\n".encode()
        return [each for each in ours.core.fetch(name) if wanted in each]

    wait_until(lambda: bool(matching()))
    assert len(matching()) == 1
    return matching()[0]


def verdict(message: bytes) -> dict[str, str]:
    """Return the methods and their results of the one Authentication-Results field."""
    assert message.count(b"Authentication-Results:") == 1
    field = re.search(rb"Authentication-Results: mx\.example\.org((?:;\r\n [^\r;]*)+)\r\n", message)
    assert field is not None
    return dict(re.findall(r"^ (\w+)=(\S+?)(?:;|\s|$)", field[1].decode(), re.MULTILINE))


# Real servers.


HTML = (
    "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
    '<p onclick="x()">Hello <img src="https://tracker.example/pixel"><script>evil()</script></p>\r\n'
)


def test_postfix_brings_mail_over_tls(ours: Station) -> None:
    secured = newest(ours.gateway, "mx_sessions_secured")
    plain = letter("from-postfix", "Far <far@far.example>", "").removesuffix(b"\r\n")
    message = signed(plain + HTML.encode(), "far.example")
    ours.net.postfix.send("far@far.example", "alice@example.org", message)
    came = found(ours, "from-postfix")
    assert verdict(came) == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    assert came.startswith(b"Return-Path: <far@far.example>\r\nReceived: by mail.i2p with ESMTP; ")
    assert came.count(b"Received:") == 1
    assert b"\r\nTo: Alice <alice@mail.i2p>\r\nCc: bob@mail.i2p, x@y.example\r\n" in came
    assert b"DKIM-Signature" not in came
    assert b"Hello" in came
    for harm in (b"tracker", b"script", b"onclick", b"evil"):
        assert harm not in came
    wait_until(lambda: newest(ours.gateway, "mx_sessions_secured") > secured)


def test_exim_brings_mail_over_tls(ours: Station) -> None:
    secured = newest(ours.gateway, "mx_sessions_secured")
    message = letter("from-exim", "Ex <ex@exim.example>")
    ours.net.exim.send("ex@exim.example", "alice@example.org", message)
    came = found(ours, "from-exim")
    assert verdict(came) == {"spf": "pass", "dkim": "none", "dmarc": "none"}
    assert b"words\r\n" in came
    wait_until(lambda: newest(ours.gateway, "mx_sessions_secured") > secured)


def test_exim_and_postfix_hear_at_once_that_nobody_has_an_address(ours: Station) -> None:
    ours.net.exim.send("ex@exim.example", "nobody@example.org", letter("lost"))
    ours.net.postfix.send("p@far.example", "nobody@example.org", letter("lost"))
    bounce = ours.net.exim.mail.wait("ex@exim.example")[0]
    assert b"550 5.1.1 There is no such address here" in bounce
    assert b"5.1.1" in ours.net.postfix.mail.wait("p@far.example")[0]


# What the checks find.


def test_good_mail_from_a_peer(ours: Station) -> None:
    with Peer(20) as peer:
        peer.secure(ours.net)
        assert peer.bring(signed(letter("good")))[0] == 250
    assert verdict(found(ours, "good")) == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}


def test_host_that_the_senders_domain_denies_is_refused(ours: Station) -> None:
    with Peer(21) as peer:
        heard = peer.bring(letter("x", "a@spf-only.example"), sender="a@spf-only.example")
    assert heard == (550, "5.7.23 The sender's domain denies that this host may send for it")


def test_broken_signature_is_told_and_no_more(ours: Station) -> None:
    with Peer(20) as peer:
        broken = signed(letter("broken")).replace(b"words", b"wards")
        assert peer.bring(broken)[0] == 250
    assert verdict(found(ours, "broken")) == {"spf": "pass", "dkim": "fail", "dmarc": "pass"}


@pytest.mark.parametrize("sender", ["a@bank.example", "Bank <a@sub.bank.example>"])
def test_mail_that_the_authors_domain_disowns_is_refused(ours: Station, sender: str) -> None:
    with Peer(20) as peer:
        code, text = peer.bring(letter("x", sender))
        assert (code, text[:6]) == (550, "5.7.26")
        # A signature of somebody else's does not help, nor a verdict that it brings along.
        forged = b"Authentication-Results: mx.example.org; dmarc=pass\r\n"
        assert peer.bring(signed(forged + letter("x", sender)))[0] == 550


def test_quarantine_is_told_to_the_reader(ours: Station) -> None:
    with Peer(20) as peer:
        assert peer.bring(letter("quarantined", "a@shop.example"))[0] == 250
    came = found(ours, "quarantined")
    assert verdict(came)["dmarc"] == "fail"
    assert b" dmarc=fail header.from=shop.example policy.dmarc=quarantine\r\n" in came


def test_forged_verdicts_do_not_arrive(ours: Station) -> None:
    forged = (
        b"Authentication-Results: mx.example.org;\r\n dmarc=pass header.from=bank.example\r\n"
        b"Authentication-Results: other.example; spf=pass\r\nARC-Seal: i=1; cv=none\r\n"
        b"Received-SPF: pass\r\nX-Spam-Flag: NO\r\nX-Virus-Status: Clean\r\n"
    )
    with Peer(20) as peer:
        assert peer.bring(forged + letter("forged"))[0] == 250
    came = found(ours, "forged")
    assert verdict(came)["dmarc"] == "pass"
    for word in (
        b"bank.example",
        b"other.example",
        b"ARC-",
        b"Received-SPF",
        b"X-Spam",
        b"X-Virus",
    ):
        assert word not in came


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_which_a_record_names_a_host(ours: Station, way: str) -> None:
    sender = f"a@{way}-way.example"
    with Peer(20) as peer:
        assert peer.bring(letter(f"{way}-way", sender), sender=sender)[0] == 250
    assert verdict(found(ours, f"{way}-way"))["spf"] == "pass"


def test_record_that_asks_for_too_many_questions_is_a_permerror(ours: Station) -> None:
    with Peer(20) as peer:
        message = letter("chained", "a@chained.example")
        assert peer.bring(message, sender="a@chained.example")[0] == 250
    assert verdict(found(ours, "chained"))["spf"] == "permerror"


# Recipients.


def test_no_relay_in_any_way(ours: Station) -> None:
    with Peer(20) as peer:
        for recipient in (
            "victim@far.example",
            "alice@mail.i2p",
            "victim%far.example@example.org",
            "victim@far.example@example.org",
            '"victim@far.example"@example.org',
            "far.example!victim@example.org",
            "@example.org:victim@far.example",
            "victim@[9.66.1.1]",
            "victim@example.org.far.example",
        ):
            code, _ = peer.bring(letter("relay"), recipient)
            assert 500 <= code < 600, recipient
    assert b"relay" not in b"".join(ours.net.postfix.mail.now("victim@far.example"))


def test_unknown_recipients_are_refused_one_by_one(ours: Station) -> None:
    with Peer(20) as peer:
        peer.mail("bob@peer.example")
        assert [peer.rcpt(f"{name}@example.org")[0] for name in ("alice", "nobody", "bob")] == [
            250,
            550,
            250,
        ]
        assert peer.data(letter("two of three"))[0] == 250
    found(ours, "two of three", "bob")
    found(ours, "two of three")


@pytest.mark.parametrize("recipient", ["postmaster", "Postmaster@example.org", "abuse@EXAMPLE.ORG"])
def test_whoever_answers_for_a_role_gets_its_mail(ours: Station, recipient: str) -> None:
    subject = recipient.replace("@", "-")
    with Peer(20, name="x") as peer:  # which is no name for anybody else
        assert peer.bring(letter("x"))[0] == 550
        assert peer.bring(letter(subject), recipient)[0] == 250
    found(ours, subject, "post")


def test_guessing_is_put_off(ours: Station) -> None:
    with Peer(36) as peer:  # of the same network as all others
        codes = [peer.bring(letter("x"), f"guess{n}@example.org")[0] for n in range(3)]
    assert set(codes) <= {550, 451}


def set_preferences(ours: Station, name: str, preferences: Preferences) -> None:
    with ours.core.registry() as registry:
        registry.adjust(name, lambda _: preferences)


def test_users_say_whose_mail_they_take(ours: Station) -> None:
    set_preferences(ours, "dave", Preferences(blocked=("spam@peer.example", "@shop.example")))
    set_preferences(ours, "erin", Preferences(internet_mail=InternetMail.FROM_NONE))
    with Peer(20) as peer:
        gone = (550, "5.1.1 There is no such address here")
        assert peer.bring(letter("x"), "dave@example.org", "SPAM@peer.example") == gone
        assert peer.bring(letter("x", "a@shop.example"), "dave@example.org") == gone
        assert peer.bring(letter("x"), "erin@example.org") == gone
        assert peer.bring(letter("welcome"), "dave@example.org")[0] == 250
    found(ours, "welcome", "dave")
    assert ours.core.fetch("erin") == []


def test_people_written_to_are_known(ours: Station) -> None:
    set_preferences(ours, "carol", Preferences(internet_mail=InternetMail.FROM_CORRESPONDENTS))
    with Peer(20) as peer:
        assert peer.bring(letter("x"), "carol@example.org")[0] == 550
    ours.core.submit(
        "carol@mail.i2p",
        "bob@peer.example",
        b"From: carol@mail.i2p\r\nTo: bob@peer.example\r\nSubject: hello\r\n\r\nx\r\n",
    )
    with Peer(20) as peer:
        assert peer.bring(letter("an answer"), "carol@example.org")[0] == 250
    found(ours, "an answer", "carol")


def test_who_wants_no_mail_from_here_gets_none(ours: Station) -> None:
    with Peer(20) as peer:
        helped = peer.help()
        assert b"unsubscribe@example.org" in helped
        # Nobody can do that for somebody else: the author has to be proven.
        assert peer.bring(letter("x", "a@chained.example"), "unsubscribe@example.org")[0] == 550
        assert peer.bring(signed(letter("no more")), "unsubscribe@example.org")[0] == 250
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        ours.core.submit(
            "alice@mail.i2p",
            "BOB@peer.example",
            b"From: alice@mail.i2p\r\nTo: bob@peer.example\r\nSubject: hello\r\n\r\nx\r\n",
        )


# Forms that no server may fall for.


def test_sizes(ours: Station) -> None:
    with Peer(20) as peer:
        assert peer.esmtp_features["size"] == "10485760"
        assert peer.mail("bob@peer.example", ["SIZE=10485761"])[0] == 552
        line = b"x" * 78 + b"\r\n"
        assert peer.bring(letter("too-large") + line * 132_000)[0] == 552
        assert peer.bring(letter("large") + line * 100_000)[0] == 250
    assert len(found(ours, "large")) > 8_000_000


ENDS = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\n\r\n.\n", b"\r\r\n.\r\r\n"]


@pytest.mark.parametrize("end", ENDS)
def test_no_other_end_of_data_smuggles_a_second_message(ours: Station, end: bytes) -> None:
    smuggled = (
        b"MAIL FROM:<admin@far.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
        + letter("smuggled")
        + b".\r\n"
    )
    with Raw() as peer:
        peer.say(b"EHLO mail.peer.example\r\n")
        peer.say(b"MAIL FROM:<bob@peer.example>\r\n")
        peer.say(b"RCPT TO:<alice@example.org>\r\n")
        assert peer.say(b"DATA\r\n").startswith(b"354")
        heard = peer.say(letter("outer") + end + smuggled + b"QUIT\r\n") + peer.rest()
    assert heard.count(b"\r\n") == 2
    assert heard.startswith(b"554 5.6.0")
    for name in ("alice", "bob"):
        assert not any(b"smuggled" in each or b"outer" in each for each in ours.core.fetch(name))


def test_commands_in_the_clear_before_tls_are_never_obeyed(ours: Station) -> None:
    with Raw() as peer:
        peer.say(b"EHLO mail.peer.example\r\n")
        heard = peer.say(b"STARTTLS\r\nMAIL FROM:<eve@peer.example>\r\n") + peer.rest()
    assert heard == (
        b"220 2.0.0 Begin TLS\r\n421 4.7.0 Nothing may follow STARTTLS before TLS stands\r\n"
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00" * 40,
        b"GET / HTTP/1.1\r\nHost: mx.example.org\r\n\r\n",
        b"\0" * 5_000,
        b"EHLO " + b"x" * 5_000 + b"\r\n",
        b"EHLO \xff\xfe\r\n" * 3,
        b"MAIL FROM:<" + b"a" * 2_000 + b"@x>\r\n" * 2,
        b"BDAT 99999999999999999999\r\n",
        b"\r\n" * 400,
        b"AUTH PLAIN AGEAYg==\r\n" * 30,
        b"NOOP\r\n" * 6_000,
    ],
)
def test_bad_input_harms_nobody(ours: Station, octets: bytes) -> None:
    with Raw() as peer:
        try:
            peer.socket.sendall(octets + b"\r\nQUIT\r\n")
            peer.rest()
        except ConnectionError:
            pass
    with Peer(20) as other:
        assert other.noop()[0] == 250


# The core away, slow, and back.


def test_mail_waits_sealed_while_the_core_is_away_and_comes_once(ours: Station) -> None:
    ours.core.kill()
    wait_until(lambda: newest(ours.gateway, "core_is_up") == 0)
    with Peer(20) as peer:
        assert (
            peer.bring(signed(letter("kept")), ["alice@example.org", "nobody@example.org"])[0]
            == 250
        )
        assert peer.bring(letter("kept-for-nobody"), "nobody@example.org")[0] == 250
    kept = list((ours.gateway.directory / "kept").iterdir())
    assert len(kept) == 2
    for file in kept:
        octets = file.read_bytes()
        assert not any(
            word in octets for word in (b"alice", b"peer", b"kept", b"words", b"example")
        )
        assert re.fullmatch(r"[0-9a-f]{32}", file.name)
    ours.core.start()
    came = found(ours, "kept")
    assert verdict(came) == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}
    wait_until(lambda: newest(ours.gateway, "kept") == 0)
    assert list((ours.gateway.directory / "kept").iterdir()) == []
    wait_until(lambda: newest(ours.core, "arrived_unknown") == 2)
    assert newest(ours.gateway, "forwarding_forwarded") == 2


def test_core_that_does_not_answer_in_time_gets_the_message_once(ours: Station) -> None:
    ours.wait_for_link()
    with Peer(20) as peer:
        peer.mail("bob@peer.example")
        assert peer.rcpt("alice@example.org")[0] == 250
        os.kill(ours.core.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert peer.data(letter("slow"))[0] == 250
            assert 1.5 < time.monotonic() - began < 10
            assert len(list((ours.gateway.directory / "kept").iterdir())) == 1
        finally:
            os.kill(ours.core.pid, signal.SIGCONT)
    found(ours, "slow")
    wait_until(lambda: newest(ours.gateway, "kept") == 0)
    found(ours, "slow")


def test_listed_hosts_and_the_mode_that_gives_nothing_away(ours: Station) -> None:
    reversed_address = ".".join(reversed(host(22).split(".")))
    ours.net.zones.add("list.example", f"{reversed_address} A 127.0.0.2")
    ours.net.zones.publish()
    assert ours.gateway.stop() == 0
    ours.gateway.set("mx", "block_lists", ["list.example"])
    ours.gateway.set("mx", "recipients_mode", "accept-then-drop")
    ours.gateway.start()
    ours.wait_for_link()
    with Peer(22) as peer:
        assert peer.bring(letter("x"))[0] == 554
        assert peer.bring(letter("let-me-in"), "postmaster@example.org")[0] == 250
    with Peer(20) as peer:
        for name in ("alice", "ghost", "erin"):  # who is there, who is not, who wants none
            assert peer.bring(letter(f"blind-{name}"), f"{name}@example.org")[0] == 250
    found(ours, "blind-alice")
    found(ours, "let-me-in", "post")
    wait_until(lambda: newest(ours.gateway, "kept") == 0)
    assert ours.core.fetch("erin") == []


def test_no_log_names_anybody(ours: Station) -> None:
    journal = ours.journal()
    assert "counts" in journal
    for word in ("alice", "bob", "peer.example", "far.example", "words", "9.66.1", GATEWAY):
        assert word not in journal.replace("postmaster", ""), word
