# SPDX-License-Identifier: Apache-2.0
"""Alembic runs this file. It works on the connection that the caller holds a transaction on."""

from alembic import context

from eepost.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most of a table in place
    transactional_ddl=True,
)
# The caller's transaction holds all revisions: a store is migrated altogether or not at all.
context.run_migrations()
