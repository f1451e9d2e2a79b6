# SPDX-License-Identifier: Apache-2.0
"""Mail programs that fetch: one row each, with what is known of them."""

import mailbox
import poplib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eepost.services.pop.refusals import WRONG_CREDENTIALS
from tests.interop import thunderbird
from tests.interop.running import Desk, Run, run, run_on_terminal


@dataclass(frozen=True, slots=True)
class Fetcher:
    """A program that fetches a maildrop into `inbox(desk)`.

    `fetch` leaves the mail in the maildrop or not, as asked.
    """

    name: str
    fetch: Callable[[Desk, bool], Run] = field(repr=False)
    inbox: Callable[[Desk], list[bytes]] = field(repr=False)
    wrong_password: str
    nothing_new: int = 0  # its exit code then
    remembers: bool = True  # it keeps a list of unique-ids and fetches nothing twice
    has_exit_code: bool = True  # a program for a person at a terminal always leaves with 0

    def __str__(self) -> str:
        return self.name


def _maildir(desk: Desk) -> list[bytes]:
    return [path.read_bytes() for path in sorted((desk.home / "inbox").glob("new/*"))]


def _mbox(desk: Desk) -> list[bytes]:
    return _messages(desk.home / "inbox.mbox")


def _thunderbird(desk: Desk) -> list[bytes]:
    return _messages(thunderbird.inbox_file(desk))


def _messages(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    box = mailbox.mbox(path, create=False)
    try:
        return [box.get_bytes(key) for key in sorted(box.keys())]
    finally:
        box.close()


def _files(desk: Desk) -> list[bytes]:
    return [path.read_bytes() for path in sorted((desk.home / "inbox").iterdir())]


def _inbox(desk: Desk, *below: str) -> Path:
    path = desk.home / "inbox"
    for name in ("", *below):
        (path / name).mkdir(parents=True, exist_ok=True)
    return path


def _mpop(desk: Desk, keep: bool) -> Run:
    inbox = _inbox(desk, "new", "cur", "tmp")
    config = desk.write(
        "mpoprc",
        f"account default\nhost 127.0.0.1\nport {desk.pop3_port}\ntls off\nauth user\n"
        f"user {desk.account}\npassword {desk.password}\ndelivery maildir {inbox}\n"
        f"uidls_file {desk.home}/uidls\n",
    )
    return run(desk, "mpop", "-C", config, f"--keep={'on' if keep else 'off'}")


def _fetchmail(desk: Desk, keep: bool) -> Run:
    inbox = _inbox(desk)
    config = desk.write(
        "fetchmailrc",
        "set no bouncemail\nset no syslog\n"
        f'poll 127.0.0.1 service {desk.pop3_port} protocol pop3 uidl user "{desk.account}"\n'
        f'password "{desk.password}" no rewrite sslproto ""\n'
        f'mda "cat > {inbox}/$(date +%s%N)" {"keep" if keep else "no keep"}\n',
    )
    extra = {"FETCHMAILHOME": str(desk.home)}
    return run(desk, "fetchmail", "-f", config, "--nodetach", extra=extra)


def _getmail(desk: Desk, keep: bool) -> Run:
    inbox = _inbox(desk, "new", "cur", "tmp")
    config = desk.write(
        "getmailrc",
        "[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\n"
        f"port = {desk.pop3_port}\nusername = {desk.account}\npassword = {desk.password}\n"
        f"[destination]\ntype = Maildir\npath = {inbox}/\n"
        f"[options]\nread_all = false\ndelete = {not keep}\n",
    )
    return run(desk, "getmail", f"--getmaildir={desk.home}", f"--rcfile={config}")


def _mutt(desk: Desk, keep: bool) -> Run:
    desk.write("inbox.mbox", _kept(desk.home / "inbox.mbox"))
    config = desk.write(
        "muttrc",
        f'set pop_host="pop://{desk.account}@127.0.0.1:{desk.pop3_port}"\n'
        f'set pop_pass="{desk.password}"\nset pop_authenticators="user"\n'
        f"set pop_delete={'no' if keep else 'yes'}\nset pop_last=no\nset pop_checkinterval=0\n"
        "set ssl_starttls=no\nset ssl_force_tls=no\nset mbox_type=mbox\n"
        f'set folder="{desk.home}"\n'
        f'set spoolfile="{desk.home}/inbox.mbox"\nset quit=yes\nset move=no\nset delete=no\n'
        "set sleep_time=0\nset wait_key=no\npush <fetch-mail>\n",
    )
    return run_on_terminal(desk, b"q", "mutt", "-n", "-F", config)


def _kept(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _s_nail(desk: Desk, keep: bool) -> Run:
    password = desk.password.replace(" ", "%20")
    config = desk.write("mailrc", "set v15-compat pop3-no-apop\n")
    box = f"pop3://{desk.account}:{password}@127.0.0.1:{desk.pop3_port}"
    action = "copy" if keep else "move"
    end = "exit" if keep else "quit"
    return run(
        desk,
        *("s-nail", "-:u", "-#"),
        given=(
            f"folder {box}\nif $? -ne 0\n  xit 3\nendif\n{action} * {desk.home}/inbox.mbox\n{end}\n"
        ).encode(),
        extra={"MAILRC": str(config)},
    )


def _curl(desk: Desk, keep: bool) -> Run:
    inbox = _inbox(desk)
    config = desk.write("curlrc", f'user = "{desk.account}:{desk.password}"\nshow-error\nsilent\n')
    url = f"pop3://127.0.0.1:{desk.pop3_port}/"
    listing = run(desk, "curl", "-K", config, url)
    for line in listing.output.split("\n")[: None if listing.succeeded else 0]:
        number = line.partition(" ")[0]
        if not number.isdigit():
            continue
        got = run(desk, "curl", "-K", config, "-o", inbox / number, url + number)
        if not got.succeeded:
            return got
    if not keep and listing.succeeded:
        # One message a session, so the first is always the next.
        for _ in _files(desk):
            done = run(desk, "curl", "-K", config, "--head", "-X", "DELE", url + "1")
            if not done.succeeded:
                return done
    return listing


def _poplib(desk: Desk, keep: bool) -> Run:
    inbox = _inbox(desk)
    pop = poplib.POP3("127.0.0.1", desk.pop3_port, timeout=30)
    try:
        pop.user(desk.account)
        pop.pass_(desk.password)
        for line in pop.uidl()[1]:
            number, unique_id = line.decode().split()
            (inbox / unique_id).write_bytes(b"\r\n".join([*pop.retr(int(number))[1], b""]))
            if not keep:
                pop.dele(int(number))
    except poplib.error_proto as refusal:
        return Run(1, str(refusal))
    finally:
        pop.quit()
    return Run(0, "")


FETCHERS: Final = (
    Fetcher("mpop", _mpop, _maildir, WRONG_CREDENTIALS.text),
    Fetcher("fetchmail", _fetchmail, _files, "Authorization failure", nothing_new=1),
    Fetcher("getmail6", _getmail, _maildir, WRONG_CREDENTIALS.text),
    Fetcher("mutt", _mutt, _mbox, "Login failed", remembers=False, has_exit_code=False),
    Fetcher("s-nail", _s_nail, _mbox, WRONG_CREDENTIALS.text, remembers=False),
    Fetcher("curl", _curl, _files, "Access denied", remembers=False),
    Fetcher("poplib", _poplib, _files, WRONG_CREDENTIALS.text, remembers=False),
    Fetcher("Thunderbird", thunderbird.fetch, _thunderbird, "Login to server 127.0.0.1"),
)
