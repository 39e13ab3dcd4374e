"""Bare copies of the remotes' branches and tags, one a repo, that every checkout borrows its objects from."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.secret import GitCredential
from mogplex.workspace.address import Address, parse_address
from mogplex.workspace.git import Git, GitError
from mogplex.workspace.layout import check_name
from mogplex.workspace.lock import hold_lock
from mogplex.workspace.remote import RemoteFacts, digest_refs, explain_failure, list_refs

_COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_RECORD = "mogplex.json"
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_FETCH_SECONDS = 3600.0
_MANY_PACKS = 30

# Old, honest histories have these. None of them can make a checkout write where it shouldn't; everything else that
# git's checker calls an error is refused.
_TOLERATED = (
    "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail",
    "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "missingTaggerEntry", "multipleAuthors", "zeroPaddedDate",
    "zeroPaddedFilemode",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree. `mode` as git writes it: 040000 folder, 120000 symbolic link, 160000 submodule."""

    mode: str
    object_id: str
    path: str


class Mirror:
    """One repo's mirror, as of its last refresh."""

    def __init__(self, directory: Path, git: Git) -> None:
        self.directory = directory
        self.objects = directory / "objects"
        self._git = git

    def default_branch(self) -> str | None:
        """The remote's default branch; None when its HEAD is detached."""
        return _read_record(self.directory).default_branch

    async def resolve_branch(self, name: str) -> str | None:
        """The commit that branch `name` is at, or None. `name` is taken literally, never as a git expression."""
        try:
            output = await self._git.run(
                "show-ref", "--verify", "--hash", "--", f"refs/heads/{name}", git_dir=self.directory
            )
        except GitError as error:
            if error.exit_code is None:
                raise
            return None
        return output.text

    async def resolve_commit(self, commit: str) -> str | None:
        """`commit` when it is the full id of a commit that the mirror has, else None."""
        if not _COMMIT_ID.fullmatch(commit):
            return None
        output = await self._git.run(
            "cat-file", "--batch-check=%(objecttype)", git_dir=self.directory, stdin=f"{commit}\n".encode()
        )
        return commit if output.text == "commit" else None

    async def entries(self, commit: str, path: str) -> list[Entry]:
        """The entry at `path` and those of the folders above it, outermost first. Links are never followed, so the
        list ends early where a component is missing or is no folder."""
        # Each component is named by itself: asked for `file/x` alone, git says nothing about `file`.
        parts = path.split("/")
        asked = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        output = await self._git.run(
            "--literal-pathspecs", "ls-tree", "-t", "-z", "--full-tree", commit, "--", *asked, git_dir=self.directory
        )
        return [entry for entry in _read_entries(output.stdout) if entry.path in asked]  # git lists neighbours as well

    async def entry(self, commit: str, path: str) -> Entry | None:
        """The entry at exactly `path`, without following links."""
        return next((entry for entry in await self.entries(commit, path) if entry.path == path), None)

    async def list_folder(self, commit: str, path: str) -> list[Entry]:
        """What folder `path` ("" for the top) holds, by name; nothing when it is no folder. Links are not followed."""
        output = await self._git.run(
            "--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", *([f"{path}/"] if path else []),
            git_dir=self.directory,
        )  # fmt: skip
        return [replace(entry, path=entry.path.rpartition("/")[2]) for entry in _read_entries(output.stdout)]

    async def object_ids(self, commit: str, paths: Iterable[str]) -> list[Entry]:
        """The entries at those of `paths` (plain and relative) that are there."""
        asked = sorted(set(paths))
        if not asked:
            return []
        output = await self._git.run(
            "--literal-pathspecs", "ls-tree", "-t", "-z", "--full-tree", commit, "--", *asked, git_dir=self.directory
        )
        return [entry for entry in _read_entries(output.stdout) if entry.path in asked]

    async def read_text(self, object_id: str, limit_bytes: int = 1024 * 1024) -> str:
        """A file's text, with what isn't UTF-8 replaced. Raises WorkspaceError above `limit_bytes`."""
        output = await self._git.run("cat-file", "blob", object_id, git_dir=self.directory, output_bytes=limit_bytes)
        return output.stdout.decode("utf-8", "replace")

    def tags(self) -> Iterable[tuple[str, str]]:
        """(full name, object id) of every tag. Read from the packed refs: a refresh leaves no others."""
        for line in os.fsdecode(_read_if_there(self.directory / "packed-refs")).splitlines():
            object_id, _, name = line.partition(" ")
            if name.startswith("refs/tags/"):
                yield name, object_id

    def shallow(self) -> bytes:
        """The commits at which a shallow history ends, as git's `shallow` file has them; empty for a whole history."""
        return _read_if_there(self.directory / "shallow")


