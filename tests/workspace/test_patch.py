"""What an agent leaves comes back as one checked commit: all of it, nothing more."""

from __future__ import annotations

import os
import subprocess

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.changes import ChangeKind
from mogplex.workspace.checkout import Identity
from mogplex.workspace.collector import PatchLimits
from mogplex.workspace.patch import Patch, check_out_patch
from tests.workspace.git_world import World, asynchronously, shell

_COMMIT = "git -c user.name=x -c user.email=x commit"


def _kinds(patch: Patch | None) -> dict[str, ChangeKind]:
    assert patch is not None
    return {path.path: path.kind for path in patch.paths}


def _stored(world: World, *arguments: str) -> str:
    store = world.layout.result_store("repo")
    done = subprocess.run(["git", f"--git-dir={store}", *arguments], capture_output=True, check=True, timeout=30)
    return os.fsdecode(done.stdout).strip()


@asynchronously
async def test_nothing_changed(world: World) -> None:
    assert await world.change("git status; touch a.txt; mkdir empty; git commit -q --allow-empty -m x") is None
    assert not list((world.layout.result_store("repo") / "incoming").iterdir())


@asynchronously
async def test_every_kind_of_change(world: World) -> None:
    patch = await world.change(
        "echo four >> a.txt; git rm -q src/deep/code.py; mkdir -p n/m; echo new > n/m/new.txt; chmod -x run.sh;"
        "rm link; ln -s /etc/shadow link; head -c 3000 /dev/urandom > bin; : > empty.txt"
    )
    assert patch is not None
    assert _kinds(patch) == {
        "a.txt": "modified", "src/deep/code.py": "deleted", "n/m/new.txt": "added", "run.sh": "modified",
        "link": "modified", "bin": "added", "empty.txt": "added",
    }  # fmt: skip
    assert (patch.files, patch.insertions, patch.deletions) == (7, 3, 2)
    assert patch.warnings == ()
    assert patch.base == world.at()
    clone = world.copy_template("clone")
    (world.top / "diff").write_bytes(patch.diff)
    shell(clone, "git reset -q --hard && git apply --index ../diff")
    assert shell(clone, "git write-tree") == patch.tree, "the diff is the change, to the byte"


@asynchronously
async def test_the_commit_is_ours(world: World) -> None:
    patch = await world.change(
        "git config user.name Evil; echo x > x; git add .; git commit -qm 'agent commit'; echo y > y",
        run_id="run-42",
        identity=Identity("Robot", "robot@example.org"),
    )
    assert patch is not None
    assert _stored(world, "log", "-1", "--format=%an <%ae> %cn %P%n%B", "refs/runs/run-42").split("\n") == [
        f"Robot <robot@example.org> Robot {world.at()}", "Do the work", "", "Mogplex-Run: run-42",
    ]  # fmt: skip
    assert _stored(world, "rev-parse", "refs/runs/run-42") == patch.commit
    assert _kinds(patch) == {"x": "added", "y": "added"}
    assert await world.results(await world.refresh()).find_commit("run-42") == patch.commit
    assert await world.results(await world.refresh()).find_commit("run-43") is None
    _stored(world, "fsck", "--strict")


@asynchronously
async def test_only_what_changed_travels(world: World) -> None:
    shell(world.origin, "for i in $(seq 50); do mkdir d$i; echo $i > d$i/f; done; git add .; git commit -qm many")
    await world.change("echo new > d7/f")
    assert _stored(world, "count-objects", "-v").splitlines()[2] == "in-pack: 3", "a file, its folder and the top"


@asynchronously
async def test_ignored_files_and_leftovers_of_tests_stay_out(world: World) -> None:
    patch = await world.change(
        "mkdir -p build __pycache__ .pytest_cache src/deep/__pycache__; echo x > build/x; echo x > d.log;"
        "echo x > __pycache__/x.pyc; echo x > src/deep/__pycache__/y.pyc; echo x > .pytest_cache/v; echo x > .coverage;"
        "git add -f d.log; echo '*' > .git/info/exclude; echo kept > kept.txt"
    )
    assert _kinds(patch) == {"kept.txt": "added"}


@asynchronously
async def test_followed_files_are_never_left_out(world: World) -> None:
    shell(
        world.origin,
        "mkdir __pycache__ && echo 1 > __pycache__/a.pyc && echo 1 > x.log && git add -f . && git commit -qm x",
    )
    assert set(_kinds(await world.change("echo 2 > __pycache__/a.pyc; echo 2 > x.log"))) == {
        "__pycache__/a.pyc",
        "x.log",
    }


@asynchronously
async def test_a_change_of_the_same_size_in_the_same_second_is_seen(world: World) -> None:
    for number in range(3):
        patch = await world.change("printf 'ONE\\ntwo\\nthree\\nfour\\n' > a.txt; touch -d @1 a.txt", f"run-{number}")
        assert _kinds(patch) == {"a.txt": "modified"}


@asynchronously
async def test_going_back_to_an_older_tree(world: World) -> None:
    patch = await world.change("git checkout -q HEAD~1 -- .")
    assert patch is not None
    assert patch.tree == world.at("other^{tree}")


@asynchronously
async def test_everything_deleted(world: World) -> None:
    patch = await world.change("git rm -rq .; rm -rf ./* .gitignore")
    assert patch is not None
    assert set(_kinds(patch).values()) == {ChangeKind.DELETED}


