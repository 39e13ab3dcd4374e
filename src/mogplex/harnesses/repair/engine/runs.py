"""Runs lists of tests on the workers, two at a time, past tests that kill or hang the process they run in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .limits import DEADLY_SIGNAL
from .pool import Pool, ServerLost, Worker
from .progress import Failure

FINE = ("passed", "skipped")
SLOWDOWN = 3.0  # what recording lines may cost


@dataclass
class Outcome:
    """How one test went. `frames` are (real path, line) from the outermost to where it failed."""

    outcome: str
    message: str = ""
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    frames: list[tuple[str, int]] = field(default_factory=list)
    spawns: bool = False  # it starts programs that may run the repo's code
    failure: Failure | None = None  # where the exception is at hand


@dataclass
class Run:
    """Tests to run one after another in one child; a test that kills or hangs the child is noted and the rest goes on.

    `full` takes pytest's whole protocol, for its verdict and words; without it a test costs a fraction of that.
    `record` is None, "lines" or "types". `seconds`: no test is begun after that time. `trace_cpu_seconds`: lines of a
    test are recorded for so long, of those in `whole` to the end. `slowest_seconds` is how long one of them is known
    to take: a test may be that silent, and several times more. `vital`: end at the first of them that isn't fine.
    `under` is an encoded edit that is in force meanwhile.

    What it yields: `outcomes` of the tests that ran; `recorded`: for "lines" test -> real path -> lines, for "types"
    real path -> line -> name -> type names; `cut`: tests not recorded to their end. What was recorded in a child that
    was killed is lost.
    """

    tests: list[str]
    cpu_seconds: float
    full: bool = False
    record: str | None = None
    seconds: float | None = None
    trace_cpu_seconds: float | None = None
    whole: Sequence[str] = ()
    slowest_seconds: float = 0.0
    vital: Sequence[str] = ()
    under: dict[str, Any] | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    recorded: dict[str, Any] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._left = list(self.tests)
        self._running = ""
        self._spent = 0.0

    def request(self) -> dict[str, Any] | None:
        """What a worker is to do next; None when all is done."""
        if not self._left:
            return None
        self._running = self._left[0]
        return {
            "tests": self._left, "cpu_seconds": [self.cpu_seconds] * len(self._left), "full": self.full, "detail": True,
            "record": self.record, "trace_cpu_seconds": self.trace_cpu_seconds, "whole": list(self.whole),
            "vital": list(self.vital), "under": self.under,
            "seconds": None if self.seconds is None else max(0.0, self.seconds - self._spent),
            "quiet_seconds": self.cpu_seconds * 2 + 2 + self.slowest_seconds * SLOWDOWN,
        }  # fmt: skip

    def take(self, record: dict[str, Any]) -> None:
        """One line of a worker's answer. Raises ServerLost when the worker is gone."""
        if "start" in record:
            self._running = record["start"]
        elif "test" in record:
            frames = [(path, line) for path, line in record["frames"]]
            self.outcomes[record["test"]] = Outcome(
                record["outcome"], record["message"], record.get("cpu_seconds", 0.0), record["seconds"], frames,
                record.get("spawns", False), Failure.told(record["failure"]) if record.get("failure") else None,
            )  # fmt: skip
            self._spent += record["seconds"]
        elif record.get("lost"):
            raise ServerLost(f"the process that runs the tests was killed while {self._running} ran")
        elif record.get("died"):
            self._pass_over(record)
        elif record.get("done"):
            self._end(record)

    def _pass_over(self, record: dict[str, Any]) -> None:
        """Note the test that ended its process; the next request is about those after it."""
        silent = bool(record.get("silent"))
        reason = "hung" if silent else f"ended the process that ran it (status {record.get('code')})"
        outcome = Outcome("timeout" if silent else "crashed", f"the test {reason}", self.cpu_seconds)
        self.outcomes[self._running] = outcome
        self._spent += self.cpu_seconds
        self._left = self._left[self._left.index(self._running) + 1 :]

    def _end(self, record: dict[str, Any]) -> None:
        self.recorded.update(record.get("record") or {})
        self.cut |= set(record.get("cut", ()))
        if not record.get("is_early"):
            for test in self._left:
                self.outcomes.setdefault(
                    test, Outcome("crashed", f"the test ended the run: {record.get('message', '')}")
                )
        self._left = []


def is_out_of_time(record: dict[str, Any]) -> bool:
    """Whether an edit that a worker tells of used up the time of a test, in Python or in C."""
    return record.get("outcome") == "timeout" or record.get("code") == DEADLY_SIGNAL


def play(pool: Pool, *runs: Run) -> None:
    """Play runs to their end, as many at a time as there are idle workers; waits for those that are still at something
    else. Raises ServerLost when no worker is left."""
    waiting = [run for run in runs if run.tests]
    active: dict[int, tuple[Worker, Run]] = {}
    while waiting or active:
        while waiting and (worker := pool.idle(cold=False)) is not None:
            run = waiting.pop(0)
            request = run.request()
            if request is not None:
                pool.submit(worker, request)
                active[id(worker)] = (worker, run)
        if not active and not any(worker.is_busy for worker in pool.workers if not worker.is_cold):
            raise ServerLost("the tests killed the processes that run them")
        for worker, record in pool.poll(0.2):
            if id(worker) not in active:
                continue  # an idle one that was lost, or the end of what somebody else had asked for
            run = active[id(worker)][1]
            run.take(record)
            if record.get("done"):
                del active[id(worker)]
                request = run.request()
                if request is not None:
                    pool.submit(worker, request)
                    active[id(worker)] = (worker, run)
