# SPDX-License-Identifier: Apache-2.0
"""Talks SMTP to hosts of the Internet: STARTTLS where it is offered or a must, then letters.

aiosmtplib speaks the protocol over a socket that is connected already. Its own calls for MAIL and
RCPT are not used: they read an address with the standard library's parser, which takes some for
another.

Trust: the far server is anybody's. What it says becomes codes here and goes no further.
"""

import ssl
from collections.abc import AsyncGenerator, Awaitable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from eepost.net.clearnet.dialling import Dial, dial
from eepost.net.clock import wall_seconds
from eepost.wire.outward.hop import Hop, HopFailed, Letter, Need
from eepost.wire.outward.tlsa import is_proven
from eepost.wire.outward.verdict import (
    CONNECTION_LOST,
    NEEDS_8BIT,
    NEEDS_UTF8,
    NOT_SECURE,
    TOO_LARGE,
    UNREACHABLE,
    UNSURE,
    Verdict,
    of_content,
    of_host,
    of_reply,
)
from eepost.wire.transfer.messages import Fate

SMTP_PORT = 25
# A far server's farewell is worth no more waiting.
QUIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each answer may take, in seconds (RFC 5321 4.5.3.2)."""

    connect: float = 30.0
    command: float = 300.0  # greeting, EHLO, MAIL, RCPT
    content: float = 600.0  # DATA and its end


class _TlsFailed(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """STARTTLS was offered and did not work out."""


class Courier:
    """Opens conversations; satisfies `services.gateway.ports.Couriers`."""

    def __init__(
        self, own_name: str, timeouts: Timeouts, port: int = SMTP_PORT, dial: Dial = dial
    ) -> None:
        self._dial = dial
        self._own_name = own_name
        self._timeouts = timeouts
        self._port = port
        # Loading the machine's authorities takes some 20 ms; it is done once.
        self._strict = ssl.create_default_context()
        self._lenient = ssl.create_default_context()
        self._lenient.check_hostname = False
        self._lenient.verify_mode = ssl.CERT_NONE

    async def open(self, hop: Hop) -> "SmtpConversation":
        """Return a conversation that is as safe as `hop` needs it. Raises HopFailed."""
        try:
            return await self._open(hop, with_tls=True)
        except _TlsFailed:
            if hop.need is not Need.NOTHING:
                raise HopFailed(NOT_SECURE) from None
        # Nobody asked for TLS, so mail goes as it would to a host without it.
        return await self._open(hop, with_tls=False)

    async def _open(self, hop: Hop, *, with_tls: bool) -> "SmtpConversation":
        try:
            sock = await self._dial(hop.address, self._port, self._timeouts.connect)
        except (OSError, TimeoutError):
            raise HopFailed(UNREACHABLE) from None
        smtp = SMTP(
            sock=sock,
            local_hostname=self._own_name,
            timeout=self._timeouts.command,
            start_tls=False,
            tls_context=self._strict if hop.need is Need.NAME else self._lenient,
        )
        try:
            await self._greet(smtp, hop, with_tls=with_tls)
        except BaseException:
            smtp.close()
            raise
        return SmtpConversation(smtp, self._timeouts)

    async def _greet(self, smtp: SMTP, hop: Hop, *, with_tls: bool) -> None:
        try:
            await smtp.connect()
            await _introduce(smtp)
            if with_tls and smtp.supports_extension("starttls"):
                await _start_tls(smtp, hop)
                await _introduce(smtp)
            elif hop.need is not Need.NOTHING:
                raise HopFailed(NOT_SECURE)
        except (SMTPConnectResponseError, SMTPHeloError) as refusal:
            raise HopFailed(of_host(refusal.code, refusal.message)) from None
        except (SMTPException, OSError, ValueError):
            raise HopFailed(CONNECTION_LOST) from None


async def _introduce(smtp: SMTP) -> None:
    try:
        await smtp.ehlo()
    except SMTPHeloError as refusal:
        if not 500 <= refusal.code <= 504 or not smtp.is_connected:
            raise
        await smtp.helo()  # RFC 5321 3.2: an old server


async def _start_tls(smtp: SMTP, hop: Hop) -> None:
    try:
        await smtp.starttls(server_hostname=hop.host)
    except (SMTPException, OSError, ValueError):
        raise _TlsFailed from None
    if hop.need is not Need.DANE:
        return
    chain = _chain(smtp.get_transport_info("ssl_object"))
    now = datetime.fromtimestamp(wall_seconds(), UTC)
    if not is_proven(chain, hop.records, hop.names, now):
        raise _TlsFailed


def _chain(tls: Any) -> list[bytes]:
    """Return the certificates that were sent, in DER. Python has a public way from 3.13 on."""
    if hasattr(tls, "get_unverified_chain"):
        return list(tls.get_unverified_chain())
    found = tls._sslobj.get_unverified_chain() or ()
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found]


class SmtpConversation:
    """An open session with a host; one letter after the other."""

    def __init__(self, smtp: SMTP, timeouts: Timeouts) -> None:
        self._smtp = smtp
        self._timeouts = timeouts
        self._is_clean = True

    @property
    def is_open(self) -> bool:
        """Another letter may be sent."""
        return self._is_clean and self._smtp.is_connected

    async def send(self, letter: Letter) -> AsyncGenerator[tuple[int, Verdict], None]:
        """Yield a verdict for each recipient, by its place in the letter, as soon as it is known.

        A letter that is not wanted any more is not sent, and there is no verdict then.
        """
        told: set[int] = set()
        self._is_clean = False
        try:
            async for at, verdict in self._transaction(letter):
                told.add(at)
                yield at, verdict
        except (SMTPException, OSError, ValueError):
            self._smtp.close()
            for at in range(len(letter.recipients)):
                if at not in told:
                    yield at, CONNECTION_LOST

    async def close(self) -> None:
        """Say goodbye."""
        with suppress(SMTPException, OSError):
            await self._smtp.quit(timeout=QUIT_SECONDS)
        self._smtp.close()

    async def _transaction(self, letter: Letter) -> AsyncGenerator[tuple[int, Verdict], None]:
        everybody = range(len(letter.recipients))
        lacking = self._lacking(letter)
        if lacking is not None:
            self._is_clean = True
            for at in everybody:
                yield at, lacking
            return
        code, text = await self._say(
            b"MAIL", _path(b"FROM", letter.reverse_path), self._options(letter)
        )
        if code != 250:
            for at in everybody:
                yield at, of_reply(code, text, "1.0")
            await self._reset()
            return
        taken = []
        for at in everybody:
            code, text = await self._say(b"RCPT", _path(b"TO", letter.recipients[at]))
            verdict = of_reply(code, text, "1.0")
            if verdict.fate is Fate.DELIVERED:
                taken.append(at)
            else:
                yield at, verdict
        if not taken or not letter.is_wanted():
            await self._reset()
            return
        verdict = await self._content(letter)
        for at in taken:
            yield at, verdict

    async def _content(self, letter: Letter) -> Verdict:
        try:
            code, text = await self._smtp.data(letter.content, timeout=self._timeouts.content)
        except SMTPResponseException as refusal:
            with suppress(SMTPException, OSError):
                await self._reset()
            return of_content(refusal.code, refusal.message)
        except (SMTPException, OSError):
            self._smtp.close()
            return UNSURE
        self._is_clean = True
        return of_content(code, text)

    def _lacking(self, letter: Letter) -> Verdict | None:
        if letter.needs_utf8 and not self._smtp.supports_extension("smtputf8"):
            return NEEDS_UTF8
        if letter.needs_8bit and not self._smtp.supports_extension("8bitmime"):
            return NEEDS_8BIT
        most = self._smtp.esmtp_extensions.get("size", "")
        if most.isascii() and most.isdigit() and 0 < int(most) < len(letter.content):
            return TOO_LARGE  # RFC 1870 6.1
        return None

    def _options(self, letter: Letter) -> bytes:
        options = []
        if self._smtp.supports_extension("size"):
            options.append(b"SIZE=%d" % len(letter.content))
        if letter.needs_8bit or letter.needs_utf8:
            options.append(b"BODY=8BITMIME")
        if letter.needs_utf8:
            options.append(b"SMTPUTF8")
        return b" ".join(options)

    async def _reset(self) -> None:
        code, _ = await self._say(b"RSET")
        self._is_clean = code == 250

    def _say(self, *words: bytes) -> Awaitable[tuple[int, str]]:
        return self._smtp.execute_command(*(word for word in words if word))


def _path(verb: bytes, path: str) -> bytes:
    return verb + b":<" + path.encode("utf-8") + b">"
