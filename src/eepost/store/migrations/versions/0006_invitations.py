# SPDX-License-Identifier: Apache-2.0
"""Invitations that were used."""

from eepost.store.migrations.shapes import create, number, octets

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create("used_invitation", octets("tag"), number("day"), key=("tag",), rowid=False)
