"""The types that names have while failing tests run."""

from __future__ import annotations

from collections.abc import Mapping

from .baseline import HANGING_CPU_SECONDS
from .candidates import Kinds
from .goal import Goal
from .pool import Pool
from .runs import Run, play
from .source import Source

TYPED_TESTS = 4  # failing tests that are run once more to learn types
TRACE_CPU_SECONDS = 1.5  # of one test: tracing every line, it may take a hundred times as long


def learn_kinds(pool: Pool, goal: Goal, sources: Mapping[str, Source], seconds: float) -> Kinds:
    """Run a few failing tests once more, of which each begins a process. `sources` maps real paths to parsed files,
    `seconds` is the time for the whole repair. Raises ServerLost when no worker is left."""
    limit = min(3.0, seconds / 10)
    outcomes = [(test, goal.baseline.outcomes[test].outcome) for test in goal.failing[:TYPED_TESTS]]
    runs = [
        Run(
            [test], HANGING_CPU_SECONDS if outcome == "timeout" else limit, full=True, record="types",
            trace_cpu_seconds=TRACE_CPU_SECONDS,
        )
        for test, outcome in outcomes
        if outcome != "crashed"
    ]  # fmt: skip
    play(pool, *runs)
    kinds: Kinds = {}
    for path, lines in ((path, lines) for run in runs for path, lines in run.recorded.items()):
        if path not in sources:
            continue
        for line, names in lines.items():
            known = kinds.setdefault(sources[path].path, {}).setdefault(int(line), {})
            for name, seen in names.items():
                known.setdefault(name, set()).update(seen)
    return kinds
