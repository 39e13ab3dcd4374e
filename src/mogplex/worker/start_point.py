"""Where a run starts: the commit, what the working branch must still look like at delivery, and checkouts of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.worker.equipment import Equipment
from mogplex.worker.patience import patiently
from mogplex.workspace.checkout import Checkout, check_out, check_out_patch, check_root_directory
from mogplex.workspace.mirror import Mirror
from mogplex.workspace.patch import Patch


@dataclass(frozen=True, slots=True)
class StartPoint:
    """`expected_tip` is the commit that the working branch had on the remote; None: it did not exist."""

    run: Run
    mirror: Mirror
    results: Path
    clone_url: str
    commit: str
    expected_tip: str | None

    async def check_out(self, equipment: Equipment, name: str) -> Checkout:
        """A fresh checkout of the start commit in the attempt's own folder."""
        folder = equipment.layout.run_directory(self.run.id, self.run.attempt) / name
        return await check_out(equipment.git, self.mirror, self.commit, folder, equipment.identity)

    async def check_out_patch(self, equipment: Equipment, patch: Patch, name: str) -> Checkout:
        """A fresh checkout of the start commit with the patch on top, made from our objects only."""
        folder = equipment.layout.run_directory(self.run.id, self.run.attempt) / name
        return await check_out_patch(equipment.git, self.mirror, self.results, patch.commit, folder, equipment.identity)


async def find_start(run: Run, equipment: Equipment) -> StartPoint:
    """Refresh the mirror and resolve branches. Raises WorkspaceError that says what is missing and what to do."""
    repo: Repo = await patiently(equipment.attempts.repo_of, run)
    mirror = await equipment.mirrors.refresh(repo.id, repo.clone_url)
    base_tip = await mirror.resolve_branch(run.base_branch)
    working_tip = await mirror.resolve_branch(run.working_branch)
    commit = run.commit
    if commit is not None:
        if await mirror.resolve_commit(commit) is None:
            raise WorkspaceError(f"Commit {commit} is not in {repo.full_name}. Push it first, or start from a branch.")
    elif run.create_branch:
        # A retry goes on from what an earlier attempt of the same chain may have pushed.
        commit = working_tip if working_tip and run.retry_of else base_tip
    else:
        commit = working_tip or base_tip
    if commit is None:
        raise WorkspaceError(
            f"Branch {run.base_branch!r} is not in {repo.full_name}. Choose another with --base-branch, or push it."
        )
    if run.create_branch and working_tip and not run.retry_of:
        raise WorkspaceError(
            f"Branch {run.working_branch!r} already exists in {repo.full_name}. "
            "Choose another name, or leave --create-branch out to continue on it."
        )
    if run.root_directory:
        await check_root_directory(mirror, commit, run.root_directory)
    results = await equipment.mirrors.results(repo.id)
    return StartPoint(run, mirror, results, repo.clone_url, commit, working_tip)
