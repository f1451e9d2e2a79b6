# SPDX-License-Identifier: Apache-2.0
"""Who is believed to be whom: the gateway link, the portal's header field, mapped addresses."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from eepost.app.gateway_config import open_gateway
from eepost.app.i2p import PORTAL
from eepost.net.connect import Connector, LocalPort, Patience, Route
from eepost.net.link import LinkStream, NotProven
from eepost.net.listeners import Endpoint
from eepost.net.peers import UNKNOWN, PeerKind, Resolver, from_header, resolve
from eepost.wire.link.engine import Link
from eepost.wire.link.pairing import Pairing
from eepost.wire.link.proof import Seat
from eepost.wire.transfer.codec import Decoder, Encoder
from eepost.wire.transfer.messages import StillHere, StillThere
from tests.i2p.talk import Talk
from tests.i2p.village import ALICE, GATEWAY, MALLORY, Resident, Village

pytestmark = pytest.mark.interop

KEY = bytes(range(32))
PATIENCE = Patience(connect_seconds=20, first_octet_seconds=20)


@dataclass
class Visits:
    """Who came to a port of the post office, and what they said."""

    peernames: list[tuple[str, int]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)


@contextmanager
def visited(endpoint: Endpoint, greeting: bytes) -> Iterator[Visits]:
    """Serve a port of the post office that nothing serves yet."""
    visits = Visits()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                stream, peername = listener.accept()
                visits.peernames.append(peername)
                with stream, suppress(OSError):
                    stream.settimeout(
                        2
                    )  # a router that refuses a request opens the port all the same
                    stream.sendall(greeting)
                    visits.heard.append(stream.recv(65_536))

    listener = socket.create_server((endpoint.host, endpoint.port))
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield visits
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def knock(port: int, octets: bytes) -> bytes:
    """Say something at a tunnel's port and return the first line of the answer."""
    with Talk(port, 20) as talk:
        with suppress(OSError):
            talk.say(octets)
        return talk.hear()


def test_only_the_paired_destination_reaches_the_links_port(village: Village) -> None:
    assert knock(GATEWAY.link, b"").startswith(b"link/1 ")
    for stranger in (ALICE, MALLORY):
        assert knock(stranger.link, b"") == b"", "the core's challenge is for nobody else"


def test_every_destination_is_one_peer_and_no_two_are_the_same(village: Village) -> None:
    buckets: dict[str, set[bytes | None]] = {}
    for resident in (GATEWAY, MALLORY):
        with visited(PORTAL, b"") as visits:
            for _ in range(3):
                knock(resident.portal, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peers = [resolve(peername, Resolver.MAPPED) for peername in visits.peernames]
        assert {peer.kind for peer in peers} == {PeerKind.MAPPED_24}
        assert peers[0].identity == village.keys[resident.name].destination_hash[:3]
        buckets[resident.name] = {peer.bucket(KEY) for peer in peers}
        assert len(buckets[resident.name]) == 1
    assert buckets["gateway"] != buckets["mallory"]


def request(resident: Resident, *fields: bytes) -> tuple[object, list[bytes]]:
    """Send a request to the portal; return its peername and X-I2P-DestB32 as they arrive."""
    with visited(PORTAL, b"") as visits:
        knock(resident.portal, b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", *fields, b"", b""]))
    lines = b"".join(visits.heard).split(b"\r\n")
    named = [line for line in lines if line.strip().lower().startswith(b"x-i2p-destb32")]
    values = [line.partition(b":")[2].strip() for line in named]
    return (visits.peernames[0] if visits.peernames else None), values


def test_the_portal_is_told_the_whole_destination(village: Village) -> None:
    peername, values = request(MALLORY)
    peer = from_header(peername, Resolver.DESTINATION_HEADER, values)
    assert peer.kind is PeerKind.DESTINATION
    assert peer.identity == village.keys["mallory"].destination_hash


# Spellings that a careless reader of header fields takes for the same name.
FORGED = (
    b"X-I2P-DestB32: ",
    b"x-i2p-destb32: ",
    b"X-I2P-DestB32 : ",
    b" X-I2P-DestB32: ",
    b"\tX-I2P-DestB32:",
)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_header_field_makes_nobody_another(village: Village, name: bytes) -> None:
    gateway = village.keys["gateway"]
    peername, values = request(MALLORY, name + gateway.b32.encode())
    peer = from_header(peername, Resolver.DESTINATION_HEADER, values)
    assert peer.identity != gateway.destination_hash
    assert peer in {UNKNOWN, replace(peer, identity=village.keys["mallory"].destination_hash)}


def test_a_forged_header_field_from_this_machine_is_not_believed_either(village: Village) -> None:
    """Another local process can reach the port; a mapped address it takes gives it away."""
    forged = [village.keys["gateway"].b32.encode()]
    with visited(PORTAL, b"") as visits, socket.socket() as stream:
        stream.bind(("127.9.9.9", 0))
        stream.connect((PORTAL.host, PORTAL.port))
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        stream.recv(1)
    assert from_header(visits.peernames[0], Resolver.DESTINATION_HEADER, forged) is UNKNOWN


def pairing(village: Village) -> Pairing:
    """Return the pairing as the gateway has it on disk."""
    return open_gateway(village.gateway.directory).core().pairing()


async def is_answered(theirs: Pairing) -> bool:
    """Let the gateway dial the core through I2P and ask whether anybody is there."""
    route = Route("core", LocalPort(Endpoint("127.0.0.1", GATEWAY.link)))
    connector = Connector([route], PATIENCE, asyncio.get_running_loop().time, lambda: 0.5)
    connection = await connector.greeted()
    link = Link(theirs, Seat.DIALLER, os.urandom(32))
    stream = LinkStream(connection.reader, connection.writer, link)
    try:
        await stream.prove(20)
        await stream.send(Encoder().encode(StillThere(1)))
        return list(Decoder().receive(await stream.receive())) == [StillHere(1)]
    except NotProven:
        return False
    finally:
        stream.close()


def test_core_and_gateway_prove_themselves_through_i2p(village: Village) -> None:
    assert asyncio.run(is_answered(pairing(village)))


def test_paired_destination_without_the_secret_is_refused_inside(village: Village) -> None:
    assert not asyncio.run(is_answered(replace(pairing(village), secret=bytes(32))))
