"""All of the room behind one door: built once from settings, used by every attempt.

workspaces = Workspaces(work_dir, runner_uid, runner_gid)
await workspaces.prepare()
async with workspaces.layout.open_run(run_id, attempt) as directory:
    mirror = await workspaces.mirrors.refresh(repo_id, clone_url)
    checkout = await workspaces.check_out(mirror, commit, directory / "agent")
    ...                                                 # the agent works in checkout.mounts()
    results = workspaces.open_results(repo_id, mirror)
    patch = await collect(driver, checkout, results, run_id, message)
    clean = await workspaces.check_out_patch(results, patch, directory / "checks")
    await deliver_branch(results, clone_url, patch.commit, branch, expected)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mogplex.workspace.checkout import Checkout, Identity, check_out
from mogplex.workspace.git import Git
from mogplex.workspace.layout import Layout
from mogplex.workspace.mirror import Mirror, Mirrors
from mogplex.workspace.patch import Patch, check_out_patch
from mogplex.workspace.results import Results


class Workspaces:
    """`runner_uid`/`runner_gid`: the user that sandboxes run as, None for our own. `extra_environment` reaches git:
    what the operator's network needs (SSH_AUTH_SOCK, https_proxy, SSL_CERT_FILE) and nothing else."""

    def __init__(
        self,
        work_dir: Path,
        runner_uid: int | None = None,
        runner_gid: int | None = None,
        identity: Identity = Identity(),  # noqa: B008  # frozen
        extra_environment: Mapping[str, str] | None = None,
    ) -> None:
        self.layout = Layout(work_dir, runner_uid, runner_gid)
        self.git = Git(self.layout.git_home, extra_environment=extra_environment)
        self.identity = identity
        self.mirrors = Mirrors(self.layout.mirrors, self.git)
        self._runner_git = Git(self.layout.git_home, self.layout.runner_uid, self.layout.runner_gid)

    async def prepare(self) -> list[str]:
        """Make the folders and remove what dead attempts left; returns the names of those. Once at each start.

        Raises:
            WorkspaceError: the runner can't enter `work_dir`.
        """
        self.layout.prepare()
        self.git.prepare()
        await self.layout.check_access()
        return await self.layout.sweep()

    def open_results(self, repo_id: str, mirror: Mirror) -> Results:
        """The repo's results store; made on first use."""
        results = Results(self.layout.result_store(repo_id), mirror, self.git)
        results.prepare()
        return results

    async def check_out(self, mirror: Mirror, commit: str, directory: Path, base_branch: str = "base") -> Checkout:
        """`checkout.check_out` as the runner, with our identity. `directory` must not exist yet."""
        return await check_out(
            mirror, commit, directory, self._runner_git, base_branch=base_branch, identity=self.identity
        )

    async def check_out_patch(
        self, results: Results, patch: Patch, directory: Path, base_branch: str = "base"
    ) -> Checkout:
        """`patch.check_out_patch` as the runner, with our identity. `directory` must not exist yet."""
        return await check_out_patch(
            results, patch.commit, patch.base, directory, self._runner_git,
            base_branch=base_branch, identity=self.identity,
        )  # fmt: skip
