"""What is told to people: which tests fail and why, where the fault probably is, and how far to trust a patch."""

from __future__ import annotations

from typing import Any

from .report import Report
from .trial import Findings

SHOWN_TESTS = 5
MANY_PLAUSIBLE = 4
STOPPED_BY = {
    "time": "The time was up.",
    "candidates": "The limit on candidates was reached.",
    "exhausted": "Every candidate the templates know was tried.",
}


def diagnosis(report: Report) -> str:
    """Which tests fail and why, and where the fault probably is."""
    lines = [*_failing_lines(report)]
    if report.flaky:
        lines.append(f"Left out as flaky (they differ from run to run): {', '.join(report.flaky[:SHOWN_TESTS])}")
    if report.slow:
        lines.append(f"Left out, since they ran out of time like slow tests: {', '.join(report.slow[:SHOWN_TESTS])}")
    if report.suspects:
        lines += ["The fault is probably in one of these lines:", *_suspect_lines(report)]
    return "\n".join(lines)


def _failing_lines(report: Report) -> list[str]:
    count = len(report.failing)
    lines = [f"{count} failing {'test' if count == 1 else 'tests'}:"]
    for test in report.failing[:SHOWN_TESTS]:
        reason = report.reasons.get(test, "")
        lines.append(f"  {test}" + (f": {reason[:300]}" if reason else ""))
    if count > SHOWN_TESTS:
        lines.append(f"  and {count - SHOWN_TESTS} more")
    return lines


def _suspect_lines(report: Report) -> list[str]:
    return [
        f"  {one['path']}:{one['line']}  ({one['score']:.2f})  {one['text'][:100]}  # {one['evidence']}"
        for one in report.shown_suspects()
    ]


def fixed(report: Report, passed: int) -> str:
    """The patch, why this one, and how far to trust it."""
    patch = report.patch or {}
    lines = [
        f"Fixed in {patch.get('path')}:{patch.get('line')} ({patch.get('template')}).",
        *[f"- {line}" for line in str(patch.get("before", "")).splitlines()],
        *[f"+ {line}" for line in str(patch.get("after", "")).splitlines()],
        *_failing_lines(report),
        f"Checked with the whole suite in a fresh interpreter: {passed} passed, none that passed before fails.",
        f"{report.tried} candidates were tried.",
    ]
    if report.remaining:
        lines.append(
            f"{len(report.remaining)} tests in other files failed before and still do: "
            f"{', '.join(report.remaining[:SHOWN_TESTS])}. They seem to have another cause."
        )
    lines += _trust_lines(report, patch)
    return "\n".join(lines)


def _trust_lines(report: Report, patch: dict[str, Any]) -> list[str]:
    lines = []
    if report.others == 0:
        lines.append("No other plausible patch was found in the time given.")
    else:
        passing = (
            "another plausible patch passes" if report.others == 1 else f"{report.others} other plausible patches pass"
        )
        lines.append(
            f"At least {passing} the same tests. This one was chosen because it is {patch.get('why')}. Others:"
        )
        for one in report.alternatives:
            after = " / ".join(line.strip() for line in str(one["after"]).splitlines()) or "(deleted)"
            lines.append(f"  {one['path']}:{one['line']} ({one['template']}): {after[:160]}")
    if report.others >= MANY_PLAUSIBLE:
        lines.append(
            "That many means the tests are weak here: read the patch closely, and add a test for what was meant."
        )
    if patch.get("removesBehaviour"):
        lines.append(
            "It takes behaviour away instead of correcting it, which often only silences a test: review with care."
        )
    if patch.get("copiesExpectedValue"):
        lines.append("It brings in a value that a failing test expects: it may be made for that test only.")
    return lines


def unfixed(report: Report, findings: Findings | None) -> str:
    """What is known without a fix, and what a person should look at first."""
    lines = [f"No fix found for {len(report.failing)} failing tests; {report.tried} candidates were tried."]
    if findings is not None:
        lines.append(STOPPED_BY.get(findings.stopped_by, "None of the plausible patches passed the whole suite."))
    lines += _failing_lines(report)
    if report.flaky:
        lines.append(f"Left out as flaky (they differ from run to run): {', '.join(report.flaky[:SHOWN_TESTS])}")
    if report.suspects:
        lines += ["The fault is probably in one of these lines:", *_suspect_lines(report)]
    first = report.look_first()
    if first is not None:
        lines.append(f"Look first at {first['path']}:{first['line']}: {first['why']}.")
    if report.tried_kinds:
        kinds = sorted(report.tried_kinds.items(), key=lambda item: -item[1])
        lines.append("Tried: " + ", ".join(f"{name} ({count})" for name, count in kinds[:8]) + ".")
    lines.append("The tree is unchanged.")
    return "\n".join(lines)
