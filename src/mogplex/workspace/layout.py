"""Where things lie on disk, who owns them, and how they're removed. Everything is below one `work_dir`.

git/                      configuration of our git
mirrors/<repo>.git        what the remotes have, read-only for sandboxes
results/<repo>.git        what runs made: refs/runs/<run>
environments/<repo>/<key> what a setup installed, owned by the runner
sessions/<run>            conversations of harnesses that a later run may go on with, owned by the runner
runs/<run>-<attempt>/     checkouts of one attempt, 0700, owned by the runner
runs/<run>-<attempt>.lock held as long as the attempt's worker lives
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.git import clean_text, last_lines
from mogplex.workspace.lock import try_lock

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Layout:
    """`runner_uid`/`runner_gid`: the user that agents run as; None when that is this process's own user."""

    def __init__(self, work_dir: Path, runner_uid: int | None = None, runner_gid: int | None = None) -> None:
        if not work_dir.is_absolute():
            raise WorkspaceError(f"work_dir must be an absolute path, not {str(work_dir)!r}.")
        self.work_dir = work_dir
        self.runner_uid = None if runner_uid == os.geteuid() else runner_uid
        self.runner_gid = runner_gid if self.runner_uid is not None else None
        self.git_home = work_dir / "git"
        self.mirrors = work_dir / "mirrors"
        self.results = work_dir / "results"
        self.environments = work_dir / "environments"
        self.sessions = work_dir / "sessions"
        self.runs = work_dir / "runs"

    def prepare(self) -> None:
        """Make the folders. Repos' contents can be private: only we and the runner's group may enter.

        Raises:
            WorkspaceError: they can't be made here.
        """
        try:
            self._make()
        except OSError as fault:
            raise WorkspaceError(
                f"{fault.filename or self.work_dir} can't be made or opened for work: {fault.strerror}. Give this "
                f"user a folder that may be written to, with MOGPLEX_WORK_DIR."
            ) from fault

    def _make(self) -> None:
        for directory in (self.work_dir, self.git_home):
            if not directory.exists():
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o755)  # whatever our umask is; later, the operator's choice stands
        for directory in (self.mirrors, self.results, self.environments, self.sessions, self.runs):
            self.make_shared(directory)

    def make_shared(self, directory: Path) -> None:
        """Make a folder of ours that the runner's group may enter. Its parent must be trusted."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.runner_gid is not None:
            os.chown(directory, -1, self.runner_gid)
            directory.chmod(0o750)

    async def check_access(self) -> None:
        """Make sure that the runner can reach `work_dir`, by letting it try.

        Raises:
            WorkspaceError: some folder on the way is closed to it.
        """
        exit_code, _ = await self._run_as_runner("/usr/bin/test", "-x", str(self.mirrors))
        if exit_code != 0:
            raise WorkspaceError(
                f"The user that agents run as (uid {self.runner_uid}) can't enter {self.work_dir}: open the folders "
                f"above it (chmod o+x), or choose another work_dir."
            )

    def mirror(self, repo_id: str) -> Path:
        return self.mirrors / f"{check_name(repo_id)}.git"

    def result_store(self, repo_id: str) -> Path:
        return self.results / f"{check_name(repo_id)}.git"

    @asynccontextmanager
    async def open_run(self, run_id: str, attempt: int) -> AsyncIterator[Path]:
        """Make the attempt's empty folder, and remove it with all that is in it at the end.

        Raises:
            WorkspaceError: another living worker has the same attempt open.
        """
        directory = self.runs / f"{check_name(run_id)}-{attempt}"
        lock_path = directory.with_name(directory.name + ".lock")
        lock = try_lock(lock_path)
        if lock is None:
            raise WorkspaceError(f"Attempt {attempt} of run {run_id} is already being worked on from {directory}.")
        try:
            await self.remove_tree(directory)  # of an earlier life of the same attempt
            self.create_private(directory)
            yield directory
        finally:
            try:
                await self.remove_tree(directory)
                lock_path.unlink(missing_ok=True)
            finally:
                os.close(lock)

    def create_private(self, directory: Path) -> None:
        """Make a folder that only the runner (and root) may enter. Its parent must be trusted."""
        directory.mkdir(mode=0o700)
        if self.runner_uid is not None and self.runner_gid is not None:
            os.chown(directory, self.runner_uid, self.runner_gid)

    async def sweep(self) -> list[str]:
        """Remove the folders of attempts whose worker is gone. Returns their names; living attempts are left alone."""
        removed = []
        for directory in sorted(self.runs.iterdir()):
            if directory.name.endswith(".lock") or not directory.is_dir():
                continue
            lock_path = directory.with_name(directory.name + ".lock")
            lock = try_lock(lock_path)
            if lock is None:
                continue
            try:
                await self.remove_tree(directory)
                lock_path.unlink(missing_ok=True)
            finally:
                os.close(lock)
            removed.append(directory.name)
        return removed

    async def remove_tree(self, directory: Path) -> None:
        """Remove a folder that an agent wrote to: closed folders, deep paths and links don't stop or mislead it.

        Raises:
            WorkspaceError: something is left.
        """
        # rm walks by descriptors, never follows a link, and has no limit on depth. Root needs no chmod.
        remove = ("/bin/rm", "-rf", "--one-file-system", "--", str(directory))
        exit_code, said = await _run(*remove)
        if exit_code != 0:
            await _run("/bin/chmod", "-R", "u+rwX", "--", str(directory))
            exit_code, said = await _run(*remove)
        if exit_code != 0:
            raise WorkspaceError(f"{directory} could not be removed: {said}")

    async def _run_as_runner(self, *command: str) -> tuple[int, str]:
        return await _run(*command, uid=self.runner_uid, gid=self.runner_gid)


def check_name(name: str) -> str:
    """`name` when it can be a file name.

    Raises:
        WorkspaceError: it is empty, too long, or could lead elsewhere.
    """
    if not _SAFE_NAME.fullmatch(name) or name.endswith(".lock"):
        raise WorkspaceError(f"{name!r} can't name a folder: use letters, digits, '-', '_' and '.', at most 100.")
    return name


async def _run(*command: str, uid: int | None = None, gid: int | None = None) -> tuple[int, str]:
    """Exit code and the end of what the command said on stderr."""
    drop = [] if uid is None else [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]
    process = await asyncio.create_subprocess_exec(
        *(["/usr/bin/setpriv", *drop] if drop else []),
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        cwd="/",
    )
    assert process.stderr is not None
    said = b""
    try:
        while chunk := await process.stderr.read(65536):
            said = (said + chunk)[-4096:]
        return await process.wait(), last_lines(clean_text(said.decode("utf-8", "replace")))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
