"""The tables that migrations build are the tables of schema.py, however many processes build them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from mogplex.domain.errors import ServiceUnavailable
from mogplex.store import migrations
from mogplex.store.database import Database
from mogplex.store.schema import metadata
from tests.databases import PostgresServer


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/new/folder/mogplex.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(empty=True)
    request.addfinalizer(lambda: server.drop(name))
    return server.url_of(name)


def test_migrations_build_what_the_schema_says(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": migrations.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []


def test_every_constraint_has_the_name_that_the_schema_gives(database: Database) -> None:
    """Alembic's comparison does not see them all; a later migration must be able to name what it drops."""
    inspector = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        found = {each["name"] for each in inspector.get_foreign_keys(table.name)}
        found |= {each["name"] for each in inspector.get_unique_constraints(table.name)}
        found |= {inspector.get_pk_constraint(table.name)["name"]}
        assert found == {str(each.name) for each in table.constraints if each.name}, table.name


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database: Database) -> None:
    migrations.upgrade(database)
    assert migrations.current_revision(database) == migrations.head_revision()


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.write() as tx:
        tx.execute(sa.text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = 'from-the-future'"))
    with pytest.raises(ServiceUnavailable, match="newer version"):
        migrations.upgrade(database)


def test_a_failed_upgrade_leaves_nothing_behind(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(empty_url)
    real = migrations.command.upgrade

    def fail_late(config: object, revision: str) -> None:
        real(config, revision)  # type: ignore[arg-type]
        raise RuntimeError("the power went")

    monkeypatch.setattr(migrations.command, "upgrade", fail_late)
    with pytest.raises(RuntimeError, match="power"):
        migrations.upgrade(database)
    assert sa.inspect(database.engine).get_table_names() == []
    database.close()


def test_the_file_is_for_its_owner_only_and_survives_power_cuts(tmp_path: Path) -> None:
    path = tmp_path / "home" / "mogplex.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    database = Database(f"sqlite:///{tmp_path}/file/mogplex.db")
    with pytest.raises(ServiceUnavailable, match="cannot be made"):
        migrations.upgrade(database)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mogplex.db"
    path.write_bytes(b"this is a text and no database at all, long enough to be looked at " * 40)
    with pytest.raises(ServiceUnavailable, match="not a database"):
        migrations.upgrade(Database(f"sqlite:///{path}"))
