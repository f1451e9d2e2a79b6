# SPDX-License-Identifier: Apache-2.0
"""What leads from an identifier that a message was given back to its sender's own."""

from eepost.store.migrations.shapes import create, number, octets

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create(
        "sent_id",
        number("account"),
        octets("tag"),
        octets("sealed"),
        number("period"),
        key=("account", "tag"),
        rowid=False,
    )
