# SPDX-License-Identifier: Apache-2.0
"""The gateway of a trial, before an Internet that is played: nothing leaves this machine.

`python -m eepost.app.stage DIRECTORY INVITATION` is started by `eepost trial` as a process of its
own, like any gateway. Whoever is written to out there is a robot that answers with what it got.
"""

import asyncio
import os
import re
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from eepost.app.gateway import Gateway
from eepost.app.gateway_config import accept_invitation, open_gateway
from eepost.app.running import serve
from eepost.app.trial_gateway import MAIL_IN, NAMES, OFFICIAL, ROBOT
from eepost.app.workers import make_starter
from eepost.mail.header import split_header
from eepost.net.dialogue import Dialogue
from eepost.net.listeners import Endpoint, listen, parse_endpoint
from eepost.net.stage import MailServer, dial_stage, serve_names
from eepost.observe.journal import Journal

# So that a robot and a vacation program do not talk for ever.
MAX_ANSWERS = 100
_ADDRESS = re.compile(rb"[^<>\s@]+@[^<>\s@]+")


@dataclass(slots=True)
class Robot:
    """Answers whoever writes to anybody out there."""

    gateway: Endpoint
    answered: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def take(self, reverse_path: bytes, message: bytes) -> None:
        """Take a message that has left."""
        self.answered += 1
        if _ADDRESS.fullmatch(reverse_path) and self.answered <= MAX_ANSWERS:
            task = asyncio.get_running_loop().create_task(self._answer(reverse_path, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, to: bytes, message: bytes) -> None:
        talk = await Dialogue.open(self.gateway)
        await talk.smtp_reply()
        for line in (
            b"EHLO mx.far.example",
            b"MAIL FROM:<%s>" % ROBOT.encode(),
            b"RCPT TO:<%s>" % to,
            b"DATA",
        ):
            await talk.ask_smtp(line)
        await talk.say(_stuffed(answer_to(to, message)))
        await talk.ask_smtp(b".")
        await talk.ask_smtp(b"QUIT")
        await talk.close()


def answer_to(to: bytes, message: bytes) -> bytes:
    """Return the robot's answer, which shows what it got."""
    header = split_header(message)
    fields = {name.lower(): value.strip() for name, _, value in header.fields}
    its_id = fields.get(b"message-id", b"")
    return b"".join(
        (
            b"From: A robot outside <%s>\r\nTo: %s\r\n" % (ROBOT.encode(), to),
            b"Subject: Re: " + fields.get(b"subject", b"your message")[:200] + b"\r\n",
            b"Date: " + fields.get(b"date", b"") + b"\r\n",
            b"Message-ID: <answer-" + its_id.strip(b"<>")[:200] + b">\r\n",
            b"In-Reply-To: " + its_id + b"\r\n" if its_id else b"",
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: 8bit\r\n\r\n",
            b"This is what came out of the gateway:\r\n\r\n",
            *(b"> " + line + b"\r\n" for line in message.splitlines()[:60]),
        )
    )


def _stuffed(message: bytes) -> bytes:
    return b"".join(
        b"." + line if line.startswith(b".") else line for line in message.splitlines(keepends=True)
    )


def _end_with_whoever_started_it() -> None:
    """Die with the trial, even one that is killed, and at once: the next one needs the ports.

    A gateway loses nothing by it. The trial holds the other end of our standard input.
    """
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(sys.stdin)
        os.kill(os.getpid(), signal.SIGKILL)

    loop.add_reader(sys.stdin, end)


def run_stage(directory: Path, invitation: Path) -> None:
    """Pair if there is an invitation, and run the gateway until SIGTERM."""
    office = open_gateway(directory)
    if invitation.exists():
        accept_invitation(office, invitation)
        invitation.unlink()

    async def run(gateway: Gateway, server: asyncio.Server) -> None:
        async def announce(_: Gateway) -> None:
            """Nothing to say: the trial sees it by the link."""

        async with server:
            await serve(gateway, announce)

    async def play() -> None:
        _end_with_whoever_started_it()
        robot = Robot(parse_endpoint(MAIL_IN))
        await serve_names(parse_endpoint(NAMES), OFFICIAL)
        server = await listen(parse_endpoint("127.0.0.1:0"), lambda: MailServer(robot.take))
        host, port = server.sockets[0].getsockname()[:2]
        gateway = Gateway(office, Journal(), starter, dial_stage(Endpoint(host, port)))
        await run(gateway, server)

    with make_starter(office.settings.workers) as starter:
        uvloop.run(play())


if __name__ == "__main__":
    run_stage(Path(sys.argv[1]), Path(sys.argv[2]))
