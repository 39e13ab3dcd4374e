"""Mirrors follow their remotes, cheaply, whole, and one writer at a time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.lock import hold_lock, try_lock
from tests.workspace.git_world import ROOT, World, asynchronously, shell


@asynchronously
async def test_first_use_makes_a_whole_mirror(world: World) -> None:
    mirror = await world.refresh()
    assert mirror.default_branch() == "main"
    assert await mirror.resolve_branch("main") == world.at("main")
    assert await mirror.resolve_branch("other") == world.at("other")
    assert dict(mirror.tags()) == {"refs/tags/v1": world.at("v1")}
    assert not list(world.layout.mirrors.glob(".*"))
    assert not (mirror.directory / "hooks").exists()


@asynchronously
async def test_no_file_is_shared_with_a_local_original(world: World) -> None:
    shell(world.origin, "git gc -q")
    mirror = await world.refresh()
    files = [path for path in mirror.objects.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_nlink == 1 for path in files)


@asynchronously
async def test_changes_are_followed(world: World) -> None:
    await world.refresh()
    shell(
        world.origin,
        "git commit -q --allow-empty -m three && git branch -D other && git branch new && git branch -m new other/x"
        " && git tag -d v1 && git tag v2 && git checkout -q -b trunk",
    )
    mirror = await world.refresh()
    assert await mirror.resolve_branch("main") == world.at("main")
    assert await mirror.resolve_branch("other") is None
    assert await mirror.resolve_branch("other/x") == world.at("other/x")
    assert dict(mirror.tags()) == {"refs/tags/v2": world.at("v2")}
    assert mirror.default_branch() == "trunk"


@asynchronously
async def test_rewritten_history_is_followed_and_old_objects_stay(world: World) -> None:
    before = world.at()
    await world.refresh()
    shell(world.origin, "git commit -q --amend -m 'Second again' && git reflog expire --expire=now --all && git gc -q")
    mirror = await world.refresh()
    assert await mirror.resolve_branch("main") == world.at()
    assert await mirror.resolve_commit(before) == before, "a running attempt may have started there"


@asynchronously
async def test_nothing_is_fetched_when_nothing_changed(world: World) -> None:
    mirror = await world.refresh()
    before = {path: path.stat().st_mtime_ns for path in mirror.directory.rglob("*")}
    await world.refresh()
    assert {path: path.stat().st_mtime_ns for path in mirror.directory.rglob("*")} == before


@asynchronously
async def test_many_at_once_make_one_mirror(world: World) -> None:
    mirrors = await asyncio.gather(*(world.refresh() for _ in range(6)))
    assert {mirror.directory for mirror in mirrors} == {world.layout.mirror("repo")}
    assert await mirrors[0].resolve_branch("main") == world.at()


def test_the_lock_holds_between_processes(world: World) -> None:
    path = world.top / "some.lock"
    script = (
        "import sys; sys.path[:0] = sys.argv[2].split(':');from pathlib import Path;"
        "from mogplex.workspace.lock import try_lock; fd = try_lock(Path(sys.argv[1]));"
        "print(fd is not None, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path), ":".join(filter(None, sys.path))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert try_lock(path) is None
        holder.kill()
        holder.wait()
        fd = try_lock(path)
        assert fd is not None, "the kernel lets go for the dead"
        os.close(fd)


@asynchronously
async def test_waiting_for_the_lock_can_be_cancelled(world: World) -> None:
    path = world.top / "some.lock"
    async with hold_lock(path):

        async def want() -> None:
            async with hold_lock(path):
                raise AssertionError("two held it")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(want(), 0.1)
    async with hold_lock(path):
        pass


@asynchronously
async def test_leftovers_of_killed_workers_do_no_harm(world: World) -> None:
    half = world.layout.mirrors / ".repo.git.0123"
    half.mkdir()
    (half / "HEAD").write_text("half")
    mirror = await world.refresh()
    assert not half.exists()
    for name in (
        "packed-refs.lock",
        "HEAD.lock",
        "refs/heads/main.lock",
        "objects/pack/tmp_pack_x",
        "mogplex.json.new",
    ):
        (mirror.directory / name).parent.mkdir(exist_ok=True)
        (mirror.directory / name).write_text("")
    shell(world.origin, "git commit -q --allow-empty -m three")
    assert await (await world.refresh()).resolve_branch("main") == world.at()
    (mirror.directory / "mogplex.json").write_text("{ damaged")
    assert (await world.refresh()).default_branch() == "main"


@asynchronously
async def test_a_failed_first_fetch_leaves_nothing(world: World) -> None:
    for path in (world.origin / ".git" / "objects").glob("[0-9a-f][0-9a-f]/*"):
        path.chmod(0o600)
        path.write_bytes(b"broken")
    with pytest.raises(WorkspaceError):
        await world.refresh()
    assert [path.name for path in world.layout.mirrors.iterdir()] == ["repo.lock"]


@asynchronously
async def test_names_are_taken_literally(world: World) -> None:
    mirror = await world.refresh()
    for name in ("main~1", "main^{tree}", "HEAD", "main@{0}", "../tags/v1", "v1", "-h", "", "ma*n"):
        assert await mirror.resolve_branch(name) is None, name
    tip = world.at()
    assert await mirror.resolve_commit(tip) == tip
    for commit in (world.at("main^{tree}"), tip[:12], "main", "0" * 40, "--help", tip + "\n" + tip):
        assert await mirror.resolve_commit(commit) is None, commit


@asynchronously
async def test_entries_do_not_follow_links(world: World) -> None:
    mirror, tip = await world.refresh(), world.at()
    code = await mirror.entry(tip, "src/deep/code.py")
    assert code is not None and code.mode == "100644"
    assert code.object_id == world.at("main:src/deep/code.py")
    link = await mirror.entry(tip, "link")
    assert link is not None and link.mode == "120000"
    assert await mirror.entry(tip, "link/code.py") is None
    assert await mirror.entry(tip, "s*c") is None


@asynchronously
async def test_the_runner_can_read_a_mirror_whatever_our_umask_is(world: World) -> None:
    before = os.umask(0o077)
    try:
        mirror = await world.refresh()
    finally:
        os.umask(before)
    read = await world.runner_git.run("cat-file", "-p", f"{world.at()}:a.txt", git_dir=mirror.directory)
    assert read.text.startswith("one")
    if ROOT:
        assert world.layout.mirrors.stat().st_mode & 0o777 == 0o750


@asynchronously
async def test_shallow_local_repo_can_be_worked_on(world: World) -> None:
    shell(world.top, f"git clone -q --depth 1 file://{world.origin} shallow")
    shallow = world.top / "shallow"
    mirror = await world.refresh(shallow)
    assert mirror.shallow().strip().decode() == world.at()
    world.origin = shallow
    patch = await world.change("git log --oneline | wc -l | grep -qx 1; git status --porcelain; echo more >> a.txt")
    assert patch is not None and patch.base == world.at(repo=shallow)


def _plant_bad_commit(repo: Path, author: str) -> None:
    body = shell(repo, "git cat-file commit main").replace("author Ann <ann@example.org>", f"author {author}")
    (repo / "body").write_text(body + "\n")
    shell(repo, "git update-ref refs/heads/bad $(git hash-object -t commit -w --literally --stdin < body)")


@asynchronously
async def test_harmless_faults_of_old_histories_are_taken(world: World) -> None:
    _plant_bad_commit(world.origin, "Ann <ann@example.org")
    mirror = await world.refresh()
    assert await mirror.resolve_branch("bad") == world.at("bad")


@asynchronously
async def test_dangerous_trees_are_refused_by_name(world: World) -> None:
    shell(
        world.origin,
        "blob=$(git rev-parse main:a.txt);"
        "tree=$(printf '100644 blob %s\\t.git\\n' $blob | git mktree);"
        "git branch evil $(git commit-tree -m evil $tree)",
    )
    with pytest.raises(WorkspaceError, match=r"checker refuses.*hasDotgit"):
        await world.refresh()


@asynchronously
async def test_many_fetches_do_not_pile_packs_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex.workspace.mirror._MANY_PACKS", 2)
    for number in range(5):
        shell(world.origin, f"git commit -q --allow-empty -m {number}")
        mirror = await world.refresh()
    assert len(list(mirror.objects.glob("pack/*.pack"))) <= 3
    assert await mirror.resolve_commit(world.at()) == world.at()


@asynchronously
async def test_a_folder_is_listed_and_files_are_read_at_a_commit(world: World) -> None:
    mirror = await world.refresh()
    commit = world.at("main")
    listed = {entry.path: entry for entry in await mirror.list_folder(commit, "")}
    assert sorted(listed) == [".gitignore", "a.txt", "link", "run.sh", "src"]
    assert await mirror.read_text(listed["a.txt"].object_id) == "one\ntwo\nthree\nfour\n"
    assert [entry.path for entry in await mirror.list_folder(commit, "src/deep")] == ["code.py"]
    assert await mirror.list_folder(commit, "link") == [], "a link is not followed"
    assert await mirror.list_folder(commit, "nowhere") == []
    with pytest.raises(WorkspaceError):
        await mirror.read_text(listed["a.txt"].object_id, limit_bytes=3)
    found = await mirror.object_ids(commit, ["src", "src/deep/code.py", "a.txt", "*.txt", "nowhere"])
    assert [entry.path for entry in found] == ["a.txt", "src", "src/deep/code.py"]
    assert await mirror.object_ids(commit, []) == []
