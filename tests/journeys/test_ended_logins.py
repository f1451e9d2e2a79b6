# SPDX-License-Identifier: Apache-2.0
"""What becomes of sessions whose account is closed, or gets another password, meanwhile."""

import poplib
import smtplib
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from eepost.accounts.model import State
from eepost.accounts.registry import Registry
from tests.office import PASSWORD, PostOffice, address, mail

ENDINGS: dict[str, Callable[[Registry], object]] = {
    "another password": lambda registry: registry.change_password(
        "alice", PASSWORD, "another password"
    ),
    "reset by the operator": lambda registry: registry.reset_password("alice", "another password"),
    "disabled": lambda registry: registry.set_state("alice", State.DISABLED),
    "deleted": lambda registry: registry.delete("alice"),
}


@pytest.fixture(params=list(ENDINGS))
def end_alice(request: pytest.FixtureRequest, office: PostOffice) -> Callable[[], None]:
    def end() -> None:
        with office.registry() as registry:
            ENDINGS[request.param](registry)

    return end


@pytest.fixture
def submission(office: PostOffice) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", office.smtp_port, local_hostname="x", timeout=60) as smtp:
        smtp.login("alice", PASSWORD)
        yield smtp


@pytest.fixture
def maildrop(office: PostOffice) -> Iterator[poplib.POP3]:
    office.submit(address("bob"), address("alice"), mail("bob", "alice"))
    with closing(poplib.POP3("127.0.0.1", office.pop3_port, timeout=60)) as pop:
        pop.user("alice")
        pop.pass_(PASSWORD)
        yield pop


def test_open_session_begins_no_further_message(
    office: PostOffice, submission: smtplib.SMTP, end_alice: Callable[[], None]
) -> None:
    submission.sendmail(address("alice"), address("bob"), mail("alice", "bob"))
    end_alice()
    assert submission.mail(address("alice"))[0] == 421
    assert len(office.fetch("bob")) == 1


def test_open_transaction_delivers_nothing(
    office: PostOffice, submission: smtplib.SMTP, end_alice: Callable[[], None]
) -> None:
    submission.mail(address("alice"))
    submission.rcpt(address("bob"))
    end_alice()
    assert submission.data(mail("alice", "bob"))[0] == 421
    assert office.fetch("bob") == []


def test_session_goes_on_when_somebody_else_changes(
    office: PostOffice, submission: smtplib.SMTP
) -> None:
    office.add("carol")
    submission.sendmail(address("alice"), address("bob"), mail("alice", "bob"))
    office.disable("carol")
    submission.sendmail(address("alice"), address("bob"), mail("alice", "bob"))
    assert len(office.fetch("bob")) == 2


@pytest.mark.parametrize("command", ["STAT", "RETR 1", "TOP 1 0"])
def test_open_maildrop_is_shut(
    command: str, maildrop: poplib.POP3, end_alice: Callable[[], None]
) -> None:
    end_alice()
    with pytest.raises(poplib.error_proto, match="log in again"):
        maildrop._shortcmd(command)  # type: ignore[attr-defined]
    assert maildrop.sock.recv(100) == b"", "and the stream is closed"


def test_deletions_of_an_ended_login_do_not_count(
    office: PostOffice, maildrop: poplib.POP3
) -> None:
    maildrop.dele(1)
    with office.registry() as registry:
        registry.change_password("alice", PASSWORD, "another password")
    with pytest.raises(poplib.error_proto, match="log in again"):
        maildrop.quit()
    assert len(office.fetch("alice", "another password")) == 1
