"""Messages of GitHub: who may start what, nothing twice, no loops, and an answer that is kept up to date."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from mogplex.domain.ending import failure_of
from mogplex.domain.errors import BadRequest, Forbidden, NotFound, Unauthorized
from mogplex.domain.forge import ForgeKind
from mogplex.domain.repo import Repo
from mogplex.domain.retention import Retention
from mogplex.domain.run import Delivery, Outcome, Run, Status
from mogplex.service.hook_work import HookWork
from mogplex.service.hooks import Message
from mogplex.service.retention import Pruner
from mogplex.store import runs as run_table
from mogplex.store.database import Database
from mogplex.wiring.adapters import open_forges
from tests.clock import Clock
from tests.forges.fake_forge import PROJECT, TOKEN, FakeForge, Fault, forge_server
from tests.forges.messages import SECRET, comment, label, message, request_of, workflow
from tests.house import House, ending

ALL = ["comment", "label", "workflow"]


@pytest.fixture
def fake() -> Iterator[FakeForge]:
    with forge_server(ForgeKind.GITHUB) as forge:
        yield forge


class World:
    def __init__(self, house: House, fake: FakeForge, **hooks: Any) -> None:
        self.house = house
        self.fake = fake
        self.repo = self.add(hooks=hooks)
        forges = open_forges((ip_network("127.0.0.0/8"),))
        self.work = HookWork(house.database, house.runs, house.vault, forges, "https://m.example")

    def add(self, hooks: dict[str, Any], secret: str = SECRET, path: str = "/srv/git/widgets") -> Repo:
        settings = {"kind": "github", "apiUrl": self.fake.api_url, "project": PROJECT}
        body = {"cloneUrl": path, "forge": settings, "hooks": {"on": ALL, **hooks}}
        repo = self.house.repos.add(self.house.admin, body)[0]
        for name, phase, value in (("HOOK", "hook", secret), ("FORGE", "forge", TOKEN)):
            self.house.secrets.put(self.house.admin, repo.id, name, {"value": value, "phases": [phase]})
        return self.house.repos.get(self.house.admin, repo.id)

    def hear(self, event: str, body: Any, **values: Any) -> str:
        """What becomes of a message, with all that can be done about it done."""
        receipt = self.house.hooks.receive(message(event, body, **values))
        self.work.carry()
        return receipt.status if receipt.status in ("accepted", "pong") else f"{receipt.status}: {receipt.reason}"

    @property
    def runs(self) -> list[Run]:
        with self.house.database.read() as tx:
            return run_table.select_oldest(tx, [], 100)

    def finish(self, run: Run, outcome: Outcome = Outcome.COMPLETED, **values: Any) -> None:
        claimed = self.house.claim(run)
        assert self.house.attempts.finish(claimed, ending(outcome, **values))
        self.work.carry()


@pytest.fixture
def world(house: House, fake: FakeForge) -> World:
    return World(house, fake)


def test_a_comment_starts_a_run_and_is_answered_in_place(world: World) -> None:
    assert world.hear("issue_comment", comment("/mogplex mend the clamp")) == "accepted"
    (run,) = world.runs
    assert run.prompt.startswith("mend the clamp") and "Ignore all rules" not in run.prompt
    assert (run.base_branch, run.create_branch, run.delivery) == ("main", True, Delivery.PULL_REQUEST)
    assert run.labels == {"github.trigger": "comment", "github.by": "octocat", "github.number": "7"}
    (said,) = world.fake.comments
    assert said["issue"] == 7 and f"https://m.example/runs/{run.id}" in said["body"] and "working" in said["body"]
    world.finish(run, pull_request_url="https://github.example/acme/widgets/pull/8")
    (said,) = world.fake.comments
    assert "is done" in said["body"] and "pull/8" in said["body"] and "working" not in said["body"]
    asked = len(world.fake.asked)
    world.work.carry()
    assert len(world.fake.asked) == asked  # all is told


def test_a_failure_is_told_with_its_remedy(world: World) -> None:
    world.hear("issue_comment", comment("/mogplex\nmend it"))
    world.finish(
        world.runs[0],
        Outcome.CHECKS_FAILED,
        error="Check `x`: failed. @octocat <img>",
        failure=failure_of(Outcome.CHECKS_FAILED),
    )
    said = world.fake.comments[0]["body"]
    assert "failed (checks failed)" in said and "What to do:" in said
    assert "@octocat <img>" not in said


def test_a_message_is_believed_only_with_the_repo_s_signature(world: World) -> None:
    good = message("issue_comment", comment("/mogplex mend it"))
    forged = [
        dataclasses.replace(good, raw=good.raw.replace(b"mend", b"ruin")),
        dataclasses.replace(good, signature=""),
        dataclasses.replace(good, signature=good.signature.replace("sha256=", "sha1=")),
        message("issue_comment", comment("/mogplex mend it"), secret="another"),
        message("issue_comment", {**comment("/mogplex mend it"), "repository": {"full_name": "acme/other"}}),
        message("issue_comment", {"repository": None}),
    ]
    for each in forged:
        with pytest.raises(Unauthorized, match="not signed"):
            world.house.hooks.receive(each)
    assert not world.work.carry() and not world.runs
    assert world.hear("ping", {"zen": "x", "repository": {"full_name": PROJECT}}) == "pong"


def test_what_is_no_message_is_refused(world: World) -> None:
    for raw in (b"", b"payload=%7B%7D", b"[]", b"[" * 100_000):
        with pytest.raises(BadRequest):
            world.house.hooks.receive(Message("ping", "12345678-1", "", raw))
    with pytest.raises(BadRequest, match="X-GitHub-Delivery"):
        world.house.hooks.receive(Message("ping", "", "", b"{}"))
    with pytest.raises(BadRequest, match="shape"):
        world.hear("issue_comment", {"action": "created", "repository": {"full_name": PROJECT}})


def test_a_message_that_comes_again_starts_nothing(world: World) -> None:
    body = comment("/mogplex mend it")
    assert world.hear("issue_comment", body, delivery_id="11111111-aaaa") == "accepted"
    assert world.hear("issue_comment", body, delivery_id="11111111-aaaa").startswith("duplicate")
    assert world.hear("issue_comment", body, delivery_id="22222222-bbbb") == "accepted"  # said twice, wanted twice
    assert len(world.runs) == 2
    assert world.hear("workflow_run", workflow()) == "accepted"
    assert world.hear("workflow_run", workflow()).startswith("duplicate")  # its second attempt
    assert len(world.runs) == 3


NOT_ALLOWED: dict[str, tuple[str, dict[str, Any]]] = {
    "a stranger": ("issue_comment", comment("/mogplex mend it", association="NONE")),
    "who once helped": ("issue_comment", comment("/mogplex mend it", association="CONTRIBUTOR")),
    "a program": ("issue_comment", comment("/mogplex x", user={"login": "bot", "type": "Bot"})),
    "our own answer": ("issue_comment", comment("/mogplex <!-- mogplex:answer --> x")),
    "another command": ("issue_comment", comment("/mogplexx mend it")),
    "in the middle": ("issue_comment", comment("please /mogplex mend it")),
    "nothing to do": ("issue_comment", comment("/mogplex  ")),
    "an edit": ("issue_comment", {**comment("/mogplex mend it"), "action": "edited"}),
    "another label": ("issues", label("bug")),
    "a program's label": ("issues", label(sender={"login": "b", "type": "Bot"})),
    "a fork's request": ("pull_request", label(request=request_of(head="eve/widgets"))),
    "a request of ours": ("pull_request", label(request={**request_of(), "body": "<!-- mogplex:begin -->"})),
    "our branch": ("pull_request", label(request=request_of("mogplex/run/1"))),
    "it went well": ("workflow_run", workflow("success")),
    "a fork's workflow": ("workflow_run", workflow(head="eve/widgets")),
    "our branch failed": ("workflow_run", workflow(branch="mogplex/run/1-2")),
    "a push": ("push", {"repository": {"full_name": PROJECT}}),
}


@pytest.mark.parametrize("who", sorted(NOT_ALLOWED))
def test_what_starts_nothing(world: World, who: str) -> None:
    event, body = NOT_ALLOWED[who]
    assert world.hear(event, body).startswith("ignored")
    assert not world.runs and not world.fake.asked


def test_what_a_run_pushed_starts_no_other(world: World) -> None:
    world.house.start(world.repo, workingBranch="feature", createBranch=True)
    assert world.hear("workflow_run", workflow(branch="feature")).startswith("ignored")
    assert world.hear("pull_request", label(request=request_of("feature"))).startswith("ignored")


def test_only_the_people_named_may(house: House, fake: FakeForge) -> None:
    world = World(house, fake, people=["Hubot"])
    assert world.hear("issue_comment", comment("/mogplex x", association="OWNER")).startswith("ignored: octocat")
    assert world.hear("issues", label()).startswith("ignored: octocat")
    hubot = {"login": "hubot", "type": "User"}
    assert world.hear("issue_comment", comment("/mogplex x", association="NONE", user=hubot)) == "accepted"


def test_only_what_is_switched_on_starts_runs(house: House, fake: FakeForge) -> None:
    world = World(house, fake, on=["label"], label="agent")
    assert world.hear("issue_comment", comment("/mogplex x")).startswith("ignored")
    assert world.hear("workflow_run", workflow()).startswith("ignored")
    assert world.hear("issues", label("agent")) == "accepted"
    assert world.runs[0].prompt.startswith("Broken clamp\n\nIt is off by one.")
    house.repos.update(house.admin, world.repo.id, {"hooks": None})
    with pytest.raises(Unauthorized):
        world.hear("issues", label("agent"))


def test_of_settings_in_parts_only_what_is_given_changes(world: World) -> None:
    def change(**body: Any) -> Repo:
        return world.house.repos.update(world.house.admin, world.repo.id, body)

    changed = change(forge={"labels": ["a"]}, hooks={"label": "b"})
    assert (changed.forge.project, changed.forge.labels, changed.hooks.on) == (PROJECT, ("a",), world.repo.hooks.on)
    cleared = change(forge=None, hooks=None)
    assert (cleared.forge.as_wire(), cleared.hooks.on) == ({}, ())
    with pytest.raises(BadRequest, match=r"hooks.on must name"):
        change(hooks={"people": ["octocat"]})
    bad_forge = {"x": 1, "kind": "svn", "apiUrl": "https://me:secret@x"}
    with pytest.raises(BadRequest) as caught:
        change(forge=bad_forge, hooks={"on": ["label"], "people": ["a b"]})
    told = {detail.field for detail in caught.value.details}
    assert told == {"forge.x", "forge.kind", "forge.apiUrl", "hooks.people[0]"}
    assert "secret@" not in caught.value.message


def test_work_on_a_request_goes_into_its_branch_or_onto_it(world: World) -> None:
    world.fake.add("feature", number=7)
    assert world.hear("issue_comment", comment("/mogplex x", on_request=True)) == "accepted"
    first = world.runs[0]
    assert (first.base_branch, first.create_branch, first.delivery) == ("feature", True, Delivery.PULL_REQUEST)
    world.house.repos.update(world.house.admin, world.repo.id, {"pushBranches": ["feature"]})
    assert world.hear("issue_comment", comment("/mogplex y", on_request=True)) == "accepted"
    second = world.runs[1]
    assert (second.working_branch, second.create_branch, second.delivery) == ("feature", False, Delivery.BRANCH)


def test_a_comment_on_a_fork_s_request_is_refused_and_told(world: World) -> None:
    world.fake.add("feature", number=7, fork=True)
    assert world.hear("issue_comment", comment("/mogplex x", on_request=True)) == "accepted"
    assert not world.runs
    (said,) = world.fake.comments
    assert "started no run" in said["body"] and "fork" in said["body"]


def test_a_wish_that_cannot_be_met_is_told(house: House, fake: FakeForge) -> None:
    world = World(house, fake)
    house.repos.update(house.admin, world.repo.id, {"harness": None, "checks": ["true"]})
    house.secrets.remove(house.admin, world.repo.id, "FORGE")
    house.secrets.put(house.admin, world.repo.id, "GIT", {"value": TOKEN, "phases": ["git"]})
    assert world.hear("issue_comment", comment("/mogplex x")) == "accepted"
    assert not world.runs  # no credential for the forge: nothing can be opened, and nobody can be told


def test_a_failed_workflow_is_answered_at_its_commit(world: World) -> None:
    assert world.hear("workflow_run", workflow()) == "accepted"
    (run,) = world.runs
    assert "workflow 'tests' has failed on the branch main" in run.prompt and run.base_branch == "main"
    world.finish(run, Outcome.NO_CHANGES)
    told = [(each["sha"], each["context"], each["state"]) for each in world.fake.statuses]
    assert told == [("a" * 40, "mogplex", "pending"), ("a" * 40, "mogplex", "success")]


def test_an_app_answers_by_one_check_run(world: World) -> None:
    world.fake.is_app = True
    world.hear("workflow_run", workflow())
    (check,) = world.fake.check_runs
    assert (check["status"], check["head_sha"]) == ("in_progress", "a" * 40)
    world.finish(world.runs[0], Outcome.CHECKS_FAILED)
    (check,) = world.fake.check_runs
    assert (check["status"], check["conclusion"]) == ("completed", "failure") and not world.fake.statuses


@contextlib.contextmanager
def timed(database_url: str, clock: Clock, **settings: Any) -> Iterator[House]:
    database = Database(database_url, clock=clock)
    house = House(database, **settings)
    try:
        yield house
    finally:
        house.close()
        database.close()


def test_a_forge_that_is_away_is_told_later_and_only_once(database_url: str, fake: FakeForge) -> None:
    clock = Clock()
    with timed(database_url, clock) as house:
        tell_late(World(house, fake), fake, clock)


def tell_late(world: World, fake: FakeForge, clock: Clock) -> None:
    fake.faults = [Fault("POST", "/comments", 502, lost=True)]
    assert world.hear("issue_comment", comment("/mogplex mend it")) == "accepted"
    (run,) = world.runs
    assert not world.work.carry()  # not yet
    clock.now += 6
    assert world.work.carry() == 1
    (said,) = fake.comments
    assert "working" in said["body"] and len(world.runs) == 1
    world.finish(run)
    assert "is done" in fake.comments[0]["body"] and len(fake.comments) == 1


def test_a_full_queue_only_puts_it_off(database_url: str, fake: FakeForge) -> None:
    clock = Clock()
    with timed(database_url, clock, queue_limit=1) as house:
        world = World(house, fake)
        first = house.start(world.repo, delivery="patch").run
        world.hear("issue_comment", comment("/mogplex mend it"))
        assert world.runs == [first]
        house.claim(first)
        clock.now += 3600
        assert world.work.carry() == 1
        assert [each.status for each in world.runs] == [Status.STREAMING, Status.PENDING]


def test_what_was_answered_may_be_taken_away(database_url: str, fake: FakeForge) -> None:
    clock = Clock()
    with timed(database_url, clock) as house:
        world = World(house, fake)
        world.hear("issue_comment", comment("/mogplex a"))
        world.finish(world.runs[0])
        clock.now += 1  # of two runs of one moment nobody can tell the older
        world.hear("issue_comment", comment("/mogplex b"))  # its run is still to end
        clock.now += 3 * 86400
        kept = Retention.older_than(2 * 86400, runs=False)
        pruner = Pruner(house.database)
        assert pruner.count(kept)["deliveries"] == pruner.prune(kept)["deliveries"] == 1
        world.finish(world.runs[1])
        assert "is done" in fake.comments[1]["body"]


def test_two_repos_of_one_project_are_told_apart_by_their_secrets(world: World) -> None:
    other = world.add({}, secret="another-secret", path="/srv/git/other")
    assert world.hear("issue_comment", comment("/mogplex x"), secret="another-secret") == "accepted"
    assert [each.repo_id for each in world.runs] == [other.id]


def test_what_was_asked_for_is_listed_with_what_came_of_it(world: World) -> None:
    """The newest first, page by page; a key that is bound to repos sees theirs."""
    assert world.hear("issue_comment", comment("/mogplex mend the clamp")) == "accepted"
    world.finish(world.runs[0])
    world.hear("issues", label())
    other = world.house.add_repo(cloneUrl="/srv/git/acme/other")
    hooks, admin = world.house.hooks, world.house.admin
    first = hooks.list(admin, limit=1)
    rest = hooks.list(admin, limit=5, cursor=first.next_cursor)
    assert [each.wish.trigger for each in (*first.items, *rest.items)] == ["label", "comment"]
    assert rest.next_cursor is None
    newest, oldest = first.items[0].as_wire(), rest.items[0].as_wire()
    assert (newest["status"], oldest["status"]) == ("started", "done")
    assert oldest["runId"] in {run.id for run in world.runs} and oldest["by"] == "octocat" and oldest["refusal"] is None
    assert [each.status for each in hooks.list(admin, status="done", repo=world.repo.id).items] == ["done"]
    assert hooks.list(admin, repo=other.id).items == []
    assert hooks.list(world.house.caller("admin", repo_ids=[other.id])).items == []
    with pytest.raises(BadRequest, match="status 'lost' is not known"):
        hooks.list(admin, status="lost")
    with pytest.raises(NotFound):
        hooks.list(admin, repo="repo_0123456789abcdef0123")
    with pytest.raises(Forbidden):
        hooks.list(world.house.caller("read", "write"))
