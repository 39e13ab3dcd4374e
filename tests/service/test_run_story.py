"""A run from its start to its end, as a caller and a worker see it."""

from __future__ import annotations

from mogplex.domain.event import EventType
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Status
from mogplex.domain.sandbox import SandboxFacts, SandboxStatus
from tests.house import House, ending, said


def test_a_run_is_started_played_and_ended(house: House, repo: Repo) -> None:
    started = house.start(repo, createBranch=True, labels={"team": "core"})
    assert (started.replayed, started.run.status) == (False, Status.PENDING)
    run = house.claim(started.run)
    assert house.attempts.record(run, [said("one"), said("two", n=1)]).result(10) is True
    assert house.attempts.finish(run, ending(), SandboxFacts(driver="bubblewrap", processes_left=0, log="bye"))
    page = house.events.page(house.admin, run.id, 0, 100)
    assert [(event.seq, event.type) for event in page.events] == [
        (1, EventType.QUEUED),
        (2, EventType.ATTEMPT_STARTED),
        (3, EventType.ASSISTANT_MESSAGE),
        (4, EventType.ASSISTANT_MESSAGE),
        (5, EventType.FINISHED),
    ]
    assert (page.has_more, page.next_after, page.run.status) == (False, 5, Status.SUCCESS)
    assert page.run.outcome is Outcome.COMPLETED
    assert page.run.timing.total_ms is not None
    record = house.sandboxes.log(house.admin, page.run.sandbox_record_id or "")
    assert (record.record.status, record.text, record.record.processes_left) == (SandboxStatus.ENDED, "bye", 0)
