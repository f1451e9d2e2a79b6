# SPDX-License-Identifier: Apache-2.0
"""Tells the service manager how the program is: sd_notify(3), one datagram."""

import os
import socket
from collections.abc import Mapping


def tell(state: str, environment: Mapping[str, str] | None = None) -> bool:
    """Send `state`, for example "READY=1", where NOTIFY_SOCKET leads; False if nowhere.

    Only a local socket is ever written to: an address that begins with / or @.
    """
    path = (os.environ if environment is None else environment).get("NOTIFY_SOCKET", "")
    if path[:1] not in {"/", "@"}:
        return False
    address = "\0" + path[1:] if path[0] == "@" else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode("ascii"), address)
        except OSError:
            return False  # the manager went away; that is no reason to stop serving
    return True
