"""The text of a pull request: what was done, who vouches for it, and where to look further. Pure.

What an agent wrote is quoted so that it can neither call people, nor load pictures, nor pose as our own words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.quotation import quote_text
from mogplex.domain.run import Changes, Run, Verdict

MAX_TITLE_CHARACTERS = 200
MAX_SUMMARY_CHARACTERS = 8_000
MAX_CHECKS = 40
MAX_NAMED = 10
_NAMES = {CheckTarget.BASE: "base", CheckTarget.PATCH: "with the change", CheckTarget.GUARD: "with the base's tests"}
_SIGNS = {Verdict.VERIFIED: "passed", Verdict.FAILED: "failed", Verdict.INCONCLUSIVE: "inconclusive"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the text tells. `partial`: the outcome of a run that is no success."""

    run: Run
    verdict: Verdict
    changes: Changes | None
    touched: tuple[str, ...]
    checks: tuple[CheckRecord, ...]
    summary: str
    partial: str | None = None


def write_section(evidence: Evidence, public_url: str = "") -> str:
    """Markdown that every forge shows alike."""
    run = evidence.run
    name = f"[`{run.id}`]({public_url}/runs/{run.id})" if public_url else f"`{run.id}`"
    parts = [_verdict_line(evidence)]
    if evidence.summary.strip():
        parts.append("### Summary\n\n" + quote_text(evidence.summary, MAX_SUMMARY_CHARACTERS))
    parts.append("### Checks\n\n" + _check_table(evidence.checks))
    if evidence.touched:
        named = ", ".join(_code(path) for path in evidence.touched[:MAX_NAMED])
        more = len(evidence.touched) - MAX_NAMED
        parts.append(f"Changed files that checks depend on: {named}" + (f" and {more} more." if more > 0 else "."))
    facts = [f"run {name}", f"harness {_code(run.harness)}"]
    if run.model:
        facts.append(f"model {_code(run.model)}")
    if evidence.changes:
        changes = evidence.changes
        facts.append(f"{changes.files} files, +{changes.insertions} −{changes.deletions}")
    parts.append("Made by Mogplex: " + ", ".join(facts) + ".")
    return "\n\n".join(parts)


def _verdict_line(evidence: Evidence) -> str:
    if evidence.partial is not None:
        return f"**Unfinished work: the run ended as `{evidence.partial}`, and nothing vouches for this.**"
    if evidence.verdict is Verdict.VERIFIED:
        return "**Verified**: the checks passed on a clean checkout of base and change, out of the agent's reach."
    if evidence.verdict is Verdict.NOT_RUN:
        return "**Not verified**: no checks are set up for this run, so nothing vouches for the change but its review."
    return f"**Not verified**: the checks say {evidence.verdict.replace('_', ' ')}."


def _check_table(checks: Iterable[CheckRecord]) -> str:
    listed = list(checks)
    if not listed:
        return "None ran."
    lines = ["| check | on | result | tests | took |", "|---|---|---|---|--:|"]
    lines += [_check_row(each) for each in listed[:MAX_CHECKS]]
    if len(listed) > MAX_CHECKS:
        lines.append(f"\nand {len(listed) - MAX_CHECKS} more.")
    failed = [name for each in listed if each.target is not CheckTarget.BASE for name in each.failures or ()]
    if failed:
        more = f" and {len(failed) - MAX_NAMED} more" if len(failed) > MAX_NAMED else ""
        lines.append("\nFailed: " + ", ".join(_code(name) for name in failed[:MAX_NAMED]) + more + ".")
    return "\n".join(lines)


def _check_row(check: CheckRecord) -> str:
    result = _SIGNS.get(check.verdict, str(check.verdict))
    if check.exit_code not in (None, 0):
        result += f" (exit code {check.exit_code})"
    return (
        f"| {_code(check.command)} | {_NAMES[check.target]} | {result} | {_tests(check)} | "
        f"{check.duration_ms / 1000:.1f} s |"
    )


def _tests(check: CheckRecord) -> str:
    counted = (("passed", check.tests_passed), ("failed", check.tests_failed), ("skipped", check.tests_skipped))
    told = [f"{count} {word}" for word, count in counted if count]
    if told:
        return ", ".join(told)
    return "-" if check.tests_passed is None else "none ran"


def _code(text: str) -> str:
    """Inline code in one line of a table, whatever is in it."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= 200 else flat[:199] + "…"
    return "`" + flat.replace("`", "'").replace("|", "\\|").replace("<!--", "<! --") + "`"
