"""Long windows: what sums by day and hour tell is what all rows tell, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.retention import Kept
from mogplex.domain.run import Outcome, Timing, Verdict
from mogplex.domain.usage import Usage
from mogplex.store import migrations, pruning, rollups, windows
from mogplex.store.database import Database, Transaction
from mogplex.store.rollup_tables import fact_days, fact_hours, fact_spans, tool_days
from mogplex.store.windows import Window
from tests.clock import Clock
from tests.house import House, ending
from tests.service.test_report import made_call, used

DAY = 86400.0
START = 20_000 * DAY
DAYS = 12
OUTCOMES = (Outcome.COMPLETED, Outcome.CHECKS_FAILED, Outcome.INTERRUPTED, Outcome.CANCELLED_BY_CALLER)


class Past:
    """Runs that ended on random days, some of them long after they were made."""

    def __init__(self, database: Database, clock: Clock, rng: random.Random) -> None:
        self.database, self.clock, self.rng = database, clock, rng
        self.house = House(database)
        self.repos = [self.house.add_repo(cloneUrl=f"/srv/git/acme/r{number}") for number in range(3)]
        for number in range(24):
            self._play(number)

    def _play(self, number: int) -> None:
        house, rng = self.house, self.rng
        self.clock.now = START + rng.uniform(0, DAYS) * DAY
        repo = rng.choice(self.repos)
        model = {"model": f"m{rng.randrange(2)}"} if rng.random() < 0.6 else {}
        run = house.start(repo, f"k{number}", createBranch=True, **model).run
        self.clock.now += rng.choice((0.1, 5, 3 * DAY))
        run = house.claim(run)
        if rng.random() < 0.7:
            usage = Usage(input_tokens=rng.randrange(1000), cache_read_tokens=rng.randrange(9), model_calls=1)
            call = made_call("m1", usage, rng.choice((None, 0.1, rng.random())), duration_ms=rng.randrange(5000))
            assert house.attempts.record_call(run, call).result(20)
        drafts = [each for name in ("shell", "edit") for each in used(name, name, ok=rng.random() < 0.5)]
        house.attempts.record(run, drafts[: rng.randrange(5)]).result(20)
        taken = [rng.choice((None, rng.randrange(100), rng.randrange(10_000_000))) for _ in range(5)]
        assert house.attempts.finish(run, ending(rng.choice(OUTCOMES), Verdict.NOT_RUN, timing=Timing(*taken)))


@pytest.fixture
def past(database_url: str) -> Iterator[Past]:
    clock = Clock(START)
    database = Database(database_url, clock=clock)
    made = Past(database, clock, random.Random(11))
    yield made
    made.house.close()
    database.close()


def ask(past: Past, since: float, until: float, caller: Any, *, direct: bool) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        if direct:
            patch.setattr(windows, "DIRECT_SECONDS", 1e9)
        return past.house.report.stats(caller, since, until)


def test_sums_by_day_tell_what_all_rows_tell_also_when_runs_are_gone(past: Past) -> None:
    """One story, since the past takes long to make: the upgrade's counting, percentiles, windows, pruning."""
    check_that_the_upgrade_counts_the_same(past)
    check_that_percentiles_are_of_the_class_of_the_exact_one(past)
    check_windows(past)


