"""Schedules: one run a tick, whatever else happens, and alarms that tell when somebody should look."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mogplex.domain.errors import BadRequest, Forbidden, NotFound
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run, Status
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.schedule import AlarmKind, Schedule, TickResult
from mogplex.service.firing import LATE_SECONDS, Firing
from mogplex.service.run_filter import RunFilter
from mogplex.store.database import Database
from tests.clock import Clock
from tests.house import House, ending

MINUTE = 60.0


class Timed:
    """A house whose clock moves when told, with its schedules' clockwork."""

    def __init__(self, database: Database, clock: Clock, **house_settings: Any) -> None:
        self.house = House(database, **house_settings)
        self.clock = clock
        self.firing = Firing(database, self.house.runs)
        self.repo: Repo = self.house.add_repo()
        body = {"url": "https://example.org/alarms", "events": ["schedule.alarm"]}
        self.webhook = self.house.webhooks.create(self.house.admin, body)[0]

    @property
    def alarms(self) -> list[str]:
        """The kinds of the alarms that were told, the oldest first."""
        told = self.house.webhooks.deliveries(self.house.admin, self.webhook.id)
        return [json.loads(each.body)["data"]["kind"] for each in reversed(told)]

    def create(self, cron: str = "* * * * *", **fields: Any) -> Schedule:
        run = {"prompt": "Tidy up", "createBranch": True, **fields.pop("run", {})}
        return self.house.schedules.create(self.house.admin, self.repo.id, {"cron": cron, "run": run, **fields})

    def look(self, schedule: Schedule) -> Schedule:
        return self.house.schedules.get(self.house.admin, schedule.id)

    def move(self, seconds: float = MINUTE) -> None:
        self.clock.now += seconds
        self.firing.fire_due()
        self.firing.count_endings()

    def runs(self) -> list[Run]:
        return self.house.runs.list(self.house.admin, RunFilter(limit=200)).items

    def end(self, run: Run, outcome: Outcome = Outcome.COMPLETED) -> None:
        claimed = self.house.claim(run)
        assert self.house.attempts.finish(claimed, ending(outcome), SandboxFacts())

    def results(self, schedule: Schedule) -> list[str]:
        return [str(tick.result) for tick in reversed(self.house.schedules.ticks(self.house.admin, schedule.id))]


@pytest.fixture
def timed(database_url: str) -> Iterator[Timed]:
    clock = Clock()
    database = Database(database_url, clock=clock)
    found = Timed(database, clock)
    yield found
    found.house.close()
    database.close()


def test_each_tick_starts_one_run_that_belongs_to_the_schedule(timed: Timed) -> None:
    schedule = timed.create("*/2 * * * *", name="nightly", run={"labels": {"team": "web"}})
    for _ in range(4):
        timed.move()
        for run in timed.runs():
            if run.status is Status.PENDING:
                timed.end(run)
    runs = timed.runs()
    assert len(runs) == 2
    assert {run.labels["schedule"] for run in runs} == {schedule.id}
    assert runs[0].labels["team"] == "web"
    assert runs[0].working_branch != runs[1].working_branch
    assert timed.look(schedule).last_run_id == runs[0].id
    assert timed.results(schedule) == ["started", "started"]


