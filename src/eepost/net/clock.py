# SPDX-License-Identifier: Apache-2.0
"""Time and chance as the pure rooms are given them."""

import os
import time

wall_seconds = time.time
wall_nanoseconds = time.time_ns
monotonic_seconds = time.monotonic
random_octets = os.urandom


def utc_stamp() -> str:
    """Return the present second in UTC, as log lines show it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
