# SPDX-License-Identifier: Apache-2.0
"""What waits to leave, and what accounts may send to the Internet."""

import sqlalchemy as sa
from alembic import op

from eepost.store.migrations.shapes import create, number, octets

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create(
        "queue_item",
        number("number"),
        number("due"),
        number("lease"),
        number("padded_octets"),
        octets("record"),
        key=("number",),
    )
    op.create_index("ix_queue_item_due", "queue_item", ["due"])
    create(
        "queue_segment",
        number("item"),
        number("at"),
        octets("octets"),
        key=("item", "at"),
        rowid=False,
    )
    create("batch", number("id", sa.CheckConstraint("id = 1")), number("minute"), key=("id",))
    create(
        "allowance",
        octets("holder_tag"),
        number("hour"),
        octets("record"),
        key=("holder_tag",),
        rowid=False,
    )
    create("hour_key", number("hour"), octets("sealed"), key=("hour",))
    create("spent_stamp", octets("stamp_tag"), number("day"), key=("stamp_tag",), rowid=False)
    create("correspondent", octets("tag"), number("period"), key=("tag",), rowid=False)
    create("opted_out", octets("address_tag"), key=("address_tag",), rowid=False)
