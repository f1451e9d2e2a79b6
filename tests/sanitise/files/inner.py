# SPDX-License-Identifier: Apache-2.0
"""Files in files for tests of archives alone: pictures of one kind become blank."""

from dataclasses import dataclass

from eepost.sanitise.files.outcome import Unclean

KNOWN = b"KNOWN"


@dataclass(slots=True)
class FakeInner:
    """Rules for files that begin with KNOWN: they lose everything else."""

    octets: int = 1_000_000

    def take(self, octets: int) -> None:
        """Count what was unpacked."""
        self.octets -= octets
        if self.octets < 0:
            raise Unclean("too much")

    def is_known(self, beginning: bytes) -> bool:
        """Say whether a file begins with KNOWN."""
        return beginning.startswith(KNOWN)

    def strip(self, octets: bytes) -> bytes:
        """Return KNOWN for a file that begins so."""
        return KNOWN if octets.startswith(KNOWN) else octets
