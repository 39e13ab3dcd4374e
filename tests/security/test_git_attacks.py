"""What a hostile agent, a hostile repo and a hostile pack try, and that none of it runs or lands on the host.

The canary is a file in a folder that everybody may write to. Sandboxes have a /tmp of their own, so only a program
that ran on the host can make it. `test_the_canary_sings` shows that the traps do spring for careless git.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "workspace"))

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.ports import Probe, SandboxDriver, SandboxProcess, SandboxSpec
from mogplex.workspace.collector import PatchLimits
from mogplex.workspace.delivery import deliver_branch
from mogplex.workspace.patch import Patch, check_out_patch, collect
from tests.workspace.git_world import ROOT, World, asynchronously, shell, template, world

__all__ = ["template", "world"]


def _canary(world: World) -> Path:
    folder = world.top / "canary"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return folder / "sang"


# --- what an agent plants in its work tree ---------------------------------------------------------------------------

_TRAPS = {
    "fsmonitor": "git config core.fsmonitor $TRAP",
    "hooksPath": "mkdir h; for k in post-index-change pre-commit post-checkout reference-transaction pre-push; do"
    " cp $TRAP h/$k; done; git config core.hooksPath $PWD/h",
    "hooks": "mkdir .git/hooks; for k in post-index-change pre-commit commit-msg post-commit reference-transaction"
    " pre-push update pre-receive; do cp $TRAP .git/hooks/$k; done",
    "filters": "git config filter.x.clean $TRAP; git config filter.x.smudge $TRAP; git config filter.x.process $TRAP;"
    " git config filter.x.required true; echo '* filter=x' > .gitattributes",
    "attributes in the git folder": "git config filter.x.clean $TRAP; mkdir -p .git/info;"
    " echo '* filter=x' > .git/info/attributes",
    "textconv": "git config diff.x.textconv $TRAP; git config diff.x.command $TRAP; echo '* diff=x' > .gitattributes",
    "external diff": "git config diff.external $TRAP",
    "merge driver": "git config merge.x.driver $TRAP; echo '* merge=x' > .gitattributes",
    "packObjectsHook": "git config uploadpack.packObjectsHook $TRAP",
    "aliases": "for k in add status write-tree read-tree diff-tree; do git config alias.$k \"!$TRAP\"; done",
    "programs": "for k in core.pager core.editor core.sshCommand gpg.program core.askPass credential.helper"
    " sequence.editor; do git config $k $TRAP; done; git config commit.gpgSign true",
    "include": "printf '[core]\\n\\tfsmonitor = %s\\n' $TRAP > inc; git config include.path $PWD/inc",
    "other work tree": "git config core.worktree /etc",
    "git folder is a file": "rm -rf .git; echo 'gitdir: /etc' > .git",
    "git folder is a link": "rm -rf .git; ln -s /etc .git",
    "embedded repo": "git init -q in; cd in; git config core.fsmonitor $TRAP; git config filter.x.clean $TRAP;"
    " echo '* filter=x' > .gitattributes; mkdir -p .git/hooks; cp $TRAP .git/hooks/pre-commit; echo x > x;"
    " git -c core.fsmonitor= -c filter.x.clean=cat -c user.name=x -c user.email=x commit -q --no-verify --allow-empty"
    " -m x; cd ..",
    "submodule": "cd lib; git init -q .; git -c user.name=x -c user.email=x commit -q --allow-empty -m x;"
    " git config filter.x.clean $TRAP; git config core.fsmonitor $TRAP; echo x > f; git add f;"
    " echo '* filter=x' > .gitattributes; echo y > f;"
    # Git looks inside only when the submodule seems to be where the base has it.
    " git -C /work ls-files -s lib | cut -d' ' -f2 > .git/HEAD; cd ..",
    "submodule update command": "git config submodule.lib.update \"!$TRAP\"; git config submodule.recurse true;"
    " git config submodule.lib.url 'ext::sh -c touch% x'",
    "replaced objects": "git replace HEAD HEAD~1; mkdir -p .git/info; echo $(git rev-parse HEAD) > .git/info/grafts",
    "fifo and sockets": "mkfifo fifo; rm a.txt; mkfifo a.txt; python3 -c"
    " \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"",
}  # fmt: skip


def _add_submodule(world: World) -> None:
    library = world.copy_template("library")
    shell(world.origin, f"git submodule --quiet add {library} lib && git commit -qm 'With a submodule'")


def _plant(world: World, trap: str) -> str:
    """The trap's script: $TRAP is a program, named by a path that exists in the sandbox and on the host."""
    program = world.top / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {_canary(world)}\ncat 2>/dev/null\n")
    program.chmod(0o755)
    # On the host the trap is at its real path; in the sandbox /tmp is empty, so it is copied there to be runnable.
    return (
        f"mkdir -p {world.top}; printf '#!/bin/sh\\ncat\\n' > {program}; chmod +x {program}; TRAP={program};"
        f"cd /work; {_TRAPS[trap]}\ncd /work; echo kept > kept.txt"
    )


