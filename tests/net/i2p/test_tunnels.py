# SPDX-License-Identifier: Apache-2.0
import configparser

from eepost.net.i2p.tunnels import (
    ClientTunnel,
    ServerTunnel,
    Shape,
    SocksTunnel,
    i2pd_text,
    java_text,
)
from eepost.net.listeners import Endpoint

LOCAL = Endpoint("127.0.0.1", 7659)
B32 = "a" * 52
SMTP = ServerTunnel("smtp", LOCAL, 25, "mail.dat")
POP3 = ServerTunnel("pop3", Endpoint("127.0.0.1", 7660), 110, "mail.dat")
WEB = ServerTunnel("web", Endpoint("127.0.0.1", 7661), 80, "mail.dat", is_http=True)
LINK = ServerTunnel("link", LOCAL, 7662, "link.dat", only_from=(B32, "b" * 52))


def i2pd(*tunnels: ServerTunnel | ClientTunnel | SocksTunnel) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(i2pd_text(tunnels))
    return parser


def java(*tunnels: ServerTunnel | ClientTunnel | SocksTunnel) -> list[dict[str, str]]:
    blocks = java_text(tunnels).strip().split("\n\n")
    return [dict(line.split("=", 1) for line in block.splitlines()) for block in blocks]


def test_server_tunnel_leads_to_the_listener_and_tells_peers_apart() -> None:
    section = i2pd(SMTP)["smtp"]
    assert (section["type"], section["host"], section["port"]) == ("server", "127.0.0.1", "7659")
    assert (section["inport"], section["keys"]) == ("25", "mail.dat")
    assert section["enableuniquelocal"] == "true"
    assert "accesslist" not in section


def test_portal_is_an_http_tunnel_so_that_the_router_names_visitors() -> None:
    assert i2pd(WEB)["web"]["type"] == "http"


def test_link_lets_only_the_paired_in() -> None:
    assert i2pd(LINK)["link"]["accesslist"] == f"{B32},{'b' * 52}"


def test_shape_and_further_options_stand_in_every_tunnel() -> None:
    shape = Shape(1, 4, (("i2cp.leaseSetType", "1"),))
    client = ClientTunnel("c", LOCAL, f"{B32}.b32.i2p", 25, "c.dat", shape)
    socks = SocksTunnel("s", LOCAL, "s.dat", shape)
    sections = i2pd(client, socks)
    for name in ("c", "s"):
        assert sections[name]["inbound.length"] == sections[name]["outbound.length"] == "1"
        assert sections[name]["outbound.quantity"] == "4"
        assert sections[name]["i2cp.leasesettype"] == "1"
    assert sections["c"]["destination"] == f"{B32}.b32.i2p"
    assert (sections["s"]["type"], sections["s"]["address"]) == ("socks", "127.0.0.1")


def test_public_service_has_three_hops_and_three_tunnels_unless_told_otherwise() -> None:
    section = i2pd(SMTP)["smtp"]
    assert (section["inbound.length"], section["inbound.quantity"]) == ("3", "3")


def test_java_sorts_streams_of_one_destination_by_port() -> None:
    [mail, web] = java(SMTP, POP3, WEB)
    assert (mail["type"], mail["privKeyFile"]) == ("server", "mail.dat")
    assert mail["option.targetForPort.25"] == "127.0.0.1:7659"
    assert mail["option.targetForPort.110"] == "127.0.0.1:7660"
    assert mail["option.enableUniqueLocal"] == "true"
    assert (web["type"], web["privKeyFile"]) == ("httpserver", "http-mail.dat")


def test_java_link_has_an_access_list() -> None:
    [link] = java(LINK)
    assert link["option.i2cp.enableAccessList"] == "true"
    assert f"{B32}.b32.i2p" in link["option.i2cp.accessList"]


def test_java_clients_keep_their_destination() -> None:
    client = ClientTunnel("c", LOCAL, f"{B32}.b32.i2p", 25, "c.dat")
    [c, s] = java(client, SocksTunnel("s", LOCAL, "s.dat"))
    assert (c["type"], c["targetDestination"]) == ("client", f"{B32}.b32.i2p:25")
    assert s["type"] == "sockstunnel"
    assert c["option.persistentClientKey"] == s["option.persistentClientKey"] == "true"


def test_transient_destination_has_no_file_in_java() -> None:
    one = ClientTunnel("one", LOCAL, f"{B32}.b32.i2p", 25, "transient-user")
    two = ClientTunnel("two", LOCAL, f"{B32}.b32.i2p", 110, "transient-user")
    blocks = java(one, two)
    assert [block["name"] for block in blocks] == ["one", "two"]
    for block in blocks:
        assert "privKeyFile" not in block
        assert block["option.persistentClientKey"] == "false"
