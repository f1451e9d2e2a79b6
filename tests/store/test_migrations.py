# SPDX-License-Identifier: Apache-2.0
"""The revisions, one after the other, make what the tables say."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from eepost.store.sqlite.connection import StoreFile
from eepost.store.sqlite.refusals import NewerSchema
from eepost.store.sqlite.schema import REVISION, current_revision, migrate
from eepost.store.sqlite.statements import COLUMNS
from eepost.store.tables import metadata
from tests.store.shelf import QUICK, Shelf


def new_engine(folder: Path, name: str = "store.db") -> Engine:
    file = StoreFile(folder / name, QUICK)
    file.create()
    return file.engine()


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", "eepost.store:migrations")
    return config


def upgrade(engine: Engine, revision: str) -> None:
    config = migrations()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def described(path: Path) -> dict[str, Any]:
    """Return what SQLite says of each table: kind, columns, indexes, foreign keys."""
    connection = sqlite3.connect(path)
    tables = {
        name: (kind, columns, is_without_rowid, is_strict)
        for _, name, kind, columns, is_without_rowid, is_strict in connection.execute(
            "PRAGMA table_list"
        )
        if not name.startswith(("sqlite_", "alembic_"))
    }
    found = {
        name: {
            "table": table,
            **{
                aspect: connection.execute(f"PRAGMA {aspect}({name})").fetchall()
                for aspect in ("table_xinfo", "index_list", "foreign_key_list")
            },
        }
        for name, table in tables.items()
    }
    connection.close()
    return found


def test_migrating_from_nothing_makes_the_tables(tmp_path: Path) -> None:
    migrated, stated = new_engine(tmp_path, "migrated.db"), new_engine(tmp_path, "stated.db")
    migrate(migrated)
    metadata.create_all(stated)
    expected = described(tmp_path / "stated.db")
    assert set(expected) == set(metadata.tables)
    assert described(tmp_path / "migrated.db") == expected
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrated.dispose()
    stated.dispose()


def test_every_revision_follows_the_one_before(tmp_path: Path) -> None:
    engine = new_engine(tmp_path)
    script = ScriptDirectory.from_config(migrations())
    revisions = [each.revision for each in script.walk_revisions()][::-1]
    assert current_revision(engine) is None
    for revision in revisions:
        upgrade(engine, revision)
        assert current_revision(engine) == revision
    assert script.get_heads() == [REVISION] == revisions[-1:]
    engine.dispose()


def test_a_current_store_is_left_alone(tmp_path: Path) -> None:
    engine = new_engine(tmp_path)
    migrate(engine)
    before = described(tmp_path / "store.db")
    migrate(engine)
    assert described(tmp_path / "store.db") == before
    engine.dispose()


def test_the_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "store").create()
    connection = sqlite3.connect(shelf.directory / "store.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(NewerSchema):
        shelf.open()


def test_the_statements_name_all_columns() -> None:
    for name, columns in COLUMNS.items():
        assert {each.name for each in metadata.tables[name].columns} == set(columns)
