# SPDX-License-Identifier: Apache-2.0
"""The first tables: accounts, tombstones, roles, maildrops."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _number(name: str, *constraints: sa.CheckConstraint | sa.ForeignKey) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, *constraints, nullable=False, autoincrement=False)


def _octets(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _create(
    name: str, *columns: sa.Column[int] | sa.Column[bytes], key: tuple[str, ...], rowid: bool = True
) -> None:
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*key),
        sqlite_strict=True,
        sqlite_with_rowid=rowid,
    )


def upgrade() -> None:
    """Make every table of the first release; eepost.store.tables says what is in them."""
    _create(
        "state",
        _number("id", sa.CheckConstraint("id = 1")),
        _number("epoch"),
        _number("lane"),
        _octets("proof"),
        key=("id",),
    )
    name_tag: sa.Column[bytes] = sa.Column("name_tag", sa.LargeBinary, nullable=False, unique=True)
    _create("account", _number("number"), name_tag, _octets("record"), key=("number",))
    _create("tombstone", _octets("name_tag"), key=("name_tag",), rowid=False)
    _create("role", _octets("role_tag"), _octets("sealed"), key=("role_tag",), rowid=False)
    _create(
        "usage",
        _number("account", sa.ForeignKey("account.number")),
        _number("octets"),
        _number("messages"),
        key=("account",),
    )
    _create(
        "encapsulation",
        _number("account"),
        _number("number"),
        _number("generation"),
        _octets("octets"),
        key=("account", "number"),
        rowid=False,
    )
    _create(
        "message",
        _number("account"),
        _number("number"),
        _number("encapsulation"),
        _number("padded_octets"),
        _octets("entry"),
        key=("account", "number"),
        rowid=False,
    )
    _create("body", _number("number"), _number("account"), _octets("octets"), key=("number",))
    _create(
        "segment",
        _number("message"),
        _number("at"),
        _octets("octets"),
        key=("message", "at"),
        rowid=False,
    )
    _create(
        "known_id",
        _number("account"),
        _octets("tag"),
        _number("period"),
        key=("account", "tag"),
        rowid=False,
    )
