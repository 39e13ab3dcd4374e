"""Statistics: each number from rows that a test can count by hand, on both databases."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from mogplex.domain.access import Caller
from mogplex.domain.errors import BadRequest, Forbidden, NotFound, RateLimited
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, ModelCall
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Timing, Verdict
from mogplex.domain.usage import Usage
from mogplex.domain.view import tool_object
from mogplex.service.call_search import CallFilter, CallOrder, CallState
from mogplex.service.run_filter import RunFilter
from mogplex.store.database import Database
from mogplex.store.schema import runs
from tests.house import House, ending


def used(name: str, call_id: str, *, ok: bool | None) -> list[EventDraft]:
    call = EventDraft(EventType.TOOL_CALL, name, name, {"callId": call_id, "arguments": {"text": '"ok":false \x00'}})
    if ok is None:
        return [call]
    return [call, EventDraft(EventType.TOOL_RESULT, name, name, {"callId": call_id, "ok": ok, "inner": {"ok": not ok}})]


def play(
    house: House,
    repo: Repo,
    key: str,
    outcome: Outcome,
    *drafts: EventDraft,
    calls: Sequence[ModelCall] = (),
    **ending_fields: Any,
) -> Run:
    run = house.claim(house.start(repo, key).run)
    for call in calls:
        assert house.attempts.record_call(run, call).result(20)
    if drafts:
        house.attempts.record(run, drafts).result(20)
    assert house.attempts.finish(run, ending(outcome, Verdict.NOT_RUN, **ending_fields))
    return run


def made_call(model: str, usage: Usage, cost_usd: float | None, **others: Any) -> ModelCall:
    return ModelCall("anthropic", model, ModelProtocol.MESSAGES, usage, cost_usd, **others)


def test_model_calls_are_found_filtered_and_sorted(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    one = [made_call("m1", Usage(input_tokens=n, model_calls=1), 0.1 * n, duration_ms=100 - n) for n in range(5)]
    two = [
        made_call("m2", Usage(output_tokens=50, model_calls=1), None, duration_ms=50),
        made_call("m2", Usage(model_calls=1), 0.0, duration_ms=1, fault=CallFault.REFUSED, http_status=429),
    ]
    first = play(house, repo, "a", Outcome.COMPLETED, calls=one)
    second = play(house, other, "b", Outcome.COMPLETED, calls=two)

    def find(caller: Caller = house.admin, **filter: Any) -> list[ModelCall]:
        return [each.call for each in house.report.calls(caller, CallFilter(**filter)).items]

    assert find(order=CallOrder.TIME, limit=1) == [two[1]]
    assert find(order=CallOrder.COST)[:2] == [one[4], one[3]]
    assert find(order=CallOrder.COST)[-1] == two[0]  # unknown is not the least, but it is no answer either
    assert find(order=CallOrder.TOKENS, limit=1) == [two[0]]
    assert find(order=CallOrder.DURATION, limit=1) == [one[0]]
    assert find(status=CallState.FAILED) == [two[1]]
    assert len(find(status=CallState.OK)) == 6
    assert len(find(model="m2")) == len(find(run=second.id)) == len(find(repo=other.full_name)) == 2
    assert len(find(repo=repo.id)) == len(find(run=first.id)) == 5
    assert find(since=first.created_at - 20, until=first.created_at - 10) == []
    bound = house.caller("read", repo_ids=[other.id])
    assert len(find(bound)) == 2 and find(bound, run=first.id) == []
    page = house.report.calls(house.admin, CallFilter(order=CallOrder.COST, limit=3))
    rest = house.report.calls(house.admin, CallFilter(order=CallOrder.COST, limit=3, cursor=page.next_cursor))
    last = house.report.calls(house.admin, CallFilter(order=CallOrder.COST, limit=3, cursor=rest.next_cursor))
    assert len({each.id for each in (*page.items, *rest.items, *last.items)}) == 7 and last.next_cursor is None
    with pytest.raises(BadRequest):
        house.report.calls(house.admin, CallFilter(order=CallOrder.TIME, cursor=page.next_cursor))


def test_an_empty_window_has_no_rates(house: House) -> None:
    stats = house.report.stats(house.admin)
    assert (stats["runs"]["total"], stats["runs"]["successRate"], stats["tools"]["errorRate"]) == (0, None, None)
    assert stats["durationsMs"]["total"] == {"count": 0, "p50": None, "p95": None}
    assert stats["by"] == {"harness": [], "model": [], "repo": [], "outcome": []}
    assert stats["oldestPendingSeconds"] is None
    assert len(stats["series"]) in (24, 25)


def test_counts_sums_and_groups(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    usage = Usage(input_tokens=10, output_tokens=5, cache_read_tokens=3, cache_write_tokens=2, model_calls=1)
    slow = made_call("m1", usage, 0.2, duration_ms=3000, ttft_ms=500)
    cut = made_call("m1", Usage(model_calls=1), 0.3, duration_ms=90_000, fault=CallFault.CUT)
    play(house, repo, "a", Outcome.COMPLETED, calls=[slow, cut])
    play(house, repo, "b", Outcome.CHECKS_FAILED, calls=[made_call("m2", usage, None, duration_ms=1000)])
    play(house, other, "c", Outcome.COMPLETED)
    house.claim(house.start(repo, "d").run)
    house.start(repo, "e")
    house.runs.cancel(house.admin, house.start(repo, "f").run.id)
    stats = house.report.stats(house.admin)
    told = stats["runs"]
    assert (told["total"], told["pending"], told["running"]) == (6, 1, 1)
    assert (told["success"], told["failed"], told["cancelled"], told["successRate"]) == (2, 1, 1, 0.6667)
    assert stats["starts"] == {"accepted": 6, "deferred": 0, "suppressed": 0, "refused": 0}
    assert stats["models"] == {
        "calls": 3,
        "tokens": {"input": 20, "output": 10, "cacheRead": 6, "cacheWrite": 4},
        "costUsd": 0.5,
        "costUnknownRuns": 1,
        "averageDurationMs": 2000,  # the one that was cut says nothing about how long answers take
        "averageTtftMs": 500,
    }
    by_repo = {each["repoId"]: each for each in stats["by"]["repo"]}
    assert (by_repo[repo.id]["runs"], by_repo[repo.id]["successRate"], by_repo[repo.id]["tokens"]) == (3, 0.5, 40)
    assert by_repo[other.id]["name"] == other.full_name
    assert {each["name"]: each["runs"] for each in stats["by"]["outcome"]} == {
        "completed": 2,
        "checks_failed": 1,
        "cancelled_by_caller": 1,
    }
    assert sum(each["runs"] for each in stats["series"]) == 4
    assert stats["oldestPendingSeconds"] >= 0
    assert stats["sandboxes"]["active"] == 1


def test_tools_are_counted_with_what_failed(house: House, repo: Repo) -> None:
    drafts = [*used("shell", "1", ok=True), *used("shell", "2", ok=False), *used("edit", "3", ok=None)]
    play(house, repo, "a", Outcome.COMPLETED, *drafts)
    play(house, repo, "b", Outcome.HARNESS_FAILED, *used("shell", "1", ok=False))
    tools = house.report.stats(house.admin)["tools"]
    assert (tools["calls"], tools["errors"], tools["errorRate"]) == (4, 2, 0.5)
    assert tools["byTool"] == [
        {"name": "shell", "calls": 3, "errors": 2, "errorRate": 0.6667},
        {"name": "edit", "calls": 1, "errors": 0, "errorRate": 0.0},
    ]


def test_percentiles_are_those_of_the_nearest_rank(house: House, repo: Repo) -> None:
    rng = random.Random(7)
    values = [rng.randrange(1, 100_000) for _ in range(23)]
    for number, value in enumerate(values):
        timing = Timing(queued_ms=value, preparing_ms=value if number % 2 else None, total_ms=value + 1)
        play(house, repo, str(number), Outcome.COMPLETED, timing=timing)
    told = house.report.stats(house.admin)
    assert told["starts"]["deferred"] == sum(value > 1000 for value in values)
    for name, known in (("queued", values), ("preparing", values[1::2])):
        ranked = sorted(known)
        expected = {f"p{share}": ranked[math.ceil(share / 100 * len(ranked)) - 1] for share in (50, 95)}
        assert told["durationsMs"][name] == {"count": len(known), **expected}


def test_a_lost_worker_counts_as_recovered_or_interrupted(house: House, repo: Repo) -> None:
    for key in ("saved", "lost"):
        house.claim(house.start(repo, key).run, "w1")
    house.workers.reap(only_me="w2")
    pending = house.runs.list(house.admin, RunFilter()).items
    for run in pending:
        house.claim(run, "w2")
    saved = house.runs.get(house.admin, pending[0].id)
    assert house.attempts.finish(saved, ending())
    house.workers.reap(only_me="w3")
    told = house.report.stats(house.admin)["runs"]
    assert (told["recovered"], told["interrupted"]) == (1, 1)


def test_repetitions_and_refusals_are_counted(database: Database) -> None:
    house = House(database, starts={3600.0: 2})
    repo = house.add_repo()
    house.start(repo, "a")
    house.start(repo, "a")
    house.start(repo, "b")
    with pytest.raises(RateLimited):
        house.start(repo, "c")
    told = house.report.stats(house.admin)["starts"]
    assert (told["suppressed"], told["refused"], told["accepted"]) == (1, 1, 2)
    bound = house.caller("read", repo_ids=[house.add_repo(cloneUrl="/srv/git/acme/x").id])
    assert house.report.stats(bound)["starts"] == {"accepted": 0, "deferred": 0, "suppressed": 0, "refused": 0}
    house.close()


def test_the_window_is_half_open_and_bounded(house: House, repo: Repo, database: Database) -> None:
    run = play(house, repo, "a", Outcome.COMPLETED)
    made = run.created_at
    assert house.report.stats(house.admin, made, made + 10)["runs"]["total"] == 1
    assert house.report.stats(house.admin, made - 10, made)["runs"]["total"] == 0
    for since, until in ((made, made), (made - 500 * 86400, made)):
        with pytest.raises(BadRequest):
            house.report.stats(house.admin, since, until)


def test_a_bound_key_sees_its_repos_only(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    play(house, repo, "a", Outcome.COMPLETED, *used("shell", "1", ok=True))
    house.start(repo, "b")
    bound = house.caller("read", repo_ids=[other.id])
    stats = house.report.stats(bound)
    assert (stats["runs"]["total"], stats["tools"]["calls"], stats["by"]["repo"]) == (0, 0, [])
    assert house.report.pressure(bound)["queue"]["byRepo"] == []
    with pytest.raises(NotFound):
        house.report.tools(bound, house.start(repo, "c").run.id)


def test_pressure_tells_slots_queue_and_wait(house: House, repo: Repo, database: Database) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    assert house.report.pressure(house.admin)["queue"]["estimatedWaitSeconds"] is None  # nobody would take it
    house.register("w1")
    assert house.report.pressure(house.admin)["queue"]["estimatedWaitSeconds"] == 0.0
    play(house, repo, "done", Outcome.COMPLETED, timing=Timing(queued_ms=1000, total_ms=11_000))
    for key in ("a", "b"):
        house.claim(house.start(repo, key).run, "w1")
    house.start(repo, "c", priority=5)
    house.start(other, "d")
    with database.write() as tx:
        tx.execute(runs.update().where(runs.c.idempotency_key == "d").values(created_at=tx.now - 300))
    pressure = house.report.pressure(house.admin)
    assert pressure["slots"] == {"total": 2, "busy": 2, "free": 0}
    assert [(each["id"], each["busy"], each["free"]) for each in pressure["workers"]] == [("w1", 2, 0)]
    queue = pressure["queue"]
    assert (queue["depth"], queue["estimatedWaitSeconds"]) == (2, 15.0)  # (2 ahead + itself) / 2 slots * 10 s
    assert 300 <= queue["oldestWaitSeconds"] < 400
    assert {each["repoId"]: each["depth"] for each in queue["byRepo"]} == {repo.id: 1, other.id: 1}
    assert [each["priority"] for each in queue["byPriority"]] == [5, 0]
    assert pressure["limits"]["queue"] == {"limit": 10_000, "left": 9_998}
    assert house.report.stats(house.admin)["runs"]["stalePending"] == 0  # no slot is free, so waiting is no fault
    house.register("w2")
    assert house.report.stats(house.admin)["runs"]["stalePending"] == 1


def test_tool_calls_find_their_results_across_pages_and_attempts(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    first = [*used("shell", "same", ok=False)]
    late = [used("edit", str(number), ok=None)[0] for number in range(3)]
    results = [used("edit", str(number), ok=True)[1] for number in (2, 0)]
    house.attempts.record(run, [*first, *late, *results]).result(20)
    house.workers.reap(only_me="w2")
    again = house.claim(house.runs.get(house.admin, run.id), "w2")
    house.attempts.record(again, used("shell", "same", ok=True)).result(20)
    page = house.report.tools(house.admin, run.id, 0, 2)
    found = list(page.uses)
    while page.has_more:
        page = house.report.tools(house.admin, run.id, page.next_after, 2)
        found += page.uses
    told = [tool_object(use.call, use.result) for use in found]
    assert [(each["toolName"], each["attempt"], each["ok"]) for each in told] == [
        ("shell", 1, False),
        ("edit", 1, True),
        ("edit", 1, None),
        ("edit", 1, True),
        ("shell", 2, True),
    ]


def test_needs_the_scope_read(house: House) -> None:
    nobody = house.admin.__class__("key_x", "x", "x", frozenset())
    for ask in (house.report.stats, house.report.pressure):
        with pytest.raises(Forbidden):
            ask(nobody)


def test_no_question_reads_a_whole_table(house: House, repo: Repo, database: Database) -> None:
    """What the planner says: on SQLite, where a plan names each scan without statistics."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL scans small tables on purpose; benchmarks/stats.py looks at large ones there")
    play(house, repo, "a", Outcome.COMPLETED, *used("shell", "1", ok=True))
    house.report.stats(house.admin)
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    house.report.stats(house.admin)
    house.report.pressure(house.admin)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    assert len(asked) > 20
    small = ("workers", "start_tallies", "(subquery", "request_hits", "anon_")
    for statement, parameters in asked:
        if not statement.startswith("SELECT"):
            continue
        with database.read() as tx:
            plan = tx.connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
            steps = [row[3] for row in plan]
        scans = [step for step in steps if step.startswith("SCAN") and not any(name in step for name in small)]
        sorts = any("FOR ORDER BY" in step for step in steps)
        assert not scans or ("LIMIT" in statement and not sorts), (steps, statement)
