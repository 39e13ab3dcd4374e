"""What is told at the end, as a record for programs; `summary.py` puts it into words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .choose import copies_expected_value, hunk
from .edit import changed_tokens
from .source import Source
from .spectra import Evidence, Suspect
from .trial import Plausible

SHOWN_SUSPECTS = 8
SHOWN_FAILURES = 20
SHOWN_ALTERNATIVES = 3


@dataclass
class Report:
    """Grows while the engine works; `result` can be asked for at any time."""

    failing: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)  # test -> why it fails, one line
    flaky: list[str] = field(default_factory=list)
    remaining: list[str] = field(default_factory=list)  # still fail with the patch
    environment: list[str] = field(default_factory=list)  # fail because a package is not installed
    slow: list[str] = field(default_factory=list)  # ran out of time, and may be in order
    suspects: list[Suspect] = field(default_factory=list)
    evidence: dict[tuple[str, int], Evidence] = field(default_factory=dict)
    patch: dict[str, Any] | None = None
    alternatives: list[dict[str, Any]] = field(default_factory=list)
    partial: list[dict[str, Any]] = field(default_factory=list)  # patches that mend some of the failing tests
    others: int = 0
    tried: int = 0
    tried_kinds: dict[str, int] = field(default_factory=dict)  # template -> candidates
    timing: dict[str, float] = field(default_factory=dict)  # phase -> seconds
    seconds: float = 0.0
    no_changes: bool = False

    def result(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "failingTests": self.failing,
            "failures": [
                {"test": test, "reason": self.reasons.get(test, "")} for test in self.failing[:SHOWN_FAILURES]
            ],
            "suspects": self.shown_suspects(),
            "patch": self.patch,
            "otherPlausible": self.others,
            "alternatives": self.alternatives,
            "candidatesTried": self.tried,
            "triedKinds": self.tried_kinds,
            "seconds": round(self.seconds, 2),
            "timing": {name: round(seconds, 2) for name, seconds in self.timing.items()},
            "flakyTests": self.flaky,
        }
        if self.environment:
            record["environmentFailures"] = self.environment
        if self.slow:
            record["slowTests"] = self.slow
        if self.remaining:
            record["remainingFailures"] = self.remaining
        if self.patch is None and not self.no_changes:
            record["lookFirst"] = self.look_first()
            record["partialPatches"] = self.partial
        if self.no_changes:
            record["noChanges"] = True
        return record

    def shown_suspects(self) -> list[dict[str, Any]]:
        return [
            {
                "path": one.path, "line": one.line, "score": round(one.score, 3), "text": one.text,
                "evidence": str(self.evidence.get((one.path, one.line), "")),
            }
            for one in distinct(self.suspects)
        ]  # fmt: skip

    def look_first(self) -> dict[str, Any] | None:
        """One place for a person: where a patch got furthest, else where a failing test broke off, else the most
        suspicious line."""
        if self.partial:
            one = self.partial[0]
            return {
                "path": one["path"], "line": one["line"],
                "why": f"an edit there ({one['template']}) mends {one['mends']} of {len(self.failing)} failing tests",
            }  # fmt: skip
        shown = distinct(self.suspects)
        if not shown:
            return None
        best = next((one for one in shown if self._in_traceback(one)), shown[0])
        return {
            "path": best.path,
            "line": best.line,
            "why": str(self.evidence.get((best.path, best.line), "most suspicious")),
        }

    def _in_traceback(self, one: Suspect) -> bool:
        known = self.evidence.get((one.path, one.line))
        return known is not None and known.broke_off


def distinct(suspects: list[Suspect]) -> list[Suspect]:
    seen: set[tuple[str, int]] = set()
    kept = []
    for one in suspects:
        if (one.path, one.line) not in seen:
            seen.add((one.path, one.line))
            kept.append(one)
    return kept[:SHOWN_SUSPECTS]


def patch_record(one: Plausible, source: Source, expected: set[str]) -> dict[str, Any]:
    """A patch as programs read it. `expected`: constants that the failing tests mention."""
    before, after = hunk(source, one.candidate.edits)
    words = changed_tokens(before, after)
    copies = copies_expected_value(before, after, expected)
    reasons = [f"small ({words} {'word' if words == 1 else 'words'} changed)"]
    if one.candidate.prior >= 0.3:
        reasons.append(f"of a common kind ({one.candidate.template})")
    if not one.candidate.removes:
        reasons.append("takes no behaviour away")
    return {
        "path": one.candidate.path, "line": one.candidate.line, "before": before.rstrip("\r\n"),
        "after": after.rstrip("\r\n"), "template": one.candidate.template, "removesBehaviour": one.candidate.removes,
        "copiesExpectedValue": copies, "why": ", ".join(reasons),
    }  # fmt: skip