@pytest.mark.parametrize("trap", _TRAPS)
@asynchronously
async def test_planted_traps_never_spring(world: World, trap: str) -> None:
    _add_submodule(world)
    checkout = await world.check_out()
    ended, printed = await world.act(checkout, _plant(world, trap))
    assert ended.exit_code == 0, printed
    patch = await world.collect(checkout)
    assert patch is not None and "kept.txt" in {path.path for path in patch.paths}
    results = world.results(checkout.mirror)
    again = await check_out_patch(results, patch.commit, patch.base, world.new_folder(), world.runner_git)
    await deliver_branch(results, str(world.origin), patch.commit, "work", None)
    for directory in (checkout.directory, again.directory):
        await world.layout.remove_tree(directory)
    assert not _canary(world).exists()
    assert world.at("work") == patch.commit


@pytest.mark.parametrize("trap", ["fsmonitor", "filters", "submodule"])
@asynchronously
async def test_the_canary_sings(world: World, trap: str) -> None:
    _add_submodule(world)
    checkout = await world.check_out()
    await world.act(checkout, _plant(world, trap))
    shell(checkout.work, f"GIT_CONFIG_GLOBAL={world.layout.git_home}/gitconfig git add -A || true")
    assert _canary(world).exists()


@asynchronously
async def test_links_out_of_the_tree_stay_links(world: World) -> None:
    patch = await world.change(
        "rm a.txt; ln -s /etc/shadow a.txt; ln -s / root; ln -s ../../../../etc/passwd up; rm -rf src; ln -s /etc src"
    )
    assert patch is not None
    assert b"root:" not in patch.diff
    assert b"+/etc/shadow" in patch.diff
    results = world.results(await world.refresh())
    again = await check_out_patch(results, patch.commit, patch.base, world.new_folder(), world.runner_git)
    assert os.readlink(again.work / "src") == "/etc"


@asynchronously
async def test_setuid_files_are_out_of_everybodys_reach(world: World) -> None:
    checkout = await world.check_out()
    await world.act(checkout, "cp /bin/sh s; chmod 6755 s")
    if ROOT:
        shell(world.top, f"! setpriv --reuid=4242 --regid=4242 --clear-groups stat {checkout.work}/s 2>/dev/null")
        assert (checkout.work / "s").stat().st_uid == world.driver.runner.uid
    patch = await world.collect(checkout)
    assert patch is not None and b"new file mode 100755" in patch.diff, "git keeps no set-uid bit"


# --- a hostile repo --------------------------------------------------------------------------------------------------


@asynchronously
async def test_a_local_repos_own_settings_do_not_run(world: World) -> None:
    program = world.top / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {_canary(world)}\nexit 0\n")
    program.chmod(0o755)
    shell(
        world.origin,
        f"echo '* filter=x diff=x' > .gitattributes; git add .; git commit -qm attributes; mkdir -p .git/hooks;"
        f"for k in post-checkout pre-push post-index-change reference-transaction; do cp {program} .git/hooks/$k; done;"
        f"for k in core.fsmonitor uploadpack.packObjectsHook core.sshCommand diff.external filter.x.smudge"
        f" filter.x.clean core.alternateRefsCommand core.pager; do git config $k {program}; done;"
        f" git config core.hooksPath .git/hooks",
    )
    patch = await world.change("echo x > x; git status")
    assert patch is not None
    assert not _canary(world).exists()


