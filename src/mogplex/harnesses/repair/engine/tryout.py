"""Many edits in one process, each tried on a few failing tests."""

from __future__ import annotations

from typing import Any, Union

from .fast import is_judged_by_reports, needs_reports, run_again
from .progress import Failure, failure_of, progress, without_shift
from .safekeeping import Safekeeping
from .steadiness import RANDOM, UNTRIED, is_unsteady, unsteady
from .suite import Emit, SuitePlugin
from .swap import CodeIndex, Undo

IMPORTING_TESTS = 4
Ran = tuple[str, Union[BaseException, None]]  # the outcome of a test, and what it failed of


def screen(
    items: list[Any],
    request: dict[str, Any],
    index: CodeIndex,
    emit: Emit,
    plugin: SuitePlugin,
    keeping: Safekeeping,
    ran: dict[str, Ran],
) -> dict[str, Any]:
    """Try many edits on a few failing tests in this one process: {"screened": number, "outcome", "moved", "changed"}.

    `request`: batch (edits), cpu_seconds (one limit per test), failures (how each test fails without an edit, told
    first, as {"failures"}, where it isn't known yet), nameless (file -> names that have no value without an edit
    either). Tests that one process can't run twice, or that are unsteady, are left out. `ran`: how those went here.
    The outcome is UNTRIED when none is left, and "passed" as soon as one of them passes; of tests that break off at one
    place the others are left out when an edit leaves the first as it is. `moved` says how clearly the failure has moved
    on, `changed` whether any of the tests went differently.

    Much cheaper than a process per edit. What one edit leaves behind may disturb the next, so a pass here only means
    that the edit deserves a process of its own, and the search tries the others again alone when it finds nothing.
    """
    edits, cpu_seconds = request["batch"], max(request["cpu_seconds"])
    failures: dict[str, Any] = request["failures"]
    is_fit = all(map(can_run_again, items))
    if is_fit and (unknown := [item for item in items if item.nodeid not in failures]):
        with keeping.turn():
            failures.update({item.nodeid: _unedited(item, cpu_seconds, plugin, ran) for item in unknown})
        emit({"failures": failures})
    items = [item for item in items if is_fit and not is_unsteady(failures[item.nodeid])]
    if not items:
        for number in range(len(edits)):
            emit({"screened": number, "outcome": UNTRIED})
        return {"done": True, "fine": 0}
    told = [failures[item.nodeid] for item in items]
    known = [Failure.told(one) if one and one != RANDOM else None for one in told]
    for number, edit in enumerate(edits):
        undo = _apply(index, edit)
        if undo is None:
            emit({"screened": number, "outcome": "cold"})
            continue
        outcome, moved, changed = "failed", 0.0, False
        with keeping.turn():
            stuck: set[object] = set()  # where tests break off that the edit leaves as they are
            for item, before in zip(items, known):
                if before is not None and before.spot(item.nodeid) in stuck:
                    continue
                outcome, error = run_again(item, cpu_seconds, plugin.reports)
                if outcome != "failed":
                    changed = changed or outcome != "timeout" or before is not None
                    break
                after = failure_of(item, error)
                after = after if before is None else without_shift(after, before, edit.get("growth", 0))
                changed = changed or after != before
                if before is not None:
                    moved = max(moved, progress(before, after, request["nameless"]))
                    stuck.update([before.spot(item.nodeid)] if after == before else [])
            undo()
        outcome = "cold" if outcome == "failed" and not index.is_whole else outcome
        emit({"screened": number, "outcome": outcome, "moved": moved, "changed": changed})
    return {"done": True, "fine": 0}


def can_run_again(item: Any) -> bool:
    """Whether the process that has run it can run it once more, and know how it went."""
    return not needs_reports(item.config) and not is_judged_by_reports(item)


def import_late(items: list[Any], request: dict[str, Any], index: CodeIndex, plugin: SuitePlugin) -> dict[str, Ran]:
    """When an edit of a request is of a file that has not been imported, run some of its tests: they may do it. How
    they went, by test."""
    edits = [*request.get("batch", ()), *filter(None, [request.get("under")])]
    paths = {edit["path"] for edit in edits}
    ran: dict[str, Ran] = {}
    for item in filter(can_run_again, items[:IMPORTING_TESTS]):
        if all(map(index.knows, paths)):
            break
        ran[item.nodeid] = run_again(item, max(request["cpu_seconds"]), plugin.reports)
    if ran:
        index.find()
    return ran


def _unedited(item: Any, cpu_seconds: float, plugin: SuitePlugin, ran: dict[str, Ran]) -> Any:
    """How a test fails when nothing is edited; None when it doesn't fail, or never ends. Unsteady (see `steadiness`)
    when it goes another way the second time."""
    told: list[Any] = []
    for number in range(2):
        earlier = ran.get(item.nodeid) if number == 0 else None
        outcome, error = earlier or run_again(item, cpu_seconds, plugin.reports)
        if outcome == "timeout" or (outcome != "failed" and not told):
            return None
        told.append(failure_of(item, error).record() if outcome == "failed" else None)
    return told[0] if told[0] == told[1] else unsteady(told[0], told[1])


def _apply(index: CodeIndex, edit: dict[str, Any]) -> Undo | None:
    try:
        return index.apply(edit)
    except Exception:  # noqa: BLE001  an edited assignment may raise anything; what an import makes of it will be seen
        return None
