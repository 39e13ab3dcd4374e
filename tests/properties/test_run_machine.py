"""A run under any interleaving of callers, workers, reapers: terminal is final, and the log is whole."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mogplex.domain.errors import Conflict
from mogplex.domain.event import Event, EventType
from mogplex.domain.run import MOVES, Outcome, Run, Status
from mogplex.store.database import Database
from tests.databases import empty
from tests.house import House, ending, said

MANY = int(os.environ.get("MOGPLEX_EXAMPLES", "1"))
WORKERS = ("w1", "w2", "w3")
# By one thread, so that the kind of database changes little: the slower one gets fewer.
EXAMPLES = {"sqlite": 10, "postgresql": 4}
SETTINGS = settings(
    stateful_step_count=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
OUTCOMES = st.sampled_from([Outcome.COMPLETED, Outcome.CHECKS_FAILED, Outcome.CANCELLED_BY_CALLER, Outcome.TIMED_OUT])


class RunMachine(RuleBasedStateMachine):
    """Workers keep the handles of every claim they made, and go on using them after they lost the run."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.house = House(database)
        self.repo = self.house.add_repo()
        self.run_ids: list[str] = []
        self.handles: list[Run] = []
        self.ended: dict[str, tuple[Run, list[Event]]] = {}
        self.last_status: dict[str, Status] = {}
        self.keys = 0

    def teardown(self) -> None:
        self.house.close()

    @initialize()
    def begin(self) -> None:
        self.start()

    def start(self) -> None:
        self.keys += 1
        self.run_ids.append(self.house.start(self.repo, f"k{self.keys}").run.id)

    def now(self, run_id: str) -> Run:
        return self.house.runs.get(self.house.admin, run_id)

    @rule(data=st.data(), worker=st.sampled_from(WORKERS))
    def claim(self, data: st.DataObject, worker: str) -> None:
        run_id = data.draw(st.sampled_from(self.run_ids))
        was = self.now(run_id)
        claimed = self.house.attempts.claim(run_id, worker)
        assert (claimed is not None) == (was.status is Status.PENDING)
        if claimed is not None:
            assert claimed.attempt == was.attempt + 1
            self.handles.append(claimed)

    def owns(self, handle: Run) -> bool:
        run = self.now(handle.id)
        return (run.status, run.worker_id, run.attempt) == (Status.STREAMING, handle.worker_id, handle.attempt)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), count=st.integers(0, 3))
    def record(self, data: st.DataObject, count: int) -> None:
        handle = data.draw(st.sampled_from(self.handles))
        owned, before = self.owns(handle), self.now(handle.id).last_seq
        drafts = [said(f"attempt {handle.attempt} of {handle.worker_id}") for _ in range(count)]
        assert self.house.attempts.record(handle, drafts).result(30) is owned
        assert self.now(handle.id).last_seq == before + (count if owned else 0)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), outcome=OUTCOMES)
    def finish(self, data: st.DataObject, outcome: Outcome) -> None:
        handle = data.draw(st.sampled_from(self.handles))
        owned = self.owns(handle)
        assert self.house.attempts.finish(handle, ending(outcome)) is owned
        if owned:
            assert self.now(handle.id).outcome is outcome

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(self.run_ids))
        was = self.now(run_id)
        cancelled = self.house.runs.cancel(self.house.admin, run_id)
        assert cancelled.already_terminal is was.status.is_terminal
        if was.status is Status.PENDING:
            assert cancelled.run.status is Status.CANCELLED
        if was.status is Status.STREAMING:
            assert cancelled.run.cancel_requested_at is not None

    @rule()
    def supersede(self) -> None:
        """All runs here are of one branch: the newest ends the others, at once or as soon as their workers hear it."""
        was = {run_id: self.now(run_id) for run_id in self.run_ids}
        self.keys += 1
        newest = self.house.start(self.repo, f"k{self.keys}", supersede=True).run
        for run_id, before in was.items():
            after = self.now(run_id)
            if before.status is Status.PENDING:
                assert (after.outcome, after.superseded_by) == (Outcome.SUPERSEDED, newest.id)
            elif before.status is Status.STREAMING:
                assert after.cancel_requested_at is not None
        self.run_ids.append(newest.id)

    @rule(alive=st.sampled_from(WORKERS))
    def reap(self, alive: str) -> None:
        streaming = {
            r for r in self.run_ids if self.now(r).status is Status.STREAMING and self.now(r).worker_id != alive
        }
        reaped = self.house.workers.reap(only_me=alive)
        assert {each.run.id for each in reaped} == streaming
        for each in reaped:
            assert each.requeued == (each.run.attempt < 2 and each.run.cancel_requested_at is None)

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        old = self.now(data.draw(st.sampled_from(self.run_ids)))
        if old.status in (Status.FAILED, Status.CANCELLED):
            new = self.house.runs.retry(self.house.admin, old.id, {}).run
            assert self.now(old.id).retried_by == new.id
            self.run_ids.append(new.id)
        else:
            with pytest.raises(Conflict):
                self.house.runs.retry(self.house.admin, old.id, {})

    @invariant()
    def every_run_is_whole(self) -> None:
        for run_id in self.run_ids:
            run, events = self.now(run_id), self.house.events.since(run_id, 0, 10_000)
            check_log(run, events)
            before = self.last_status.get(run_id, Status.PENDING)
            assert run.status is before or run.status in MOVES[before]
            self.last_status[run_id] = run.status
            if run_id in self.ended:
                first, its_events = self.ended[run_id]
                kept = ("status", "outcome", "last_seq", "finished_at", "error", "attempt", "worker_id", "timing")
                assert [getattr(run, name) for name in kept] == [getattr(first, name) for name in kept]
                assert events == its_events
            elif run.status.is_terminal:
                self.ended[run_id] = run, events


def check_log(run: Run, events: list[Event]) -> None:
    assert [event.seq for event in events] == list(range(1, run.last_seq + 1))
    types = [event.type for event in events]
    assert types[0] is EventType.QUEUED
    assert types.count(EventType.FINISHED) == (1 if run.status.is_terminal else 0)
    assert types.count(EventType.CANCEL_REQUESTED) == (1 if run.cancel_requested_at else 0)
    assert types.count(EventType.ATTEMPT_STARTED) == run.attempt
    assert [event.attempt for event in events] == sorted(event.attempt for event in events)
    for event in events:
        if event.type is EventType.ASSISTANT_MESSAGE:
            assert (event.message or "").startswith(f"attempt {event.attempt} ")
    if run.status.is_terminal:
        assert types[-1] is EventType.FINISHED
        assert events[-1].payload["outcome"] == run.outcome
        assert run.outcome is not None
        assert run.outcome.status is run.status


def test_any_interleaving_leaves_whole_runs(database: Database, backend: str) -> None:
    def machine() -> RunMachine:
        empty(database)
        return RunMachine(database)

    chosen = settings(SETTINGS, max_examples=EXAMPLES[backend] * MANY)
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[no-untyped-call]
