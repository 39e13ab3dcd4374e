"""A full house, made in SQL: copies of one ended run, with its events, so that a million of them take minutes."""

from __future__ import annotations

import sqlalchemy as sa

from mogplex.domain.run import Run
from mogplex.store.database import Database
from mogplex.store.schema import run_events, runs

MOVED = ("created_at", "updated_at", "started_at", "finished_at")
AT_ONCE = 20_000  # runs of one transaction: what is in SQLite's log then still fits into the machine's memory


def fill(database: Database, template: Run, count: int, *, begin: int = 1) -> None:
    """`count` copies of `template`, a minute apart and all in the past; `begin` numbers the first.

    They come in the order of their ids and times, so most indexes grow at their end. Nobody else may write meanwhile.
    """
    end = begin + count
    with database.engine.connect() as connection:
        if database.is_sqlite:  # nothing here has to outlive a power cut
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.exec_driver_sql("PRAGMA cache_size=-262144")
        for first in range(begin, end, AT_ONCE):
            for statement in _statements(database, template, first, min(first + AT_ONCE, end), end):
                connection.execute(sa.text(statement))
            connection.commit()
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.exec_driver_sql("PRAGMA cache_size=-2000")


def _statements(database: Database, template: Run, first: int, end: int, last: int) -> list[str]:
    series = (
        f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {end - 1})"
        if database.is_sqlite
        else f"WITH n(i) AS (SELECT generate_series({first}, {end - 1}))"
    )
    run_id = "'run_' || " + ("printf('%024x', n.i)" if database.is_sqlite else "lpad(to_hex(n.i), 24, '0')")
    copied = {each.name: f't."{each.name}"' for each in runs.columns}
    copied |= {name: f"t.{name} - 60.0 * ({last} - n.i)" for name in MOVED}
    copied |= {"id": run_id, "idempotency_key": f"'many-' || {run_id}"}
    said = {each.name: f't."{each.name}"' for each in run_events.columns} | {"run_id": run_id}
    found = []
    for table, key, columns in ((runs, "id", copied), (run_events, "run_id", said)):
        named, chosen = (", ".join(each) for each in ([f'"{name}"' for name in columns], columns.values()))
        # In this order: SQLite does not turn a CROSS JOIN round.
        source = f"SELECT {chosen} FROM n CROSS JOIN {table.name} t WHERE t.{key} = '{template.id}'"
        insert = f"INSERT INTO {table.name} ({named})"
        found.append(f"{insert} {series} {source}" if database.is_sqlite else f"{series} {insert} {source}")
    return found


def analyze(database: Database, *, tidy: bool = False) -> None:
    """Let the planner look at the tables, as PostgreSQL does by itself a little later, and SQLite never.

    `tidy`: with all else that PostgreSQL does then, which would go on in the background for minutes.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if tidy and not database.is_sqlite else "ANALYZE")
