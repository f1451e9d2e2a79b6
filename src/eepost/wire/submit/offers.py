# SPDX-License-Identifier: Apache-2.0
"""What a far server offers in its answer to EHLO (RFC 5321 4.1.1.1).

Trust: the service says this; what it does not offer is not used, whatever it can do.
"""

from dataclasses import dataclass

from eepost.wire.submit.replies import FarReply


@dataclass(frozen=True, slots=True)
class Offers:
    """The extensions that matter to somebody who hands mail in."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    size_octets: int | None = None  # the largest message; None where none is named
    mechanisms: frozenset[str] = frozenset()


def read_offers(reply: FarReply) -> Offers:
    """Return the offers in a positive reply to EHLO; its first line is a greeting."""
    found: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        # "AUTH=PLAIN" is how servers wrote it before there was a standard, and some still do.
        keyword, *parameters = line.upper().replace("AUTH=", "AUTH ").split()[:64] or [""]
        found.setdefault(keyword, []).extend(parameters)
    return Offers(
        pipelining="PIPELINING" in found,
        eight_bit="8BITMIME" in found,
        utf8="SMTPUTF8" in found,
        size_octets=_size(found.get("SIZE", [])),
        mechanisms=frozenset(found.get("AUTH", [])),
    )


def _size(parameters: list[str]) -> int | None:
    text = parameters[0] if parameters else ""
    is_number = text.isascii() and text.isdigit() and len(text) <= 20
    return int(text) or None if is_number else None  # 0: none is named (RFC 1870 4)
