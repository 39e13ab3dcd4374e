"""A small world for tests of git work: real repos, real git, the real sandbox driver, and a story runner."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.ports import SandboxExit, SandboxSpec
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.workspace.checkout import Checkout, check_out
from mogplex.workspace.git import Git
from mogplex.workspace.layout import Layout
from mogplex.workspace.mirror import Mirror, Mirrors
from mogplex.workspace.patch import Patch, collect
from mogplex.workspace.results import Results

ROOT = os.geteuid() == 0


def asynchronously(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test written as a coroutine on a loop of its own."""

    @functools.wraps(test)
    def run(*arguments: Any, **keywords: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*arguments, **keywords), 100))

    return run


def shell(directory: Path, script: str) -> str:
    """Run a script as an operator would, without this machine's git settings. Returns its output."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "4", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Ann",
        "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "ann@example.org",
        "GIT_CONFIG_KEY_2": "protocol.file.allow", "GIT_CONFIG_VALUE_2": "always",
        "GIT_CONFIG_KEY_3": "safe.directory", "GIT_CONFIG_VALUE_3": "*",
    }  # fmt: skip
    done = subprocess.run(
        ["/bin/sh", "-euc", script], cwd=directory, env=environment, capture_output=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{script!r} ended with {done.returncode}: {os.fsdecode(done.stderr)}")
    return os.fsdecode(done.stdout).strip()


class World:
    """Everything below one new folder in /tmp that the runner can reach (pytest's own folders are closed to it)."""

    def __init__(self, top: Path, template: Path) -> None:
        self.top = top
        self.template = template
        self.driver = BubblewrapDriver()
        runner = self.driver.runner
        self.layout = Layout(top / "mogplex", runner.uid, runner.gid)
        self.layout.prepare()
        self.git = Git(self.layout.git_home)
        self.git.prepare()
        self.runner_git = Git(self.layout.git_home, runner.uid, runner.gid)
        self.mirrors = Mirrors(self.layout.mirrors, self.git)
        self.origin = self.copy_template("origin")
        self._folders = 0

    def copy_template(self, name: str) -> Path:
        """The template repo again: branches main and other, tag v1, a few files."""
        return Path(shutil.copytree(self.template, self.top / name, symlinks=True))

    def at(self, revision: str = "main", repo: Path | None = None) -> str:
        return shell(repo or self.origin, f"git rev-parse '{revision}'")

    async def refresh(self, repo: Path | None = None) -> Mirror:
        return await self.mirrors.refresh("repo", str(repo or self.origin))

    def new_folder(self) -> Path:
        """A path in the runs folder where nothing is yet."""
        self._folders += 1
        return self.layout.runs / f"test-{self._folders}"

    async def check_out(self, revision: str = "main") -> Checkout:
        mirror = await self.refresh()
        return await check_out(mirror, self.at(revision), self.new_folder(), self.runner_git)

    async def act(self, checkout: Checkout, script: str) -> tuple[SandboxExit, str]:
        """Play the agent: run a script in the sandbox. Returns the ending and what was printed."""
        process = await self.driver.start(
            SandboxSpec("agent", ("/bin/bash", "-c", f"exec 2>&1\n{script}"), mounts=checkout.mounts())
        )
        printed = b"".join([chunk async for chunk in process.stdout])
        return await process.wait(), os.fsdecode(printed)

    def results(self, mirror: Mirror) -> Results:
        results = Results(self.layout.result_store("repo"), mirror, self.git)
        results.prepare()
        return results

    async def collect(self, checkout: Checkout, run_id: str = "run-1", **keywords: Any) -> Patch | None:
        return await collect(self.driver, checkout, self.results(checkout.mirror), run_id, "Do the work", **keywords)

    async def change(self, script: str, run_id: str = "run-1", **keywords: Any) -> Patch | None:
        """Check main out, let the agent run `script`, collect."""
        checkout = await self.check_out()
        ended, printed = await self.act(checkout, f"set -e\n{script}")
        assert ended.exit_code == 0, printed
        return await self.collect(checkout, run_id, **keywords)


_TEMPLATE = """
git init -q -b main .
printf 'one\\ntwo\\nthree\\n' > a.txt
mkdir -p src/deep && printf 'print(1)\\n' > src/deep/code.py
printf '#!/bin/sh\\necho hi\\n' > run.sh && chmod +x run.sh
ln -s src/deep link
printf '*.log\\nbuild/\\n' > .gitignore
git add . && git commit -qm 'First' && git tag -am 'Version 1' v1
git branch other
printf 'four\\n' >> a.txt && git commit -qam 'Second'
"""


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A repo that is made once and copied."""
    top = Path(tempfile.mkdtemp(dir="/tmp", prefix="mogplex-template-"))
    shell(top, _TEMPLATE)
    yield top
    shutil.rmtree(top)


@pytest.fixture
def world(template: Path) -> Iterator[World]:
    """A fresh world; everything in it is removed at the end."""
    top = Path(tempfile.mkdtemp(dir="/tmp", prefix="mogplex-world-"))
    top.chmod(0o755)
    yield World(top, template)
    subprocess.run(["chmod", "-R", "u+rwX", str(top)], check=False, capture_output=True)
    shutil.rmtree(top)


__all__ = ["ROOT", "World", "asynchronously", "shell", "template", "world"]
