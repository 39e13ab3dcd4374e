"""A checkout is exactly its commit, works as a git repo inside the sandbox, and runs nothing while it is made."""

from __future__ import annotations

import os
import stat

import pytest

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.checkout import Identity, check_out, check_root_directory
from tests.workspace.git_world import ROOT, World, asynchronously, shell


@asynchronously
async def test_git_works_inside(world: World) -> None:
    checkout = await world.check_out()
    ended, printed = await world.act(
        checkout,
        "git status --porcelain; git branch --show-current; git log --format=%s; git describe; git fsck;"
        "git rev-parse origin/base; ls -A; echo more >> a.txt; git diff --stat;"
        "git mv src source; git commit -qam third; git log -1 --format='%an <%ae> %s';"
        "git checkout -q -b topic; git stash list; git gc -q; git status --porcelain",
    )
    assert ended.exit_code == 0
    assert printed.splitlines() == [
        "run", "Second", "First", f"v1-1-g{world.at()[:7]}", world.at(),
        ".git", ".gitignore", "a.txt", "link", "run.sh", "src",
        " a.txt | 1 +", " 1 file changed, 1 insertion(+)", "Mogplex <mogplex@localhost> third",
    ]  # fmt: skip


@asynchronously
async def test_files_are_as_in_the_commit(world: World) -> None:
    checkout = await world.check_out("other")
    assert checkout.commit == world.at("other")
    assert checkout.tree == world.at("other^{tree}")
    assert (checkout.work / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert (checkout.work / "run.sh").stat().st_mode & 0o111
    assert os.readlink(checkout.work / "link") == "src/deep"
    owner = (checkout.work / "a.txt").stat().st_uid
    assert owner == world.driver.runner.uid
    assert stat.S_IMODE(checkout.directory.stat().st_mode) == 0o700
    assert not (checkout.work / ".git" / "hooks").exists()


@asynchronously
async def test_nothing_can_be_written_to_the_mirror(world: World) -> None:
    checkout = await world.check_out()
    ended, printed = await world.act(
        checkout, "touch /repo/objects/x; chmod 777 /repo/objects; rm -rf /repo/objects/pack"
    )
    assert ended.exit_code != 0
    assert printed.count("Read-only file system") >= 3
    assert await checkout.mirror.resolve_commit(checkout.commit)


@asynchronously
async def test_names_that_are_not_utf8(world: World) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.txt")
    (world.origin / name).write_text("x\n")
    (world.origin / "new\nline.txt").write_text("x\n")
    shell(world.origin, "git add . && git commit -qm names")
    checkout = await world.check_out()
    ended, printed = await world.act(checkout, "git status --porcelain && cat caf* new*")
    assert (ended.exit_code, printed) == (0, "x\nx\n")
    patch = await world.change('for f in caf* new*; do echo y > "$f"; done; printf z > "$(printf \'b\\377\')"')
    assert patch is not None
    assert sorted(path.path for path in patch.paths) == ["b\\xff", "caf\\xe9 \\xff.txt", "new\nline.txt"]


@asynchronously
async def test_submodules_are_empty_folders(world: World) -> None:
    library = world.copy_template("library")
    shell(world.origin, f"git submodule --quiet add {library} vendored/lib && git commit -qm sub")
    checkout = await world.check_out()
    ended, printed = await world.act(checkout, "git status --porcelain; ls -A vendored/lib | wc -l")
    assert (ended.exit_code, printed) == (0, "0\n")
    assert await world.collect(checkout) is None


@asynchronously
async def test_filters_never_run_and_lfs_files_stay_pointers(world: World) -> None:
    canary = world.top / "canary"
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    (world.origin / "big.bin").write_text(pointer)
    (world.origin / ".gitattributes").write_text("*.bin filter=lfs diff=lfs\n*.txt filter=x eol=crlf ident\n")
    shell(world.origin, "git add . && git commit -qm attributes")
    shell(
        world.origin,
        f"for f in x lfs; do git config filter.$f.smudge 'touch {canary}; cat'; git config filter.$f.clean "
        f"'touch {canary}; cat'; git config filter.$f.process 'touch {canary}'; git config filter.$f.required 1; done",
    )
    checkout = await world.check_out()
    assert (checkout.work / "big.bin").read_text() == pointer
    ended, printed = await world.act(checkout, "git status --porcelain")
    assert (ended.exit_code, printed) == (0, "")
    assert not canary.exists()


@asynchronously
async def test_identity_of_the_checkout_can_be_chosen(world: World) -> None:
    mirror = await world.refresh()
    identity = Identity('Robot "R2"\n[alias]', "r2@example.org")
    checkout = await check_out(
        mirror, world.at(), world.new_folder(), world.runner_git, base_branch="rel/1.0", identity=identity
    )
    _, printed = await world.act(checkout, "git config user.name; git config user.email; git rev-parse origin/rel/1.0")
    assert printed.splitlines() == ['Robot "R2" [alias]', "r2@example.org", world.at()]


@asynchronously
async def test_two_checkouts_of_one_mirror_do_not_meet(world: World) -> None:
    first, second = await world.check_out(), await world.check_out()
    await world.act(first, "echo secret > s && git add s && git commit -qm s && git tag mine && git rev-parse HEAD > n")
    theirs = (first.work / "n").read_text().strip() if ROOT else ""
    ended, printed = await world.act(second, f"git tag; git log --format=%s; ls; git cat-file -e {theirs or '0' * 40}")
    assert "mine" not in printed
    assert ended.exit_code != 0


@asynchronously
async def test_a_commit_the_mirror_does_not_have(world: World) -> None:
    mirror = await world.refresh()
    with pytest.raises(WorkspaceError):
        await check_out(mirror, "1" * 40, world.new_folder(), world.runner_git)


@asynchronously
async def test_root_directories(world: World) -> None:
    library = world.copy_template("library")
    shell(world.origin, f"git submodule --quiet add {library} lib && ln -s / out && git add out && git commit -qm more")
    mirror, tip = await world.refresh(), world.at()
    for root in ("", ".", "./", "src", "src/deep", "src/deep/", "./src//deep"):
        await check_root_directory(mirror, tip, root)
    for root, reason in {
        "nope": "does not exist",
        "src/nope": "does not exist",
        "s*": "does not exist",
        "a.txt": "is a file",
        "a.txt/x": "is a file",
        "link": "symbolic link 'link'",
        "link/x": "symbolic link 'link'",
        "out/etc": "symbolic link 'out'",
        "lib": "submodule",
        "lib/src": "submodule",
        "/src": "must be relative",
        "../x": "must be relative",
        "src/../..": "must be relative",
        "a\0b": "must be relative",
    }.items():
        with pytest.raises(WorkspaceError, match=reason):
            await check_root_directory(mirror, tip, root)
