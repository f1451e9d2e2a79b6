# SPDX-License-Identifier: Apache-2.0
"""Listens to all packets that pass between the hosts of the Internet, mail and names alike."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network

_INTERNET = ip_network("9.66.0.0/16")
_ALL_PROTOCOLS = 0x0003  # ETH_P_ALL
_ETHERNET_OCTETS = 14
_TCP, _UDP = 6, 17


class Wire:
    """What passed, each direction of each connection by itself."""

    def __init__(self) -> None:
        self._flows: dict[tuple[bytes, bytes], bytearray] = {}
        self._lock = threading.Lock()

    def heard(self) -> bytes:
        """Return all of it so far, connections parted by a zero octet."""
        with self._lock:
            return b"\0".join(bytes(flow) for flow in self._flows.values())

    def take(self, frame: bytes) -> None:
        """Take a frame."""
        packet = frame[_ETHERNET_OCTETS:]
        if not packet or packet[0] >> 4 != 4 or packet[9] not in {_TCP, _UDP}:
            return
        if not any(ip_address(packet[at : at + 4]) in _INTERNET for at in (12, 16)):
            return
        inner = packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4], "big")]
        payload = inner[(inner[12] >> 4) * 4 if packet[9] == _TCP else 8 :]
        flow = (packet[12:20], inner[:4])
        with self._lock:
            self._flows.setdefault(flow, bytearray()).extend(payload)


@contextmanager
def wire() -> Iterator[Wire]:
    """Listen for as long as the block runs; needs root and the namespace's loopback."""
    found = Wire()
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    tap.bind(("lo", 0))
    tap.settimeout(0.2)
    is_over = threading.Event()

    def listen() -> None:
        while not is_over.is_set():
            with suppress(TimeoutError):
                frame, (_, _, kind, *_) = tap.recvfrom(70_000)
                if kind != socket.PACKET_OUTGOING:  # on a loopback each passes twice
                    found.take(frame)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join(10)
        tap.close()
