"""How long statistics take with a million runs: rows are made in SQL, then the questions are asked.

    python benchmarks/stats.py [--runs 1000000] [--days 100] [--database sqlite|postgresql]

Side by side: the last 24 hours as asked by default, longer windows, 30 days run by run as they would be without sums by
day and hour, the pressure, and a part of the day from the runs' own rows with their JSON, as it would be without rows
for statistics. On PostgreSQL most of the work is the server's, so the clock tells more than the CPU here.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mogplex.domain.seating import SeatRules
from mogplex.service.keys import Keys
from mogplex.service.limits import Limits
from mogplex.service.report import Report
from mogplex.service.sign_ins import SignIns
from mogplex.store import windows
from mogplex.store.database import Database, Transaction
from mogplex.store.migrations import upgrade
from mogplex.store.rollup_tables import fact_days, fact_hours, fact_spans, tool_days
from tests.soak.postgres import Postgres

ROUNDS = 5
STATUS = "CASE n % 10 WHEN 0 THEN 'failed' WHEN 1 THEN 'failed' WHEN 2 THEN 'cancelled' ELSE 'success' END"
OUTCOME = """CASE n % 10 WHEN 0 THEN 'checks_failed' WHEN 1 THEN 'timed_out' WHEN 2 THEN 'cancelled_by_caller'
             ELSE 'completed' END"""
FACTS = """
INSERT INTO run_facts
SELECT {made}, 'run_' || n, 'repo_' || (n % 20), 'acme/r' || (n % 20),
       CASE n % 3 WHEN 0 THEN 'codex' ELSE 'repair' END, 'm' || (n % 5), {status}, {outcome}, 1,
       n % 5000, 300, n % 50000, n % 3000, n % 60000, 1000, 200, 0, 0, 4, 0.01
FROM {numbers}
"""
TOOLS = """
INSERT INTO run_tools
SELECT {made}, 'run_' || n, t.name, 'repo_' || (n % 20), 10, 1
FROM {numbers} CROSS JOIN (SELECT 'shell' AS name UNION SELECT 'edit' UNION SELECT 'read') AS t
"""
RUNS = """
INSERT INTO runs (id, repo_id, repo_full_name, status, harness, prompt, base_branch, working_branch, create_branch,
    created_at, updated_at, finished_at, key_owner, api_key_id, idempotency_key, request_hash, timeout_seconds,
    delivery, root_directory, title, labels, environment, checks, budget, priority, attempt, outcome,
    tests_touched, usage, cost_usd, cost_known, timing, last_seq)
SELECT 'run_' || n, 'repo_' || (n % 20), 'acme/r' || (n % 20), {status}, 'repair', 'Mend it', 'main', 'main', {no},
    {made}, {made}, {made}, 'admin', 'key_x', 'k' || n, 'h', 1800, 'branch',
    '', '', '{{}}', '{{}}', '[]', '{{}}', 0, 1, {outcome}, '[]', '{{"inputTokens":1000,"modelCalls":4}}',
    0.01, {yes}, '{{"queuedMs":' || (n % 5000) || ',"totalMs":' || (n % 60000) || '}}', 9
