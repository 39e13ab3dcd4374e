"""What differs between two trees, read from objects only: no work tree, no attributes, no programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mogplex.domain.errors import WorkspaceError
from mogplex.workspace.collector import PatchLimits
from mogplex.workspace.git import GitError
from mogplex.workspace.results import Quarantine

PLAIN = ("--no-renames", "--no-ext-diff", "--no-textconv")
_SUBMODULE = "160000"
_NOTHING = "0" * 40


class ChangeKind(StrEnum):
    """How a file changed. A file that becomes a link, or the other way round, is `modified`."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """`path` is for showing: bytes that are not UTF-8 appear as \\xNN. Binary files count no lines."""

    path: str
    kind: ChangeKind
    insertions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class RawChange:
    """One line of `git diff-tree --raw`."""

    old_mode: str
    new_mode: str
    old_id: str
    new_id: str
    path: bytes

    @property
    def kind(self) -> ChangeKind:
        if self.old_id == _NOTHING:
            return ChangeKind.ADDED
        return ChangeKind.DELETED if self.new_id == _NOTHING else ChangeKind.MODIFIED

    @property
    def moves_submodule(self) -> bool:
        """It adds a submodule, or points one at another commit: nobody else has what it points at."""
        return self.new_mode == _SUBMODULE


async def list_changes(objects: Quarantine, base_tree: str, tree: str, limits: PatchLimits) -> list[RawChange]:
    """Every path that differs.

    Raises:
        WorkspaceError: more than `limits.files`.
    """
    output = await objects.run("diff-tree", "-r", "-z", "--raw", "--no-abbrev", *PLAIN, base_tree, tree)
    changes = parse_changes(output.stdout)
    if len(changes) > limits.files:
        raise WorkspaceError(f"The change touches {len(changes)} files; at most {limits.files} are taken.")
    return changes


def parse_changes(output: bytes) -> list[RawChange]:
    """What `git diff-tree -z --raw --no-abbrev` printed."""
    fields = output.split(b"\0")[:-1]
    changes = []
    for facts, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_id, new_id, _ = facts.decode("ascii").removeprefix(":").split(" ")
        changes.append(RawChange(old_mode, new_mode, old_id, new_id, path))
    return changes


async def drop_submodules(objects: Quarantine, tree: str, changes: list[RawChange]) -> str:
    """`tree` with every submodule as the base has it. Returns the new tree's id."""
    lines = index_lines([change for change in changes if change.moves_submodule])
    environment = {"GIT_INDEX_FILE": str(objects.directory / "pack" / "index")}
    await objects.run("read-tree", tree, environment=environment)
    await objects.run("update-index", "-z", "--index-info", stdin=lines, environment=environment)
    written = await objects.run("write-tree", environment=environment)
    (objects.directory / "pack" / "index").unlink()
    return written.text


def index_lines(changes: list[RawChange]) -> bytes:
    """What `git update-index -z --index-info` takes to undo these changes."""
    return b"".join(
        b"%s %s\t%s\0" % (change.old_mode.encode(), change.old_id.encode(), change.path) for change in changes
    )


async def check_sizes(objects: Quarantine, changes: list[RawChange], limits: PatchLimits) -> None:
    """Before anything loads the files: a pack of a few KiB can hold gigabytes of zeros.

    Raises:
        WorkspaceError: one file or all together are too big.
    """
    written = [change for change in changes if change.new_id != _NOTHING and not change.moves_submodule]
    asked = "".join(f"{change.new_id}\n" for change in written).encode()
    output = await objects.run("cat-file", "--batch-check=%(objectsize)", stdin=asked)
    sizes = [int(line) for line in output.stdout.split()]
    for change, size_bytes in zip(written, sizes, strict=True):
        if size_bytes > limits.file_bytes:
            raise WorkspaceError(
                f"{show_path(change.path)} is {size_bytes} bytes; files of at most {limits.file_bytes} are taken. "
                f"Leave it out with .gitignore, or raise the limit."
            )
    if sum(sizes) > limits.content_bytes:
        raise WorkspaceError(
            f"The changed files are {sum(sizes)} bytes together; at most {limits.content_bytes} are taken."
        )


async def count_lines(objects: Quarantine, base_tree: str, tree: str) -> dict[bytes, tuple[int, int]]:
    """Path -> (lines added, lines deleted)."""
    output = await objects.run("diff-tree", "-r", "-z", "--numstat", *PLAIN, base_tree, tree)
    counts = {}
    for record in output.stdout.split(b"\0")[:-1]:
        added, deleted, path = record.split(b"\t", 2)
        counts[path] = (0, 0) if added == b"-" else (int(added), int(deleted))
    return counts


async def write_diff(objects: Quarantine, base_tree: str, tree: str, limit_bytes: int) -> bytes:
    """The change as text that `git apply` takes.

    Raises:
        WorkspaceError: it is longer than `limit_bytes`.
    """
    try:
        output = await objects.run(
            "diff-tree", "-r", "-p", "--binary", "--full-index", "--no-color", *PLAIN, base_tree, tree,
            output_bytes=limit_bytes,
        )  # fmt: skip
    except GitError as error:
        if error.exit_code is None and len(error.stdout) >= limit_bytes:
            raise WorkspaceError(f"The change is longer than {limit_bytes} bytes as a diff.") from error
        raise
    return output.stdout


def show_path(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
