# SPDX-License-Identifier: Apache-2.0
"""The operator's certificate for STARTTLS, read again when it was renewed."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Certificate:
    """A chain and its key in PEM files; `context` always holds what was read last."""

    chain: Path
    key: Path
    context: ssl.SSLContext = field(init=False)
    _stamps: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # Old servers on the Internet know no more; the alternative would be no TLS at all, since
        # mail between servers falls back to none (RFC 7435).
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load()

    def load(self) -> None:
        """Read the files. Raises OSError; ssl.SSLError, which is one, where they don't fit."""
        self.context.load_cert_chain(self.chain, self.key)
        self._stamps = self._now()

    def is_renewed(self) -> bool:
        """Whether the files changed since they were read. Raises OSError."""
        return self._now() != self._stamps

    def _now(self) -> tuple[int, int]:
        return self.chain.stat().st_mtime_ns, self.key.stat().st_mtime_ns
