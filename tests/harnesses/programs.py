"""Runs Codex and Claude Code for real: in a sandbox without network, against a scripted model, without a worker."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import MODEL_PORT, ModelEndpoint
from mogplex.domain.ports import Claim, Harness, Limits, Mount, SandboxExit, SandboxSpec, Task
from mogplex.gateway.scripted.exchange import Exchange
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.server import ScriptedModel
from mogplex.harnesses import HARNESSES
from mogplex.sandboxes.bubblewrap import BubblewrapDriver

MODELS = {"codex": "gpt-5.5", "claude-code": "claude-opus-5-5"}


def installed(name: str) -> Any:
    """For `parametrize`: a harness, skipped visibly where its program is missing."""
    probe = HARNESSES[name](Path("/nonexistent")).probe()
    reason = f"{name}: {probe.detail}; {probe.remedy}"
    return pytest.param(name, marks=pytest.mark.skipif(not probe.ok, reason=reason))


BOTH = [installed(name) for name in MODELS]


@dataclass
class Played:
    events: list[EventDraft]
    claim: Claim
    exit: SandboxExit
    stderr: str
    exchanges: list[Exchange] = field(default_factory=list)

    def of(self, kind: EventType) -> list[EventDraft]:
        return [event for event in self.events if event.type is kind]


class Stage:
    """A checkout and a state folder that outlive a run."""

    def __init__(self, top: Path, files: dict[str, str]) -> None:
        self.top = top
        self.driver = BubblewrapDriver()
        self.work, self.state = top / "work", top / "state"
        for folder in (self.work, self.state):
            folder.mkdir()
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for path in (self.work, self.state, *self.work.rglob("*")):
            os.chown(path, self.driver.runner.uid, self.driver.runner.gid)

    def play(self, name: str, scenario: str, *, interrupt_at: str = "", **fields: Any) -> Played:
        """`interrupt_at`: "tool" or "model", at which it is interrupted, again and again: it may miss one."""
        return asyncio.run(asyncio.wait_for(self._play(name, scenario, interrupt_at, fields), 100))

    async def _play(self, name: str, scenario: str, interrupt_at: str, fields: Any) -> Played:
        harness = HARNESSES[name](self.top / "shared")
        endpoint = ModelEndpoint(f"http://127.0.0.1:{MODEL_PORT}", harness.protocols[0], MODELS[name])
        known = {"prompt": "Mend it.", "directory": "/work", "endpoint": endpoint, "state_folder": "/state"}
        task = Task(**{"run_id": "run_1", "attempt": 1, **known, **fields})
        async with ScriptedModel(parse_scenario(scenario)) as model:
            process = await self.driver.start(self._spec(harness, task))
            try:
                await model.serve(process.listeners[MODEL_PORT].dup())
                stream = harness.open_stream(task)
                events: list[EventDraft] = []
                stderr: list[bytes] = []
                reading = asyncio.gather(
                    _each_line(process.stdout, lambda line: events.extend(stream.feed(line))),
                    _each_line(process.stderr, stderr.append),
                    process.wait(),
                )
                while not reading.done():
                    await asyncio.wait([reading], timeout=0.3 if interrupt_at else None)
                    called = any(event.type is EventType.TOOL_CALL for event in events)
                    if (interrupt_at == "tool" and called) or (interrupt_at == "model" and model.exchanges):
                        process.interrupt()
                _, _, exit = await reading
            finally:
                process.kill()
                await process.wait()
            said = b"\n".join(stderr).decode("utf-8", "replace")
            return Played(events, stream.close(), exit, said, list(model.exchanges))

    def _spec(self, harness: Harness, task: Task) -> SandboxSpec:
        launch = harness.launch(task)
        return SandboxSpec(
            "test",
            launch.argv,
            mounts=(Mount(self.work, "/work", True), Mount(self.state, "/state", True), *launch.mounts),
            environment=launch.environment,
            path=launch.path,
            directory=task.directory,
            limits=Limits(wall_seconds=90),
            stdin=launch.stdin,
            listeners=(MODEL_PORT,),
        )


@contextmanager
def set_stage(files: dict[str, str]) -> Iterator[Stage]:
    """In /tmp and open, because sandboxes run as another user."""
    top = Path(tempfile.mkdtemp(prefix="mogplex-programs-", dir="/tmp"))
    top.chmod(0o755)
    try:
        yield Stage(top, files)
    finally:
        shutil.rmtree(top, ignore_errors=True)


async def _each_line(chunks: AsyncIterator[bytes], take: Callable[[bytes], object]) -> None:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            take(line)
    if rest:
        take(rest)
