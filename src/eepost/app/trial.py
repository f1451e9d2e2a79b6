# SPDX-License-Identifier: Apache-2.0
"""`eepost trial`, which is `make run`: a post office to look at, with a first mail on its way."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from eepost.accounts.model import PasswordCost
from eepost.accounts.preferences import Delay
from eepost.accounts.registry import Registry
from eepost.app.comparison import show_comparison
from eepost.app.config import ConfigError
from eepost.app.core import Core
from eepost.app.i2p_doctor import router_notice
from eepost.app.office import Office, create_office, open_office
from eepost.app.running import serve
from eepost.app.trial_gateway import FOLDER, OFFICIAL, ROBOT, add_gateway, running_gateway
from eepost.app.workers import make_starter
from eepost.net.clock import random_octets
from eepost.net.dialogue import Dialogue
from eepost.observe.journal import Journal
from eepost.workers.starter import Starter

DOMAIN = "mail.i2p"
NAMES = ("alice", "bob")
NOTE = "trial-accounts.json"  # the sample accounts' passwords, so that the trial can go on

# A mail as a careless program writes it; everything but the words and the addresses should go.
FIRST_MAIL = """\
Received: from laptop-of-alice (host-203-0-113-7.example.net [203.0.113.7])
From: Alice <{sender}>
To: {recipient}
Bcc: secret-friend@example.org
Subject: The first mail
Date: Mon, 23 Nov 2026 18:04:51 +0300
Message-ID: <4A5B6C7D.laptop-of-alice@example.net>
User-Agent: SomeMailer/7.1 (X11; Linux x86_64; de-DE)
X-Originating-IP: [203.0.113.7]
Organization: Alice's Employer Ltd.
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Hello Bob,

this mail went in by SMTP, was sanitised, sealed to your key, written to
disk before anybody said "250", and came back by POP3.

Alice
"""


OUTSIDE_MAIL = """\
Received: from laptop-of-alice (host-203-0-113-7.example.net [203.0.113.7])
From: Alice <{sender}>
To: {recipient}
Subject: Is anybody out there?
Date: Mon, 23 Nov 2026 18:04:51 +0300
User-Agent: SomeMailer/7.1 (X11; Linux x86_64; de-DE)

Hello robot,

who do you think sent this, from where, and with what?

Alice
"""
# Two processes have to find each other first, on a machine that may have better to do.
OUTSIDE_SECONDS = 180.0

_NO_SCANNER = "No mail is scanned for viruses: no scanner is set (docs/scanner.md)."
_NO_ROUTER = "No I2P router runs here, so only this machine reaches it (docs/i2p.md)."


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample account."""

    name: str
    password: str

    @property
    def address(self) -> str:
        """Where its mail goes."""
        return f"{self.name}@{DOMAIN}"


def run_trial(directory: Path) -> None:
    """Create or go on with a trial post office in `directory`, then serve until Ctrl-C."""
    console = Console()
    office, is_new = _office(directory, console)
    with make_starter(office.settings.workers) as starter, running_gateway(office) as gateway:
        _serve(office, starter, console, gateway if is_new else None, is_new=is_new)
    console.print("\nStopped. `make run` goes on with the same data.")


def _serve(
    office: Office,
    starter: Starter,
    console: Console,
    shown: subprocess.Popen[bytes] | None,  # the gateway, if mail is to go out now
    *,
    is_new: bool,
) -> None:
    samples = _samples(office, console)
    core = Core(office, office.start_key(), Journal(), starter)

    async def announce(running: Core) -> None:
        if is_new:
            await _first_mail(running, samples, console)
        if shown is not None:
            try:
                await _mail_outside(running, samples[0], console, lambda: shown.poll() is not None)
            except (TimeoutError, ChildProcessError):
                console.print(f"The gateway does not work: {office.directory / FOLDER / 'log'}")
        _show_settings(running, samples, console)

    try:
        uvloop.run(serve(core, announce))
    except OSError as error:
        raise ConfigError(
            office.config_file,
            "smtp.listen",
            error.strerror or "can't listen there",
            "does another post office (or a mail tunnel of your I2P router) use the port already?",
        ) from error


def _office(directory: Path, console: Console) -> tuple[Office, bool]:
    if (directory / "eepost.toml").exists():
        console.print(f"Going on with the post office in [bold]{directory}[/].")
        return open_office(directory), False
    console.print(f"Making a post office for {DOMAIN} in [bold]{directory}[/].")
    names = {"domain": DOMAIN, "official_domains": (OFFICIAL,), "message_id_domain": OFFICIAL}
    office = create_office(directory, {"mail": names})
    add_gateway(office)
    return office, True


def _samples(office: Office, console: Console) -> list[Sample]:
    note = office.directory / NOTE
    if note.exists():
        return [Sample(**each) for each in json.loads(note.read_text(encoding="utf-8"))]
    samples = [Sample(name, base64.b32encode(random_octets(10)).decode().lower()) for name in NAMES]
    store = office.open_store(office.start_key())
    registry = Registry(store.accounts, random_octets, PasswordCost())
    try:
        for each in samples:
            registry.create(each.name, each.password)
            console.print(f"Added the sample account {each.address}.")
        # A first mail to the Internet that waits for half an hour would be no trial.
        registry.adjust(samples[0].name, lambda chosen: replace(chosen, delay=Delay.NONE))
        for role in ("postmaster", "abuse"):
            registry.assign_role(role, samples[0].name)
    finally:
        store.close()
    note.touch(mode=0o600)
    note.write_text(json.dumps([{"name": s.name, "password": s.password} for s in samples]))
    return samples


