# SPDX-License-Identifier: Apache-2.0
"""Which transfers from the Internet were taken."""

from eepost.store.migrations.shapes import create, number, octets

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of arrivals."""
    create("arrival", octets("tag"), number("day"), key=("tag",), rowid=False)
