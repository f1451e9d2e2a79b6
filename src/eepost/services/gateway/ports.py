# SPDX-License-Identifier: Apache-2.0
"""What the gateway's services need of the world."""

from collections.abc import AsyncGenerator, Awaitable
from typing import Protocol

from eepost.wire.outward.hop import Hop, Letter
from eepost.wire.outward.route import Route
from eepost.wire.outward.tlsa import Tlsa
from eepost.wire.outward.verdict import Verdict
from eepost.wire.transfer.messages import Answer, Question


class Asked(Protocol):
    """A question of the core's, its content and the way to answer it."""

    @property
    def question(self) -> Question:
        """What is asked."""

    @property
    def is_too_large(self) -> bool:
        """The content is larger than this side ever keeps: there is none to wait for."""

    def content(self) -> Awaitable[bytearray]:
        """Return all of the content, CRLF lines, not dot-stuffed."""

    def answer(self, answer: Answer) -> Awaitable[None]:
        """Give an answer; its exchange is filled in."""


class Dns(Protocol):
    """A resolver's client. Domains and hosts are in A-labels, lower case."""

    async def route(self, domain: str) -> Route:
        """Return where a domain takes its mail."""

    async def validated_addresses(self, host: str) -> tuple[tuple[str, ...], bool]:
        """Return a host's addresses and whether that was validated. Raises DnsFailed."""

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        """Return the validated TLSA records of a host's port. Raises DnsFailed."""

    def in_ascii(self, domain: str) -> str | None:
        """Return a domain in A-labels (RFC 5890 2.3.2.1), None where it can't be written so."""

    async def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records at a name. Raises DnsFailed."""


class PolicyHosts(Protocol):
    """HTTPS to the hosts that offer MTA-STS policies."""

    def fetch(self, domain: str) -> Awaitable[bytes | None]:
        """Return the policy file of `domain`, None where there is none to be had."""


class Conversation(Protocol):
    """An open session with a host."""

    @property
    def is_open(self) -> bool:
        """Another letter may be sent."""

    def send(self, letter: Letter) -> AsyncGenerator[tuple[int, Verdict], None]:
        """Yield a verdict for each recipient, by its place in the letter, as soon as known."""

    def close(self) -> Awaitable[None]:
        """Say goodbye."""


class Couriers(Protocol):
    """Opens conversations."""

    def open(self, hop: Hop) -> Awaitable[Conversation]:
        """Return a conversation that is as safe as `hop` needs it. Raises HopFailed."""
