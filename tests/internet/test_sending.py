# SPDX-License-Identifier: Apache-2.0
"""What becomes of mail on its way out: each kind of domain, and what arrives there."""

import asyncio
import re
import smtplib
import subprocess
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.internet.core_side import core_side
from tests.internet.gateway import HOST, Gateway, pair
from tests.internet.letters import clean, fields, named, verifies
from tests.internet.silent import silent_host
from tests.internet.wire import wire
from tests.internet.world.place import host, program
from tests.internet.world.world import SILENT, World
from tests.office import DOMAIN, PostOffice

pytestmark = pytest.mark.interop

# Each domain, and what the core hears of its recipient: fate, status, code.
DELIVERED = ("delivered", "2.0.0", 250)
OUTCOMES = {
    "far.example": DELIVERED,
    "plain.example": DELIVERED,
    "bare.example": DELIVERED,
    "unknown.example": DELIVERED,  # TLS without a proof is better than none
    "second.example": DELIVERED,  # its first host is away
    "sts.example": DELIVERED,
    "sts-unknown.example": ("deferred", "4.7.5", 0),
    "sts-plain.example": ("deferred", "4.7.5", 0),
    "sts-other.example": ("deferred", "4.7.5", 0),
    "dane.example": DELIVERED,
    "dane-anchor.example": DELIVERED,
    "dane-wrong.example": ("deferred", "4.7.5", 0),
    "dane-plain.example": ("deferred", "4.7.5", 0),
    "null.example": ("failed", "5.1.10", 0),
    "no-such-domain.example": ("failed", "5.1.2", 0),
    "empty.example": ("failed", "5.1.2", 0),
    "away.example": ("deferred", "4.4.1", 0),
    "ourselves.example": ("failed", "5.4.6", 0),
    "at-ours.example": ("failed", "5.4.6", 0),
    "inside.example": ("failed", "5.4.4", 0),
}


@pytest.fixture(scope="module")
def core(net: World, tmp_path_factory: pytest.TempPathFactory) -> PostOffice:
    """A core on disk: its part is played by the tests."""
    return PostOffice(tmp_path_factory.mktemp("core") / "office").create()


