"""What runs made: one store a repo, apart from its mirror, so that no sandbox ever sees another run's work.

A pack from a sandbox first goes into a quarantine that borrows from the mirror only. It joins the store after every
check has passed; what is refused leaves nothing behind.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.checkout import Identity
from mogplex.workspace.git import Git, GitError, Output
from mogplex.workspace.layout import check_name
from mogplex.workspace.mirror import Mirror
from mogplex.workspace.store import BARE_CONFIG, create_store

# Git unpacks what an agent sent under this cap: a small pack can claim to hold very large objects.
_UNPACK_BYTES = 2 * 1024**3
_CHECK_SECONDS = 120.0


class Results:
    """The results store of one repo at `directory`."""

    def __init__(self, directory: Path, mirror: Mirror, git: Git) -> None:
        self.directory = directory
        self.mirror = mirror
        self.git = git

    def prepare(self) -> None:
        """Make the store if there's none, and follow the mirror's shallow border if it has one."""
        if not self.directory.exists():
            draft = self.directory.with_name(f".{self.directory.name}.{uuid.uuid4().hex}")
            objects = str(self.mirror.objects)
            create_store(draft, config=BARE_CONFIG, head="refs/heads/none", alternates=[objects], refs={})
            (draft / "incoming").mkdir(mode=0o700)
            try:
                draft.rename(self.directory)
            except OSError:
                if not self.directory.exists():
                    raise
                shutil.rmtree(draft)  # another attempt was faster
        shallow = self.mirror.shallow()
        if shallow:
            draft_file = self.directory / f"shallow.{uuid.uuid4().hex}"
            draft_file.write_bytes(shallow)
            draft_file.chmod(0o644)
            draft_file.rename(self.directory / "shallow")

    async def find_commit(self, run_id: str) -> str | None:
        """The commit that a run left, or None."""
        try:
            output = await self.git.run("show-ref", "--verify", "--hash", "--", _ref(run_id), git_dir=self.directory)
        except GitError as error:
            if error.exit_code is None:
                raise
            return None
        return output.text

    async def write_commit(
        self,
        run_id: str,
        tree: str,
        base: str,
        message: str,
        identity: Identity,
        *,
        trailers: Mapping[str, str] | None = None,
    ) -> str:
        """Commit `tree` on top of `base` in our own words and name it `refs/runs/<run_id>`. Returns its id."""
        told = "".join(f"{name}: {value}\n" for name, value in {"Mogplex-Run": run_id, **(trailers or {})}.items())
        body = message.replace("\0", "").strip() or "Change made by a run"
        output = await self.git.run(
            "-c", "i18n.commitEncoding=UTF-8", "commit-tree", "-p", base, "-F", "-", tree,
            git_dir=self.directory, stdin=f"{body}\n\n{told}".encode("utf-8", "replace"),
            environment={
                "GIT_AUTHOR_NAME": identity.name, "GIT_AUTHOR_EMAIL": identity.email,
                "GIT_COMMITTER_NAME": identity.name, "GIT_COMMITTER_EMAIL": identity.email,
            },
        )  # fmt: skip
        await self.git.run("update-ref", _ref(run_id), output.text, git_dir=self.directory)
        return output.text

    @asynccontextmanager
    async def open_quarantine(self) -> AsyncIterator[Quarantine]:
        """A place for objects nobody has checked; it is removed at the end, with all that was not released."""
        directory = self.directory / "incoming" / uuid.uuid4().hex
        (directory / "pack").mkdir(parents=True)
        try:
            yield Quarantine(directory, self)
        finally:
            shutil.rmtree(directory)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Objects from a sandbox. Only the mirror is borrowed from, so nothing can lean on another run's objects."""

    directory: Path
    results: Results

    async def run(
        self,
        *arguments: str,
        stdin: bytes | AsyncIterable[bytes] = b"",
        output_bytes: int = 16 * 1024**2,
        environment: Mapping[str, str] | None = None,
    ) -> Output:
        """Run git on the quarantined objects, with its memory capped."""
        return await self.results.git.run(
            *arguments,
            git_dir=self.results.directory,
            stdin=stdin,
            output_bytes=output_bytes,
            timeout_seconds=_CHECK_SECONDS,
            memory_bytes=_UNPACK_BYTES,
            environment={
                "GIT_OBJECT_DIRECTORY": str(self.directory),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.results.mirror.objects),
                **(environment or {}),
            },
        )

    async def take(self, pack: AsyncIterable[bytes], limit_bytes: int) -> None:
        """Read a pack off a pipe and check every object in it.

        Raises:
            WorkspaceError: it is too big, broken, or holds something that git refuses (`..`, `.git`, …).
        """
        try:
            await self.run("index-pack", "--strict", "--stdin", f"--max-input-size={limit_bytes}", stdin=pack)
        except GitError as error:
            if "exceeds maximum allowed size" in error.stderr:
                raise WorkspaceError(
                    f"The change is larger than {limit_bytes} bytes when packed: leave generated and binary files out "
                    f"(.gitignore), or raise the limit."
                ) from error
            raise WorkspaceError(f"The result was refused: {error.message}") from error

    async def check_connected(self, tree: str, base_tree: str) -> None:
        """Make sure that everything `tree` reaches is here or in the mirror, which has all of `base_tree`.

        Raises:
            WorkspaceError: an object is missing, or `tree` is no tree.
        """
        try:
            kind = await self.run("cat-file", "-t", tree)
            if kind.text != "tree":
                raise WorkspaceError(f"The result was refused: {tree} is a {kind.text}, not a tree.")
            await self.run("rev-list", "--objects", "--quiet", tree, "--not", base_tree)
        except GitError as error:
            raise WorkspaceError(f"The result was refused, it is not whole: {error.message}") from error

    def release(self) -> None:
        """Move all objects into the store. The index of a pack goes last: with it the pack becomes visible."""
        objects = self.results.directory / "objects"
        for folder in self.directory.iterdir():
            (objects / folder.name).mkdir(mode=0o755, exist_ok=True)
            for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".idx", path.name)):
                path.rename(objects / folder.name / path.name)


def _ref(run_id: str) -> str:
    return f"refs/runs/{check_name(run_id)}"