@asynchronously
async def test_nested_repos_are_left_out_and_named(world: World) -> None:
    patch = await world.change(
        f"git init -q inner && (cd inner && echo x > x && git add . && {_COMMIT} -qm x); git init -q empty; echo k > k"
    )
    assert patch is not None
    assert _kinds(patch) == {"k": "added"}
    assert any("inner is a git repository of its own" in warning for warning in patch.warnings)
    assert any("empty" in warning for warning in patch.warnings)
    assert await world.change(f"git init -q inner && cd inner && {_COMMIT} -q --allow-empty -m x", "run-2") is None


@asynchronously
async def test_broken_repos_in_the_tree_do_not_stop_the_rest(world: World) -> None:
    patch = await world.change("mkdir -p x/y 'z z'; echo junk > x/y/.git; echo f > x/f; mkdir 'z z/.git'; echo k > k")
    assert patch is not None
    assert set(_kinds(patch)) == {"k", "x/f"}


@asynchronously
async def test_submodules_stay_where_the_base_has_them(world: World) -> None:
    library = world.copy_template("library")
    shell(world.origin, f"git submodule --quiet add {library} lib && git commit -qm sub")
    moved = f"cd lib && git init -q . && {_COMMIT} -q --allow-empty -m moved && cd .. && echo k > k"
    patch = await world.change(moved)
    assert _kinds(patch) == {"k": "added"}
    linked = await world.change("rmdir lib; ln -s /etc lib", "run-3")
    assert _kinds(linked) == {"lib": "modified"}
    removed = await world.change("git rm -q lib", "run-2")
    assert _kinds(removed) == {"lib": "deleted", ".gitmodules": "modified"}
    assert removed is not None and b"deleted file mode 160000" in removed.diff


@asynchronously
async def test_closed_files_and_folders_cost_a_warning_not_the_work(world: World) -> None:
    patch = await world.change(
        "echo k > k; echo h > hidden; chmod 000 hidden; mkdir shut; echo x > shut/x;chmod 000 shut src; chmod 000 /work"
    )
    assert patch is not None
    assert _kinds(patch) == {"k": "added"}
    assert any("hidden" in warning for warning in patch.warnings)


@asynchronously
async def test_a_closed_git_folder_is_no_matter(world: World) -> None:
    patch = await world.change("echo k > k; rm -rf .git/objects; echo junk > .git/index; chmod 000 .git")
    assert _kinds(patch) == {"k": "added"}


@pytest.mark.parametrize(
    ("script", "limits", "reason"),
    [
        ("head -c 200000 /dev/urandom > r", PatchLimits(pack_bytes=100_000), "larger than 100000 bytes when packed"),
        ("yes | head -c 200000 > y", PatchLimits(diff_bytes=100_000), "longer than 100000 bytes as a diff"),
        ("for i in $(seq 30); do echo $i > f$i; done", PatchLimits(files=20), "touches 30 files; at most 20"),
        ("truncate -s 3M zeros", PatchLimits(file_bytes=2**20), "zeros is 3145728 bytes"),
        (
            "for i in 1 2 3; do truncate -s 2M z$i; echo $i >> z$i; done",
            PatchLimits(content_bytes=5 * 2**20),
            "together",
        ),
        ("head -c 9000000 /dev/urandom > r", PatchLimits(tmp_bytes=4 * 2**20), "could not be collected.*No space left"),
    ],
)
def test_too_much_is_refused_in_words(world: World, script: str, limits: PatchLimits, reason: str) -> None:
    @asynchronously
    async def story() -> None:
        with pytest.raises(WorkspaceError, match=reason):
            await world.change(script, limits=limits)

    story()
    store = world.layout.result_store("repo")
    assert not list(store.glob("objects/**/*.pack")), "what was refused leaves nothing"
    assert not list((store / "incoming").iterdir())


@asynchronously
async def test_a_slow_collection_is_ended(world: World) -> None:
    checkout = await world.check_out()
    await world.act(checkout, "yes | head -c 300000000 > y")
    with pytest.raises(WorkspaceError, match="wall_clock"):
        await world.collect(checkout, limits=PatchLimits(wall_seconds=0.3))


@asynchronously
async def test_collecting_twice_gives_the_same_tree(world: World) -> None:
    checkout = await world.check_out()
    await world.act(checkout, "echo x > x")
    first, second = await world.collect(checkout), await world.collect(checkout)
    assert first is not None and second is not None
    assert (first.tree, first.diff) == (second.tree, second.diff)


@asynchronously
async def test_checks_get_the_patch_and_no_other_run(world: World) -> None:
    other = await world.change("echo theirs > theirs.txt", "run-1")
    patch = await world.change("echo mine > mine.txt; rm a.txt", "run-2")
    assert other is not None and patch is not None
    results = world.results(await world.refresh())
    checkout = await check_out_patch(results, patch.commit, patch.base, world.new_folder(), world.runner_git)
    ended, printed = await world.act(
        checkout,
        f"set -e; git status --porcelain; git log --format=%s; git diff --stat origin/base | tail -1; cat mine.txt;"
        f"git fsck --full; ! git cat-file -e {other.commit}; ! ls /repo/results",
    )
    assert ended.exit_code == 0, printed
    assert "Do the work\nSecond\nFirst\n 2 files changed, 1 insertion(+), 4 deletions(-)\nmine\n" in printed
    assert not (checkout.work / "a.txt").exists()
