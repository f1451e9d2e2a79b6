# SPDX-License-Identifier: Apache-2.0
"""Accounts, tombstones and roles in SQLite. Every call blocks and is durable when it returns."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from eepost.accounts.invitations import Invitation
from eepost.accounts.model import Account
from eepost.accounts.ports import AccountChanged, InvitationUsed, NameTaken, NoSuchAccount
from eepost.store.records import Records
from eepost.store.sqlite.connection import StoreFile, faults_as_unavailable, scrub
from eepost.store.sqlite.watch import Watch
from eepost.store.tables import (
    account,
    body,
    certificate,
    encapsulation,
    known_id,
    message,
    role,
    segment,
    sent_id,
    state,
    tombstone,
    usage,
    used_invitation,
)


class SqliteAccounts:
    """Satisfies `eepost.accounts.ports.AccountStore`; may be called from any thread."""

    def __init__(self, file: StoreFile, engine: Engine, records: Records, watch: Watch) -> None:
        self._file = file
        self._reading = engine
        self._writing = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._records = records
        self._watch = watch

    def add(self, new: Account, by: Invitation | None = None) -> None:
        """Keep a new account and use up its invitation. Raises NameTaken, InvitationUsed."""
        tag = self._records.name_tag(new.name)
        row = {"number": new.number, "name_tag": tag, "record": self._records.seal(new)}
        with self._change() as connection:
            if _has(connection, account, tag) or _has(connection, tombstone, tag):
                raise NameTaken
            if by is not None:
                _use(connection, by)
            connection.execute(insert(account), row)
            connection.execute(insert(usage), {"account": new.number, "octets": 0, "messages": 0})

    def find(self, name: str) -> Account | None:
        """Return the account with this name, or None."""
        query = select(account.c.number, account.c.record)
        with faults_as_unavailable(), self._reading.connect() as connection:
            row = connection.execute(
                query.where(account.c.name_tag == self._records.name_tag(name))
            ).one_or_none()
            return None if row is None else self._records.open(row.number, row.record)

    def replace(self, changed: Account, instead_of: Account) -> None:
        """Keep `changed` in place of `instead_of`; what that held is gone from the log too.

        Raises NoSuchAccount, AccountChanged.
        """
        number = instead_of.number
        with self._change() as connection:
            record = connection.execute(
                select(account.c.record).where(account.c.number == number)
            ).scalar()
            if record is None:
                raise NoSuchAccount
            if self._records.open(number, record) != instead_of:
                raise AccountChanged
            connection.execute(
                update(account)
                .where(account.c.number == number)
                .values(record=self._records.seal(changed))
            )
        self._scrub()

    def delete(self, name: str) -> None:
        """Destroy keys and mail, in the log too, and leave a tombstone. Raises NoSuchAccount."""
        tag = self._records.name_tag(name)
        with self._change() as connection:
            number = connection.execute(
                select(account.c.number).where(account.c.name_tag == tag)
            ).scalar()
            if number is None:
                raise NoSuchAccount
            _delete_mail(connection, number)
            connection.execute(delete(certificate).where(certificate.c.account == number))
            connection.execute(delete(usage).where(usage.c.account == number))
            connection.execute(delete(account).where(account.c.number == number))
            connection.execute(insert(tombstone), {"name_tag": tag})
            self._delete_roles(connection, name)
        self._scrub()

    def certificate(self, number: int) -> bytes | None:
        """Return the OpenPGP certificate of the account, if it has one."""
        query = select(certificate.c.sealed).where(certificate.c.account == number)
        with faults_as_unavailable(), self._reading.connect() as connection:
            sealed = connection.execute(query).scalar()
            return None if sealed is None else self._records.open_certificate(number, sealed)

    def keep_certificate(self, number: int, octets: bytes | None) -> None:
        """Keep a certificate instead of the one before; None removes it. Raises NoSuchAccount."""
        with self._change() as connection:
            found = select(account.c.number).where(account.c.number == number)
            if connection.execute(found).first() is None:
                raise NoSuchAccount
            connection.execute(delete(certificate).where(certificate.c.account == number))
            if octets is not None:
                sealed = self._records.seal_certificate(number, octets)
                connection.execute(insert(certificate), {"account": number, "sealed": sealed})
        self._scrub()

    def accounts(self) -> Iterable[Account]:
        """Return every account, in no particular order."""
        with faults_as_unavailable(), self._reading.connect() as connection:
            rows = connection.execute(select(account.c.number, account.c.record)).all()
            return [self._records.open(number, record) for number, record in rows]

    def roles(self) -> dict[str, str]:
        """Return role -> account name."""
        with faults_as_unavailable(), self._reading.connect() as connection:
            rows = connection.execute(select(role.c.role_tag, role.c.sealed)).all()
            return dict(self._records.open_role(tag, sealed) for tag, sealed in rows)

    def assign_role(self, given: str, name: str) -> None:
        """Let mail to the role go to the account. Raises NoSuchAccount."""
        row = {
            "role_tag": self._records.role_tag(given),
            "sealed": self._records.seal_role(given, name),
        }
        with self._change() as connection:
            if not _has(connection, account, self._records.name_tag(name)):
                raise NoSuchAccount
            keep = upsert(role).values(row)
            connection.execute(keep.on_conflict_do_update(["role_tag"], set_=row))

    def epoch(self) -> int:
        """Return a number that changes with any account or role, in any process."""
        return self._watch.epoch()

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """Run one transaction that others see as a new epoch."""
        with faults_as_unavailable(), self._writing.begin() as connection:
            yield connection
            connection.execute(update(state).values(epoch=state.c.epoch + 1))
        self._watch.look_again()

    def _delete_roles(self, connection: Connection, name: str) -> None:
        for tag, sealed in connection.execute(select(role.c.role_tag, role.c.sealed)).all():
            if self._records.open_role(tag, sealed)[1] == name:
                connection.execute(delete(role).where(role.c.role_tag == tag))

    def _scrub(self) -> None:
        # Where a reader stood in the way, the lane cuts the log: it sees the new epoch.
        with faults_as_unavailable(), self._file.borrow() as connection:
            scrub(connection)


def _use(connection: Connection, invitation: Invitation) -> None:
    found = select(used_invitation.c.tag).where(used_invitation.c.tag == invitation.tag)
    if connection.execute(found).first() is not None:
        raise InvitationUsed
    row = {"tag": invitation.tag, "day": invitation.last_day}
    connection.execute(insert(used_invitation), row)


def _has(connection: Connection, table: Table, tag: bytes) -> bool:
    query = select(table.c.name_tag).where(table.c.name_tag == tag)
    return connection.execute(query).first() is not None


def _delete_mail(connection: Connection, number: int) -> None:
    own = select(message.c.number).where(message.c.account == number)
    connection.execute(delete(segment).where(segment.c.message.in_(own)))
    connection.execute(delete(body).where(body.c.number.in_(own)))
    connection.execute(delete(message).where(message.c.account == number))
    connection.execute(delete(encapsulation).where(encapsulation.c.account == number))
    connection.execute(delete(known_id).where(known_id.c.account == number))
    connection.execute(delete(sent_id).where(sent_id.c.account == number))
