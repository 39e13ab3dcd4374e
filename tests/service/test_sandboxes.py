"""Sandbox records: one per attempt, with a log, and a way to stop one."""

from __future__ import annotations

import pytest

from mogplex.domain.errors import BadRequest, Forbidden, NotFound
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.repo import Repo
from mogplex.domain.sandbox import SandboxFacts, SandboxStatus
from tests.house import House, ending, said


def test_facts_come_in_pieces_and_none_is_lost(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    limits = {"memoryBytes": 4 * 1024**3}
    house.attempts.update(run, sandbox=SandboxFacts("sbx-1", "bubblewrap", limits, {"memory": "watchdog"}))
    end = SandboxFacts(
        exit_code=0, wall_seconds=1.5, cpu_seconds=1.0, peak_memory_bytes=5 * 1024**3, processes_left=0, log="all\n"
    )
    house.attempts.finish(run, ending(), end)
    record = house.sandboxes.get(house.admin, run.sandbox_record_id or "")
    assert (record.name, record.driver, record.limits) == ("sbx-1", "bubblewrap", limits)
    assert (record.exit_code, record.processes_left, record.peak_memory_bytes) == (0, 0, 5 * 1024**3)
    assert (record.enforced, record.status) == ({"memory": "watchdog"}, SandboxStatus.ENDED)
    assert record.ended_at is not None


def test_the_log_of_a_running_one_is_what_its_events_say(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    house.attempts.record(run, [EventDraft(EventType.LOG, "line 1"), said("talk"), EventDraft(EventType.LOG, "line 2")])
    house.attempts.record(run, []).result(10)
    log = house.sandboxes.log(house.admin, run.sandbox_record_id or "")
    assert log.text == "line 1\nline 2\n"
    assert log.events[0].type is EventType.ATTEMPT_STARTED


def test_stopping_is_asked_once_and_only_of_a_running_one(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    record_id = run.sandbox_record_id or ""
    first = house.sandboxes.stop(house.admin, record_id)
    assert (first.stop_requested_by, first.status) == (house.admin.key_id, SandboxStatus.RUNNING)
    assert house.sandboxes.stop(house.caller("write"), record_id) == first
    house.attempts.finish(run, ending())
    ended = house.claim(house.start(repo, "2").run)
    house.attempts.finish(ended, ending())
    after = house.sandboxes.stop(house.admin, ended.sandbox_record_id or "")
    assert (after.stop_requested_at, after.status) == (None, SandboxStatus.ENDED)
    with pytest.raises(Forbidden):
        house.sandboxes.stop(house.caller("read"), record_id)


def test_lists_are_paged_and_filtered(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    runs = [house.claim(house.start(repo, str(number)).run) for number in range(4)]
    elsewhere = house.claim(house.start(other, "x").run)
    house.attempts.finish(runs[0], ending())
    first = house.sandboxes.list(house.admin, limit=3)
    rest = house.sandboxes.list(house.admin, limit=3, cursor=first.next_cursor)
    assert len({record.id for record in first.items + rest.items}) == 5
    assert rest.next_cursor is None
    assert [record.run_id for record in house.sandboxes.list(house.admin, status="ended").items] == [runs[0].id]
    for name in (other.id, "acme/other"):
        assert [record.run_id for record in house.sandboxes.list(house.admin, repo=name).items] == [elsewhere.id]
    bound = house.caller("read", repo_ids=[other.id])
    assert [record.run_id for record in house.sandboxes.list(bound).items] == [elsewhere.id]
    with pytest.raises(NotFound):
        house.sandboxes.get(bound, runs[0].sandbox_record_id or "")
    with pytest.raises(BadRequest):
        house.sandboxes.list(house.admin, status="sleeping")


def test_records_that_are_not_there_are_not_found(house: House) -> None:
    for record_id in ("", "sbx_", "sbx_" + "0" * 24, "\x00"):
        for ask in (house.sandboxes.get, house.sandboxes.log, house.sandboxes.stop):
            with pytest.raises(NotFound):
                ask(house.admin, record_id)
