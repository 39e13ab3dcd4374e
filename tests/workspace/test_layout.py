"""Folders: who may enter, and how everything goes away again."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest.mock import ANY

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.checkout import Identity, check_out
from mogplex.workspace.layout import Layout
from mogplex.workspace.lock import try_lock
from mogplex.workspace.patch import collect
from mogplex.workspace.workspaces import Workspaces
from tests.workspace.git_world import ROOT, World, asynchronously, shell


@asynchronously
async def test_one_door_leads_through_the_whole_story(world: World) -> None:
    runner = world.driver.runner
    before = os.umask(0o077)
    try:
        workspaces = Workspaces(world.top / "again", runner.uid, runner.gid, Identity("Robot", "r@example.org"))
        assert await workspaces.prepare() == []
        async with workspaces.layout.open_run("run-1", 1) as directory:
            mirror = await workspaces.mirrors.refresh("repo", str(world.origin))
            checkout = await workspaces.check_out(mirror, world.at(), directory / "agent", "main")
            await world.act(checkout, "git rev-parse origin/main > tip")
            results = workspaces.open_results("repo", mirror)
            patch = await collect(world.driver, checkout, results, "run-1", "Note", identity=workspaces.identity)
            assert patch is not None
            clean = await workspaces.check_out_patch(results, patch, directory / "checks")
            assert await world.act(clean, "cat tip; git log -1 --format=%an") == (ANY, f"{world.at()}\nRobot\n")
    finally:
        os.umask(before)
    assert list(workspaces.layout.runs.iterdir()) == []


@asynchronously
async def test_a_run_folder_lives_as_long_as_its_attempt(world: World) -> None:
    async with world.layout.open_run("run-1", 2) as directory:
        assert directory == world.layout.runs / "run-1-2"
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert directory.stat().st_uid == world.driver.runner.uid
        with pytest.raises(WorkspaceError, match="already being worked on"):
            async with world.layout.open_run("run-1", 2):
                pass
        assert directory.exists()
    assert list(world.layout.runs.iterdir()) == []


@asynchronously
async def test_hard_trees_are_removed_and_links_not_followed(world: World) -> None:
    outside = world.top / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    (outside / "kept").write_text("kept")
    async with world.layout.open_run("run-1", 1) as directory:
        checkout = await check_out(await world.refresh(), world.at(), directory / "agent", world.runner_git)
        ended, printed = await world.act(
            checkout,
            f"set -e; ln -s {outside} l; ln -s / root; mkfifo f; mkdir -p shut/in; echo x > shut/in/x;"
            "chmod 000 shut/in shut; mkdir ro; touch ro/x; chmod 555 ro; touch -- '-rf' $'new\\nline' $'\\xff';"
            "chmod 000 .",
        )
        assert ended.exit_code == 0, printed
        # Made from here: a driver may end a sandbox whose folders get too deep to be watched.
        dig = "import os\nfor _ in range(3000): os.mkdir('deep-folder'); os.chdir('deep-folder')"
        shell(directory, f'python3 -c "{dig}"')
    assert list(world.layout.runs.iterdir()) == []
    assert (outside / "kept").read_text() == "kept"


@asynchronously
async def test_sweep_takes_the_dead_and_leaves_the_living(world: World) -> None:
    dead = world.layout.runs / "dead-1"
    (dead / "agent" / "work").mkdir(parents=True)
    os.close(try_lock(world.layout.runs / "dead-1.lock") or -1)
    async with world.layout.open_run("alive", 1) as directory:
        assert await world.layout.sweep() == ["dead-1"]
        assert directory.exists()
    assert list(world.layout.runs.iterdir()) == []


@asynchronously
async def test_leftovers_of_the_same_attempt_are_cleared(world: World) -> None:
    left = world.layout.runs / "run-1-1" / "agent"
    left.mkdir(parents=True)
    async with world.layout.open_run("run-1", 1):
        assert not left.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a\0", "x" * 101, "a.lock", "a b"])
def test_names_that_could_lead_elsewhere(name: str) -> None:
    layout = Layout(Path("/nowhere"))
    for ask in (layout.mirror, layout.result_store):
        with pytest.raises(WorkspaceError):
            ask(name)


def test_work_dir_must_be_absolute() -> None:
    with pytest.raises(WorkspaceError, match="absolute"):
        Layout(Path("relative"))


@pytest.mark.skipif(not ROOT, reason="needs a runner of another uid")
@asynchronously
async def test_a_closed_parent_is_noticed(world: World) -> None:
    await world.layout.check_access()
    world.top.chmod(0o700)
    with pytest.raises(WorkspaceError, match=r"can't enter .*chmod o\+x"):
        await world.layout.check_access()


@asynchronously
async def test_others_may_not_enter(world: World) -> None:
    await world.refresh()
    world.results(await world.refresh())
    for directory in (world.layout.mirrors, world.layout.results, world.layout.runs):
        assert directory.stat().st_mode & 0o007 == 0
    if ROOT:
        shell(world.top, f"! setpriv --reuid=4242 --regid=4242 --clear-groups ls {world.layout.mirrors} 2>/dev/null")


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="MOGPLEX_WORK_DIR"):
        Layout(tmp_path / "file" / "work").prepare()
