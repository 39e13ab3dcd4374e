"""The second sandbox: turns an agent's work tree into a tree id and a pack, where it can hurt nobody.

Even `git add` with a git folder of our own runs programs that a submodule's configuration names. So it happens here,
without network, with the work tree read-only, and nothing but the pack on stdout is believed in afterwards.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.ports import HOST_IMAGE, Limits, Mount, SandboxDriver, SandboxProcess, SandboxSpec
from mogplex.workspace.checkout import OBJECTS, WORK, Checkout
from mogplex.workspace.git import clean_text, last_lines

_INDEX = "/repo/index"
_TREE_LINE = re.compile(rb"[0-9a-f]{40}")
_STDERR_BYTES = 64 * 1024
_WARNINGS = 50

_TOLERATED = (
    "Permission denied|does not have a commit checked out|can only add regular files|unable to index file|"
    "adding files failed"
)

# What running tests and tools leaves behind. Only untracked files are meant: what the base has stays followed.
EXCLUDED = (
    "__pycache__/", "*.py[co]", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".hypothesis/", ".tox/", ".nox/",
    ".coverage", ".coverage.*", ".venv/", "node_modules/", ".DS_Store",
)  # fmt: skip

# The pack leaves out what the base's *tree* has: beside a tree, git ignores a commit that is to be left out.
#
# Submodules of the base that are still folders are not looked into: git would run their filters, and fail with them.
#
# Files that can't be read, and nested repos that are empty or broken, stop `git add`. A second pass leaves nested repos
# out and unreadable files as they were in the base, and says so. Any other error, a full disk above all, must not look
# like that. What git said is kept in memory: a full disk would swallow it.
_SCRIPT = r"""
set -eu
mkdir -p "$GIT_DIR/objects/info" "$GIT_DIR/objects/pack" "$GIT_DIR/refs" "$GIT_DIR/info"
printf 'ref: refs/heads/none\n' > "$GIT_DIR/HEAD"
printf '%s\n' "$MOGPLEX_OBJECTS" > "$GIT_DIR/objects/info/alternates"
printf '%s\n' "$MOGPLEX_EXCLUDED" > "$GIT_DIR/info/exclude"
cp -p "$MOGPLEX_INDEX" "$GIT_DIR/index"
collect() {
  git -c core.bare=false -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.attributesFile=/dev/null \
    -c core.untrackedCache=false -c advice.addEmbeddedRepo=false "$@"
}
submodules() { collect ls-files -s -z | grep -z '^160000 ' | cut -z -f 2-; }
nested() { find . -mindepth 2 -name .git -prune -printf '%h\0' 2> /dev/null; }
chosen() {
  printf '.\0'
  "$@" | xargs -0 -r sh -c '
    for path; do if [ -d "$path" ] && [ ! -L "$path" ]; then printf ":(exclude,literal)%s\0" "$path"; fi; done' sh
}
everything() { submodules; nested; }
add() { collect add -A --pathspec-from-file=- --pathspec-file-nul "$@" 2>&1; }
if said=$(chosen submodules | add); then
  # A folder too deep to be named is left out without an error.
  printf '%s\n' "$said" | grep -F 'could not open' >&2 || :
else
  printf '%s\n' "$said" >&2
  nested | xargs -0 -r printf '%s is a git repository of its own: it was left as in the base\n' >&2
  if ! said=$(chosen everything | add --ignore-errors); then
    printf '%s\n' "$said" >&2
    if printf '%s\n' "$said" | grep -E '^(error|fatal):' | grep -qvE "$MOGPLEX_TOLERATED"; then exit 28; fi
  fi
fi
tree=$(collect write-tree)
printf '%s\n' "$tree"
if [ "$tree" != "$MOGPLEX_BASE_TREE" ]; then
  printf '%s\n^%s\n' "$tree" "$MOGPLEX_BASE_TREE" | collect pack-objects --revs --delta-base-offset -q --stdout