def check_windows(past: Past) -> None:
    rng = random.Random(5)
    bound = past.house.caller("read", repo_ids=[past.repos[0].id, past.repos[2].id])
    asked = [(START, START + DAYS * DAY), (START - 30 * DAY, START + 40 * DAY)]
    asked += [sorted(START + rng.uniform(-1, DAYS + 1) * DAY for _ in range(2)) for _ in range(8)]
    asked += [(START + 3600.0 * rng.randrange(100), START + 3600.0 * rng.randrange(150, 300)) for _ in range(4)]
    told = {}
    for since, until in asked:
        for caller in (past.house.admin, bound):
            found = ask(past, since, until, caller, direct=False)
            assert found == ask(past, since, until, caller, direct=True)
            told[since, until, caller.key_id] = found
    assert told[asked[0][0], asked[0][1], past.house.admin.key_id]["runs"]["success"] > 0
    past.clock.now = START + 1000 * DAY
    with past.database.write() as tx:
        gone = pruning.find_runs(tx, Kept.RUNS, past.clock.now, 15)
        pruning.prune_runs(tx, Kept.RUNS, gone)
    assert len(gone) == 15
    for (since, until, key_id), before in told.items():
        caller = bound if key_id == bound.key_id else past.house.admin
        after = ask(past, since, until, caller, direct=False)
        assert after == ask(past, since, until, caller, direct=True)
        for part in ("runs", "by", "durationsMs", "series", "tools"):
            assert after[part] == before[part]


def check_that_percentiles_are_of_the_class_of_the_exact_one(past: Past) -> None:
    since, until = START + DAY / 3, START + (DAYS + 0.7) * DAY
    exact = past.house.report.stats(past.house.admin, since, until)["durationsMs"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "EXACT_RUNS", 0)
        coarse = past.house.report.stats(past.house.admin, since, until)["durationsMs"]
    assert coarse != exact
    for name, told in exact.items():
        assert coarse[name]["count"] == told["count"] > 5
        for share in ("p50", "p95"):
            assert coarse[name][share] == rollups.largest_of(rollups.class_of(told[share]))


def check_that_the_upgrade_counts_the_same(past: Past) -> None:
    tables = (fact_days, fact_hours, fact_spans, tool_days)
    scripts = ScriptDirectory.from_config(migrations._config(None)).walk_revisions()
    (script,) = [each for each in scripts if hasattr(each.module, "_count_days")]
    with past.database.write() as tx:
        counted = {table.name: rows_of(tx, table) for table in tables}
        for table in tables:
            table.drop(tx.connection)
        with Operations.context(MigrationContext.configure(tx.connection)):
            script.module.upgrade()
        assert {table.name: rows_of(tx, table) for table in tables} == counted
    assert all(counted.values())


def rows_of(tx: Transaction, table: sa.Table) -> list[tuple[Any, ...]]:
    rows = tx.execute(sa.select(table).order_by(*table.primary_key)).all()
    return [tuple(round(each, 9) if isinstance(each, float) else each for each in row) for row in rows]


@given(st.one_of(st.integers(0, 200), st.integers(0, 2**31 - 1)))
def test_a_class_is_narrow_and_knows_its_end(milliseconds: int) -> None:
    found = rollups.class_of(milliseconds)
    end = rollups.largest_of(found)
    assert milliseconds <= end <= milliseconds + milliseconds // 32
    assert rollups.class_of(end) == found and rollups.class_of(end + 1) == found + 1


def test_databases_class_as_python_does(database: Database) -> None:
    values = [0, 63, 64, 127, 128, 4095, 4096, 2**31 - 1, *(random.Random(3).randrange(2**31) for _ in range(50))]
    with database.read() as tx:
        rows = sa.union_all(*(sa.select(sa.cast(value, sa.Integer).label("ms")) for value in values)).subquery()
        found = tx.execute(sa.select(rows.c.ms, rollups.class_expression(rows.c.ms))).all()
    assert {(ms, each) for ms, each in found} == {(value, rollups.class_of(value)) for value in values}


def test_a_window_is_split_at_whole_days() -> None:
    day = rollups.DAY_SECONDS
    assert Window(0, 3.0 * day).split(day) == ((0, 3), [])
    assert Window(0.5 * day, 3.25 * day).split(day) == ((1, 3), [(0.5 * day, day), (3.0 * day, 3.25 * day)])
    assert Window(0.5 * day, 1.5 * day).split(day) == (None, [(0.5 * day, 1.5 * day)])
