# SPDX-License-Identifier: Apache-2.0
"""Mail programs that send: one row each, with what is known of them.

`tells` are the places where the program tells something of its user, as seen on the wire; a test
that finds them delivered fails, and so does one that no longer sees them sent.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from eepost.services.mta.replies import NO_SUCH_RECIPIENT, WRONG_CREDENTIALS
from tests.interop import thunderbird
from tests.interop.isolation import HOST_NAME
from tests.interop.letters import PLANTED, SUBJECT, TEXT, letter
from tests.interop.running import Desk, Run, run

# Of a letter that is handed over whole: Bcc goes in some programs before it is sent.
_WHOLE: Final = frozenset(name.lower() for name in PLANTED if name != "Bcc")


@dataclass(frozen=True, slots=True)
class Sender:
    """A program that sends the letter to one recipient."""

    name: str
    send: Callable[[Desk, str], Run] = field(repr=False)
    tells: frozenset[str]
    greeting_name: str  # what it says after EHLO
    wrong_password: str  # what it tells its user then
    refused: str = NO_SUCH_RECIPIENT.text  # ... when the recipient is unknown

    def __str__(self) -> str:
        return self.name


def _swaks(mechanism: str) -> Callable[[Desk, str], Run]:
    def send(desk: Desk, recipient: str) -> Run:
        return run(
            desk,
            *("swaks", "--server", f"127.0.0.1:{desk.smtp_port}"),
            *("--auth", mechanism, "--auth-user", desk.account, "--auth-password", desk.password),
            *("--from", desk.address, "--to", recipient),
            *("--header", f"Subject: {SUBJECT}"),
            *("--add-header", "MIME-Version: 1.0"),
            *("--add-header", "Content-Type: text/plain; charset=utf-8"),
            *("--body", desk.write("body", TEXT)),
        )

    return send


def _curl(desk: Desk, recipient: str) -> Run:
    config = desk.write(
        "curlrc",
        f'url = "smtp://127.0.0.1:{desk.smtp_port}/curl-of-alice"\n'
        f'user = "{desk.account}:{desk.password}"\n'
        f'mail-from = "{desk.address}"\nmail-rcpt = "{recipient}"\n'
        f'upload-file = "{desk.write("letter", letter(desk.address, recipient))}"\n',
    )
    return run(desk, "curl", "-v", "-K", config)


def _msmtp(desk: Desk, recipient: str) -> Run:
    config = desk.write(
        "msmtprc",
        f"account default\nhost 127.0.0.1\nport {desk.smtp_port}\ntls off\nauth plain\n"
        f"user {desk.account}\npassword {desk.password}\nfrom {desk.address}\n"
        "domain msmtp-of-alice\n",
    )
    mail = letter(desk.address, recipient).replace(b"\r\n", b"\n")
    return run(desk, "msmtp", "-C", config, recipient, given=mail)


def _mutt(desk: Desk, recipient: str) -> Run:
    config = desk.write(
        "muttrc",
        f'set smtp_url="smtp://{desk.account}@127.0.0.1:{desk.smtp_port}/"\n'
        f'set smtp_pass="{desk.password}"\nset smtp_authenticators="plain"\n'
        "set ssl_starttls=no\nset ssl_force_tls=no\nset copy=no\nset user_agent=yes\n"
        f'set from="{desk.address}"\nset envelope_from_address="{desk.address}"\n'
        "set use_from=yes\nset use_envelope_from=yes\nset send_charset=utf-8\n",
    )
    given = TEXT.encode()
    return run(desk, "mutt", "-n", "-F", config, "-s", SUBJECT, recipient, given=given)


def _s_nail(desk: Desk, recipient: str) -> Run:
    password = desk.password.replace(" ", "%20")
    config = desk.write(
        "mailrc",
        "set v15-compat nosave\nset sendcharsets=utf-8\n"
        f'set mta="smtp://{desk.account}:{password}@127.0.0.1:{desk.smtp_port}"\n'
        f'set smtp-auth=plain\nset from="{desk.address}"\n',
    )
    return run(
        desk,
        *("s-nail", "-:u", "-S", "sendwait", "-s", SUBJECT, recipient),
        given=TEXT.encode(),
        extra={"MAILRC": str(config)},
    )


def _smtplib(desk: Desk, recipient: str) -> Run:
    message = letter(desk.address, recipient)
    try:
        with smtplib.SMTP("127.0.0.1", desk.smtp_port, "python-of-alice", timeout=30) as smtp:
            smtp.login(desk.account, desk.password)
            smtp.sendmail(desk.address, recipient, message)
    except smtplib.SMTPException as refusal:
        return Run(1, str(refusal))
    return Run(0, "")


SENDERS: Final = (
    Sender(
        "swaks PLAIN",
        _swaks("PLAIN"),
        frozenset({"x-mailer", "message-id", "date"}),
        HOST_NAME,
        WRONG_CREDENTIALS.text,
    ),
    Sender(
        "swaks LOGIN",
        _swaks("LOGIN"),
        frozenset({"x-mailer", "message-id", "date"}),
        HOST_NAME,
        WRONG_CREDENTIALS.text,
    ),
    Sender("curl", _curl, _WHOLE, "curl-of-alice", "Login denied"),
    Sender("msmtp", _msmtp, _WHOLE, "msmtp-of-alice", "authentication failed"),
    Sender(
        "mutt",
        _mutt,
        frozenset({"user-agent", "message-id", "date"}),
        HOST_NAME,
        "authentication failed",
    ),
    Sender(
        "s-nail",
        _s_nail,
        frozenset({"user-agent", "message-id", "date"}),
        HOST_NAME,
        WRONG_CREDENTIALS.text,
    ),
    Sender("smtplib", _smtplib, _WHOLE, "python-of-alice", WRONG_CREDENTIALS.text),
    Sender(
        "Thunderbird",
        thunderbird.send,
        frozenset({"user-agent", "message-id", "date"}),
        "[127.0.0.1]",
        "Unable to authenticate to Outgoing server",
    ),
)
