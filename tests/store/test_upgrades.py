"""A database that has been there since the first version, with rows from each one, and what happens on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from mogplex.domain.errors import ServiceUnavailable
from mogplex.settings import Settings
from mogplex.store import migrations
from mogplex.store.database import Database
from mogplex.store.metadata import metadata
from mogplex.store.schema import runs
from mogplex.wiring import table_state, upgrade_tables
from mogplex.wiring.tables import make_ready
from tests.store.test_migrations import empty_url  # noqa: F401  # a fixture

# What a migration reads must mean something; everything else is made up from its column's type.
MEANT: dict[str, Any] = {
    "status": "success",
    "outcome": "completed",
    "type": "tool_call",
    "tool_name": "shell",
    "timing": '{"queuedMs":1,"preparingMs":null,"runningMs":2,"checkingMs":3,"totalMs":6}',
    "usage": '{"inputTokens":10,"outputTokens":20,"cacheReadTokens":0,"cacheWriteTokens":0,"modelCalls":1}',
    "payload": '{"ok":false}',
}
# The version; and sums of the others, which migrations make.
SKIPPED = {migrations.VERSION_TABLE, "run_facts", "run_tools", "run_totals"}
SKIPPED |= {"fact_days", "fact_hours", "fact_spans", "tool_days"}
KEYS = {"run_id": "run", "repo_id": "repo", "key_id": "key", "schedule_id": "sch", "webhook_id": "hook"}
PREFIXES = {"runs": "run", "repos": "repo", "api_keys": "key", "schedules": "sch", "webhooks": "hook"}
REVISIONS = [
    each.revision for each in reversed(list(ScriptDirectory.from_config(migrations._config(None)).walk_revisions()))
]


def value_of(table: str, column: dict[str, Any], mark: str) -> Any:
    name, kind = column["name"], column["type"]
    if name == "blob":
        return None  # a name of something outside the database
    if name in KEYS:
        return f"{KEYS[name]}_{mark}"
    if name == "id" and not isinstance(kind, sa.Integer):
        return f"{PREFIXES.get(table, 'id')}_{mark}"
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Integer):
        return int(mark)
    if isinstance(kind, sa.Double | sa.Float | sa.REAL):
        return 1_700_000_000.5 + int(mark)
    if isinstance(kind, sa.LargeBinary):
        return b"\x00diff " + mark.encode()
    if name in MEANT:
        return MEANT[name]
    return f'"{name} {mark}"'  # text, which is JSON too


def add_rows(connection: sa.Connection, mark: str, *, all_tables: bool = False) -> dict[str, dict[str, Any]]:
    """A row in each table that there is at this revision (but for sums, unless `all_tables`), and what is in it."""
    there = sa.MetaData()
    there.reflect(connection)
    rows = {}
    for table in there.sorted_tables:
        if table.name == migrations.VERSION_TABLE or (table.name in SKIPPED and not all_tables):
            continue
        columns = sa.inspect(connection).get_columns(table.name)
        row = {each["name"]: value_of(table.name, dict(each), mark) for each in columns}
        connection.execute(table.insert(), row)
        rows[table.name] = row
    return rows


def test_rows_of_every_revision_come_up_to_the_newest(empty_url: str) -> None:  # noqa: F811
    database = Database(empty_url)
    written: dict[str, dict[str, dict[str, Any]]] = {}
    for number, revision in enumerate(REVISIONS, 1):
        migrations.upgrade(database, revision)
        assert migrations.current_revision(database) == revision
        with database.engine.begin() as connection:
            written[str(number)] = add_rows(connection, str(number))
    with database.engine.connect() as connection:
        there = sa.MetaData()
        there.reflect(connection)
        for rows in written.values():
            for name, row in rows.items():
                table = there.tables[name]
                key = [table.c[each.name] == row[each.name] for each in table.primary_key]
                found = connection.execute(sa.select(*(table.c[each] for each in row)).where(*key)).one()._mapping
                assert dict(found) == row, name
        ended = connection.execute(sa.text("SELECT count(*) FROM run_facts WHERE total_ms = 6")).scalar()
        assert ended == REVISIONS.index("0003"), "those that had ended when facts came"
        assert connection.execute(sa.text("SELECT sum(runs) FROM run_totals")).scalar() == ended
    assert set(metadata.tables) <= set(there.tables)
    with database.read() as tx:  # and the newest code can read what the oldest one wrote
        assert tx.execute(sa.select(sa.func.count()).select_from(runs)).scalar() == len(REVISIONS)
    database.close()


@pytest.mark.parametrize(("backend", "count"), [("sqlite", 3), ("postgresql", 10)])
def test_processes_that_start_at_once_do_not_harm_each_other(empty_url: str, count: int) -> None:  # noqa: F811
    code = """
import os, sys
from mogplex.settings import Settings
from mogplex.store.database import Database
from mogplex.wiring.tables import make_ready
settings = Settings.read({"MOGPLEX_DATABASE_URL": sys.argv[1]})
children = []
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        database = Database(settings.database)
        make_ready(settings, database)
        database.close()
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, empty_url, str(count)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    state = table_state(Settings.read({"MOGPLEX_DATABASE_URL": empty_url}))
    assert state.up_to_date and state.current == migrations.head_revision()


@pytest.mark.parametrize("backend", ["postgresql"])
def test_old_tables_are_told_of_and_left_alone_where_that_is_asked_for(empty_url: str) -> None:  # noqa: F811
    settings = Settings.read({"MOGPLEX_DATABASE_URL": empty_url, "MOGPLEX_AUTO_UPGRADE": "off"})
    database = Database(empty_url)
    with pytest.raises(ServiceUnavailable, match=r"no tables yet.*mogplex db upgrade"):
        make_ready(settings, database)
    migrations.upgrade(database, REVISIONS[-2])
    with pytest.raises(ServiceUnavailable, match=rf"revision {REVISIONS[-2]}.*mogplex db upgrade"):
        make_ready(settings, database)
    assert migrations.current_revision(database) == REVISIONS[-2]
    before, after = upgrade_tables(settings)
    assert (before.current, after.current) == (REVISIONS[-2], REVISIONS[-1])
    make_ready(settings, database)
    database.close()


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    state = table_state(Settings.read({"MOGPLEX_HOME": str(tmp_path / "none")}))
    assert state.current is None and not state.up_to_date
    assert list(tmp_path.iterdir()) == []