async def _first_mail(core: Core, samples: list[Sample], console: Console) -> None:
    alice, bob = samples
    before = FIRST_MAIL.format(sender=alice.address, recipient=bob.address)
    reply = await _send(core, alice, bob.address, before)
    console.print(f"Sent a first mail through SMTP: [green]{reply.decode()}[/]")
    after = await _fetch_last(core, bob) or ""
    console.print("Fetched it by POP3. As it was sent, and as it arrived:\n")
    show_comparison(console, before.encode(), after.encode())


async def _mail_outside(
    core: Core, sender: Sample, console: Console, has_ended: Callable[[], bool]
) -> None:
    """Send a mail to the Internet that the trial plays, and show what comes back.

    Raises ChildProcessError where the gateway has ended before, TimeoutError.
    """

    async def look_again() -> None:
        if has_ended():
            raise ChildProcessError
        await asyncio.sleep(0.2)

    console.print(
        "\nA gateway runs beside it, before an Internet that is played: nothing leaves this"
        f" machine. Whoever you write to out there, {ROBOT} answers."
    )
    async with asyncio.timeout(OUTSIDE_SECONDS):
        while not core.counters()["gateways_up"]:
            await look_again()
        before = OUTSIDE_MAIL.format(sender=sender.address, recipient=ROBOT)
        reply = await _send(core, sender, ROBOT, before)
        console.print(f"Sent a mail to {ROBOT}: [green]{reply.decode()}[/]")
        while (answer := await _fetch_last(core, sender)) is None:
            await look_again()
    console.print("The answer came back through the gateway, with what the robot had got:\n")
    console.print(answer, markup=False, highlight=False, soft_wrap=True)


async def _send(core: Core, sender: Sample, recipient: str, message: str) -> bytes:
    talk = await Dialogue.open(core.listening()["smtp"])
    await talk.smtp_reply()
    secret = base64.b64encode(f"\0{sender.name}\0{sender.password}".encode())
    for line in (
        b"EHLO trial",
        b"AUTH PLAIN " + secret,
        f"MAIL FROM:<{sender.address}>".encode(),
        f"RCPT TO:<{recipient}>".encode(),
        b"DATA",
    ):
        _expect(await talk.ask_smtp(line))
    reply = await talk.ask_smtp(message.replace("\n", "\r\n").encode() + b".")
    _expect(reply)
    await talk.ask_smtp(b"QUIT")
    await talk.close()
    return reply


async def _fetch_last(core: Core, reader: Sample) -> str | None:
    """Return the newest message of a maildrop, None where it is empty."""
    talk = await Dialogue.open(core.listening()["pop3"])
    await talk.hear()
    for line in (f"USER {reader.name}", f"PASS {reader.password}"):
        _expect(await talk.ask_pop3(line.encode()))
    count = (await talk.ask_pop3(b"STAT")).split()[1]
    message = None
    if count != b"0":
        _expect(await talk.ask_pop3(b"RETR " + count))
        message = b"\n".join(await talk.pop3_lines()).decode("utf-8", "replace")
    await talk.ask_pop3(b"QUIT")
    await talk.close()
    return message


def _expect(reply: bytes) -> None:
    if reply[:1] not in b"23+":
        raise RuntimeError("the post office refused its own first mail")


def _show_settings(core: Core, samples: list[Sample], console: Console) -> None:
    ports = core.listening()
    table = Table(title="For your mail program", title_justify="left", box=None, pad_edge=False)
    for heading in ("", *(each.address for each in samples)):
        table.add_column(heading)
    table.add_row("user name", *(each.name for each in samples))
    table.add_row("password", *(each.password for each in samples))
    table.add_row("outgoing (SMTP)", *[f"{ports['smtp']}"] * len(samples))
    table.add_row("incoming (POP3)", *[f"{ports['pop3']}"] * len(samples))
    table.add_row("encryption", *["none (I2P encrypts the way)"] * len(samples))
    table.add_row("authentication", *["password, normal"] * len(samples))
    console.print("\n", table)
    smtp, pop3, alice, bob = ports["smtp"], ports["pop3"], *samples
    console.print("\nOr try it from another terminal:\n", style="bold")
    console.print(
        f"  swaks --server {smtp.host} --port {smtp.port} --auth PLAIN"
        f" --auth-user {alice.name} --auth-password {alice.password}"
        f" --from {alice.address} --to {bob.address}\n"
        f"  curl pop3://{pop3.host}:{pop3.port}/1 --user {bob.name}:{bob.password}\n",
        soft_wrap=True,
        highlight=False,
    )
    if "portal" in ports:
        console.print(
            f"Accounts, choices and the address book: http://{ports['portal']}/ in your browser.",
            soft_wrap=True,
            highlight=False,
        )
    notice = router_notice(core.office, Path("/"), Path.home()) or _NO_ROUTER
    console.print(notice, soft_wrap=True, highlight=False)
    if not core.office.settings.scanner.clamd:
        console.print(_NO_SCANNER, soft_wrap=True, highlight=False)
    console.print("Serving until Ctrl-C.", style="bold")
    sys.stdout.flush()