@asynchronously
async def test_hostile_attributes_and_modules_in_the_commit(world: World) -> None:
    (world.origin / ".gitattributes").write_text("*.txt filter=x text eol=crlf ident\n* -text\n")
    (world.origin / ".lfsconfig").write_text("[lfs]\n\turl = file:///etc\n")
    shell(world.origin, "git config core.safecrlf false; git add . && git commit -qm x")
    checkout = await world.check_out()
    ended, printed = await world.act(checkout, "git status --porcelain")
    assert (ended.exit_code, printed) == (0, "")


# --- a collector that was taken over ---------------------------------------------------------------------------------


class _Hijacked:
    """The real driver, but the command in the sandbox is the attacker's."""

    name = "hijacked"

    def __init__(self, driver: SandboxDriver, script: str) -> None:
        self._driver = driver
        self._script = script

    async def probe(self) -> Probe:
        return await self._driver.probe()

    async def start(self, spec: SandboxSpec) -> SandboxProcess:
        return await self._driver.start(dataclasses.replace(spec, argv=("/bin/bash", "-c", _FORGE + self._script)))


_FORGE = r"""
set -e
export HOME=/tmp; mkdir -p $GIT_DIR/objects/info $GIT_DIR/refs; echo 'ref: refs/heads/x' > $GIT_DIR/HEAD
echo /repo/objects > $GIT_DIR/objects/info/alternates
blob() { git hash-object -w --stdin; }
raw() { printf '%s %s\0' "$1" "$2"; printf "$(printf %s "$3" | sed 's/../\\x&/g')"; }   # mode name id -> tree entry
tree() { git hash-object -t tree -w --literally --stdin; }
send() { echo $1; shift; printf '%s\n' "$@" | git pack-objects -q --stdout; }
B=$(echo boo | blob)
"""

_FORGERIES = {
    "dot dot": ("T=$(raw 100644 .. $B | tree); send $T $T $B", "refused.*hasDotdot"),
    "dot": ("T=$(raw 100644 . $B | tree); send $T $T $B", "refused.*hasDot"),
    "dot git": ("T=$(raw 100644 .git $B | tree); send $T $T $B", "refused.*hasDotgit"),
    "dot git in capitals": ("T=$(raw 100644 .GIT $B | tree); send $T $T $B", "refused.*hasDotgit"),
    "slash": ("T=$(raw 100644 a/b $B | tree); send $T $T $B", "refused.*fullPathname"),
    "empty name": ("T=$(raw 100644 '' $B | tree); send $T $T $B", "refused"),
    "deep dot git": (
        "I=$(raw 100755 .git $B | tree); T=$(raw 40000 d $I | tree); send $T $T $I $B", "refused.*hasDotgit"),
    "twice the same name": ("T=$( (raw 100644 a $B; raw 120000 a $B) | tree); send $T $T $B", "refused.*duplicate"),
    "linked modules file": ("T=$(raw 120000 .gitmodules $B | tree); send $T $T $B", "refused.*gitmodulesSymlink"),
    "modules file with a command": (
        "M=$(printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = x\\n\\tupdate = !id\\n' | blob);"
        "T=$(raw 100644 .gitmodules $M | tree); send $T $T $M", "refused.*gitmodulesUpdate"),
    "modules file with an option as address": (
        "M=$(printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = -ux\\n' | blob);"
        "T=$(raw 100644 .gitmodules $M | tree); send $T $T $M", "refused.*gitmodulesUrl"),
    "modules name that climbs": (
        "M=$(printf '[submodule \"../../x\"]\\n\\tpath = x\\n\\turl = x\\n' | blob);"
        "T=$(raw 100644 .gitmodules $M | tree); send $T $T $M", "refused.*gitmodulesName"),
    "missing blob": ("T=$(raw 100644 a $B | tree); send $T $T", "not whole|refused"),
    "missing tree": ("I=$(raw 100644 a $B | tree); T=$(raw 40000 d $I | tree); send $T $T $B", "not whole|refused"),
    "tree that was never sent": ("send $(printf '1%.0s' {1..40}) $B", "not whole|refused"),
    "blob as tree": ("send $B $B", "refused"),
    "commit as tree": ("C=$(head -1 /work/.git/packed-refs | cut -d' ' -f1); send $C $B", "refused"),
    "no pack": ("raw 100644 a $B | tree", "refused"),
    "broken pack": ("raw 100644 a $B | tree; head -c 5000 /dev/urandom", "refused"),
    "cut pack": ("T=$(raw 100644 a $B | tree); send $T $T $B | head -c 80", "refused"),
    "too big a pack": (
        "B=$(head -c 3000000 /dev/urandom | blob); T=$(raw 100644 a $B | tree); send $T $T $B", "larger than 2000000"),
    "endless pack": ("T=$(raw 100644 a $B | tree); echo $T; exec cat /dev/zero", "refused"),
    "bomb of zeros": (
        "B=$(head -c 40000000 /dev/zero | blob); T=$(raw 100644 a $B | tree); send $T $T $B", "40000000 bytes"),
    "no tree id": ("echo hello", "no tree id"),
    "flood instead of a tree id": ("exec tr '\\0' a < /dev/zero", "no tree id"),
    "option as tree id": ("echo --help; echo x", "no tree id"),
    "silence and failure": ("echo 'it broke' >&2; exit 3", "exit code 3.*it broke"),
    "failure after a good pack": ("T=$(raw 100644 a $B | tree); send $T $T $B; exit 9", "exit code 9"),
}  # fmt: skip


