# SPDX-License-Identifier: Apache-2.0
"""Brings a store's tables to this release's revision.

Alembic takes 0.4 s to import, so it is imported only where there is something to migrate.
"""

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from eepost.store.sqlite.refusals import NewerSchema

REVISION = "0006"
_MIGRATIONS = "eepost.store:migrations"


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the store is at, None for an empty file."""
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except OperationalError as error:
        if "no such table" in str(error.orig):
            return None
        raise


def migrate(engine: Engine) -> None:
    """Run the revisions that are missing, in one transaction. Raises NewerSchema."""
    if current_revision(engine) == REVISION:
        return
    from alembic import command  # noqa: PLC0415 - see the module's docstring
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    with engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection:
        config.attributes["connection"] = connection
        with connection.begin():
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise NewerSchema from error
