"""pytest from the inside: collects the suite, and runs chosen tests of it in the current process."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.assertion import util as assertion_texts

from . import limits
from .fast import is_judged_by_reports, needs_reports, run_fast
from .foreign import FOREIGN_MARKERS, SWITCHED_OFF, accept_foreign
from .ids import stand_in
from .progress import Failure, failure_of, without_shift
from .reasons import crash_message, message_of, traceback_frames
from .recorder import Types, open_line_recorder
from .spawning import Watch

Emit = Callable[[dict[str, Any]], None]


def pytest_arguments(root: str) -> list[str]:
    """How we call pytest: the repo's own settings, without plugins that change collection, coverage or the tree."""
    arguments = ["--rootdir", root, "-s", "--continue-on-collection-errors", "--tb=short", "-o", "required_plugins="]
    for plugin in SWITCHED_OFF:
        arguments += ["-p", f"no:{plugin}"]
    return arguments


class SuitePlugin:
    """Takes over from pytest after collection: `on_collected` runs in place of pytest's own loop."""

    def __init__(self, on_collected: Callable[[SuitePlugin, Any], None]) -> None:
        self._on_collected = on_collected
        self.collect_errors: list[dict[str, Any]] = []
        self.reports: list[Any] = []
        self.frames: list[list[Any]] = []

    def pytest_addoption(self, parser: Any) -> None:
        accept_foreign(parser)

    def pytest_configure(self, config: Any) -> None:
        for marker in FOREIGN_MARKERS:
            config.addinivalue_line("markers", f"{marker}: of a plugin that is switched off")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.collect_errors.append({"id": report.nodeid, "text": str(report.longrepr)[-4000:]})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self._on_collected(self, session)
        return True

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        yield
        if call.excinfo is not None and not self.frames:
            self.frames = traceback_frames(call.excinfo.value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        assertion_texts._reprcompare = None  # long values would be compared for seconds to show how they differ

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.reports.append(report)


class Prospects:
    """Which tests are still worth running with an edit that has left one failing; see `Batch` for the `request`."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._usual = {test: Failure.told(one) for test, one in request.get("usual", {}).items()}
        self._stuck: set[object] = set()  # where tests break off that the edit leaves as they are
        self._started = time.monotonic()

    def note(self, test: str, failure: list[Any] | None) -> None:
        """How a test has failed."""
        usual, edit = self._usual.get(test), self._request.get("edit") or {}
        if failure and usual and usual == without_shift(Failure.told(failure), usual, edit.get("growth", 0)):
            self._stuck.add(usual.spot(test))

    def are_good(self, number: int, test: str) -> bool:
        request, usual = self._request, self._usual.get(test)
        needed = (request["cpu_seconds"][number] - request["least_cpu_seconds"]) / limits.CPU_FACTOR
        is_in_time = time.monotonic() - self._started + needed <= request["patience_seconds"]
        return is_in_time and (usual is None or usual.spot(test) not in self._stuck)


class Batch:
    """Some tests to run one after another in this process.

    `request`: tests (node ids), cpu_seconds (one limit per test), full (pytest's whole protocol instead of the fast
    path), stop (at the first that isn't fine, unless it is one of `targets`; then those are run that take no longer
    than patience_seconds together, where least_cpu_seconds is the part of each limit that tells nothing of that), usual
    (how tests fail without an edit: of those that break off at one place the others are left out when one fails so with
    it), detail (emit a line per test), record (None, "lines" or "types"); seconds, vital, trace_cpu_seconds and whole
    are what `Run` says.
    """

    def __init__(self, request: dict[str, Any], plugin: SuitePlugin, emit: Emit, root: str, files: set[str]) -> None:
        self.request = request
        self._plugin = plugin
        self._emit = emit
        self._root = root
        self._files = files
        self._is_full = bool(request.get("full"))
        self._cut: list[str] = []
        self._watch = Watch() if request.get("detail") else None

    def run(self, items: dict[str, Any]) -> dict[str, Any]:
        """Run the batch; the returned record says how many were fine and which one stopped it."""
        request = self.request
        fine = 0
        targets = set(request.get("targets", ()))
        mended: list[str] = []
        skipping: list[str] = []  # targets that have left off themselves
        bad: list[str] = []
        stopped: dict[str, Any] = {}
        failures: dict[str, Any] = {}
        lines = open_line_recorder(self._root, self._files) if request.get("record") == "lines" else None
        kinds = Types(self._files) if request.get("record") == "types" else None
        recorder: Any = lines or kinds
        if recorder:
            recorder.start()
        wanted, vital = request["tests"], set(request.get("vital", ()))
        prospects = Prospects(request)
        until = math.inf if request.get("seconds") is None else time.monotonic() + request["seconds"]
        is_early = False
        for number, test in enumerate(wanted):
            if time.monotonic() > until:
                is_early = True
                break
            if request.get("stop") and len(bad) >= max(1, len(mended)) and not prospects.are_good(number, test):
                continue
            following = items.get(wanted[number + 1]) if number + 1 < len(wanted) else None
            if lines:
                lines.switch(test)
            if recorder:
                self._bound_recorder(recorder, test)
            result = self._run_one(
                items.get(test) or stand_in(test, wanted, items), test, following, request["cpu_seconds"][number]
            )
            if request.get("detail"):
                self._emit(result)
            if result["outcome"] == "passed" or (result["outcome"] == "skipped" and test not in targets):
                fine += 1
                if test in targets:
                    mended.append(test)
            elif result["outcome"] == "skipped":
                skipping.append(test)
            else:
                bad.append(test)
                failures[test] = result.get("failure")
                prospects.note(test, failures[test])
                stopped = stopped or {"failed": test, "outcome": result["outcome"], "message": result["message"]}
                if request.get("stop") and (test not in targets or result["outcome"] == "timeout"):
                    stopped["spoiled"] = test not in targets
                    break
                if test in vital:
                    is_early = True
                    break
        limits.call_after(None, lambda: None)
        if len(skipping) > len(mended):  # one may leave off before a known fault; an edit that makes them do so is none
            bad[:0] = skipping  # the last one is what the run ended with
            stopped = stopped or {"failed": skipping[0], "outcome": "skipped", "message": ""}
        record = recorder.stop() if recorder else None
        told = {"record": record, "cut": self._cut, "is_early": is_early, "mended": mended, "bad": bad}
        told["failures"] = failures if mended else {}  # else nobody asks
        return {"done": True, "fine": fine, **told, **stopped}

    def _bound_recorder(self, recorder: Any, test: str) -> None:
        """A test that goes over the same lines again and again is not slowed down for ever."""

        def pause() -> None:
            if recorder.pause():
                self._cut.append(test)

        is_whole = test in self.request.get("whole", ())
        limits.call_after(None if is_whole else self.request.get("trace_cpu_seconds"), pause)

    def _run_one(self, item: Any, test: str, following: Any, cpu_seconds: float) -> dict[str, Any]:
        if item is not None and not self._is_full:
            self._is_full = needs_reports(item.config)
        if item is None:
            return {"test": test, "outcome": "missing", "message": "not collected", "seconds": 0.0, "frames": []}
        if self.request.get("detail"):
            self._emit({"start": test})
        before, cpu_before = time.monotonic(), time.process_time()
        started = self._watch.count if self._watch else 0
        limits.arm(cpu_seconds, is_deadly=bool(self.request.get("stop")))
        try:
            if self._is_full or is_judged_by_reports(item):
                result = self._run_full(item, following)
            else:
                self._plugin.frames = []
                result = run_fast(item, following, self._plugin.reports)
        except limits.TimeLimit as error:
            result = {"outcome": "timeout", "message": "used up its CPU time", "frames": traceback_frames(error)}
            _tear_down(item)
        except BaseException as error:  # noqa: BLE001  pytest lets KeyboardInterrupt and its own Exit through
            result = {"outcome": "failed", "message": f"raised {type(error).__name__}", "frames": []}
            _tear_down(item)
        finally:
            limits.disarm()
        caught = result.pop("error", None)  # an exception is nothing for JSON
        result["failure"] = failure_of(item, caught).record() if caught is not None else None
        if caught is not None and self.request.get("detail"):
            result["frames"] = traceback_frames(caught)
            result["message"] = message_of(caught)
        elif result["outcome"] == "failed" and not result["frames"]:  # subtests tell what they did in reports only
            bad = [report for report in self._plugin.reports if report.failed]
            result["message"] = crash_message(bad[0]) if bad else result["message"]
            result["frames"] = self._plugin.frames
        result["test"] = test
        result["seconds"] = time.monotonic() - before
        result["cpu_seconds"] = time.process_time() - cpu_before
        result["spawns"] = self._watch is not None and self._watch.count > started
        return result

    def _run_full(self, item: Any, following: Any) -> dict[str, Any]:
        plugin = self._plugin
        plugin.reports, plugin.frames = [], []
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        bad = [report for report in plugin.reports if report.failed]
        if bad and limits.is_reached():
            outcome = "timeout"
        elif bad:
            outcome = "failed"
        elif any(report.skipped for report in plugin.reports):
            outcome = "skipped"  # an expected failure is reported as skipped too
        else:
            outcome = "passed"
        return {"outcome": outcome, "message": crash_message(bad[0]) if bad else "", "frames": plugin.frames}


def _tear_down(item: Any) -> None:
    limits.disarm()
    with contextlib.suppress(BaseException):  # whatever it says, the next test must find nothing set up
        item.session._setupstate.teardown_exact(None)