FROM {numbers}
"""


@contextmanager
def opened(kind: str) -> Iterator[tuple[Database, Callable[[], object]]]:
    """A database of its own, and what makes it as durable as it should be, once it is filled."""
    with ExitStack() as house:
        if kind == "sqlite":
            folder = house.enter_context(tempfile.TemporaryDirectory(prefix="mogplex-stats-"))
            database, settle = Database(f"sqlite:///{Path(folder)}/mogplex.db"), int
        else:
            postgres = Postgres()
            house.callback(postgres.close)
            postgres.start("fsync=off", "full_page_writes=off", "max_wal_size=4GB")
            database, settle = Database(postgres.url), postgres.restart
        house.callback(database.close)
        yield database, settle


def fill(database: Database, count: int, days: float) -> None:
    """Runs spread evenly over the last `days`, with three tools each; narrow rows, and the runs themselves."""
    series = f"(SELECT generate_series(1, {count}) AS n) AS numbers"
    if database.is_sqlite:
        series = (
            "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
            f"WHERE n < {count}) SELECT n FROM c) AS numbers"
        )
    parts = {
        "numbers": series,
        "made": f"({time.time()} - {days * 86400.0} * n / {count})",
        "status": STATUS,
        "outcome": OUTCOME,
        "yes": "1" if database.is_sqlite else "true",
        "no": "0" if database.is_sqlite else "false",
    }
    with database.write() as tx:
        for template in (FACTS, TOOLS, RUNS):
            statement = template.format(**parts)
            tx.connection.exec_driver_sql(statement if database.is_sqlite else statement.replace("%", "%%"))
        count_anew(tx)
        tx.connection.exec_driver_sql("ANALYZE")


def count_anew(tx: Transaction) -> None:
    """The sums by day and hour, as the migration that made them counted what was there."""
    scripts = ScriptDirectory(str(files("mogplex.store.migrations"))).walk_revisions()
    script = next(each for each in scripts if hasattr(each.module, "_count_days"))
    for table in (fact_days, fact_hours, fact_spans, tool_days):
        table.drop(tx.connection)
    began = time.perf_counter()
    with Operations.context(MigrationContext.configure(tx.connection)):
        script.module.upgrade()
    print(f"sums by day and hour counted in {time.perf_counter() - began:.1f} s, as an upgrade would")


@contextmanager
def patched(module: ModuleType, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def measure(name: str, ask: Callable[[], object], by_clock: bool) -> float:
    """Milliseconds of the middle round: of CPU, since on a busy machine the clock tells more of the others.

    `by_clock` where the work is done by another process.
    """
    taken, used = [], []
    for _ in range(ROUNDS):
        began, busy = time.perf_counter(), time.process_time()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - busy) * 1000)
    print(f"{name:<46} {statistics.median(taken):9.1f} ms   of CPU here {statistics.median(used):8.1f} ms")
    return statistics.median(taken if by_clock else used)


def ask_runs(database: Database, since: float) -> None:
    """What the default page would ask of the runs' own rows: two groups, sums and one percentile out of JSON."""

    def number(column: str, name: str) -> str:
        if database.is_sqlite:
            return f"json_extract({column}, '$.{name}')"
        return f"({column}::json->>'{name}')::bigint"

    tokens, total = number("usage", "inputTokens"), number("timing", "totalMs")
    lately = f"FROM runs WHERE created_at >= {since}"
    with database.read() as tx:
        for statement in (
            f"SELECT status, count(*), sum({tokens}) {lately} GROUP BY status",
            f"SELECT repo_id, count(*), sum(cost_usd) {lately} GROUP BY repo_id",
            f"SELECT {total} AS t {lately} ORDER BY t LIMIT 1 OFFSET 100",
        ):
            tx.connection.exec_driver_sql(statement).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--days", type=float, default=100.0)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with opened(options.database) as (database, settle):
        upgrade(database)
        keys = Keys(database, SignIns(database))
        caller = keys.authenticate(str(keys.create_first()))
        report = Report(database, Limits(database), rules=SeatRules(), queue_limit=1000)
        began = time.perf_counter()
        fill(database, options.runs, options.days)
        settle()
        name = "SQLite" if database.is_sqlite else "PostgreSQL"
        print(f"{name}, {options.runs:,} runs over {options.days:g} days, made in {time.perf_counter() - began:.0f} s")
        ask = partial(measure, by_clock=not database.is_sqlite)
        now = time.time()
        day = ask("statistics of the last 24 hours", lambda: report.stats(caller))
        ask("statistics of 7 days", lambda: report.stats(caller, now - 7 * 86400, now))
        month = ask("statistics of 30 days", lambda: report.stats(caller, now - 30 * 86400, now))
        with patched(windows, "DIRECT_SECONDS", 1e9):
            rows = ask("statistics of 30 days, run by run", lambda: report.stats(caller, now - 30 * 86400, now))
        print(f"from sums, 30 days cost {month / rows:.2f} of what they cost run by run")
        bound = replace(caller, repo_ids=frozenset({"repo_1", "repo_2"}))
        ask("of 30 days, for a key of 2 repos of 20", lambda: report.stats(bound, now - 30 * 86400, now))
        ask("pressure", lambda: report.pressure(caller))
        runs = ask("part of it from the runs themselves, 24 hours", lambda: ask_runs(database, now - 86400))
        print(f"all statistics of a day cost {day / runs:.1f} times that part ")


if __name__ == "__main__":
    main()
