# SPDX-License-Identifier: Apache-2.0
"""The first tables: accounts, tombstones, roles, maildrops."""

import sqlalchemy as sa

from eepost.store.migrations.shapes import create, number, octets

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of the first release; eepost.store.tables says what is in them."""
    create(
        "state",
        number("id", sa.CheckConstraint("id = 1")),
        number("epoch"),
        number("lane"),
        octets("proof"),
        key=("id",),
    )
    name_tag: sa.Column[bytes] = sa.Column("name_tag", sa.LargeBinary, nullable=False, unique=True)
    create("account", number("number"), name_tag, octets("record"), key=("number",))
    create("tombstone", octets("name_tag"), key=("name_tag",), rowid=False)
    create("role", octets("role_tag"), octets("sealed"), key=("role_tag",), rowid=False)
    create(
        "usage",
        number("account", sa.ForeignKey("account.number")),
        number("octets"),
        number("messages"),
        key=("account",),
    )
    create(
        "encapsulation",
        number("account"),
        number("number"),
        number("generation"),
        octets("octets"),
        key=("account", "number"),
        rowid=False,
    )
    create(
        "message",
        number("account"),
        number("number"),
        number("encapsulation"),
        number("padded_octets"),
        octets("entry"),
        key=("account", "number"),
        rowid=False,
    )
    create("body", number("number"), number("account"), octets("octets"), key=("number",))
    create(
        "segment",
        number("message"),
        number("at"),
        octets("octets"),
        key=("message", "at"),
        rowid=False,
    )
    create(
        "known_id",
        number("account"),
        octets("tag"),
        number("period"),
        key=("account", "tag"),
        rowid=False,
    )
