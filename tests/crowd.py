"""A full house, made in SQL: copies of one ended run, with its events, so that a million of them take minutes."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.domain.run import Run
from mogplex.store.database import Database
from mogplex.store.schema import run_events, runs

MOVED = ("created_at", "updated_at", "started_at", "finished_at")


def fill(database: Database, template: Run, count: int, *, begin: int = 1) -> None:
    """`count` copies of `template`, a minute apart into the past, in one transaction; `begin` numbers the first.

    They come in the order of their ids, so the indexes by id grow at their end.
    """
    series = (
        f"WITH RECURSIVE n(i) AS (SELECT {begin} UNION ALL SELECT i + 1 FROM n WHERE i < {begin + count - 1})"
        if database.is_sqlite
        else f"WITH n(i) AS (SELECT generate_series({begin}, {begin + count - 1}))"
    )
    run_id = "'run_' || " + ("printf('%024x', n.i)" if database.is_sqlite else "lpad(to_hex(n.i), 24, '0')")
    copied = {each.name: f't."{each.name}"' for each in runs.columns}
    copied |= {name: f"t.{name} - 60.0 * n.i" for name in MOVED}
    copied |= {"id": run_id, "idempotency_key": f"'many-' || {run_id}"}
    said = {each.name: f't."{each.name}"' for each in run_events.columns} | {"run_id": run_id}
    with database.write() as tx:
        for table, key, columns in ((runs, "id", copied), (run_events, "run_id", said)):
            named, chosen = (", ".join(each) for each in ([f'"{name}"' for name in columns], columns.values()))
            # In this order, and with a join that SQLite does not turn round.
            source = f"SELECT {chosen} FROM n CROSS JOIN {table.name} t WHERE t.{key} = '{template.id}'"
            insert = f"INSERT INTO {table.name} ({named})"
            statement = f"{insert} {series} {source}" if database.is_sqlite else f"{series} {insert} {source}"
            tx.connection.execute(sa.text(statement.replace(":", "\\:")))


def analyze(database: Database) -> None:
    """Let the planner look at the tables: PostgreSQL does it by itself, a little later; SQLite never does."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
