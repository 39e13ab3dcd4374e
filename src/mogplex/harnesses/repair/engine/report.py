"""What is told at the end: prose for people, a record for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .baseline import Baseline
from .choose import hunk
from .source import Source
from .spectra import Suspect
from .trial import Findings, Plausible

SHOWN_SUSPECTS = 8
MANY_PLAUSIBLE = 4


@dataclass
class Report:
    """Grows while the engine works; `result` can be asked for at any time."""

    failing: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)  # still fail with the patch
    environment: list[str] = field(default_factory=list)  # fail because a package is not installed
    suspects: list[Suspect] = field(default_factory=list)
    patch: dict[str, Any] | None = None
    others: int = 0
    tried: int = 0
    seconds: float = 0.0
    no_changes: bool = False

    def result(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "failingTests": self.failing,
            "suspects": [
                {"path": one.path, "line": one.line, "score": round(one.score, 3), "text": one.text}
                for one in _distinct(self.suspects)
            ],
            "patch": self.patch,
            "otherPlausible": self.others,
            "candidatesTried": self.tried,
            "seconds": round(self.seconds, 2),
            "flakyTests": self.flaky,
        }
        if self.environment:
            record["environmentFailures"] = self.environment
        if self.remaining:
            record["remainingFailures"] = self.remaining
        if self.no_changes:
            record["noChanges"] = True
        return record


def _distinct(suspects: list[Suspect]) -> list[Suspect]:
    seen: set[tuple[str, int]] = set()
    kept = []
    for one in suspects:
        if (one.path, one.line) not in seen:
            seen.add((one.path, one.line))
            kept.append(one)
    return kept[:SHOWN_SUSPECTS]


def patch_record(one: Plausible, source: Source) -> dict[str, Any]:
    before, after = hunk(source, one.candidate.edits)
    return {
        "path": one.candidate.path, "line": one.candidate.line, "before": before.rstrip("\r\n"),
        "after": after.rstrip("\r\n"), "template": one.candidate.template, "removesBehaviour": one.candidate.removes,
    }  # fmt: skip


def diagnosis(failing: list[str], baseline: Baseline, suspects: list[Suspect]) -> str:
    """Which tests fail and why, and where the fault probably is."""
    lines = [f"{len(failing)} failing {'test' if len(failing) == 1 else 'tests'}:"]
    for test in failing[:5]:
        reason = baseline.outcomes[test].message.strip().splitlines() if test in baseline.outcomes else []
        lines.append(f"  {test}" + (f": {reason[0][:300]}" if reason else ""))
    if len(failing) > 5:
        lines.append(f"  and {len(failing) - 5} more")
    if baseline.flaky:
        lines.append(f"Left out as flaky (they differ from run to run): {', '.join(baseline.flaky[:5])}")
    if suspects:
        lines += ["The fault is probably in one of these lines:", *suspect_lines(suspects)]
    return "\n".join(lines)


def suspect_lines(suspects: list[Suspect]) -> list[str]:
    return [f"  {one.path}:{one.line}  ({one.score:.2f})  {one.text[:100]}" for one in _distinct(suspects)]


def fixed_summary(report: Report, passed: int) -> str:
    """Why this patch, and how far to trust it."""
    patch = report.patch or {}
    kind = patch.get("template", "")
    lines = [
        f"Fixed in {patch.get('path')}:{patch.get('line')} ({kind}).",
        *[f"- {line}" for line in str(patch.get("before", "")).splitlines()],
        *[f"+ {line}" for line in str(patch.get("after", "")).splitlines()],
        f"Checked with the whole suite in a fresh interpreter: {passed} passed, none that passed before fails.",
        f"{report.tried} candidates were tried.",
    ]
    if report.remaining:
        lines.append(
            f"{len(report.remaining)} tests in other files failed before and still do: "
            f"{', '.join(report.remaining[:5])}. They seem to have another cause."
        )
    if report.others == 0:
        lines.append("No other plausible patch was found in the time given.")
    else:
        others = (
            "another plausible patch passes" if report.others == 1 else f"{report.others} other plausible patches pass"
        )
        lines.append(f"At least {others} the same tests; this one looks the most natural.")
    if report.others >= MANY_PLAUSIBLE:
        lines.append(
            "That many means the tests are weak here: read the patch closely, and add a test for what was meant."
        )
    if patch.get("removesBehaviour"):
        lines.append(
            "It takes behaviour away instead of correcting it, which often only silences a test: review with care."
        )
    return "\n".join(lines)


def unfixed_summary(report: Report, findings: Findings | None) -> str:
    lines = [f"No fix found for {len(report.failing)} failing tests; {report.tried} candidates were tried."]
    if findings is not None:
        reasons = {
            "time": "The time was up.", "candidates": "The limit on candidates was reached.",
            "exhausted": "Every candidate the templates know was tried.",
        }  # fmt: skip
        lines.append(reasons.get(findings.stopped_by, "None of the plausible patches passed the whole suite."))
        if findings.partial:
            one = findings.partial[0].candidate
            lines.append(
                f"{len(findings.partial)} patches seemed to mend some of the failing tests, the first of them at "
                f"{one.path}:{one.line} ({one.template}): there may be more than one fault."
            )
    if report.suspects:
        lines += ["The fault is probably in one of these lines:", *suspect_lines(report.suspects)]
    lines.append("The tree is unchanged.")
    return "\n".join(lines)
