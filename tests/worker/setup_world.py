"""A setup with everything real but the database: git, bubblewrap, files; events are only remembered."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.ports import Limits, SandboxDriver, SandboxExit, SandboxSpec
from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.sandboxes.bubblewrap import BubblewrapDriver
from mogplex.sandboxes.runner import Runner
from mogplex.worker.equipment import Equipment
from mogplex.worker.installer import Installer
from mogplex.worker.registries import Registries
from mogplex.worker.setup import Setup
from mogplex.worker.setup_sandbox import run_to_end
from mogplex.worker.start_point import StartPoint
from mogplex.worker.stop import Stop
from mogplex.worker.transcript import RawLog, Transcript
from mogplex.workspace.checkout import Identity
from mogplex.workspace.environments import Environments
from mogplex.workspace.git import Git
from mogplex.workspace.layout import Layout
from mogplex.workspace.mirror import Mirrors

REPO_ID = "repo-1"
OWNERS = {"DATABASE_PASSWORD": "owners-secret"}  # what a repo's `env` holds, for runs only
FROM_WHEELS = "pip install -q --no-index --find-links wheels answer"


def make_wheel(name: str = "answer", version: str = "1.0", text: str = "ANSWER = 42\n") -> bytes:
    """The smallest wheel: one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, body in files.items():
            archive.writestr(path, body)
    return content.getvalue()


WHEEL = ("wheels/answer-1.0-py3-none-any.whl", make_wheel())


class Told:
    """Takes the transcript's place."""

    def __init__(self) -> None:
        self.drafts: list[EventDraft] = []
        self.raw = RawLog()
        self.started = asyncio.Event()

    async def add(self, *drafts: EventDraft) -> None:
        self.drafts += drafts
        if self.of(EventType.SETUP_STARTED):
            self.started.set()

    def of(self, kind: EventType) -> list[EventDraft]:
        return [draft for draft in self.drafts if draft.type is kind]

    @property
    def finished(self) -> dict[str, Any]:
        (draft,) = self.of(EventType.SETUP_FINISHED)
        return dict(draft.payload)


class SetupWorld:
    """One repo, one work folder; `open` plays the setup of a run."""

    def __init__(self, top: Path, limit_bytes: int = 1 << 30) -> None:
        self.top = top
        self.origin = top / "origin"
        self.driver: SandboxDriver = BubblewrapDriver()
        runner = Runner.detect()
        self.layout = Layout(top / "work", runner.uid, runner.gid)
        self.layout.prepare()
        git = Git(self.layout.git_home)
        git.prepare()
        self.environments = Environments(self.layout, limit_bytes)
        self.equipment = Equipment(
            attempts=cast(Any, None),
            driver=self.driver,
            git=git,
            runner_git=Git(self.layout.git_home, runner.uid, runner.gid),
            layout=self.layout,
            mirrors=Mirrors(self.layout.mirrors, git),
            environments=self.environments,
            sessions=cast(Any, None),
            installer=Installer.build(top / "tools"),
            registries=Registries((), {}),
            harnesses={},
            gateway=cast(Any, None),
            forges=cast(Any, None),
            tools=cast(Any, None),
            limits=Limits(wall_seconds=100),
            identity=Identity(),
            check_timeout_seconds=60,
        )
        self._runs = 0
        self.commit({"README": "A repo.\n"})

    def use(self, driver: SandboxDriver) -> None:
        self.driver = driver
        self.equipment = dataclasses.replace(self.equipment, driver=driver)

    def commit(self, files: dict[str, str | bytes]) -> None:
        """Write files and commit; the next run starts there."""
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "safe.directory=*"]
        if not self.origin.exists():
            self.origin.mkdir()
            subprocess.run([*git, "init", "-q", "-b", "main"], cwd=self.origin, check=True)
        for name, content in files.items():
            path = self.origin / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        subprocess.run([*git, "add", "-A"], cwd=self.origin, check=True)
        subprocess.run([*git, "commit", "-qm", "more", "--allow-empty"], cwd=self.origin, check=True)

    @asynccontextmanager
    async def open(
        self,
        *commands: str,
        root: str = "",
        python: str | None = None,
        told: Told | None = None,
        stop: Stop | None = None,
    ) -> AsyncIterator[StartPoint]:
        """The start point of a run, with what the repo's setup (`commands`) installed."""
        self._runs += 1
        run = cast(Run, SimpleNamespace(id=f"run-{self._runs}", attempt=1, repo_id=REPO_ID, root_directory=root,
                                        base_branch="main"))  # fmt: skip
        repo = cast(
            Repo,
            SimpleNamespace(
                id=REPO_ID,
                setup=commands,
                clone_url=str(self.origin),
                allow_hosts=(),
                secrets=(),
                python=python,
                image="",
            ),
        )
        mirror = await self.equipment.mirrors.refresh(REPO_ID, str(self.origin))
        commit = await mirror.resolve_branch("main")
        assert commit is not None
        async with self.layout.open_run(run.id, 1) as folder:
            start = StartPoint(run, repo, self.equipment, folder, mirror, cast(Any, None), OWNERS, commit, None)
            transcript = cast(Transcript, told or Told())
            async with Setup(run, self.equipment, transcript, stop or Stop()).open(start) as prepared:
                yield prepared

    async def act(self, start: StartPoint, script: str) -> tuple[SandboxExit, str]:
        """Run a script as a harness would, on a fresh checkout. Returns the ending and what was printed."""
        checkout = await start.check_out(f"act-{self._runs}")
        tools = start.prepared
        spec = SandboxSpec(
            "act", ("/bin/sh", "-c", f"exec 2>&1\n{script}"), mounts=(*checkout.mounts(), *tools.mounts),
            environment=tools.environment, path=tools.path, limits=self.equipment.limits,
        )  # fmt: skip
        output = RawLog()
        exit = await run_to_end(self.driver, spec, output)
        await self.layout.remove_tree(checkout.directory)
        return exit, output.text()


def make_world() -> Iterator[SetupWorld]:
    """For a fixture: in /tmp, where the runner can go."""
    top = Path(tempfile.mkdtemp(dir="/tmp", prefix="mogplex-setup-"))
    top.chmod(0o755)
    try:
        yield SetupWorld(top)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def play(story: Any) -> Any:
    """Run a coroutine on a loop of its own."""
    return asyncio.run(asyncio.wait_for(story, 100))
