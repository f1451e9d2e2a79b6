# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates for the address book."""

import sqlalchemy as sa

from eepost.store.migrations.shapes import create, number, octets

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create(
        "certificate",
        number("account", sa.ForeignKey("account.number")),
        octets("sealed"),
        key=("account",),
    )
