# SPDX-License-Identifier: Apache-2.0
"""The courier against small servers on loopback that say what a test wants."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eepost.net.clearnet.courier import Courier, Timeouts
from eepost.wire.outward.hop import Hop, HopFailed, Letter, Need
from eepost.wire.outward.tlsa import Tlsa
from eepost.wire.outward.verdict import (
    CONNECTION_LOST,
    NEEDS_8BIT,
    NEEDS_UTF8,
    NOT_SECURE,
    TOO_LARGE,
    UNREACHABLE,
    UNSURE,
    Verdict,
    deferred,
    failed,
)
from eepost.wire.transfer.messages import Fate

QUICK = Timeouts(connect=2, command=0.3, content=0.3)
CA = trustme.CA()
LEAF = CA.issue_cert("mx.far.example")
DELIVERED = Verdict(Fate.DELIVERED, "2.0.0", 250)
EVERYTHING = ("SIZE 10000", "8BITMIME", "SMTPUTF8")


@dataclass
class Server:
    """Answers commands by their first word; what is not in `answers` is fine. "" hangs up."""

    greeting: str = "220 mx.far.example"
    extensions: tuple[str, ...] = EVERYTHING
    answers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    said: list[str] = field(default_factory=list)
    content: list[bytes] = field(default_factory=list)
    sessions: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        await self._say(writer, self.greeting)
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.said.append(line)
            verb = line.partition(" ")[0].upper()
            answer = self.answers.get(line, self.answers.get(verb, self._default(verb)))
            await self._say(writer, answer)
            if verb == "DATA" and answer.startswith("354"):
                self.content.append(await reader.readuntil(b"\r\n.\r\n"))
                await self._say(writer, self.answers.get(".", "250 2.0.0 taken"))
            if verb == "STARTTLS" and answer.startswith("220") and self.tls:
                await writer.start_tls(self.tls)
                self.said.append("(tls)")

    def _default(self, verb: str) -> str:
        offered = [*self.extensions, *(["STARTTLS"] if self.tls else [])]
        lines = ["mx.far.example", *offered]
        ehlo = "\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}"
        return {"EHLO": ehlo, "DATA": "354 go on", "STARTTLS": "220 go on"}.get(verb, "250 fine")

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        if text == "":
            writer.transport.abort()
            raise ConnectionResetError
        if text != "(nothing)":
            writer.write(text.encode() + b"\r\n")
            await writer.drain()


PLAIN = Hop("mx.far.example", "127.0.0.1")


@asynccontextmanager
async def far(server: Server) -> AsyncIterator[Courier]:
    """Serve, and give a courier that finds the server."""

    running: list[asyncio.Task[Any]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        running.append(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await server.serve(reader, writer)
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield Courier("mx.own.example", QUICK, listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await listener.wait_closed()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0.01)  # the loop closes what was aborted


def letter(*recipients: str, **more: Any) -> Letter:
    content = more.pop("content", b"Subject: x\r\n\r\nwords\r\n")
    return Letter("a@own.example", recipients or ("b@far.example",), content, **more)


async def send(server: Server, what: Letter, hop: Hop = PLAIN) -> list[Verdict | None]:
    """Return the verdict of each recipient."""
    async with far(server) as courier:
        conversation = await courier.open(hop)
        told = dict([each async for each in conversation.send(what)])
        await conversation.close()
        return [told.get(at) for at in range(len(what.recipients))]


async def refusal(server: Server, hop: Hop = PLAIN) -> Verdict:
    async with far(server) as courier:
        with pytest.raises(HopFailed) as failure:
            await courier.open(hop)
        return failure.value.verdict


async def test_letter_is_sent_in_the_words_of_the_protocol() -> None:
    server = Server()
    content = b"Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n"
    assert await send(server, letter("b@far.example", '"c d"@far.example', content=content)) == [
        DELIVERED,
        DELIVERED,
    ]
    assert server.said == [
        "EHLO mx.own.example",
        f"MAIL FROM:<a@own.example> SIZE={len(content)}",
        "RCPT TO:<b@far.example>",
        'RCPT TO:<"c d"@far.example>',
        "DATA",
        "QUIT",
    ]
    assert server.content == [b"Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n"]


async def test_several_letters_go_through_one_session() -> None:
    server = Server()
    async with far(server) as courier:
        conversation = await courier.open(PLAIN)
        for _ in range(3):
            assert [each async for each in conversation.send(letter())] == [(0, DELIVERED)]
            assert conversation.is_open
        await conversation.close()
        assert not conversation.is_open
    assert server.sessions == 1


async def test_each_recipients_refusal_is_its_own() -> None:
    server = Server(
        answers={
            "RCPT TO:<nobody@far.example>": "550 5.1.1 words that nobody repeats",
            "RCPT TO:<grey@far.example>": "451 4.7.1 come back",
        }
    )
    told = await send(server, letter("nobody@far.example", "grey@far.example", "b@far.example"))
    assert told == [failed("5.1.1", 550), deferred("4.7.1", 451, ask_elsewhere=True), DELIVERED]


async def test_no_content_is_sent_where_nobody_is_taken() -> None:
    server = Server(answers={"RCPT": "550 5.1.1 no"})
    assert await send(server, letter()) == [failed("5.1.1", 550)]
    assert server.said[-2:] == ["RSET", "QUIT"]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"MAIL": "550 5.7.1 not you"}, failed("5.7.1", 550)),
        ({"MAIL": "451 4.3.0 later"}, deferred("4.3.0", 451, ask_elsewhere=True)),
        ({"MAIL": "421 4.3.2 going"}, deferred("4.3.2", 421, ask_elsewhere=True)),
        ({"DATA": "554 5.5.1 no"}, failed("5.5.1", 554)),
        ({"DATA": "451 4.3.0 later"}, deferred("4.3.0", 451)),
        ({".": "554 5.6.0 bad words"}, failed("5.6.0", 554)),
        ({".": "452 4.2.2 full"}, deferred("4.2.2", 452)),
        ({".": ""}, UNSURE),
        ({".": "(nothing)"}, UNSURE),
        ({".": "what"}, deferred("4.5.0")),
        ({"RCPT": ""}, CONNECTION_LOST),
        ({"RCPT": "(nothing)"}, CONNECTION_LOST),
        ({"MAIL": "250 " + "x" * 100_000}, CONNECTION_LOST),
    ],
)
async def test_whatever_a_server_answers_becomes_a_verdict(
    answers: dict[str, str], verdict: Verdict
) -> None:
    assert await send(Server(answers=answers), letter()) == [verdict]


@pytest.mark.parametrize(
    ("server", "verdict"),
    [
        (Server(greeting="554 5.7.1 you are listed"), deferred("4.3.0", 554, ask_elsewhere=True)),
        (Server(greeting="421 4.3.2 busy"), deferred("4.3.2", 421, ask_elsewhere=True)),
        (Server(greeting="(nothing)"), CONNECTION_LOST),
        (Server(greeting=""), CONNECTION_LOST),
        (Server(greeting="hello"), CONNECTION_LOST),
        (
            Server(answers={"EHLO": "450 4.7.1 not now"}),
            deferred("4.7.1", 450, ask_elsewhere=True),
        ),
        (
            Server(answers={"EHLO": "502 no", "HELO": "550 5.7.1 no"}),
            deferred("4.3.0", 550, ask_elsewhere=True),
        ),
    ],
)
async def test_server_that_turns_us_away_is_told_as_the_hosts_fault(
    server: Server, verdict: Verdict
) -> None:
    assert await refusal(server) == verdict


async def test_nobody_at_the_port_is_unreachable() -> None:
    async with far(Server()) as courier:
        pass
    with pytest.raises(HopFailed) as failure:
        await courier.open(PLAIN)
    assert failure.value.verdict == UNREACHABLE


async def test_old_server_is_spoken_to_without_extensions() -> None:
    server = Server(answers={"EHLO": "502 5.5.1 never heard of it"})
    assert await send(server, letter()) == [DELIVERED]
    assert server.said[1] == "HELO mx.own.example"
    assert "MAIL FROM:<a@own.example>" in server.said


async def test_what_a_server_lacks_is_known_before_anything_is_sent() -> None:
    server = Server(extensions=("SIZE 5",))
    assert await send(server, letter(needs_utf8=True)) == [NEEDS_UTF8]
    assert await send(server, letter(needs_8bit=True)) == [NEEDS_8BIT]
    assert await send(server, letter("b@far.example", "c@far.example")) == [TOO_LARGE] * 2
    assert not [line for line in server.said if line.startswith("MAIL")]


async def test_what_is_needed_is_said() -> None:
    server = Server(extensions=EVERYTHING[1:])
    await send(server, letter("jürgen@far.example", needs_utf8=True, needs_8bit=True))
    assert "MAIL FROM:<a@own.example> BODY=8BITMIME SMTPUTF8" in server.said
    assert "RCPT TO:<jürgen@far.example>" in server.said


async def test_letter_that_is_not_wanted_any_more_stops_before_its_content() -> None:
    server = Server()
    assert await send(server, letter(is_wanted=lambda: False)) == [None]
    assert server.said[-2:] == ["RSET", "QUIT"]


async def test_path_that_would_be_a_command_of_its_own_is_never_said() -> None:
    server = Server()
    assert await send(server, letter("b@far.example>\r\nRSET")) == [CONNECTION_LOST]
    assert not [line for line in server.said if line.startswith(("RCPT", "RSET"))]


# TLS.


def tls(leaf: trustme.LeafCert = LEAF) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def key_record() -> Tlsa:
    certificate = x509.load_pem_x509_certificate(LEAF.cert_chain_pems[0].bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Tlsa(3, 1, 1, hashlib.sha256(key).digest())


DANE = replace(PLAIN, need=Need.DANE, records=(key_record(),), names=("mx.far.example",))
NAMED = replace(PLAIN, need=Need.NAME)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the machine trust the servers' authority."""
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


