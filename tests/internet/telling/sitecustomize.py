# SPDX-License-Identifier: Apache-2.0
"""Put on PYTHONPATH, lets a program write at its end which modules it had loaded."""

import atexit
import os
import sys
from pathlib import Path


def _tell() -> None:
    Path(os.environ["MODULES_FILE"]).write_text("\n".join(sorted(sys.modules)), "utf-8")


if "MODULES_FILE" in os.environ:
    atexit.register(_tell)
