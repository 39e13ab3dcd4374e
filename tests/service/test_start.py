"""Starting runs: once per idempotency key, with defaults from the repo, within quota and queue."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from mogplex.domain.branch import generate_working_branch
from mogplex.domain.budget import Budget
from mogplex.domain.errors import BadRequest, Conflict, Forbidden, IdempotencyConflict, NotFound, RateLimited
from mogplex.domain.event import EventType
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Delivery, Status
from mogplex.service.plan import title_of
from mogplex.store.database import Database
from mogplex.store.schema import run_events, run_labels, runs
from tests.house import House


def count(house: House, table: sa.Table) -> int:
    with house.database.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_twenty_racing_starts_with_one_key_make_one_run(house: House, repo: Repo) -> None:
    gate = threading.Barrier(20)
    results: list[Any] = []

    def start() -> None:
        gate.wait(30)
        try:
            results.append(house.start(repo, "same"))
        except Exception as fault:
            results.append(fault)

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(each.replayed for each in results) == [False] + [True] * 19
    assert len({each.run.id for each in results}) == 1
    assert count(house, runs) == 1


def test_a_run_is_found_with_its_first_event_right_after_its_start(house: House, repo: Repo) -> None:
    run = house.start(repo, createBranch=True, env={"TOKEN": "s3cret-value"}).run
    assert house.runs.get(house.admin, run.id) == run
    page = house.events.page(house.admin, run.id, 0, 10)
    (event,) = page.events
    assert (event.seq, event.type, event.attempt) == (1, EventType.QUEUED, 0)
    assert event.payload["position"] == 1
    assert event.payload["branch"] == {"base": "main", "working": run.working_branch, "createBranch": True}
    assert event.id == f"{run.id}.1"


def test_the_same_request_is_replayed_whatever_its_order_and_space(house: House, repo: Repo) -> None:
    first = house.runs.start(house.admin, RunRequest.of({"repoId": repo.id, "prompt": "x", "mode": "auto"}), "k")
    again = house.runs.start(house.admin, RunRequest.of({"mode": " AUTO", "prompt": "x\n", "repoId": repo.id}), " k ")
    assert (again.replayed, again.run) == (True, first.run)


def test_a_replay_tells_the_present_state(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    house.runs.cancel(house.admin, run.id)
    again = house.start(repo)
    assert (again.replayed, again.run.status) == (True, Status.CANCELLED)


def test_the_same_key_with_another_body_is_a_conflict(house: House, repo: Repo) -> None:
    run = house.start(repo).run
    with pytest.raises(IdempotencyConflict, match=run.id):
        house.start(repo, prompt="Something else")
    assert count(house, runs) == 1


def test_keys_of_different_owners_do_not_meet(house: House, repo: Repo) -> None:
    other = house.caller("write", owner="somebody")
    assert house.start(repo).run.id != house.start(repo, caller=other).run.id
    colleague = house.caller("write", owner="somebody")
    assert house.start(repo, caller=colleague).replayed


def test_a_conflict_names_no_run_that_the_key_may_not_see(house: House, repo: Repo) -> None:
    hidden = house.start(repo).run
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    bound = house.caller("write", repo_ids=[other.id])
    with pytest.raises(IdempotencyConflict) as caught:
        house.start(other, caller=bound)
    assert hidden.id not in caught.value.message


def test_a_change_of_the_repo_does_not_refuse_a_faithful_repetition(house: House, repo: Repo) -> None:
    run = house.start(repo, workingBranch="topic").run
    house.repos.update(house.admin, repo.id, {"pushBranches": [], "defaultBranch": "trunk", "harness": "codex"})
    again = house.start(repo, workingBranch="topic")
    assert (again.replayed, again.run.id) == (True, run.id)


def test_what_the_request_leaves_open_comes_from_the_repo(house: House) -> None:
    repo = house.add_repo(
        defaultBranch="trunk", rootDirectory="app", checks=["pytest -q"], harness="codex", timeoutSeconds=60,
        budget={"usd": 2, "tokens": 1000}, cloneUrl="/srv/x/y",
    )  # fmt: skip
    run = house.start(repo, budget={"tokens": 5}).run
    assert (run.base_branch, run.working_branch, run.create_branch) == ("trunk", "trunk", False)
    assert (run.root_directory, run.checks, run.harness, run.timeout_seconds) == ("app", ("pytest -q",), "codex", 60.0)
    assert run.budget == Budget(usd=2.0, tokens=5)
    assert (run.delivery, run.title, run.repo_full_name) == (Delivery.BRANCH, "Mend it", "x/y")


def test_what_the_request_gives_wins(house: House) -> None:
    repo = house.add_repo(rootDirectory="app", checks=["pytest -q"], harness="codex", timeoutSeconds=60)
    run = house.start(
        repo, rootDirectory="", checks=[], harness="builtin", timeoutSeconds=5, title="T", priority=7, baseBranch="b1",
        delivery="patch", labels={"a": "1"}, outputSchema={"type": "object"}, commit="a" * 40, model="m",
    ).run  # fmt: skip
    assert (run.root_directory, run.checks, run.harness, run.timeout_seconds) == ("", (), "builtin", 5.0)
    assert (run.title, run.priority, run.base_branch, run.commit, run.model) == ("T", 7, "b1", "a" * 40, "m")
    assert house.runs.get(house.admin, run.id) == run


def test_no_harness_anywhere_lets_the_server_choose(house: House, repo: Repo) -> None:
    assert house.start(repo).run.harness == "repair"


def test_an_unknown_harness_is_refused_with_those_that_are_known(house: House, repo: Repo) -> None:
    with pytest.raises(BadRequest, match=r"'gpt'.*builtin, codex, repair"):
        house.start(repo, harness="gpt")


def test_a_generated_branch_depends_on_the_request_alone(house: House, repo: Repo) -> None:
    request = RunRequest.of({"repoId": repo.id, "prompt": "Mend it", "createBranch": True})
    run = house.runs.start(house.admin, request, "the key").run
    assert run.working_branch == generate_working_branch("the key", request.canonical())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "--create-branch"),
        ({"workingBranch": "release"}, "--push-branch release"),
        ({"createBranch": True, "workingBranch": "main"}, "is the base branch"),
        ({"createBranch": True, "workingBranch": "main", "baseBranch": "dev"}, "default branch"),
    ],
)
def test_branches_that_may_not_be_used_are_refused_with_a_remedy(
    house: House, fields: dict[str, Any], told: str
) -> None:
    repo = house.add_repo(pushBranches=None)
    with pytest.raises(BadRequest, match=told):
        house.start(repo, **fields)
    assert count(house, runs) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"workingBranch": "mogplex/x"},
        {"delivery": "patch"},
        {"createBranch": True, "workingBranch": "new"},
        {"createBranch": True},
    ],
)
def test_branches_that_may_be_used_are(house: House, fields: dict[str, Any]) -> None:
    house.start(house.add_repo(pushBranches=None), **fields)
    assert count(house, runs) == 1


def test_a_start_that_fails_late_leaves_nothing(house: House, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no queue")

    monkeypatch.setattr(house.places, "ahead_of", refuse)
    with pytest.raises(RuntimeError, match="no queue"):
        house.start(repo, labels={"a": "b"})
    assert [count(house, table) for table in (runs, run_events, run_labels)] == [0, 0, 0]


def test_who_may_not_write_or_see_starts_nothing(house: House, repo: Repo) -> None:
    with pytest.raises(Forbidden):
        house.start(repo, caller=house.caller("read"))
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    with pytest.raises(NotFound):
        house.start(repo, caller=house.caller("write", repo_ids=[other.id]))


def test_a_repo_may_be_named_if_that_is_clear(house: House, repo: Repo) -> None:
    request = RunRequest.of({"repoId": "acme/widgets", "prompt": "x"})
    assert house.runs.start(house.admin, request, "k").run.repo_id == repo.id
    house.add_repo(cloneUrl="https://git.example/acme/widgets", name="acme/widgets")
    with pytest.raises(Conflict, match=repo.id):
        house.runs.start(house.admin, request, "k2")


def test_a_full_queue_refuses_and_a_cancel_makes_room(database: Database) -> None:
    house = House(database, queue_limit=2)
    repo = house.add_repo()
    first = house.start(repo, "1").run
    house.start(repo, "2")
    with pytest.raises(RateLimited, match="queue is full") as caught:
        house.start(repo, "3")
    assert caught.value.retry_after_seconds > 0
    assert house.start(repo, "1").replayed  # a replay takes no place
    house.runs.cancel(house.admin, first.id)
    house.start(repo, "3")
    house.close()


def test_titles_are_the_first_line_cut() -> None:
    assert title_of("\n  Mend the parser \nand more") == "Mend the parser"
    assert len(title_of("x" * 500)) == 80