async def test_offered_tls_is_used_and_everything_is_asked_anew() -> None:
    server = Server(tls=tls())
    assert await send(server, letter()) == [DELIVERED]
    assert server.said[:4] == ["EHLO mx.own.example", "STARTTLS", "(tls)", "EHLO mx.own.example"]


async def test_broken_tls_is_gone_around_where_nobody_asked_for_it() -> None:
    server = Server(tls=tls(), answers={"STARTTLS": "454 4.7.0 not now"})
    assert await send(server, letter()) == [DELIVERED]
    assert server.sessions == 2
    assert server.said.count("STARTTLS") == 1


@pytest.mark.parametrize("need", [Need.TLS, Need.NAME, Need.DANE])
@pytest.mark.parametrize("fault", ["not offered", "refused", "hangs up"])
async def test_broken_tls_is_never_gone_around_where_it_is_a_must(need: Need, fault: str) -> None:
    answers = {"refused": "454 4.7.0 not now", "hangs up": ""}
    server = Server(
        tls=None if fault == "not offered" else tls(),
        answers={"STARTTLS": answers[fault]} if fault in answers else {},
    )
    assert await refusal(server, replace(DANE, need=need)) == NOT_SECURE
    assert server.sessions == 1


@pytest.mark.usefixtures("known")
async def test_certificate_of_a_known_authority_for_the_name_is_taken() -> None:
    assert await send(Server(tls=tls()), letter(), NAMED) == [DELIVERED]


@pytest.mark.usefixtures("known")
async def test_certificate_for_another_name_is_not_taken() -> None:
    server = Server(tls=tls(CA.issue_cert("mx.other.example")))
    assert await refusal(server, NAMED) == NOT_SECURE


async def test_certificate_of_an_unknown_authority_is_taken_only_where_any_will_do() -> None:
    assert await refusal(Server(tls=tls()), NAMED) == NOT_SECURE
    assert await send(Server(tls=tls()), letter(), replace(PLAIN, need=Need.TLS)) == [DELIVERED]


async def test_certificate_that_the_records_describe_is_taken_and_no_other() -> None:
    assert await send(Server(tls=tls()), letter(), DANE) == [DELIVERED]
    other = Server(tls=tls(CA.issue_cert("mx.far.example")))
    assert await refusal(other, DANE) == NOT_SECURE


async def test_words_that_were_slipped_in_before_tls_are_not_heard() -> None:
    """A man in the middle answers what we will ask later (RFC 3207 6)."""
    slipped = "220 go on\r\n250-mx.evil.example\r\n250 SIZE 1"
    server = Server(tls=tls(), answers={"STARTTLS": slipped})
    assert await send(server, letter()) == [DELIVERED]
