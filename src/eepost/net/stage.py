# SPDX-License-Identifier: Apache-2.0
"""What a trial plays the Internet with: a name server and a mail server, both on loopback.

Duty: nothing that a trial's gateway does may leave the machine, so every name leads to one mail
server here, and every host that is dialled is that one.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from eepost.net.listeners import Endpoint

# The address that all hosts of the stage have: one of the Internet's, since a gateway dials no
# other, and not the gateway's own. Neither is ever dialled, see `dial_stage`.
STAGE_ADDRESS: Final = "9.9.9.9"
OWN_ADDRESS: Final = "9.9.9.10"
_HOST: Final = "mx.{domain}"
_TTL_SECONDS: Final = 60
MAX_MESSAGE_OCTETS: Final = 20_000_000
_ANSWERS: Final = {
    b"EHLO": b"250-stage\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"MAIL": b"250 2.1.0 Yes\r\n",
    b"RCPT": b"250 2.1.5 Yes\r\n",
    b"DATA": b"354 Go on\r\n",
    b"RSET": b"250 2.0.0 Yes\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_END: Final = b"\r\n.\r\n"


def dial_stage(server: Endpoint) -> Callable[[str, int, float], Awaitable[socket.socket]]:
    """Return what reaches `server`, which is on loopback, whoever is called."""

    async def reach(_address: str, _port: int, seconds: float) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(sock, (server.host, server.port))
        except BaseException:
            sock.close()
            raise
        return sock

    return reach


class NameServer(asyncio.DatagramProtocol):
    """Answers that every domain has one mail server, at one address, and nothing else."""

    def __init__(self, own_domain: str) -> None:
        self._own = own_domain

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, octets: bytes, asker: tuple[str, int]) -> None:
        """Answer a question."""
        with suppress(dns.exception.DNSException, ValueError):
            self._transport.sendto(self._answer(octets), asker)

    def _answer(self, octets: bytes) -> bytes:
        question = dns.message.from_wire(octets)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        for asked in question.question:
            name = asked.name.to_text()
            kind = dns.rdatatype.to_text(asked.rdtype)
            is_own = name.rstrip(".").endswith(self._own)
            address = OWN_ADDRESS if is_own else STAGE_ADDRESS
            known = {"MX": f"10 {_HOST.format(domain=name)}", "A": address}.get(kind)
            if known is not None and not name.startswith("_"):
                answer.answer.append(dns.rrset.from_text(name, _TTL_SECONDS, "IN", kind, known))
        return answer.to_wire()


async def serve_names(endpoint: Endpoint, own_domain: str) -> None:
    """Answer names on `endpoint`, which has to be on loopback. Raises OSError, ValueError."""
    if not endpoint.is_loopback:
        raise ValueError("is not a loopback address")
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(
        lambda: NameServer(own_domain), local_addr=(endpoint.host, endpoint.port)
    )


class MailServer(asyncio.Protocol):
    """Takes every message and gives it, with its reverse-path, to `taken`."""

    def __init__(self, taken: Callable[[bytes, bytes], None]) -> None:
        self._taken = taken
        self._waiting = b""
        self._reverse_path = b""
        self._is_in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 stage ESMTP\r\n")

    def data_received(self, octets: bytes) -> None:
        """Answer all commands that are whole."""
        self._waiting += octets
        if len(self._waiting) > MAX_MESSAGE_OCTETS:
            self._transport.abort()
        while self._take():
            pass

    def _take(self) -> bool:
        if self._is_in_message:
            return self._take_message()
        line, found, rest = self._waiting.partition(b"\r\n")
        if not found:
            return False
        self._waiting = rest
        verb = line[:4].upper()
        if verb == b"MAIL":
            self._reverse_path = line.partition(b"<")[2].partition(b">")[0]
        self._is_in_message = verb == b"DATA"
        self._transport.write(_ANSWERS.get(verb, b"502 5.5.1 What?\r\n"))
        if verb == b"QUIT":
            self._transport.close()
        return True

    def _take_message(self) -> bool:
        message, found, rest = self._waiting.partition(_END)
        if not found:
            return False
        self._waiting, self._is_in_message = rest, False
        self._transport.write(b"250 2.0.0 Taken\r\n")
        self._taken(self._reverse_path, message.replace(b"\r\n..", b"\r\n.") + b"\r\n")
        return True
