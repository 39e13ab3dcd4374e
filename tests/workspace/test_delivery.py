"""Delivery overwrites nobody, can be repeated, and says what to do when it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex.domain.errors import DeliveryError
from mogplex.worker.stop import OwnershipLost
from mogplex.workspace.delivery import Delivered, deliver_branch
from mogplex.workspace.patch import Patch
from mogplex.workspace.results import Results
from tests.workspace.git_world import ROOT, World, asynchronously, shell


async def _work(world: World) -> tuple[Results, Patch]:
    patch = await world.change("echo x > x")
    assert patch is not None
    return world.results(await world.refresh()), patch


def _hook(repo: Path, name: str, body: str) -> None:
    path = repo / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@asynchronously
async def test_a_new_branch_once(world: World) -> None:
    results, patch = await _work(world)
    branch = "mogplex/run/0123-4567"
    first = await deliver_branch(results, str(world.origin), patch.commit, branch, None)
    again = await deliver_branch(results, str(world.origin), patch.commit, branch, None)
    assert first == Delivered(branch, patch.commit, already=False)
    assert again == Delivered(branch, patch.commit, already=True)
    assert world.at(branch) == patch.commit
    assert world.at(f"{branch}~1") == world.at("main")
    shell(world.origin, "git fsck --strict")


@asynchronously
async def test_an_existing_branch_moves_forward(world: World) -> None:
    shell(world.origin, "git branch work")
    results, patch = await _work(world)
    await deliver_branch(results, world.origin.as_uri(), patch.commit, "work", patch.base)
    assert world.at("work") == patch.commit


@asynchronously
async def test_moved_taken_and_deleted_branches(world: World) -> None:
    shell(world.origin, "git branch work; git branch taken other; git branch gone")
    results, patch = await _work(world)
    shell(world.origin, "git branch -f work $(git commit-tree -p main -m theirs main^{tree}); git branch -D gone")
    theirs = world.at("work")
    for branch, expected, reason in (
        ("work", patch.base, "moved from .* to .*retry the run"),
        ("taken", None, "already has a branch 'taken'"),
        ("gone", patch.base, "was deleted"),
    ):
        with pytest.raises(DeliveryError, match=reason):
            await deliver_branch(results, str(world.origin), patch.commit, branch, expected)
    assert world.at("work") == theirs
    assert world.at("taken") == world.at("other")


@asynchronously
async def test_never_forced_even_when_the_caller_expects_the_other_side(world: World) -> None:
    results, patch = await _work(world)
    shell(world.origin, "git branch work $(git commit-tree -p main -m theirs main^{tree})")
    with pytest.raises(DeliveryError, match="moved while"):
        await deliver_branch(results, str(world.origin), patch.commit, "work", world.at("work"))
    shell(world.origin, "git cat-file -e work && git log -1 --format=%s work | grep -qx theirs")


@asynchronously
async def test_a_branch_that_appears_between_look_and_push(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    results, patch = await _work(world)
    run = results.git.run

    async def race(*arguments: str, **keywords: object) -> object:
        if "push" in arguments:
            shell(world.origin, "git branch work other")
        return await run(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(results.git, "run", race)
    with pytest.raises(DeliveryError, match="moved while"):
        await deliver_branch(results, str(world.origin), patch.commit, "work", None)
    assert world.at("work") == world.at("other"), "a fast-forward of somebody else's new branch is no delivery either"


@asynchronously
async def test_checked_out_branch_of_a_work_tree(world: World) -> None:
    results, patch = await _work(world)
    with pytest.raises(DeliveryError, match=r"has 'main' checked out.*receive\.denyCurrentBranch"):
        await deliver_branch(results, str(world.origin), patch.commit, "main", patch.base)
    assert world.at("main") == patch.base


@asynchronously
async def test_a_hook_that_declines_is_quoted(world: World) -> None:
    results, patch = await _work(world)
    _hook(world.origin, "pre-receive", "echo 'Ticket number missing: see https://ann:hunter2@wiki/x'; exit 1")
    with pytest.raises(DeliveryError, match="declined") as caught:
        await deliver_branch(results, str(world.origin), patch.commit, "work", None)
    assert "Ticket number missing: see https://wiki/x" in caught.value.message
    _hook(world.origin, "pre-receive", "yes 0123456789 | head -c 3000000; exit 1")
    with pytest.raises(DeliveryError) as caught:
        await deliver_branch(results, str(world.origin), patch.commit, "work", None)
    assert len(caught.value.message) < 6000


@asynchronously
async def test_a_remote_that_went_away(world: World) -> None:
    results, patch = await _work(world)
    with pytest.raises(DeliveryError, match="does not exist"):
        await deliver_branch(results, str(world.top / "gone"), patch.commit, "work", None)
    with pytest.raises(DeliveryError, match="can't be reached"):
        await deliver_branch(results, "http://127.0.0.1:1/x", patch.commit, "work", None)


@asynchronously
async def test_a_remote_without_room_for_the_name(world: World) -> None:
    results, patch = await _work(world)
    with pytest.raises(DeliveryError, match="other/x"):
        await deliver_branch(results, str(world.origin), patch.commit, "other/x", None)


@pytest.mark.skipif(not ROOT, reason="only root can become the owner")
@asynchronously
async def test_hooks_of_somebodys_repo_get_their_rights_not_ours(world: World) -> None:
    results, patch = await _work(world)
    _hook(world.origin, "post-receive", "id -u > who; id -G >> who")
    shell(world.top, "chown -R 4242:4243 origin")
    await deliver_branch(results, str(world.origin), patch.commit, "work", None)
    assert (world.origin / ".git" / "who").read_text().split() == ["4242", "4243"]
    assert not shell(world.origin, "find . ! -user 4242"), "no file of ours in their repo"


@asynchronously
async def test_from_a_shallow_original(world: World) -> None:
    shell(world.top, f"git clone -q --depth 1 file://{world.origin} shallow")
    full, world.origin = world.origin, world.top / "shallow"
    results, patch = await _work(world)
    for repo in (world.origin, full):
        await deliver_branch(results, str(repo), patch.commit, "work", None)
        assert world.at("work", repo) == patch.commit


@asynchronously
async def test_who_loses_the_run_before_the_push_pushes_nothing(world: World) -> None:
    results, patch = await _work(world)

    async def lost() -> None:
        raise OwnershipLost

    with pytest.raises(OwnershipLost):
        await deliver_branch(results, str(world.origin), patch.commit, "work", None, confirm=lost)
    assert "work" not in shell(world.origin, "git branch")
