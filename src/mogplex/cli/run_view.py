"""How runs and events look to a person."""

from __future__ import annotations

import time
from calendar import timegm

from mogplex.cli.output import note, paint_status, show, write_fields, write_line, write_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Run = Mapping[str, Any]

_SHORT_ID_CHARACTERS = 8


def print_started(run: Run) -> None:
    """What `run` and `runs retry` answer with."""
    word = "matched existing" if run.get("replayed") else "started"
    write_line(f"{word} run {run['runId']} ({paint_status(run['status'])})")
    write_line(f"repo {show(name_repo(run))}")
    write_line(f"harness {show(run.get('harness'))}")
    write_line(f"branch {describe_branch(run)}")
    write_line(f"tail events: mogplex runs events {run['runId']} --follow")


def print_run(run: Run) -> None:
    """Label and value lines: the documented ones first, then ours."""
    write_fields(
        [
            ("run", run["runId"]),
            ("status", paint_status(run["status"])),
            ("harness", show(run.get("harness"))),
            ("repo", show(name_repo(run))),
            ("branch", describe_branch(run)),
            ("sandbox", run.get("sandboxId") or run.get("sandboxRecordId")),
            ("events", run.get("eventsUrl")),
            ("cancel", run.get("cancelUrl")),
            ("created", run.get("createdAt")),
            ("updated", run.get("updatedAt")),
            ("title", run.get("title") and show(run["title"])),
            ("outcome", run.get("outcome")),
            ("verdict", run.get("verdict")),
            ("error", run.get("error") and show(run["error"])),
            ("remedy", _remedy(run)),
            ("queue", _queue(run)),
            ("attempt", run.get("attempt")),
            ("retry of", run.get("retryOf")),
            ("retried by", _joined(run.get("retriedBy"))),
            ("contest", _contest(run)),
            ("contender of", run.get("contenderOf")),
            ("model", run.get("model") and show(run["model"])),
            ("changes", _changes(run)),
            ("partial", "pushed, marked as unfinished" if run.get("partial") else None),
            ("pull request", (run.get("changes") or {}).get("pullRequestUrl")),
            ("usage", _usage(run)),
            ("cost", _cost(run)),
            ("saved", _saved(run)),
            ("duration", format_duration(find_duration_seconds(run))),
        ]
    )


def print_run_table(runs: Sequence[Run]) -> None:
    length = _find_unique_length([run["runId"] for run in runs])
    rows = [
        (
            run["runId"][:length],
            run["status"],
            name_repo(run),
            run.get("title") or run.get("prompt") or "",
            _short_time(run),
            format_duration(find_duration_seconds(run)) or "-",
        )
        for run in runs
    ]
    write_table(("ID", "STATUS", "REPO", "TITLE", "STARTED", "DURATION"), rows, flexible=3)


def format_event(event: Mapping[str, Any]) -> str:
    """`<time>  <type>  [tool=<name>]  <message>`, always one line."""
    parts = [str(event.get("createdAt") or "-"), str(event.get("type"))]
    if event.get("toolName"):
        parts.append(f"[tool={event['toolName']}]")
    if event.get("message"):
        parts.append(str(event["message"]))
    return show("  ".join(parts))


def print_ending(ending: Run) -> None:
    write_line(f"--- run {ending['runId']} {paint_status(str(ending['status']))} ---")


def explain_ending(run: Run) -> None:
    """On stderr: why a run didn't succeed and what to do."""
    if run.get("status") == "success":
        return
    reason = show(run.get("error") or "no further reason given")
    note(f"run {run['runId']} ended as {run.get('outcome') or run.get('status')}: {reason}")
    remedy = _remedy(run)
    if remedy:
        note(f"next: {remedy}")


def name_repo(run: Run) -> str:
    repo = run.get("repo")
    name = repo.get("fullName") if isinstance(repo, dict) else None
    return str(name or run.get("repoId") or "-")


def describe_branch(run: Run) -> str:
    """`<working> (base <base>, created)`."""
    branch = run.get("branch") or {}
    created = ", created" if branch.get("createBranch") else ""
    return show(f"{branch.get('working') or '-'} (base {branch.get('base') or '-'}{created})")


def find_duration_seconds(run: Run) -> float | None:
    """From the start to the end, or to now while it runs; None before it has started."""
    timing = run.get("timing") or {}
    if run.get("status") in ("success", "failed", "cancelled"):
        total_ms = timing.get("totalMs")
        return None if total_ms is None else float(total_ms) / 1000
    started = _parse_time(timing.get("startedAt"))
    return None if started is None else max(0.0, time.time() - started)


def format_duration(seconds: float | None) -> str | None:
    """`0.4s`, `12s`, `3m05s`, `2h07m`."""
    if seconds is None:
        return None
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def _parse_time(text: Any) -> float | None:
    try:
        return timegm(time.strptime(str(text)[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None


def _short_time(run: Run) -> str:
    text = (run.get("timing") or {}).get("startedAt") or run.get("createdAt") or "-"
    return str(text)[5:16].replace("T", " ") if len(str(text)) >= 16 else str(text)


def _find_unique_length(ids: Sequence[str]) -> int:
    """The shortest beginning, 8 characters at least, that tells these ids apart."""
    longest = max((len(run_id) for run_id in ids), default=0)
    for length in range(_SHORT_ID_CHARACTERS, longest):
        if len({run_id[:length] for run_id in ids}) == len(set(ids)):
            return length
    return max(longest, _SHORT_ID_CHARACTERS)


def _remedy(run: Run) -> str | None:
    remedy = (run.get("failure") or {}).get("remedy")
    return show(remedy) if remedy else None


def _queue(run: Run) -> str | None:
    queue = run.get("queue") or {}
    if queue.get("position") is None:
        return None
    seconds = queue.get("estimatedWaitSeconds")
    about = f", begins in about {seconds:,.0f} s" if seconds else ""
    return f"position {queue['position']}{about}: {show(str(queue.get('detail') or ''))}"


def _joined(value: Any) -> str | None:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _contest(run: Run) -> str | None:
    contest = run.get("contest") or {}
    if not contest:
        return None
    ran = f"{len(contest.get('contenders') or [])} of {len(contest.get('harnesses') or [])} contenders"
    return f"{ran}, {contest.get('mode')}; winner {contest.get('winner') or 'not chosen yet'}"


def _changes(run: Run) -> str | None:
    changes = run.get("changes") or {}
    if not changes.get("files"):
        return None
    return f"{changes['files']} files, +{changes.get('insertions', 0)} -{changes.get('deletions', 0)}"


def _usage(run: Run) -> str | None:
    usage = run.get("usage") or {}
    if not usage.get("modelCalls"):
        return None
    return (
        f"{usage['modelCalls']} model calls, {usage.get('inputTokens', 0)} tokens in,"
        f" {usage.get('outputTokens', 0)} out, {usage.get('toolCalls', 0)} tool calls"
    )


def _saved(run: Run) -> str | None:
    """A harness may put anything into a result, so its shape is looked at."""
    result = run.get("result")
    told = result.get("firstTry") if isinstance(result, dict) and run.get("mode") == "repair-first" else None
    saved = told.get("savedUsd") if isinstance(told, dict) else None
    if not isinstance(saved, (int, float)) or (run.get("usage") or {}).get("modelCalls"):
        return None
    return f"${saved:.4f} (no model was asked; what such runs cost on average)"


def _cost(run: Run) -> str | None:
    if run.get("costKnown") is False:
        return "unknown"
    return None if run.get("costUsd") is None else f"${run['costUsd']:.4f} (estimate)"
