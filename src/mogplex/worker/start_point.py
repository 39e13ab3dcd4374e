"""Where a run starts: the commit, what the working branch must still look like at delivery, and checkouts of both."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.forge import ForgeFault
from mogplex.domain.kept_work import KeptWork
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.domain.secret import GitCredential, OpenSecret, Phase, environment_of, versions_of
from mogplex.worker.equipment import Equipment, Tools
from mogplex.worker.patience import patiently
from mogplex.worker.stop import OwnershipLost
from mogplex.workspace.checkout import Checkout, check_out, check_root_directory
from mogplex.workspace.delivery import Delivered, deliver_branch
from mogplex.workspace.mirror import Mirror
from mogplex.workspace.patch import Patch, check_out_patch
from mogplex.workspace.results import Results


@dataclass(frozen=True, slots=True)
class StartPoint:
    """`folder` is the attempt's own. `expected_tip` is the commit that the working branch had on the remote; None: it
    did not exist. `prepared` is what the setup installed, for every command of the run; `prepared_key` names it."""

    run: Run
    repo: Repo
    equipment: Equipment
    folder: Path
    mirror: Mirror
    results: Results
    environment: Mapping[str, str]  # the repo's and the run's, for the commands in a sandbox of harness and checks
    commit: str
    expected_tip: str | None
    prepared: Tools = Tools()
    prepared_key: str = ""
    kept: KeptWork | None = None  # of the run that this one resumes
    secrets: tuple[OpenSecret, ...] = ()

    def environment_for(self, phase: Phase) -> dict[str, str]:
        """What commands of `phase` get besides tools. A secret wins over a plain variable of the same name."""
        plain = {} if phase is Phase.SETUP else self.environment
        return {**plain, **environment_of(self.secrets, phase)}

    @property
    def check_key(self) -> str:
        """Names all besides the commit that decides what a check says."""
        parts = [*versions_of(self.repo.secrets, Phase.CHECKS)]
        parts += [f"image {self.repo.image}"] if self.repo.image else []
        parts += [f"{name}={value}" for name, value in sorted(self.environment.items())]
        if not parts:
            return self.prepared_key
        return hashlib.sha256("\0".join([self.prepared_key, *parts]).encode()).hexdigest()

    async def check_out(self, name: str) -> Checkout:
        """A fresh checkout of the start commit."""
        return await check_out(
            self.mirror,
            self.commit,
            self.folder / name,
            self.equipment.runner_git,
            base_branch=self.run.base_branch,
            identity=self.equipment.identity,
        )

    async def check_out_commit(self, commit: str, name: str) -> Checkout:
        """A fresh checkout of a commit of ours on top of the start commit, made from our objects only."""
        return await check_out_patch(
            self.results,
            commit,
            self.commit,
            self.folder / name,
            self.equipment.runner_git,
            base_branch=self.run.base_branch,
            identity=self.equipment.identity,
        )

    async def has_earlier_work(self) -> bool:
        """Whether the working branch is there already and is not where the base branch is."""
        if self.run.retry_of is None and self.run.attempt == 1:
            return False  # what is there is somebody else's, and nobody asked for that to be merged
        if self.expected_tip is None or self.run.working_branch == self.run.base_branch:
            return False
        return self.expected_tip != await self.mirror.resolve_branch(self.run.base_branch)

    async def deliver(self, patch: Patch) -> Delivered:
        """Push the working branch, if the run is still ours at that moment. Raises DeliveryError, OwnershipLost."""
        credential = await open_git_credential(self.repo, self.secrets, self.equipment)
        return await deliver_branch(
            self.results,
            self.repo.clone_url,
            patch.commit,
            self.run.working_branch,
            self.expected_tip,
            credential,
            confirm=self._confirm,
        )

    async def _confirm(self) -> None:
        """Raises OwnershipLost. Without an answer of the database nothing is pushed: who is cut off can't know."""
        if not await patiently(self.equipment.attempts.owns, self.run):
            raise OwnershipLost


async def find_start(run: Run, equipment: Equipment, folder: Path) -> StartPoint:
    """Refresh the mirror and resolve branches. Raises WorkspaceError that says what is missing and what to do."""
    repo: Repo = await patiently(equipment.attempts.repo_of, run)
    secrets: tuple[OpenSecret, ...] = await patiently(equipment.attempts.open_secrets, run) if repo.secrets else ()
    try:
        credential = await open_git_credential(repo, secrets, equipment)
    except ForgeFault as fault:
        raise WorkspaceError(f"{repo.full_name} can't be fetched: {fault.message}") from fault
    mirror = await equipment.mirrors.refresh(repo.id, repo.clone_url, credential)
    working_tip = await mirror.resolve_branch(run.working_branch)
    kept = await patiently(equipment.attempts.kept_work, run)
    if kept is not None and working_tip is not None and working_tip == kept.pushed:
        kept = replace(kept, base_commit=working_tip, diff=b"")  # the branch has it already
    commit = await _choose_commit(
        run if kept is None else replace(run, commit=kept.base_commit), repo, mirror, working_tip
    )
    if run.root_directory:
        await check_root_directory(mirror, commit, run.root_directory)
    results = Results(equipment.layout.result_store(repo.id), mirror, equipment.git)
    results.prepare()
    environment = {**repo.environment, **run.environment}
    return StartPoint(
        run, repo, equipment, folder, mirror, results, environment, commit, working_tip, secrets=secrets, kept=kept
    )


async def open_git_credential(
    repo: Repo, secrets: tuple[OpenSecret, ...], equipment: Equipment
) -> GitCredential | None:
    """What git shows the remote now: a run may last longer than the token of a GitHub App. Raises ForgeFault."""
    return await asyncio.to_thread(equipment.forges.git_credential, repo, secrets)


async def _choose_commit(run: Run, repo: Repo, mirror: Mirror, working_tip: str | None) -> str:
    # A retry, or a second attempt, may meet the branch that the one before it pushed.
    if run.create_branch and working_tip and not run.retry_of and run.attempt == 1:
        raise WorkspaceError(
            f"Branch {run.working_branch!r} already exists in {repo.full_name}. "
            "Choose another name, or leave --create-branch out to continue on it."
        )
    if run.commit is not None:
        if await mirror.resolve_commit(run.commit) is None:
            raise WorkspaceError(
                f"Commit {run.commit} is not in {repo.full_name}. Push it first, or start from a branch."
            )
        return run.commit
    # Without createBranch the work goes on where the branch is; so does a retry of what was already delivered.
    commit = working_tip or await mirror.resolve_branch(run.base_branch)
    if commit is None:
        raise WorkspaceError(
            f"Branch {run.base_branch!r} is not in {repo.full_name}. Choose another with --base-branch, or push it."
        )
    return commit
