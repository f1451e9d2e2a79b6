# SPDX-License-Identifier: Apache-2.0
"""Domain names as the DNS and verdicts take them.

Trust: names come from envelopes, headers and signatures that anybody may have written; what passes
here can stand in a question and in a header field.
"""

import re
from typing import Final

MAX_DOMAIN_OCTETS: Final = 253
# An underscore is no host name's, but senders' domains in the DNS hold some.
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def ascii_domain(text: str) -> str | None:
    """Return `text` as a lower-case domain in ASCII with no final dot, or None if it is none."""
    name = text.rstrip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = name.lower()
    return name if len(name) <= MAX_DOMAIN_OCTETS and _DOMAIN.fullmatch(name) else None


def parents(domain: str) -> list[str]:
    """Return the domains above `domain`, the nearest first, the top-level domain last."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels))]