async def _collect_hijacked(world: World, script: str) -> Patch | None:
    checkout = await world.check_out()
    limits = PatchLimits(pack_bytes=2_000_000, file_bytes=1_000_000)
    driver = _Hijacked(world.driver, script)
    return await collect(driver, checkout, world.results(checkout.mirror), "run-1", "Forged", limits=limits)


@pytest.mark.parametrize("forgery", _FORGERIES)
@asynchronously
async def test_forgeries_are_refused_and_leave_nothing(world: World, forgery: str) -> None:
    script, reason = _FORGERIES[forgery]
    with pytest.raises(WorkspaceError, match=reason):
        await _collect_hijacked(world, script)
    store = world.layout.result_store("repo")
    assert not [path for path in (store / "objects").rglob("*") if path.is_file() and path.name != "alternates"]
    assert not list((store / "incoming").iterdir())
    assert not (store / "refs" / "runs").exists()


@asynchronously
async def test_a_well_made_pack_of_the_attackers_is_only_a_change(world: World) -> None:
    """The counterpart of the forgeries: the forging tools work, and parent and author stay ours even then."""
    patch = await _collect_hijacked(world, "T=$(raw 100644 evil.txt $B | tree); send $T $T $B")
    assert patch is not None and "evil.txt" in {path.path for path in patch.paths}
    store = world.layout.result_store("repo")
    shown = shell(store, f"git --git-dir=. log -1 --format='%an %P' {patch.commit}")
    assert shown == f"Mogplex {world.at()}"


@asynchronously
async def test_other_runs_objects_cannot_be_leaned_on(world: World) -> None:
    other = await world.change("echo 'a secret of another run' > s", "run-0")
    assert other is not None
    secret = shell(world.layout.result_store("repo"), f"git --git-dir=. rev-parse {other.commit}:s")
    with pytest.raises(WorkspaceError, match="refused"):
        await _collect_hijacked(world, f"T=$(raw 100644 stolen {secret} | tree); send $T $T")


@asynchronously
async def test_messages_from_the_sandbox_cannot_draw_on_the_terminal(world: World) -> None:
    with pytest.raises(WorkspaceError) as caught:
        await _collect_hijacked(world, "printf 'x \\033[2J\\007 https://a:hunter2@h/ y\\n' >&2; exit 3")
    assert caught.value.message.isprintable()
    assert "hunter2" not in caught.value.message