def test_a_hundred_looks_by_many_at_one_tick_start_one_run(timed: Timed) -> None:
    schedule = timed.create()
    timed.clock.now += MINUTE
    others = [Firing(timed.house.database, timed.house.runs) for _ in range(4)]
    barrier = threading.Barrier(4)

    def look(firing: Firing) -> None:
        barrier.wait()
        for _ in range(25):
            firing.fire_due()

    threads = [threading.Thread(target=look, args=(each,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(timed.runs()) == 1
    assert timed.results(schedule) == ["started"]
    assert timed.look(schedule).alarm is None


def test_overlap_skip_starts_nothing_and_raises_an_alarm_that_the_next_start_ends(timed: Timed) -> None:
    schedule = timed.create()
    timed.move()
    timed.move()
    assert timed.results(schedule) == ["started", "skipped"]
    alarm = timed.look(schedule).alarm
    assert alarm is not None and alarm.kind is AlarmKind.OVERLAPPED
    timed.move()
    assert timed.alarms == [AlarmKind.OVERLAPPED], "told once, not at each tick"
    assert timed.look(schedule).alarm == replace(alarm, message=alarm.message)
    timed.end(timed.runs()[0])
    timed.move()
    assert timed.results(schedule)[-1] == "started"
    assert timed.look(schedule).alarm is None


def test_overlap_queue_waits_for_the_end_and_makes_one_run_of_several_ticks(timed: Timed) -> None:
    schedule = timed.create(overlap="queue")
    timed.move()
    first = timed.runs()[0]
    for _ in range(5):
        timed.move()
    assert len(timed.runs()) == 1
    timed.end(first)
    timed.move(1)
    assert len(timed.runs()) == 2
    assert timed.results(schedule) == ["started", *["skipped"] * 4, "started"]
    assert timed.look(schedule).missed == 0
    assert timed.alarms == []


def test_overlap_cancel_older_cancels_it(timed: Timed) -> None:
    timed.create(overlap="cancel_older")
    timed.move()
    timed.move()
    newer, older = timed.runs()
    assert (newer.status, older.status) == (Status.PENDING, Status.CANCELLED)


def test_ticks_while_nobody_was_there_are_said_and_not_made_up_for(timed: Timed) -> None:
    schedule = timed.create("0 * * * *")
    timed.move(3 * 3600 + LATE_SECONDS + 1800)
    assert timed.runs() == []
    found = timed.look(schedule)
    assert (found.missed, timed.results(schedule)) == (3, ["missed"] * 3)
    assert timed.alarms == [AlarmKind.MISSED]
    assert found.next_at is not None
    timed.move(found.next_at - timed.clock.now)
    assert timed.results(schedule)[-1] == "started"
    assert timed.look(schedule).alarm is None


def test_catch_up_starts_the_newest_missed_tick_once(timed: Timed) -> None:
    schedule = timed.create("0 * * * *", catchUp=True)
    next_at = timed.look(schedule).next_at
    assert next_at is not None
    timed.clock.now = next_at + 3 * 3600 + LATE_SECONDS + 60
    timed.move(0)
    assert len(timed.runs()) == 1
    assert timed.results(schedule) == ["missed"] * 3 + ["started"]
    assert timed.look(schedule).missed == 3
    timed.move(1)
    assert len(timed.runs()) == 1


def test_failures_in_a_row_alarm_once_and_a_success_ends_it(timed: Timed) -> None:
    schedule = timed.create(alarmAfter=2)
    for outcome in (Outcome.CHECKS_FAILED, Outcome.HARNESS_FAILED, Outcome.HARNESS_FAILED):
        timed.move()
        timed.end(timed.runs()[0], outcome)
        timed.move(0)
    found = timed.look(schedule)
    assert found.failures == 3
    assert found.alarm is not None and found.alarm.kind is AlarmKind.FAILING
    assert timed.alarms == [AlarmKind.FAILING]
    timed.move()
    assert timed.look(schedule).alarm is not None, "a start alone proves nothing"
    timed.end(timed.runs()[0])
    timed.move(0)
    assert (timed.look(schedule).failures, timed.look(schedule).alarm) == (0, None)


def test_runs_that_change_nothing_alarm_too(timed: Timed) -> None:
    schedule = timed.create(alarmAfter=2)
    for _ in range(2):
        timed.move()
        timed.end(timed.runs()[0], Outcome.NO_CHANGES)
        timed.move(0)
    alarm = timed.look(schedule).alarm
    assert alarm is not None and alarm.kind is AlarmKind.UNCHANGED


def test_what_cannot_be_started_is_told(timed: Timed) -> None:
    schedule = timed.create(run={"createBranch": False, "delivery": "branch"})  # the repo allows pushes to main now
    timed.house.repos.update(timed.house.admin, timed.repo.id, {"pushBranches": ["mogplex/*"]})
    timed.move()
    assert timed.results(schedule) == [TickResult.REFUSED]
    alarm = timed.look(schedule).alarm
    assert alarm is not None and alarm.kind is AlarmKind.REFUSED
    assert "push" in alarm.message


def test_a_start_that_is_over_the_quota_is_asked_for_again(database_url: str) -> None:
    clock = Clock()
    database = Database(database_url, clock=clock)
    timed = Timed(database, clock, starts={600.0: 1})
    schedule = timed.create()
    timed.move()
    timed.end(timed.runs()[0])
    timed.move()
    assert timed.results(schedule) == ["started"], "refused by the quota, so it is still due"
    timed.move(600)
    assert timed.results(schedule)[0] == "started"
    assert len(timed.runs()) >= 1
    timed.house.close()
    database.close()


def test_pause_resume_and_trigger(timed: Timed) -> None:
    schedule = timed.create()
    paused = timed.house.schedules.pause(timed.house.admin, schedule.id)
    assert paused.next_at is None
    timed.move(600)
    assert timed.runs() == []
    started = timed.house.schedules.trigger(timed.house.admin, schedule.id, "once")
    again = timed.house.schedules.trigger(timed.house.admin, schedule.id, "once")
    assert (started.run.id, started.replayed, again.replayed) == (again.run.id, False, True)
    timed.end(started.run)
    resumed = timed.house.schedules.resume(timed.house.admin, schedule.id)
    assert resumed.next_at is not None and resumed.next_at > timed.clock.now
    timed.move()
    assert timed.results(schedule) == ["started", "started"], "the ticks of the pause are not missed ones"
    assert timed.look(schedule).missed == 0


def test_changing_the_line_counts_from_now(timed: Timed) -> None:
    schedule = timed.create("0 0 1 1 *")
    changed = timed.house.schedules.update(timed.house.admin, schedule.id, {"cron": "* * * * *", "alarmAfter": 9})
    assert changed.next_at is not None and changed.next_at - timed.clock.now <= MINUTE
    assert (changed.cron, changed.alarm_after, changed.request) == ("* * * * *", 9, schedule.request)


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({"cron": "nonsense"}, "cron"),
    ({"cron": 5}, "cron"),
    ({"timeZone": "Mars/Olympus"}, "timeZone"),
    ({"overlap": "pile up"}, "overlap"),
    ({"alarmAfter": 0}, "alarmAfter"),
    ({"alarmAfter": True}, "alarmAfter"),
    ({"catchUp": "yes"}, "catchUp"),
    ({"name": ""}, "name"),
    ({"wat": 1}, "wat"),
    ({"run": {"prompt": ""}}, "run.prompt"),
    ({"run": {"prompt": "x", "wat": 1}}, "run.wat"),
    ({"run": {"prompt": "x", "repoId": "y"}}, "run.repoId"),
    ({"run": {"prompt": "x", "harness": "nobody"}}, "harness"),
]


def test_bad_input_is_refused_by_its_field_and_nothing_is_kept(timed: Timed) -> None:
    for change, field in BAD_INPUT:
        body = {"cron": "* * * * *", "run": {"prompt": "x", "createBranch": True}, **change}
        with pytest.raises(BadRequest) as caught:
            timed.house.schedules.create(timed.house.admin, timed.repo.id, body)
        assert field in [each.field for each in caught.value.details]
    assert timed.house.schedules.list(timed.house.admin).items == []


def test_who_may_see_and_change_them(timed: Timed) -> None:
    schedule = timed.create()
    other = timed.house.add_repo(cloneUrl="/srv/git/acme/other", name="acme/other")
    bound = timed.house.caller("admin", repo_ids=[other.id])
    with pytest.raises(NotFound):
        timed.house.schedules.get(bound, schedule.id)
    assert timed.house.schedules.list(bound).items == []
    with pytest.raises(Forbidden):
        timed.house.schedules.list(timed.house.caller("write"))
    with pytest.raises(NotFound):
        timed.house.schedules.get(timed.house.admin, "sch_nothing")
    timed.house.schedules.remove(timed.house.admin, schedule.id)
    timed.move()
    assert timed.runs() == []
