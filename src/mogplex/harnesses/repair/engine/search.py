"""Tries candidates on the workers until enough plausible patches are found or the budget is spent."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .baseline import cpu_limits
from .candidates import Listed, Queue
from .company import Company
from .edit import Candidate
from .goal import Goal, mends_all_there, mends_one_cause, worth_having
from .intake import Intake
from .limits import CPU_FACTOR
from .patience import Patience
from .pool import Pool, ServerLost, Worker
from .progress import told_failures
from .runs import FINE, is_out_of_time
from .screening import Screening
from .source import Source
from .steadiness import UNTRIED
from .trial import CPU_FLOORS_SECONDS, Findings, Plausible, Trial, has_more_time, retry_share
from .units import encoded

HOPELESS_SECONDS, PROMISING_SECONDS = 0.15, 1.0  # to see what else an edit does that leaves a target failing
ENDING_SHARE = 0.3  # of the failing tests at least mends an edit that is given more time since another one goes on
SETTLE_SECONDS, TELLING_TRIES = 4.0, 50  # so many tell how long candidates take
COLD_AHEAD = 12  # candidates that need an import and are made ready; others are only kept, for they may wait for long
SCREEN_SIZE = 16  # candidates screened in one process


class Search:
    """One search. `sources` maps real paths to parsed files, `on_progress` hears of every answer."""

    def __init__(
        self,
        pool: Pool,
        goal: Goal,
        sources: dict[str, Source],
        on_progress: Callable[[Findings], None],
        under: dict[str, Any] | None = None,
        is_about: Callable[[Candidate], bool] | None = None,
    ) -> None:
        """`under` is an encoded edit that every candidate is tried on top of; `sources` have it already. `is_about` is
        false of edits that only keep the tests from getting to where they broke off."""
        self._is_about = is_about
        self._under = under
        self._queue: Queue = Listed(())
        self._patience: Patience | None = None
        self._pool = pool
        self._goal = goal
        self._on_progress = on_progress
        self._cold: deque[Trial] = deque()  # found to need an import only when they were tried
        self._alone: deque[Trial] = deque()  # passed a failing test, or were next to one that killed its process
        self._screening = Screening(goal, sources)
        self._gathered: dict[tuple[str, ...], list[Trial]] = {}  # tests -> candidates that wait to be screened by them
        self._company = Company()
        self._intake = Intake(goal, sources, self._company)
        self._screened_out: list[Trial] = []
        self._slow: list[tuple[float, int, Trial]] = []  # heap of those that timed out: -score, number, trial
        self.findings = Findings(failing=max(1, len(goal.failing)))

    def add(self, candidates: Queue) -> None:
        """What to try, best first."""
        self._queue = candidates

    def run(self, until: float, deadline: float, limit: int) -> Findings:
        """Try candidates in order until `deadline` (monotonic) or `limit` tries; only until `until` when there are
        edits that mend a part, so that time is left to build on them. Can be called again to go on.

        Raises ServerLost when no worker lives.
        """
        self._patience = self._patience or Patience(limit, is_inner=self._under is not None)
        while True:
            self.findings.stopped_by = self._patience.reason_to_stop(self.findings, until, deadline)
            if self.findings.stopped_by:
                self._await_idle()
                return self.findings
            self._feed(self._queue)
            busy = [worker for worker in self._pool.workers if worker.is_busy]
            if not busy:
                if self._cold and self._pool.idle(cold=True) is not None:
                    continue  # nothing but edits that need an import, which were only found to be such just now
                if all(worker.is_lost for worker in self._pool.workers):
                    raise ServerLost("the tests killed every process that runs them")
                self.findings.stopped_by = "exhausted"
                return self.findings
            self._pool.poll(0.1)
            self._on_progress(self.findings)

    def drop(self, refused: set[str]) -> bool:
        """Go on as if patches that lead to these texts had not been found; whether there were any."""
        is_less = self.findings.drop(refused)
        if is_less:
            self._patience = None
        return is_less

    def _await_idle(self) -> None:
        """Let the workers end what they are at, so that the next search finds them free; but not those that import,
        which take long: they tell this search whenever they are done."""
        give_up = time.monotonic() + SETTLE_SECONDS
        warm = [worker for worker in self._pool.workers if not worker.is_cold]
        while any(worker.is_busy for worker in warm) and time.monotonic() < give_up:
            self._pool.poll(0.1)
        for worker in warm:
            worker.hear = None  # what one that is late says is nothing for the next search

    def _take(self, worker: Worker, record: dict[str, Any]) -> None:
        if isinstance(worker.request, list):
            self._judge_screened(worker.request, record)
        elif worker.request and record.get("done"):
            self._judge(worker, record)

    def _feed(self, queue: Queue) -> None:
        """Give every idle worker its next trial."""
        while (worker := self._pool.idle(cold=True)) is not None:
            trial = self._cold.popleft() if self._cold else self._intake.next_kept()
            if trial is None and self._goal.unimportable:
                trial = self._next_trial(queue)
            if trial is None:
                break
            self._submit(worker, trial)
        if self._goal.unimportable:
            return
        while (worker := self._pool.idle(cold=False)) is not None:
            if not self._feed_warm(worker, queue):
                break

    def _feed_warm(self, worker: Worker, queue: Queue) -> bool:
        """Give one warm worker something to do; False when nothing is left for it."""
        if self._alone:
            self._submit(worker, self._alone.popleft())
        elif self._slow and not self.findings.plausible and (not queue or -self._slow[0][0] > queue.best_score):
            self._submit(worker, heapq.heappop(self._slow)[2])
        elif (batch := self._next_batch(queue)) is not None:
            self._screen(worker, *batch)
        elif self._alone:
            self._submit(worker, self._alone.popleft())
        elif self._screened_out and not self.findings.plausible and not any(one.is_busy for one in self._pool.workers):
            for trial in self._screened_out:  # what one edit left behind may have hidden another
                (self._alone if trial.compiled.kind == "body" else self._waiting_for_import(trial)).append(trial)
            self._screened_out.clear()
            return self._feed_warm(worker, queue)
        else:
            return False
        return True

    def _next_batch(self, queue: Queue) -> tuple[tuple[str, ...], list[Trial]] | None:
        """The next candidates that the same tests can screen, and those tests; None when there are none."""
        for _ in range(2 * SCREEN_SIZE):
            trial = self._next_trial(queue)
            if trial is None:
                break
            path = self._intake.path_of(trial)
            tests = self._screening.tests_for(path, self._intake.function_of(trial))
            if not tests:
                self._alone.append(trial)
            elif trial.compiled.code is None or self._screening.is_blind:
                self._waiting_for_import(trial).append(trial)
            else:
                self._gathered.setdefault(tests, []).append(trial)
                if len(self._gathered[tests]) == SCREEN_SIZE:
                    break
        if not self._gathered:
            return None
        best = max(self._gathered, key=lambda tests: self._gathered[tests][0].candidate.score)
        return best, self._gathered.pop(best)

    def _screen(self, worker: Worker, tests: tuple[str, ...], trials: list[Trial]) -> None:
        """Try many candidates on a few cheap failing tests in one process."""
        batch = [encoded(trial.compiled, self._intake.path_of(trial)) for trial in trials]
        self._pool.submit(
            worker, self._screening.request(tests, batch, self._under, CPU_FLOORS_SECONDS[0]), trials, self._take
        )

    def _judge_screened(self, trials: list[Trial], record: dict[str, Any]) -> None:
        """One line about a batch. `trials` loses its head with every line; what is left was not tried."""
        if "failures" in record:
            self._screening.learn(record["failures"])
        elif "screened" in record:
            trial = trials.pop(0)
            self._queue.note(trial.candidate, record.get("changed", True))
            if record.get("moved") and record["outcome"] not in FINE:
                self._note_step(Plausible(trial.candidate, trial.compiled, moves=record["moved"]))
            if record["outcome"] == "cold":
                self._waiting_for_import(trial).append(trial)
            elif record["outcome"] in (*FINE, UNTRIED):
                trial.has_passed, trial.moves = record["outcome"] in FINE, record.get("moved", 0.0)
                self._alone.append(trial)
            else:
                self.findings.count(trial.candidate)
                if record["outcome"] == "timeout":
                    self._retry_later(trial)
                else:
                    self._screened_out.append(trial)
        elif trials:  # the process died or hung on the first one that is left
            self.findings.count(trials[0].candidate)
            if is_out_of_time(record):
                self._retry_later(trials[0])
            self._alone.extend(trials[1:])

    def _waiting_for_import(self, trial: Trial) -> deque[Trial]:
        """A file that only tests import gets its edited text in any process, before they do."""
        return self._cold if self._intake.path_of(trial) in self._pool.loaded else self._alone

    def _note_step(self, found: Plausible) -> None:
        if not self._under:
            self.findings.note_step(found)

    def _retry_later(self, trial: Trial, is_promising: bool = False, is_cold: bool = False) -> None:
        if not has_more_time(trial.round, is_promising=is_promising):
            return
        trial.round += 1
        if is_cold:
            self._cold.append(trial)  # without an import nothing of it would be in force
        elif is_promising or (trial.has_passed and trial.round == 1):
            self._alone.append(trial)
        else:
            is_told = self._under is None and self.findings.tried >= TELLING_TRIES and not self._goal.is_endless
            spent_seconds = len(self._pool.workers) * self.findings.seconds if is_told else 0.0
            trial.patience *= retry_share(spent_seconds / max(1, self.findings.tried), trial.round)
            heapq.heappush(self._slow, (-trial.candidate.score * trial.patience, self.findings.tried, trial))

    def note_original(self) -> None:
        """Remember what the files compile to now, so that edits without effect are skipped."""
        self._intake.note_original()

    def _next_trial(self, queue: Queue) -> Trial | None:
        return self._intake.next_trial(queue, is_cold_full=len(self._cold) >= COLD_AHEAD)

    def _submit(self, worker: Worker, trial: Trial) -> None:
        tests = [trial.doubted] if trial.doubted else trial.tests
        limits = cpu_limits(self._goal.baseline, tests, CPU_FACTOR, CPU_FLOORS_SECONDS[trial.round])
        known = self._goal.baseline.seconds_of(tests)
        path = self._intake.path_of(trial)
        if worker.is_cold or trial.compiled.code is None or path not in self._pool.loaded:
            edit: dict[str, Any] = {"path": path, "text": trial.compiled.text}
        else:
            edit = encoded(trial.compiled, path)
        request = {
            "tests": tests, "cpu_seconds": limits, "edit": None if trial.is_control else edit,
            "stop": not trial.is_control,  # which is to tell how each test goes
            "usual": {} if trial.has_passed else self._screening.usual,
            "patience_seconds": PROMISING_SECONDS if trial.has_passed else HOPELESS_SECONDS,
            "least_cpu_seconds": CPU_FLOORS_SECONDS[trial.round],
            "under": self._under if edit.get("code") else None, "clean_files": self._goal.unimportable,
            "targets": tests if trial.is_control else self._goal.failing,
            "quiet_seconds": 1.5 + 2 * known + 3 * max(limits, default=1.0) + (10.0 if worker.is_cold else 0.0),
        }  # fmt: skip
        self._pool.submit(worker, request, trial, self._take)

    def _judge(self, worker: Worker, record: dict[str, Any]) -> None:
        trial: Trial = worker.request
        if trial.is_control or trial.doubted:
            self._alone.extend(self._company.hear(trial, record, self._goal.failing))
            return
        if record.get("cold"):
            self._cold.append(trial)
            return
        self.findings.count(trial.candidate)
        if not (record.get("died") or record.get("lost") or "failed" in record):
            is_meant = self._is_about is None or self._is_about(trial.candidate)
            self.findings.add(Plausible(trial.candidate, trial.compiled), is_meant=is_meant)
        elif is_out_of_time(record):
            enough = max(1, len(record.get("bad", ())), ENDING_SHARE * len(self._goal.failing))
            self._retry_later(trial, len(record.get("mended", ())) >= enough, worker.is_cold)
        elif record.get("mended"):
            self._judge_partly(trial, worker, record)
        elif trial.moves and "failed" in record:  # it passed when it was screened, for what another edit had left there
            self._note_step(Plausible(trial.candidate, trial.compiled, moves=trial.moves))

    def _judge_partly(self, trial: Trial, worker: Worker, record: dict[str, Any]) -> None:
        mended: list[str] = record["mended"]
        found, share = Plausible(trial.candidate, trial.compiled), len(mended) / len(self._goal.failing)
        function, path = self._intake.function_of(trial), self._intake.path_of(trial)
        running = self._screening.running(path, function)
        is_all = mends_all_there(self._goal, mended, running)
        if record.get("spoiled"):
            spoiled = record["bad"][-1]  # no target, so the run ended there
            self._note_step(replace(found, moves=share, spoils=(spoiled,)))
            if is_all and not worker.is_cold:
                self._alone.extend(self._company.ask(trial, spoiled))
        else:
            self._note_step(replace(found, mends=tuple(mended)))
            mends = mended if self._under is not None else worth_having(self._goal, mended, running)
            leaves = told_failures(record)
            if mends:  # a large part: if nothing better comes; on top of another edit any is worth having
                self.findings.partial.append(replace(found, mends=tuple(mends), leaves=leaves))
            elif is_all or mends_one_cause(self._goal, mended, leaves, trial.compiled.growth):
                self.findings.apart.append(replace(found, mends=tuple(mended)))
        is_open = function is not None and not worker.is_cold and share < 1
        if is_open and self._screening.may_need_import(path, function, mended, record["bad"]):
            self._cold.append(trial)
