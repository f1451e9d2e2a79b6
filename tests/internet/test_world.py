# SPDX-License-Identifier: Apache-2.0
"""The Internet of these tests is one: its servers answer, and answers are validated."""

import asyncio
import smtplib
import socket
import ssl

import httpx
import pytest

from eepost.net.dns import Dns, NoSuchName
from eepost.net.listeners import Endpoint
from eepost.wire.outward.route import (
    NO_DOMAIN,
    NULL_MX,
    DnsFailed,
    Exchanger,
    Exchangers,
)
from tests.internet.world.place import POLICIES, host
from tests.internet.world.world import EXIM, POSTFIX, World

pytestmark = pytest.mark.interop


def resolver() -> Dns:
    return Dns(Endpoint("127.0.0.1", 53), 5)


def test_the_machines_own_network_is_out_of_reach(net: World) -> None:
    with socket.socket() as way_out, pytest.raises(OSError, match="unreachable"):
        way_out.connect(("198.51.100.1", 25))


@pytest.mark.parametrize("name", sorted(POSTFIX))
def test_postfix_takes_mail_at_every_host(net: World, name: str) -> None:
    number, tls, _ = POSTFIX[name]
    with smtplib.SMTP(host(number), 25, "client.example", timeout=20) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("starttls") == (tls != "none")
        smtp.sendmail("a@far.example", [f"{name}-greeter@{name}.example"], b"Subject: hi\r\n\r\nx")
    found = net.postfix.mail.wait(f"{name}-greeter@{name}.example")
    assert b"Subject: hi" in found[0]


def test_postfix_refuses_whom_it_is_told_to(net: World) -> None:
    net.postfix.refuse({"nobody@": "550 5.1.1 no such user"})
    with smtplib.SMTP(host(1), 25, "client.example", timeout=20) as smtp:
        smtp.ehlo()
        smtp.mail("a@far.example")
        assert smtp.rcpt("nobody@far.example")[0] == 550
        assert smtp.rcpt("else@far.example")[0] == 250
    net.postfix.refuse({})


def test_exim_takes_mail(net: World) -> None:
    with smtplib.SMTP(host(EXIM[1]), 25, "client.example", timeout=20) as smtp:
        smtp._host = "mx.exim.example"  # type: ignore[attr-defined] # its certificate's name
        smtp.starttls(context=ssl.create_default_context(cafile=str(net.known.file)))
        smtp.sendmail("a@far.example", ["greeter@exim.example"], b"Subject: hi\r\n\r\nx")
    assert b"Subject: hi" in net.exim.mail.wait("greeter@exim.example")[0]


def test_each_finds_the_other_by_the_dns(net: World) -> None:
    net.postfix.send("a@far.example", "by-dns@exim.example", b"Subject: there\r\n\r\nx\r\n")
    net.exim.send("a@exim.example", "by-dns@far.example", b"Subject: back\r\n\r\nx\r\n")
    assert b"Subject: there" in net.exim.mail.wait("by-dns@exim.example")[0]
    assert b"Subject: back" in net.postfix.mail.wait("by-dns@far.example")[0]


def test_policies_are_served_under_the_right_names(net: World) -> None:
    context = ssl.create_default_context(cafile=str(net.known.file))
    with httpx.Client(verify=context, trust_env=False) as client:
        got = client.get(
            f"https://{POLICIES}/.well-known/mta-sts.txt",
            headers={"Host": "mta-sts.sts.example"},
            extensions={"sni_hostname": "mta-sts.sts.example"},
        )
    assert "mode: enforce" in got.text


def test_resolver_says_which_answers_were_signed(net: World) -> None:
    async def ask() -> None:
        dns = resolver()
        mx = (Exchanger(10, "mx.dane.example"),)
        assert await dns.route("dane.example") == Exchangers(mx, is_secure=True)
        assert await dns.validated_addresses("mx.dane.example") == ((host(9),), True)
        assert len(await dns.tlsa("mx.dane.example", 25)) == 1
        plain = Exchangers((Exchanger(10, "mx.far.example"),), is_secure=False)
        assert await dns.route("far.example") == plain
        assert await dns.route("null.example") == NULL_MX
        assert await dns.route("no-such-domain.example") == NO_DOMAIN
        assert await dns.route("empty.example") == NO_DOMAIN
        assert await dns.route("bare.example") == Exchangers((Exchanger(0, "bare.example"),))
        assert await dns.texts("_mta-sts.sts.example") == ("v=STSv1; id=1;",)
        assert await dns.texts("_mta-sts.far.example") == ()
        assert await dns.names(host(1)) == ("mx.far.example",)
        with pytest.raises(NoSuchName):
            await dns.ask("no-such-domain.example", "A")

    asyncio.run(ask())


def test_answer_whose_signature_is_wrong_is_none(net: World) -> None:
    zone = net.zones.add("bogus.example", "@ MX 10 mx", f"mx A {host(1)}", is_signed=True)
    net.zones.publish()
    zone.is_signed = False  # the root still says that it is
    file = net.zones.folder / "bogus.example.zone"
    file.write_text(file.read_text().replace("MX 10 mx", "MX 11 mx"))
    net.zones.reload()

    async def ask() -> None:
        with pytest.raises(DnsFailed):
            await resolver().ask("bogus.example", "MX")

    asyncio.run(ask())


def test_silent_resolver_is_no_answer() -> None:
    async def ask() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            dns = Dns(Endpoint("127.0.0.1", silent.getsockname()[1]), 1)
            with pytest.raises(DnsFailed):
                await dns.ask("far.example", "MX")

    asyncio.run(ask())
