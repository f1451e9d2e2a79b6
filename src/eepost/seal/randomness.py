# SPDX-License-Identifier: Apache-2.0
"""Where the room's chance comes from: it is handed in, so that tests can say what it gives."""

from collections.abc import Callable
from typing import TypeAlias

# Given a count, returns that many octets fit for keys (`os.urandom` in a running post office).
Randomness: TypeAlias = Callable[[int], bytes]
