# SPDX-License-Identifier: Apache-2.0
"""A gateway that comes back with a long queue of sealed mail brings it all, in constant memory."""

import os
import time
from pathlib import Path

import pytest

from eepost.net.clock import random_octets
from eepost.seal.keypair import PublicKey
from eepost.seal.parcel import seal_parcel
from eepost.wire.transfer.kept import KeptEnvelope, write_kept
from tests.figures import Figure
from tests.internet.station import newest, station, wait_until
from tests.internet.world.world import World

pytestmark = pytest.mark.interop

# By hand, EEPOST_BACKLOG=10000 makes it the measurement of docs/journeys/from-the-internet.md.
PARCELS = int(os.environ.get("EEPOST_BACKLOG", "500"))
FEW = 50
# A queue of names and what is under way; parcels of 5 kB would be 50 MB at ten thousand.
GROWTH_OCTETS = 16_000_000
SECONDS = 60 + PARCELS // 20
NAMES = ("alice", "bob", "carol", "dave")


def fill(folder: Path, key: PublicKey, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        envelope = KeptEnvelope("b@peer.example", (f"{NAMES[number % len(NAMES)]}@example.org",))
        letter = f"From: b@peer.example\r\nSubject: {number}\r\n\r\n" + "words and words\r\n" * 250
        parcel = seal_parcel(key, random_octets, write_kept(envelope, [letter.encode()]))
        (folder / random_octets(16).hex()).write_bytes(b"".join(parcel))


def resident_octets(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_long_backlog_is_brought_in_constant_memory(
    net: World, tmp_path: Path, figure: Figure
) -> None:
    with station(net, tmp_path) as ours:
        ours.core.add(*NAMES)
        gateway = ours.gateway
        kept = gateway.directory / "kept"
        key = PublicKey.from_octets((gateway.directory / "core.key").read_bytes())
        peaks, seconds = [], 0.0
        for count in (FEW, PARCELS):
            gateway.stop()
            fill(kept, key, count)
            gateway.start()
            began, peak = time.monotonic(), 0
            before = newest(ours.core, "arrived_delivered")
            while list(kept.iterdir()):
                peak = max(peak, resident_octets(gateway.pid))
                assert time.monotonic() - began < SECONDS, "it takes too long"
                time.sleep(0.1)
            seconds = time.monotonic() - began
            peaks.append(peak)
            wait_until(
                lambda b=before, c=count: newest(ours.core, "arrived_delivered") == b + c  # type: ignore[misc]
            )
        assert peaks[1] - peaks[0] < GROWTH_OCTETS
        figure(
            f"backlog of {PARCELS} sealed messages brought in {seconds:.1f} s"
            f" ({PARCELS / seconds:.0f} a second); the gateway's memory {peaks[1] / 1e6:.0f} MB,"
            f" with {FEW} of them {peaks[0] / 1e6:.0f} MB"
        )
