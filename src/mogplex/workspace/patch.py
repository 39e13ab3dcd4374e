"""From an agent's work tree to a checked commit in the results store, and from there to a fresh checkout."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mogplex.domain.ports import SandboxDriver
from mogplex.workspace.changes import (
    ChangedFile,
    RawChange,
    check_sizes,
    count_lines,
    drop_submodules,
    list_changes,
    show_path,
    write_diff,
)
from mogplex.workspace.checkout import Checkout, Identity, populate
from mogplex.workspace.collector import PatchLimits, start_collector
from mogplex.workspace.git import Git
from mogplex.workspace.results import Quarantine, Results


@dataclass(frozen=True, slots=True)
class Patch:
    """What a run changed. `diff` applies to `base` with `git apply`; `warnings` says what was left out."""

    commit: str
    base: str
    tree: str
    insertions: int
    deletions: int
    paths: tuple[ChangedFile, ...]
    diff: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A checked tree, before it is committed."""

    tree: str
    paths: tuple[ChangedFile, ...]
    diff: bytes
    dropped: tuple[str, ...]


async def collect(
    driver: SandboxDriver,
    checkout: Checkout,
    results: Results,
    run_id: str,
    message: str,
    *,
    identity: Identity = Identity(),  # noqa: B008  # frozen
    limits: PatchLimits = PatchLimits(),  # noqa: B008  # frozen
    trailers: Mapping[str, str] | None = None,
) -> Patch | None:
    """Take what the agent left in `checkout` as one commit on its base, `refs/runs/<run_id>` in `results`.

    Every process of the agent must be dead. Ignored files, leftovers of test tools (`EXCLUDED`) and submodules that
    the base doesn't have are left out. Author, date, message and parent are ours. Returns None when nothing changed.

    Raises:
        WorkspaceError: too big, or refused by a check; the message says which.
        SandboxError: the collecting sandbox could not be made.
    """
    collector = await start_collector(driver, checkout, run_id, limits)
    try:
        tree = await collector.read_tree()
        if tree == checkout.tree:
            await collector.finish()
            return None
        async with results.open_quarantine() as objects:
            await objects.take(collector.pack(), limits.pack_bytes)
            warnings = await collector.finish()
            measured = await _measure(objects, checkout, tree, limits)
            if measured is None:
                return None
            objects.release()
    finally:
        await collector.close()
    commit = await results.write_commit(run_id, measured.tree, checkout.commit, message, identity, trailers=trailers)
    return Patch(
        commit=commit,
        base=checkout.commit,
        tree=measured.tree,
        insertions=sum(path.insertions for path in measured.paths),
        deletions=sum(path.deletions for path in measured.paths),
        paths=measured.paths,
        diff=measured.diff,
        warnings=(*warnings, *measured.dropped),
    )


async def _measure(objects: Quarantine, checkout: Checkout, tree: str, limits: PatchLimits) -> _Measured | None:
    """Check the tree and read off what changed; None when nothing is left once submodules are as in the base."""
    await objects.check_connected(tree, checkout.tree)
    changes = await list_changes(objects, checkout.tree, tree, limits)
    dropped = tuple(
        f"{show_path(change.path)} is a git repository of its own: it was left as in the base"
        for change in changes
        if change.moves_submodule
    )
    if dropped:
        tree = await drop_submodules(objects, tree, changes)
        if tree == checkout.tree:
            return None
        changes = [change for change in changes if not change.moves_submodule]
    await check_sizes(objects, changes, limits)
    counts, diff = await asyncio.gather(
        count_lines(objects, checkout.tree, tree), write_diff(objects, checkout.tree, tree, limits.diff_bytes)
    )
    return _Measured(tree, tuple(_describe(change, counts) for change in changes), diff, dropped)


def _describe(change: RawChange, counts: dict[bytes, tuple[int, int]]) -> ChangedFile:
    insertions, deletions = counts.get(change.path, (0, 0))
    return ChangedFile(show_path(change.path), change.kind, insertions, deletions)


async def check_out_patch(
    results: Results,
    commit: str,
    base: str,
    directory: Path,
    runner_git: Git,
    *,
    base_branch: str = "base",
    identity: Identity = Identity(),  # noqa: B008  # frozen
) -> Checkout:
    """A fresh checkout of a run's commit, for checks that the agent can't reach.

    Its git folder gets a copy of just this run's objects: the results store itself is never shown to a sandbox.

    Raises:
        WorkspaceError: git could not write the tree.
    """
    checkout = await populate(
        results.directory, results.mirror, commit, base, directory, runner_git, base_branch, identity
    )
    objects = checkout.work / ".git" / "objects"
    await runner_git.run(
        "pack-objects", "--revs", "-q", str(objects / "pack" / "pack"),
        git_dir=results.directory, stdin=f"{commit}\n^{base}\n".encode(),
        # Git writes its drafts to its own object folder, and the runner may not write to the store's.
        environment={
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(results.directory / "objects"),
        },
    )  # fmt: skip
    return checkout
