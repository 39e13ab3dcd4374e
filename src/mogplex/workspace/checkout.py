"""A work tree of one commit in a folder of the runner's, with a git folder that borrows the mirror's objects."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.ports import Mount
from mogplex.workspace.git import Git
from mogplex.workspace.mirror import Mirror
from mogplex.workspace.store import create_store

WORK = "/work"
OBJECTS = "/repo/objects"
_CHECKOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who commits."""

    name: str = "Mogplex"
    email: str = "mogplex@localhost"


@dataclass(frozen=True, slots=True)
class Checkout:
    """`directory` holds `work` (the agent's) and `index_base` (ours: how the tree looked when it was made)."""

    directory: Path
    commit: str
    tree: str
    mirror: Mirror

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def index_base(self) -> Path:
        return self.directory / "index.base"

    def mounts(self, *, read_only: bool = False) -> tuple[Mount, ...]:
        """The work tree at /work, and the objects its git folder borrows at /repo/objects."""
        return Mount(self.work, WORK, writable=not read_only), Mount(self.mirror.objects, OBJECTS)


async def check_out(
    mirror: Mirror,
    commit: str,
    directory: Path,
    runner_git: Git,
    *,
    base_branch: str = "base",
    identity: Identity = Identity(),  # frozen
) -> Checkout:
    """Check `commit` (a full id that the mirror has) out into `directory`, a new folder.

    Inside, HEAD is on branch `run`, and `origin/<base_branch>` and the tags are where the remote has them.
    Submodules are empty folders; filters (LFS among them) are not run.

    Raises:
        WorkspaceError: git could not write the tree.
    """
    return await populate(mirror.directory, mirror, commit, commit, directory, runner_git, base_branch, identity)


async def populate(
    store: Path,
    mirror: Mirror,
    commit: str,
    base: str,
    directory: Path,
    runner_git: Git,
    base_branch: str,
    identity: Identity,
) -> Checkout:
    """`check_out` from any git folder whose objects the runner can read."""
    refs = {"refs/heads/run": commit, f"refs/remotes/origin/{base_branch}": base, **dict(mirror.tags())}
    _lay_out(directory, runner_git, refs, mirror.shallow(), identity)
    work = directory / "work"
    index = work / ".git" / "index"
    _, resolved = await asyncio.gather(
        runner_git.run(
            "-c", "core.bare=false", "-c", "checkout.workers=2", "-c", "checkout.thresholdForParallelism=500",
            "read-tree", "-u", "--reset", commit,
            git_dir=store, environment={"GIT_WORK_TREE": str(work), "GIT_INDEX_FILE": str(index)},
            timeout_seconds=_CHECKOUT_SECONDS,
        ),
        runner_git.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}", git_dir=store),
    )  # fmt: skip
    checkout = Checkout(directory, commit, resolved.text, mirror)
    # With its time: git takes a file as unchanged by comparing with the time of the index. No agent runs yet, so
    # this is the last moment at which the index can be trusted.
    shutil.copy2(index, checkout.index_base, follow_symlinks=False)
    return checkout


def _lay_out(directory: Path, runner_git: Git, refs: dict[str, str], shallow: bytes, identity: Identity) -> None:
    work = directory / "work"
    directory.mkdir(mode=0o700)
    work.mkdir(mode=0o755)
    config = (
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
        f"[user]\n\tname = {_quote(identity.name)}\n\temail = {_quote(identity.email)}\n"
        "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
    )
    made = create_store(
        work / ".git", config=config, head="refs/heads/run", alternates=[OBJECTS], refs=refs, shallow=shallow
    )
    if runner_git.uid is not None and runner_git.gid is not None:
        for path in (directory, work, *made):
            os.chown(path, runner_git.uid, runner_git.gid)


def _quote(value: str) -> str:
    kept = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\0", "")
    return f'"{kept}"'


async def check_root_directory(mirror: Mirror, commit: str, root: str) -> None:
    """Make sure that `root` (relative, "" or "." for the top) is a real folder of the commit.

    Raises:
        WorkspaceError: it leaves the repo, doesn't exist, is a file or a submodule, or lies behind a symbolic link.
    """
    parts = [part for part in root.split("/") if part not in ("", ".")]
    if root.startswith("/") or ".." in parts or "\0" in root:
        raise WorkspaceError(f"rootDirectory {root!r} must be relative to the repo's top and must not leave it.")
    if not parts:
        return
    wanted = "/".join(parts)
    found = await mirror.entries(commit, wanted)
    last = found[-1] if found else None
    if last is not None and last.mode == "120000":
        raise WorkspaceError(f"rootDirectory {root!r} passes through the symbolic link {last.path!r}: name its target.")
    if last is not None and last.mode == "160000":
        raise WorkspaceError(f"rootDirectory {root!r} is in the submodule {last.path!r}, which is not checked out.")
    if last is not None and last.mode != "040000":
        raise WorkspaceError(f"rootDirectory {root!r} is no folder: {last.path!r} is a file at commit {commit[:12]}.")
    if last is None or last.path != wanted:
        raise WorkspaceError(f"rootDirectory {root!r} does not exist at commit {commit[:12]}.")
