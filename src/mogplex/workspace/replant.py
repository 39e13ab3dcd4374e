"""What an earlier run left, put into a fresh sandbox's folders: its patch, and the files of its conversation.

Both were written by an agent, so that both happen in a sandbox without network.
"""

from __future__ import annotations

from pathlib import Path

from mogplex.domain.errors import WorkspaceError
from mogplex.domain.ports import Limits, Mount, SandboxDriver, SandboxSpec
from mogplex.workspace.checkout import WORK, Checkout
from mogplex.workspace.git import clean_text, last_lines

_SECONDS = 120.0
_STDERR_BYTES = 16 * 1024


async def apply_diff(driver: SandboxDriver, checkout: Checkout, diff: bytes, name: str) -> None:
    """Make the changes of `diff` in the work tree of `checkout`, uncommitted. No agent may have run in it yet.

    Raises:
        WorkspaceError: the diff does not apply.
        SandboxError: the sandbox could not be made.
    """
    spec = SandboxSpec(
        name=f"replant-{name}",
        argv=("/usr/bin/git", "apply", "--whitespace=nowarn", "-"),
        mounts=checkout.mounts(),
        environment={"LC_ALL": "C", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"},
        directory=WORK,
        limits=Limits(wall_seconds=_SECONDS),
        stdin=diff,
    )
    await _run(driver, spec, "The work of the earlier run could not be put back")


async def copy_folder(driver: SandboxDriver, source: Path, target: Path, name: str) -> None:
    """Copy all of `source` into the empty folder `target`; both are the runner's.

    Raises:
        WorkspaceError: something could not be copied.
        SandboxError: the sandbox could not be made.
    """
    spec = SandboxSpec(
        name=f"conversation-{name}",
        argv=("/bin/cp", "-a", "--", "/kept/.", "/new/"),
        mounts=(Mount(source, "/kept"), Mount(target, "/new", writable=True)),
        directory="/",
        limits=Limits(wall_seconds=_SECONDS),
    )
    await _run(driver, spec, "The conversation of the earlier run could not be taken up")


async def _run(driver: SandboxDriver, spec: SandboxSpec, fault: str) -> None:
    process = await driver.start(spec)
    try:
        said = b""
        async for chunk in process.stderr:
            said = (said + chunk)[-_STDERR_BYTES:]
        async for _ in process.stdout:
            pass  # nothing is expected there, and a full pipe would hold it up
        ended = await process.wait()
    finally:
        process.kill()
        await process.wait()
    if ended.exit_code != 0:
        why = last_lines(clean_text(said.decode("utf-8", "replace"))) or ended.killed_by or f"exit {ended.exit_code}"
        raise WorkspaceError(f"{fault}: {why}")