fi
"""


@dataclass(frozen=True, slots=True)
class PatchLimits:
    """How much one run may change."""

    pack_bytes: int = 64 * 1024**2  # compressed
    diff_bytes: int = 64 * 1024**2  # as text
    file_bytes: int = 32 * 1024**2  # one changed file
    content_bytes: int = 256 * 1024**2  # all changed files together
    files: int = 20_000
    wall_seconds: float = 120.0
    tmp_bytes: int = 1024**3  # the collector's private disk


class Collector:
    """One running collector. Read the tree, then the pack, then `finish`; `close` whatever happens."""

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process
        self._stdout = aiter(process.stdout)
        self._rest = b""
        self._stderr = asyncio.create_task(_read_end(process.stderr))

    async def read_tree(self) -> str:
        """The id of the tree that the work tree now is.

        Raises:
            WorkspaceError: the collector ended without one, or printed something else.
        """
        seen = b""
        while b"\n" not in seen and len(seen) < 64:
            chunk = await anext(self._stdout, None)
            if chunk is None:
                await self.finish()
                break
            seen += chunk
        line, _, self._rest = seen.partition(b"\n")
        if not _TREE_LINE.fullmatch(line):
            raise WorkspaceError("The change could not be collected: the collector printed no tree id.")
        return line.decode()

    async def pack(self) -> AsyncIterator[bytes]:
        """The pack, as it comes."""
        if self._rest:
            yield self._rest
        async for chunk in self._stdout:
            yield chunk

    async def finish(self) -> tuple[str, ...]:
        """Wait for the end. Returns what git warned about.

        Raises:
            WorkspaceError: the collector was killed or failed.
        """
        async for _ in self._stdout:
            pass  # drained, so that it can end
        ended = await self._process.wait()
        said = clean_text((await self._stderr).decode("utf-8", "replace"))
        if ended.exit_code != 0:
            why = f"ended by its {ended.killed_by} limit" if ended.killed_by else f"exit code {ended.exit_code}"
            raise WorkspaceError(f"The change could not be collected ({why}): {last_lines(said) or 'no message'}")
        return tuple(dict.fromkeys(line for line in said.splitlines() if line.strip()))[:_WARNINGS]

    async def close(self) -> None:
        """End the collector if it still runs."""
        self._process.kill()
        await self._process.wait()
        self._stderr.cancel()
        await asyncio.gather(self._stderr, return_exceptions=True)


async def start_collector(driver: SandboxDriver, checkout: Checkout, run_id: str, limits: PatchLimits) -> Collector:
    """Start collecting; no process of the agent may be left at this time.

    Raises:
        SandboxError: the sandbox could not be made.
    """
    # An agent can close its own top folder to itself. The folder is a mount point to it: it can't be replaced.
    checkout.work.chmod(0o755)
    spec = SandboxSpec(
        name=f"collect-{run_id}",
        argv=("/bin/sh", "-c", _SCRIPT),
        mounts=(*checkout.mounts(read_only=True), Mount(checkout.index_base, _INDEX)),
        environment={
            "LC_ALL": "C",
            "GIT_DIR": "/tmp/collect",
            "GIT_WORK_TREE": WORK,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "MOGPLEX_OBJECTS": OBJECTS,
            "MOGPLEX_INDEX": _INDEX,
            "MOGPLEX_EXCLUDED": "\n".join(EXCLUDED),
            "MOGPLEX_TOLERATED": _TOLERATED,
            "MOGPLEX_BASE_TREE": checkout.tree,
        },
        directory=WORK,
        limits=Limits(wall_seconds=limits.wall_seconds, tmp_bytes=limits.tmp_bytes),
        image=HOST_IMAGE,  # with our git, whatever a repo's own has
    )
    return Collector(await driver.start(spec))


async def _read_end(stream: AsyncIterator[bytes]) -> bytes:
    kept = b""
    async for chunk in stream:
        kept = (kept + chunk)[-_STDERR_BYTES:]
    return kept
