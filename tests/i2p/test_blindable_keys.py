# SPDX-License-Identifier: Apache-2.0
"""Keys for a destination that can be hidden, made without a router, are read by a real one.

That the lease set is then encrypted is not tried: Debian's router is too old for it.
"""

import os
import subprocess
import time
from pathlib import Path

from eepost.net.i2p.found import find_binary
from eepost.net.i2p.keys import make_blindable_keys, write_keys
from eepost.net.i2p.own import PrivateNetwork, Program, write_folder
from eepost.net.i2p.tunnels import ServerTunnel, Shape
from eepost.net.listeners import Endpoint

KEYS = "link.dat"
SECONDS = 30


def test_router_reads_blindable_keys_under_the_address_that_we_say(tmp_path: Path) -> None:
    binary = find_binary(Path("/"))
    assert binary is not None
    folder = tmp_path / "router"
    shape = Shape(0, 1, (("i2cp.leaseSetType", "1"), ("i2cp.leaseSetEncType", "0")))
    tunnel = ServerTunnel("link", Endpoint("127.0.0.1", 9), 9, KEYS, shape=shape)
    network = PrivateNetwork(66, "127.0.0.1", 27_666, log_level="info")
    write_folder(folder, network, (tunnel,))
    made = make_blindable_keys(os.urandom)
    write_keys(folder / KEYS, made)
    log = folder / "i2pd.log"
    loaded = f"Local address {made.b32} loaded"
    with subprocess.Popen(Program(binary).command(folder)) as router:
        try:
            end = time.monotonic() + SECONDS
            while not (log.exists() and loaded in log.read_text("utf-8", "replace")):
                assert router.poll() is None, "the router ended"
                assert time.monotonic() < end, "the router did not read the keys"
                time.sleep(0.1)
        finally:
            router.kill()
    assert (folder / KEYS).read_bytes() == made.octets