@pytest.fixture(scope="module")
def gateway(
    net: World, core: PostOffice, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway") / "gateway"
    settings = {
        "dns": {"seconds": 3.0},
        "relay": {"connect_seconds": 2.0, "command_seconds": 3.0, "content_seconds": 5.0},
    }
    environment = {"SSL_CERT_FILE": str(net.known.file)}
    with Gateway(folder, settings, environment).create() as gateway:
        net.ours(*gateway.records())
        pair(core, gateway)
        yield gateway.start()


@pytest.mark.parametrize("domain", OUTCOMES)
async def test_mail_to_each_kind_of_domain_becomes_what_it_should(
    net: World, core: PostOffice, gateway: Gateway, domain: str
) -> None:
    recipient = f"kind@{domain}"
    async with core_side(core.directory) as link:
        told = await link.relay(clean(recipient), recipient)
    assert told == {recipient: OUTCOMES[domain]}
    mail = net.postfix.mail
    if OUTCOMES[domain] == DELIVERED:
        mail.wait(recipient)
    else:
        assert not mail.now(recipient)


async def test_one_message_for_many_domains_is_told_of_for_each_recipient(
    core: PostOffice, gateway: Gateway
) -> None:
    expected = {f"many@{domain}": outcome for domain, outcome in OUTCOMES.items()}
    async with core_side(core.directory) as link:
        assert await link.relay(clean("many@far.example"), *expected) == expected


async def test_refused_deferred_and_taken_recipients_of_one_domain_are_kept_apart(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    net.postfix.refuse(
        {"refused@": "550 5.1.1 nobody here", "later@": "451 4.7.1 greylisted, come back"}
    )
    names = [f"{name}@far.example" for name in ("refused", "later", "taken")]
    async with core_side(core.directory) as link:
        told = await link.relay(clean(names[0]), *names)
        assert told == {
            "refused@far.example": ("failed", "5.1.1", 550),
            "later@far.example": ("deferred", "4.7.1", 451),
            "taken@far.example": DELIVERED,
        }
        net.postfix.refuse({})
        assert await link.relay(clean(names[1]), names[1]) == {"later@far.example": DELIVERED}
    net.postfix.mail.wait("later@far.example")
    assert not net.postfix.mail.now("refused@far.example")


async def test_exim_takes_mail_over_tls(net: World, core: PostOffice, gateway: Gateway) -> None:
    async with core_side(core.directory) as link:
        told = await link.relay(
            clean("bob@exim.example"), "bob@exim.example", "refused@exim.example"
        )
    assert told == {
        "bob@exim.example": ("delivered", "2.0.0", 250),
        "refused@exim.example": ("failed", "5.1.1", 550),
    }
    assert "TLS1.3" in named(net.exim.mail.wait("bob@exim.example")[0], "Received")[0]


async def test_host_that_says_nothing_is_given_up_in_time_and_told_as_deferred(
    core: PostOffice, gateway: Gateway
) -> None:
    with silent_host(SILENT):
        async with core_side(core.directory) as link:
            told = await link.relay(clean("x@silent.example"), "x@silent.example")
    assert told == {"x@silent.example": ("deferred", "4.4.2", 0)}


async def test_domain_of_other_letters_is_found_under_its_ascii_name(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    net.zones.add("xn--strae-oqa.example", "@ MX 10 mx.far.example.")
    net.zones.publish()
    async with core_side(core.directory) as link:
        told = await link.relay(clean("x@far.example"), "x@straße.example")
    # Postfix does not know the domain; what counts is that the right one was asked.
    assert told == {"x@straße.example": ("failed", "5.7.1", 554)}


async def test_address_beyond_ascii_needs_a_host_that_takes_it(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    recipients = ("jürgen@far.example", "jürgen@seven.example", "plain@seven.example")
    async with core_side(core.directory) as link:
        told = {each: (await link.relay(clean("x@far.example"), each))[each] for each in recipients}
    assert told == {
        "jürgen@far.example": DELIVERED,
        "jürgen@seven.example": ("failed", "5.6.7", 0),
        "plain@seven.example": DELIVERED,
    }


async def test_eight_bit_body_needs_a_host_that_takes_it(
    core: PostOffice, gateway: Gateway
) -> None:
    message = clean("x@far.example", "Grüße\r\n").replace(b"7bit", b"8bit")
    async with core_side(core.directory) as link:
        told = await link.relay(message, "x@far.example", "x@seven.example")
    assert told == {
        "x@far.example": DELIVERED,
        "x@seven.example": ("failed", "5.6.3", 0),
    }


async def test_message_that_is_not_clean_never_leaves(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    message = clean("x@far.example")
    faulty = {
        "received": b"Received: from laptop ([10.1.2.3])\r\n" + message,
        "agent": message.replace(b"MIME-Version", b"User-Agent: Secret/1.0\r\nMIME-Version"),
        "zone": message.replace(b"+0000", b"+0300"),
        "identifier": message.replace(b"abcdefghijklmnopqrstuvwxyz234567@", b"me@laptop."),
        "foreign author": message.replace(b"alice@example.org", b"alice@victim.example"),
        "two authors": message.replace(b"<alice@example.org>", b"<a@example.org>, <b@example.org>"),
    }
    async with core_side(core.directory) as link:
        for what, octets in faulty.items():
            recipient = f"{what.replace(' ', '-')}@far.example"
            assert await link.relay(octets, recipient) == {recipient: ("failed", "5.7.1", 0)}
        forged = await link.relay(message, "forged@far.example", sender="alice@victim.example")
        assert forged == {"forged@far.example": ("failed", "5.7.1", 0)}
        assert await link.relay(message, "clean@far.example") == {"clean@far.example": DELIVERED}
    net.postfix.mail.wait("clean@far.example")
    assert not [who for who in net.postfix.mail.everything() if who.split("@")[0] in faulty]


async def test_recipient_inside_or_malformed_is_refused(core: PostOffice, gateway: Gateway) -> None:
    wrong = (f"alice@{DOMAIN}", "no-at-sign", "x@[9.66.1.1]", "x@far..example")
    async with core_side(core.directory) as link:
        told = await link.relay(clean("x@far.example"), *wrong)
    assert told == dict.fromkeys(wrong, ("failed", "5.1.3", 0))


# What arrives.


async def arrived(net: World, core: PostOffice, recipient: str) -> bytes:
    """Send a message and return it as the far server has stored it, without its own fields."""
    async with core_side(core.directory) as link:
        assert await link.relay(clean(recipient), recipient) == {recipient: DELIVERED}
    stored = net.postfix.mail.wait(recipient)[0]
    at = stored.index(b"\r\nDKIM-Signature:") + 2
    assert stored[:at].count(b"\r\nReceived: ") == 1, "Postfix's own stands in front"
    return stored[at:]


async def test_what_arrives_has_one_received_field_that_tells_no_more_than_the_gateways_name(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    message = await arrived(net, core, "one-received@far.example")
    received = named(message, "Received")
    assert len(received) == 1
    shape = re.fullmatch(rf"by {HOST} with ESMTPA; (.*:00 \+0000)", received[0])
    assert shape, received
    assert parsedate_to_datetime(shape[1]).second == 0
    names = [name for name, _ in fields(message)]
    assert names == [
        *("DKIM-Signature", "DKIM-Signature", "Received", "From", "To", "Subject", "Date"),
        *("Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    ]


async def test_both_signatures_verify_and_tell_no_second(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    message = await arrived(net, core, "signed@far.example")
    for number in (0, 1):
        assert verifies(message, number)
        assert not verifies(message.replace(b"Hello", b"Hallo"), number)
        assert not verifies(message.replace(b"To: ", b"Cc: <more@far.example>\r\nTo: "), number)
    algorithms = [re.search(r"a=(\S+);", value) for value in named(message, "DKIM-Signature")]
    assert [found and found[1] for found in algorithms] == ["rsa-sha256", "ed25519-sha256"]
    for value in named(message, "DKIM-Signature"):
        stamp = re.search(r" t=(\d+);", value)
        assert stamp
        assert int(stamp[1]) % 60 == 0


async def test_opendkim_verifies_the_rsa_signature_too(
    net: World, core: PostOffice, gateway: Gateway, tmp_path: Path
) -> None:
    message = await arrived(net, core, "opendkim@far.example")
    verdicts = [opendkim(tmp_path, each) for each in (message, message.replace(b"Hello", b"Hi"))]
    assert [("pass" in each, "fail" in each) for each in verdicts] == [(True, False), (False, True)]


def opendkim(folder: Path, message: bytes) -> str:
    """Return the verdict of opendkim's own code."""
    (folder / "opendkim.conf").write_text("Mode v\nNameservers 127.0.0.1\nAlwaysAddARHeader yes\n")
    (folder / "message").write_bytes(message.replace(b"\r\n", b"\n"))
    command = [program("opendkim") or "opendkim", "-x", str(folder / "opendkim.conf")]
    done = subprocess.run(
        [*command, "-vv", "-t", str(folder / "message")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr


async def test_internal_domain_never_stands_in_the_octets_that_leave(
    net: World, core: PostOffice, gateway: Gateway
) -> None:
    """Listened to on the wire, names that are asked for and all; the control passes us by."""
    message = clean(f"bob@{DOMAIN}", sender=f"alice@{DOMAIN}")
    with wire() as heard:
        async with core_side(core.directory) as link:
            told = await link.relay(message, "wire@plain.example", "x@never-asked.example")
        assert told["wire@plain.example"] == DELIVERED
        assert b"alice@example.org" in heard.heard()
        assert b"never-asked\x07example" in heard.heard(), "questions to the DNS are heard as well"
        assert DOMAIN.encode() not in heard.heard()
        assert DOMAIN.replace(".", "\x03").encode() not in heard.heard()
        with smtplib.SMTP(host(2), 25, "client.example", timeout=20) as smtp:
            smtp.sendmail("alice@example.org", ["wire@plain.example"], message)
        until = time.monotonic() + 5
        while DOMAIN.encode() not in heard.heard():
            assert time.monotonic() < until, "the control was not heard"
            await asyncio.sleep(0.05)
