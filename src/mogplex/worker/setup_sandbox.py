"""The sandbox that a setup runs in, and how runs see what it left. Mount points are those of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from mogplex.domain.ports import Limits, Mount, SandboxDriver, SandboxExit, SandboxSpec
from mogplex.domain.setup import ENVIRONMENT
from mogplex.worker.egress import Egress
from mogplex.worker.equipment import Tools
from mogplex.worker.transcript import RawLog

LAYOUT = 1  # raise when a snapshot of before can't be used any more
SCRATCH = "/scratch"  # on disk and thrown away: packages being built don't fit into a private /tmp
MODULES = "node_modules"

# Each command gets a shell of its own, like a check.
_SCRIPT = f"""exec 2>&1
python=$1; shift
if command -v "$python" > /dev/null; then
  "$python" -m venv --without-pip {ENVIRONMENT} || [ "$python" = python3 ] || exit 1
fi
for command; do
  printf '+ %s\\n' "$command"
  /bin/sh -c "$command" || exit $?
done
"""
_ENVIRONMENT = {
    "CI": "1",
    "VIRTUAL_ENV": ENVIRONMENT,
    "TMPDIR": SCRATCH,
    "XDG_CACHE_HOME": f"{SCRATCH}/cache",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "UV_PROJECT_ENVIRONMENT": ENVIRONMENT,
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_LINK_MODE": "copy",
    "NPM_CONFIG_CACHE": f"{SCRATCH}/npm",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    "GOMODCACHE": f"{ENVIRONMENT}/go",
    "CARGO_HOME": f"{ENVIRONMENT}/cargo",
    "BUNDLE_PATH": f"{ENVIRONMENT}/bundle",
    "BUNDLE_FROZEN": "true",
}
# Folder of the snapshot -> what programs need to be told to use it, without asking the network for more.
_USES: Mapping[str, Mapping[str, str]] = {
    "go": {"GOMODCACHE": f"{ENVIRONMENT}/go", "GOPROXY": "off"},
    "cargo": {"CARGO_HOME": f"{ENVIRONMENT}/cargo", "CARGO_NET_OFFLINE": "true"},
    "bundle": {"BUNDLE_PATH": f"{ENVIRONMENT}/bundle", "BUNDLE_FROZEN": "true"},
}


def make_spec(
    name: str,
    commands: tuple[str, ...],
    directory: str,
    mounts: tuple[Mount, ...],
    scratch: Path,
    tools: Tools,
    limits: Limits,
    python: str,
    image: str = "",
) -> SandboxSpec:
    """All commands, one after the other until one fails, with stderr behind stdout. `python` makes /env."""
    return SandboxSpec(
        name=name,
        argv=("/bin/sh", "-c", _SCRIPT, "setup", python, *commands),
        mounts=(*mounts, *tools.mounts, Mount(scratch, SCRATCH, writable=True)),
        environment={**_ENVIRONMENT, **tools.environment},
        path=(f"{ENVIRONMENT}/bin", *tools.path),
        directory=directory,
        limits=limits,
        image=image,
    )


def show_environment(folder: Path) -> Tools:
    """The snapshot at /env, read-only, and what finds it there. Its content was written by the repo's own code.

    Node looks for modules in every folder above a file, hence also at /node_modules, outside the checkout.
    """
    environment = {"VIRTUAL_ENV": ENVIRONMENT} if _is_file(folder / "pyvenv.cfg") else {}
    for name, variables in _USES.items():
        if _is_folder(folder / name):
            environment |= variables
    mounts = [Mount(folder, ENVIRONMENT)]
    path = [f"{ENVIRONMENT}/bin"]
    if _is_folder(folder / MODULES):
        mounts.append(Mount(folder / MODULES, f"/{MODULES}"))
        path.append(f"/{MODULES}/.bin")
    return Tools(tuple(mounts), environment, tuple(path))


async def run_to_end(
    driver: SandboxDriver, spec: SandboxSpec, output: RawLog, egress: Egress | None = None
) -> SandboxExit:
    """Run it and keep what it prints; without `egress` it has no network. Nothing is left running, however it ends."""
    process = await driver.start(egress.equip(spec) if egress else spec)
    try:
        if egress:
            egress.serve(process)
        await asyncio.gather(_keep(process.stdout, output), _keep(process.stderr, output))
        return await process.wait()
    finally:
        process.kill()
        await process.wait()


async def _keep(chunks: AsyncIterator[bytes], output: RawLog) -> None:
    async for chunk in chunks:
        output.add(chunk)


def _is_folder(path: Path) -> bool:
    """A real one: a link would make the sandbox show what it points to on this host."""
    return path.is_dir() and not path.is_symlink()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
