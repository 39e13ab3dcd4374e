"""Runs one test without making reports: several times faster than pytest's protocol. Same verdict, less to tell."""

from __future__ import annotations

import contextlib
import functools
import os
from typing import Any

import pytest

from . import limits

try:
    from _pytest.tmpdir import tmppath_result_key
except ImportError:  # an older pytest: tmp_path asks nothing there
    tmppath_result_key = None  # type: ignore[assignment]  # None says so, where pytest has a key

try:
    from _pytest.warnings import catch_warnings_for_item
except ImportError:  # another pytest: warnings go where Python sends them
    catch_warnings_for_item = None  # type: ignore[assignment]  # None says so, where pytest has a function

EXCUSES = (pytest.skip.Exception, pytest.xfail.Exception)


@functools.lru_cache(maxsize=1)  # plugins don't change once the suite is collected
def needs_reports(config: Any) -> bool:
    """Whether the repo's own conftest looks at reports while they are made: its fixtures may need what it notes then.

    Plugins that are installed do that too, but to write reports, and the fast way is worth much.
    """
    root = os.path.realpath(str(config.rootdir)) + os.sep
    for one in config.hook.pytest_runtest_makereport.get_hookimpls():
        file = os.path.realpath(one.function.__code__.co_filename)
        if file.startswith(root) and "site-packages" not in file:
            return True
    return False


def is_judged_by_reports(item: Any) -> bool:
    """Whether only pytest's own report says how this test went: a failure may be what it expects."""
    return item.get_closest_marker("xfail") is not None


def run_fast(item: Any, following: Any, reports: list[Any]) -> dict[str, Any]:
    """{"outcome", "message", "frames": [], "error": the exception or None}.

    `reports` is where reports arrive: subtests make their own while they run, and raise nothing.
    """
    outcome, message = "passed", ""
    caught: BaseException | None = None
    reports.clear()
    hook = item.ihook
    if tmppath_result_key is not None and hasattr(item, "stash"):
        item.stash[tmppath_result_key] = {}  # pytest notes here what a report says, and tmp_path looks at it at the end
    try:
        with _warnings_of(item):
            try:
                hook.pytest_runtest_setup(item=item)
                hook.pytest_runtest_call(item=item)
                if getattr(item, "_excinfo", None):  # where pytest keeps the failures of a unittest.TestCase
                    caught = item._excinfo[-1].value
                    outcome = "skipped" if isinstance(caught, EXCUSES) else "failed"
                if any(report.failed for report in reports):
                    outcome, message = "failed", "a subtest failed"
            finally:
                hook.pytest_runtest_teardown(item=item, nextitem=following)
    except EXCUSES:
        outcome = "skipped"
    except limits.TimeLimit as error:
        outcome, message, caught = "timeout", "used up its CPU time", error
    except BaseException as error:  # noqa: BLE001  a test may fail with anything, SystemExit and KeyboardInterrupt included
        outcome, message, caught = "failed", type(error).__name__, error
    if outcome == "failed" and limits.is_reached():
        outcome, message = "timeout", "used up its CPU time"
    return {"outcome": outcome, "message": message, "frames": [], "error": caught}


def _warnings_of(item: Any) -> contextlib.AbstractContextManager[Any]:
    """What pytest puts into force around a test's protocol: warnings go to its list, by the filters of the settings and
    of the test's marks, and not to where the test may look."""
    if catch_warnings_for_item is None or not item.config.pluginmanager.has_plugin("warnings"):
        return contextlib.nullcontext()
    return catch_warnings_for_item(config=item.config, ihook=item.ihook, when="runtest", item=item)


def run_again(item: Any, cpu_seconds: float, reports: list[Any]) -> tuple[str, BaseException | None]:
    """Run a test that may have run in this process before: its outcome, and what it failed of."""
    if hasattr(item, "_initrequest"):
        item._initrequest()
    vars(item).pop("_excinfo", None)  # None would do for pytest itself, but it adds to what it finds there
    limits.arm(cpu_seconds, is_deadly=True)
    try:
        result = run_fast(item, None, reports)
    except limits.TimeLimit:
        result = {"outcome": "timeout"}
    finally:
        limits.disarm()
    outcome = str(result["outcome"])
    if outcome != "passed":
        with contextlib.suppress(BaseException):  # a teardown that was cut short would fail every later test
            item.session._setupstate.teardown_exact(None)
    return outcome, result.get("error")