class Mirrors:
    """All mirrors below `directory`. Safe to use from several processes at once."""

    def __init__(self, directory: Path, git: Git) -> None:
        self._directory = directory
        self._git = git

    def known(self, repo_id: str) -> Mirror | None:
        """As the last refresh left it; None before the first one."""
        directory = self._directory / f"{check_name(repo_id)}.git"
        return Mirror(directory, self._git) if directory.exists() else None

    async def refresh(self, repo_id: str, clone_url: str, credential: GitCredential | None = None) -> Mirror:
        """Bring the repo's mirror up to what the remote has now; make it on first use.

        When nothing changed this costs one look at the remote's refs.

        Raises:
            WorkspaceError: the remote can't be reached or used, is empty, or sends objects that git's checker refuses.
        """
        address = parse_address(clone_url, credential)
        directory = self._directory / f"{check_name(repo_id)}.git"
        facts = await list_refs(self._git, address)
        if facts.empty:
            facts.choose_branch(None)  # raises, with the remedy
        if _read_record(directory).digest != facts.digest:
            async with hold_lock(directory.with_suffix(".lock")) as lock:
                if not directory.exists():
                    await self._create(directory, address, facts, lock)
                elif _read_record(directory).digest != facts.digest:
                    _remove_stale(directory)
                    await self._fetch(directory, address, facts, lock)
        return Mirror(directory, self._git)

    async def _create(self, directory: Path, address: Address, facts: RemoteFacts, lock: int) -> None:
        """Fetch into a draft and rename it, so that a mirror either exists whole or not at all.

        A plain `git clone` of a local path would hard-link the original's packs: never share an inode with it.
        """
        for leftover in directory.parent.glob(f".{directory.name}.*"):
            shutil.rmtree(leftover)
        draft = directory.with_name(f".{directory.name}.{uuid.uuid4().hex}")
        try:
            await self._git.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--", str(draft))
            await self._fetch(draft, address, facts, lock)
            await self._git.run("commit-graph", "write", "--reachable", git_dir=draft, timeout_seconds=_FETCH_SECONDS)
            draft.rename(directory)
        finally:
            if draft.exists():
                shutil.rmtree(draft)

    async def _fetch(self, directory: Path, address: Address, facts: RemoteFacts, lock: int) -> None:
        checking = [option for name in _TOLERATED for option in ("-c", f"fetch.fsck.{name}=ignore")]
        try:
            await self._git.run(
                "-c", "fetch.fsckObjects=true", "-c", "fetch.unpackLimit=1", *checking,
                "fetch", "--quiet", "--prune", "--no-tags", "--force", "--update-shallow", "--no-write-fetch-head",
                "--no-recurse-submodules", *address.far_end("upload-pack"), "--", address.url, *_REFSPECS,
                git_dir=directory, environment=address.environment, ssh_key=address.ssh_key,
                timeout_seconds=_FETCH_SECONDS,
                held_fds=(lock,),
            )  # fmt: skip
        except GitError as error:
            raise _explain_fetch(address, error) from error
        await self._git.run("pack-refs", "--all", git_dir=directory, held_fds=(lock,))
        await self._tidy(directory, lock)
        # From what was really fetched, not from what was promised: the remote may have moved in between.
        listed = await self._git.run(
            "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/tags/", git_dir=directory
        )
        refs = {name: value for value, _, name in (line.partition(" ") for line in listed.text.splitlines())}
        _write_record(directory, _Record(digest_refs(facts.default_branch, refs), facts.default_branch))

    async def _tidy(self, directory: Path, lock: int) -> None:
        """Roll small packs up. Objects no ref reaches stay: a running attempt may have started at one."""
        if sum(1 for _ in (directory / "objects" / "pack").glob("*.pack")) > _MANY_PACKS:
            await self._git.run(
                "repack", "--quiet", "--geometric=2", "-d",
                git_dir=directory, timeout_seconds=_FETCH_SECONDS, held_fds=(lock,),
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Record:
    """What the last refresh saw."""

    digest: str | None = None
    default_branch: str | None = None


def _read_record(directory: Path) -> _Record:
    text = _read_if_there(directory / _RECORD)
    if not text:
        return _Record()
    try:
        read = json.loads(text)
        return _Record(read["digest"], read["default_branch"])
    except (ValueError, KeyError, TypeError):
        return _Record()  # damaged: the next refresh fetches and writes it anew


def _write_record(directory: Path, record: _Record) -> None:
    branch = record.default_branch
    if branch is not None:
        (directory / "HEAD").write_bytes(os.fsencode(f"ref: refs/heads/{branch}\n"))
    draft = directory / f"{_RECORD}.new"
    draft.write_text(json.dumps({"digest": record.digest, "default_branch": branch}))
    draft.rename(directory / _RECORD)


def _read_entries(listed: bytes) -> Iterable[Entry]:
    """From what `git ls-tree -z` prints."""
    for record in os.fsdecode(listed).split("\0"):
        if record:
            facts, _, name = record.partition("\t")
            mode, _, object_id = facts.split(" ")
            yield Entry(mode, object_id, name)


def _read_if_there(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _remove_stale(directory: Path) -> None:
    """Remove what a killed git left behind. We hold the mirror's lock, and so would a git that still lives."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/info/*.lock"):
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)


def _explain_fetch(address: Address, error: GitError) -> WorkspaceError:
    if "fsck" in error.stderr or "unpack-objects" in error.stderr or "index-pack" in error.stderr:
        said = next((line for line in error.stderr.splitlines() if line.startswith("error: object ")), error.message)
        return WorkspaceError(
            f"{address.url} has an object that git's checker refuses, so it was not fetched: {said.strip()}. "
            f"`git fsck` in that repository shows all such objects; history with them has to be rewritten."
        )
    return explain_failure(address, error)
