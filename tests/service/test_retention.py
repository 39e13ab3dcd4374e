"""What is taken away when it is old, what never is, and that statistics stay what they were."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.errors import BadRequest, NotFound
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.repo import Repo
from mogplex.domain.retention import DAY_SECONDS, Kept, Retention
from mogplex.domain.run import Outcome, Run, Status, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.usage import Usage
from mogplex.domain.worker import WorkerInfo
from mogplex.service.retention import Pruner
from mogplex.service.run_filter import RunFilter
from mogplex.store.database import Database
from mogplex.store.schema import metadata, run_events, runs, workers
from mogplex.store.webhook_tables import webhook_deliveries
from tests.databases import empty
from tests.house import House, ending
from tests.service.test_report import made_call

ALL = Retention.older_than(90 * DAY_SECONDS, runs=True)
PARTS = Retention.older_than(90 * DAY_SECONDS, runs=False)


def play(house: House, repo: Repo, key: str, **request: Any) -> Run:
    """A run with something in every place, ended."""
    run = house.claim(house.start(repo, key, **request).run)
    assert house.attempts.record_call(run, made_call("m1", Usage(input_tokens=5), 0.5, duration_ms=100)).result(20)
    house.attempts.record(run, [EventDraft(EventType.ASSISTANT_MESSAGE, "hello", raw="the line")]).result(20)
    assert house.attempts.save_patch(run, b"diff of " + key.encode())
    check = CheckRecord("pytest -q", CheckTarget.PATCH, Verdict.VERIFIED, 0, "all that it printed")
    assert house.attempts.save_check(run, check)
    facts = SandboxFacts(f"{run.id}-1", wall_seconds=2.5, log="what the sandbox printed")
    assert house.attempts.finish(run, ending(Outcome.CHECKS_FAILED, Verdict.FAILED), facts)
    return run


def age(database: Database, days: float, *run_ids: str) -> None:
    """Let it all have happened `days` ago, for these runs or for all."""
    with database.write() as tx:
        for table in metadata.sorted_tables:
            mine = table.c.id if table.name == "runs" else table.c.get("run_id")
            for column in table.columns:
                if column.name not in ("created_at", "finished_at", "started_at") or (run_ids and mine is None):
                    continue
                change = table.update().values({column.name: column - days * DAY_SECONDS})
                tx.execute(change.where(mine.in_(run_ids)) if run_ids and mine is not None else change)


def window(house: House) -> dict[str, Any]:
    """Statistics of 400 days, without what is said of now."""
    with house.database.read() as tx:
        now = tx.now // DAY_SECONDS * DAY_SECONDS
    return house.report.stats(house.admin, now - 399 * DAY_SECONDS, now - DAY_SECONDS)


def rows(database: Database, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with database.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def test_parts_go_and_the_record_stays(house: House, repo: Repo) -> None:
    old = play(house, repo, "old")
    age(house.database, 100)
    young = play(house, repo, "young")
    pruner = Pruner(house.database)
    expected = {"events": 1, "logs": 1, "patches": 1, "deliveries": 0, "runs": 0, "workers": 0, "blobs": 0}
    assert pruner.count(PARTS) == expected
    before = window(house)
    assert pruner.prune(PARTS) == expected
    assert pruner.prune(PARTS) == dict.fromkeys(expected, 0)
    assert window(house) == before
    page = house.events.page(house.admin, old.id, 0, 100)
    assert [event.type for event in page.events] == [EventType.FINISHED] and not page.has_more
    with pytest.raises(NotFound, match="patches are not kept for ever"):
        house.runs.patch(house.admin, old.id)
    (check,) = house.runs.checks(house.admin, old.id)
    assert (check.verdict, check.output) == (Verdict.VERIFIED, "")
    record = house.sandboxes.list(house.admin).items[-1]
    assert record.run_id == old.id and house.sandboxes.log(house.admin, record.id).text == ""
    assert house.runs.get(house.admin, old.id).outcome is Outcome.CHECKS_FAILED
    assert house.start(repo, "old").replayed, "the key of a run lives as long as its record"
    assert house.runs.patch(house.admin, young.id) == b"diff of young"
    assert len(house.events.page(house.admin, young.id, 0, 100, raw=True).events) > 3


def test_logs_alone_leave_the_events(house: House, repo: Repo) -> None:
    run = play(house, repo, "k")
    age(house.database, 2)
    assert Pruner(house.database).prune(Retention(logs=DAY_SECONDS))["logs"] == 1
    events = house.events.page(house.admin, run.id, 0, 100, raw=True).events
    assert len(events) > 3 and all(event.raw is None for event in events)
    assert house.runs.patch(house.admin, run.id) == b"diff of k"


def test_records_go_whole_and_statistics_stay_true(house: House, repo: Repo) -> None:
    others = house.add_repo(cloneUrl="/srv/git/acme/other")
    gone = [play(house, repo, "a").id, play(house, others, "b").id]
    age(house.database, 100)
    kept = play(house, repo, "c").id
    age(house.database, 30)
    before, totals = window(house), house.metrics.read().ended
    assert before["sandboxes"]["seconds"] == 7.5 and before["models"]["averageDurationMs"] == 100
    mine = house.caller("read", repo_ids=[others.id])
    forgotten: list[str] = []
    assert Pruner(house.database, forgotten.extend).prune(ALL)["runs"] == 2
    assert sorted(forgotten) == sorted(gone)
    assert window(house) == before and house.metrics.read().ended == totals
    with house.database.read() as tx:
        since = tx.now // DAY_SECONDS * DAY_SECONDS - 399 * DAY_SECONDS
    assert house.report.stats(mine, since, since + 398 * DAY_SECONDS)["sandboxes"]["seconds"] == 2.5
    for table in metadata.sorted_tables:
        if "run_id" in table.c and table.name not in ("run_facts", "run_tools"):
            assert rows(house.database, table, table.c.run_id.in_(gone)) == 0, table.name
    assert [run.id for run in house.runs.list(house.admin, RunFilter()).items] == [kept]
    assert not house.start(repo, "a").replayed, "with the record the key is free again"


def test_what_an_open_run_needs_stays(house: House, repo: Repo) -> None:
    retried, idle = play(house, repo, "retried"), play(house, repo, "idle")
    age(house.database, 100)
    house.runs.retry(house.admin, retried.id, {"resume": True})
    Pruner(house.database).prune(ALL)
    assert house.runs.patch(house.admin, retried.id) == b"diff of retried"
    with pytest.raises(NotFound):
        house.runs.get(house.admin, idle.id)


def test_messages_that_are_still_to_be_sent_stay(house: House, repo: Repo) -> None:
    house.webhooks.create(house.admin, {"url": "https://example.org/hook"})
    play(house, repo, "a")
    play(house, repo, "b")
    with house.database.write() as tx:
        one = tx.execute(sa.select(webhook_deliveries.c.id).limit(1)).scalar_one()
        tx.execute(webhook_deliveries.update().where(webhook_deliveries.c.id == one).values(status="delivered"))
    age(house.database, 100)
    pruner = Pruner(house.database)
    assert pruner.count(PARTS)["deliveries"] == pruner.prune(PARTS)["deliveries"] == 1
    assert rows(house.database, webhook_deliveries, webhook_deliveries.c.status == "pending") == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(list(Status)), st.integers(0, 200)), min_size=1, max_size=6),
    st.dictionaries(st.sampled_from(list(Kept)), st.integers(1, 150)),
)
def test_no_run_that_is_not_over_or_not_old_enough_loses_anything(
    house: House, states: list[tuple[Status, int]], days: dict[Kept, int]
) -> None:
    empty(house.database)
    with house.database.write() as tx:
        now = tx.now
        for number, (status, old) in enumerate(states):
            at = now - old * DAY_SECONDS - 60
            ended = at if status.is_terminal else None
            tx.execute(runs.insert(), row_of_run(f"run_{number:024x}", status, at, ended))
            for seq, kind in enumerate(("queued", "finished" if ended else "log"), 1):
                event = {"run_id": f"run_{number:024x}", "seq": seq, "type": kind, "attempt": 1, "created_at": at}
                tx.execute(run_events.insert(), {**event, "payload": "{}"})
    Pruner(house.database).prune(Retention(**{kind: DAY_SECONDS * count for kind, count in days.items()}))
    for number, (status, old) in enumerate(states):
        mine = run_events.c.run_id == f"run_{number:024x}"
        over = {kind for kind, count in days.items() if status.is_terminal and old >= count}
        expected = 0 if Kept.RUNS in over else 1 if Kept.EVENTS in over else 2
        assert rows(house.database, run_events, mine) == expected
        assert rows(house.database, runs, runs.c.id == f"run_{number:024x}") == (Kept.RUNS not in over)


def row_of_run(run_id: str, status: Status, created_at: float, finished_at: float | None) -> dict[str, Any]:
    """Enough of a row to be a run for who deletes it."""
    row: dict[str, Any] = {}
    for column in runs.columns:
        if column.nullable:
            continue
        kind = column.type
        row[column.name] = (
            False if isinstance(kind, sa.Boolean) else 0 if isinstance(kind, sa.Integer | sa.Double) else {}
        )
        if isinstance(kind, sa.String):
            row[column.name] = "x"
    row |= {"id": run_id, "idempotency_key": run_id, "status": status}
    return {**row, "created_at": created_at, "finished_at": finished_at}


def test_a_day_is_the_least() -> None:
    with pytest.raises(BadRequest, match="at least 1 day"):
        Retention(events=DAY_SECONDS / 2)


def test_workers_that_are_gone_are_forgotten_and_no_others(house: House, repo: Repo) -> None:
    for name in ("left long ago", "left", "silent for weeks", "silent for days", "silent with a run", "here"):
        house.register(name)
    assert house.seating.take(WorkerInfo("silent with a run", "host", 1, 1)) is None
    house.start(repo, "k")
    assert house.seating.take(WorkerInfo("silent with a run", "host", 1, 1)) is not None
    ages = {"silent for weeks": 31, "silent for days": 29, "silent with a run": 31}
    with house.database.write() as tx:
        for name, days in ages.items():
            tx.execute(workers.update().where(workers.c.id == name).values(beat_at=tx.now - days * DAY_SECONDS))
        for name, days in {"left long ago": 1.1, "left": 0.9}.items():
            tx.execute(workers.update().where(workers.c.id == name).values(left_at=tx.now - days * DAY_SECONDS))
    forgotten: list[str] = []
    pruner = Pruner(house.database, forget_workers=forgotten.extend)
    assert pruner.count(PARTS)["workers"] == 2
    assert pruner.prune(PARTS)["workers"] == 2
    assert sorted(forgotten) == ["left long ago", "silent for weeks"]
    left = {each.info.id for each in house.workers.list()}
    assert left == {"left", "silent for days", "silent with a run", "here"}
