"""The repair harness behind the `Harness` port: starts the engine in a sandbox and translates its stream."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.ports import Claim, Launch, Probe, Task
from mogplex.harnesses.records import RecordStream
from mogplex.harnesses.repair import engine
from mogplex.harnesses.repair.toolkit import TARGET, Toolkit, versions

DEFAULT_SECONDS = 120.0  # a fix that isn't found by then is rarely found at all
MARGIN_SECONDS = 10.0  # left of the run's own time limit for the engine to finish cleanly
MARGIN_SHARE = 0.1  # of short time limits
CANDIDATES = 200_000
TEST_NAME = re.compile(r"[\w./\\-]+\.py(?:::[\w\[\]\-.,:]+)?|\btest_\w+")
TRAILING = ".,:;"


class RepairHarness:
    """Fixes a failing test without a model. `shared` is a folder where the toolkit is kept between runs."""

    name = "repair"
    protocols: tuple[ModelProtocol, ...] = ()

    def __init__(self, shared: Path, seconds: float = DEFAULT_SECONDS, candidates: int = CANDIDATES) -> None:
        self._shared = shared
        self._seconds = seconds
        self._candidates = candidates
        self._toolkit: Toolkit | None = None

    def probe(self) -> Probe:
        """Whether our own environment has what the toolkit is made of."""
        try:
            known = versions()
        except importlib.metadata.PackageNotFoundError as error:
            return Probe(False, f"package {error.name} is not installed", remedy=f"pip install {error.name}")
        return Probe(
            True, "needs no model and no key", facts={"version": engine.__version__, "pytest": known["pytest"]}
        )

    def toolkit(self) -> Toolkit:
        """Built on first use. Checks of a repo without an environment of its own can use the same one."""
        if self._toolkit is None:
            self._toolkit = Toolkit.build(self._shared)
        return self._toolkit

    def launch(self, task: Task) -> Launch:
        """Raises OSError when the toolkit can't be built."""
        toolkit = self.toolkit()
        margin = min(MARGIN_SECONDS, task.timeout_seconds * MARGIN_SHARE)
        seconds = max(1.0, min(self._seconds, task.timeout_seconds - margin))
        argv = [
            "python3", "-I", "-B", f"{TARGET}/repair", "--directory", task.directory, "--seconds", f"{seconds:g}",
            "--candidates", str(self._candidates),
        ]  # fmt: skip
        for test in named_tests(task.prompt):
            argv += ["--only", test]
        return Launch(tuple(argv), toolkit.environment(), (toolkit.mount,), toolkit.path)

    def open_stream(self, task: Task) -> RepairStream:
        return RepairStream()


def named_tests(prompt: str) -> list[str]:
    """Test ids, test files and test names that a prompt mentions; the engine ignores those it doesn't know."""
    names = (match.group(0).rstrip(TRAILING) for match in TEST_NAME.finditer(prompt))
    return list(dict.fromkeys(name.removeprefix("./") for name in names if not name.startswith("-")))[:20]


class RepairStream:
    """The engine's record stream, with one rule more: a success without a checked patch is none."""

    def __init__(self) -> None:
        self._records = RecordStream()
        self._changed = False

    @property
    def ended(self) -> bool:
        return self._records.ended

    def feed(self, line: bytes) -> Iterable[EventDraft]:
        drafts = list(self._records.feed(line))
        self._changed = self._changed or any(draft.type is EventType.FILE_CHANGE for draft in drafts)
        return drafts

    def close(self) -> Claim:
        """Success only if the engine said so and either wrote a checked patch or found nothing failing."""
        claim = self._records.close()
        result = claim.result or {}
        done = bool(result.get("noChanges")) or (bool(result.get("patch")) and self._changed)
        if claim.success is True and not done:
            return replace(claim, success=False, error="The repair engine claimed success without a patch.")
        return claim
