# SPDX-License-Identifier: Apache-2.0
"""The few kinds of columns and the one kind of table that revisions make; never to be changed."""

import sqlalchemy as sa
from alembic import op


def number(name: str, *constraints: sa.CheckConstraint | sa.ForeignKey) -> sa.Column[int]:
    """Return a column of 64 bits."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, *constraints, nullable=False, autoincrement=False)


def octets(name: str) -> sa.Column[bytes]:
    """Return a column of octets."""
    return sa.Column(name, sa.LargeBinary, nullable=False)


def create(
    name: str, *columns: sa.Column[int] | sa.Column[bytes], key: tuple[str, ...], rowid: bool = True
) -> None:
    """Make a table, clustered by its key where `rowid` is False."""
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*key),
        sqlite_strict=True,
        sqlite_with_rowid=rowid,
    )
