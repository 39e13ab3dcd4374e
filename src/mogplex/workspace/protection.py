"""A run's change without its changes to files that checks depend on."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from mogplex.workspace.changes import PLAIN, index_lines, parse_changes, show_path
from mogplex.workspace.checkout import Identity
from mogplex.workspace.patch import Patch
from mogplex.workspace.results import Results

_MEMORY_BYTES = 2 * 1024**3


async def take_from_base(results: Results, patch: Patch, is_protected: Callable[[str], bool]) -> str:
    """The commit of `patch` with every protected file as its base has it: edits undone, deleted ones back, new ones
    gone. Returns a commit id of the results store; that of the patch itself when it touches none.

    Raises:
        WorkspaceError: git could not write the tree.
    """
    name = f"checked-{uuid.uuid4().hex}"
    index = results.directory / "incoming" / f"{name}.index"

    async def run(*arguments: str, stdin: bytes = b"") -> bytes:
        output = await results.git.run(
            *arguments,
            git_dir=results.directory,
            stdin=stdin,
            memory_bytes=_MEMORY_BYTES,
            environment={"GIT_INDEX_FILE": str(index)},
        )
        return output.stdout

    differing = await run("diff-tree", "-r", "-z", "--raw", "--no-abbrev", *PLAIN, f"{patch.base}^{{tree}}", patch.tree)
    protected = [change for change in parse_changes(differing) if is_protected(show_path(change.path))]
    if not protected:
        return patch.commit
    try:
        await run("read-tree", patch.tree)
        await run("update-index", "--replace", "-z", "--index-info", stdin=index_lines(protected))
        tree = (await run("write-tree")).decode("ascii").strip()
    finally:
        index.unlink(missing_ok=True)
    return await results.write_commit(name, tree, patch.base, "As it is checked", Identity())
