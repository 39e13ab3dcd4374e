"""How a run looks to callers: the run object of the contract. Pure; no clock, no disk."""

from __future__ import annotations

from typing import Any

from mogplex.domain.budget import Budget
from mogplex.domain.contest import Contest
from mogplex.domain.run import Changes, Run, Status
from mogplex.domain.sandbox_view import sandbox_name
from mogplex.domain.seating import QueuePlace
from mogplex.domain.usage import Usage
from mogplex.domain.view import API_PATH, format_time
from mogplex.domain.webhook_view import hide_query

TITLE_CHARACTERS = 80
LISTED_PROMPT_CHARACTERS = 1000  # of a prompt in a list: 200 runs of 100,000 characters each would be 20 MB
ENGINE = "dbos"


def ai_call_id(run_id: str) -> str:
    """The documented second id of a run. It says nothing of its own, so it follows from the first."""
    return "call_" + run_id.removeprefix("run_")


def run_object(run: Run, queue: QueuePlace | None = None) -> dict[str, Any]:
    """The run object: every documented field, null where nothing is known yet. URLs are paths on this server."""
    url = f"{API_PATH}/runs/{run.id}"
    return {
        "runId": run.id,
        "aiCallId": ai_call_id(run.id),
        "status": run.status,
        "outcome": run.outcome,
        "verdict": run.verdict,
        "error": run.error,
        "failure": run.failure.as_wire() if run.failure else None,
        "title": run.title or make_title(run.prompt),
        "prompt": run.prompt,
        "promptCharacters": len(run.prompt),
        "repoId": run.repo_id,
        "repo": {"id": run.repo_id, "fullName": run.repo_full_name},
        "harness": run.harness,
        "model": run.model,
        "mode": run.mode,
        "branch": {"base": run.base_branch, "working": run.working_branch, "createBranch": run.create_branch},
        "commit": run.commit,
        "baseCommit": run.base_commit,
        "rootDirectory": run.root_directory or None,
        "delivery": run.delivery,
        "deliverPartial": run.deliver_partial,
        "notify": None if run.notify_url is None else hide_query(run.notify_url),
        "partial": run.partial,
        "checks": list(run.checks),
        "checkPolicy": run.check_policy,
        "protectTests": run.protect_tests,
        "labels": dict(run.labels),
        "priority": run.priority,
        "needs": list(run.needs),
        "conversationId": run.conversation_id,
        "workspaceSessionId": run.workspace_session_id,
        "contest": None if run.contest is None else contest_object(run.contest),
        "contenderOf": run.contender_of,
        "contender": run.contender,
        "attempt": run.attempt,
        "retryOf": run.retry_of,
        "retriedBy": run.retried_by,
        "resume": run.resume,
        "session": run.session,
        "supersededBy": run.superseded_by,
        "record": run.record,
        "replayOf": run.replay_of,
        "apiKeyId": run.api_key_id,
        "sandboxRecordId": run.sandbox_record_id,
        "sandboxId": sandbox_name(run.id, run.attempt) if run.sandbox_record_id else None,
        "runtime": {"provider": ENGINE, "runId": run.id},
        "createdAt": format_time(run.created_at),
        "updatedAt": format_time(run.updated_at),
        "cancelRequestedAt": format_time(run.cancel_requested_at),
        "cancelRequestedBy": run.cancel_requested_by,
        "baseline": run.baseline,
        "testsTouched": list(run.tests_touched),
        "usage": run.usage.as_wire(),
        "costUsd": run.cost_usd,
        "costKnown": run.cost_known,
        "budget": budget_object(run.budget, run.usage, run.cost_usd if run.cost_known else None),
        "timeoutSeconds": run.timeout_seconds,
        "timing": {
            **run.timing.as_wire(),
            "startedAt": format_time(run.started_at),
            "finishedAt": format_time(run.finished_at),
        },
        "changes": changes_object(run.changes, f"{url}/patch", run.pull_request_url),
        "result": None if run.result is None else dict(run.result),
        "queue": place_object(queue) if queue is not None and run.status is Status.PENDING else None,
        "lastSeq": run.last_seq,
        "eventsUrl": f"{url}/events",
        "streamUrl": f"{url}/stream",
        "cancelUrl": f"{url}/cancel",
        "retryUrl": f"{url}/retry",
        "patchUrl": f"{url}/patch",
    }


def listed_run_object(run: Run, queue: QueuePlace | None = None) -> dict[str, Any]:
    """A run object as it stands in a list: the same, but for a long prompt, which is cut."""
    return {**run_object(run, queue), "prompt": run.prompt[:LISTED_PROMPT_CHARACTERS]}


def place_object(place: QueuePlace) -> dict[str, Any]:
    return {
        "position": place.position,
        "ahead": place.ahead,
        "reason": place.reason,
        "detail": place.detail,
        "estimatedWaitSeconds": place.estimated_wait_seconds,
    }


def contest_object(contest: Contest) -> dict[str, Any]:
    """`contenders` are ids of runs, in order; `winner` is one of them once it is chosen."""
    return {
        "mode": contest.mode,
        "harnesses": list(contest.harnesses),
        "contenders": list(contest.contenders),
        "winner": contest.winner,
    }


def make_title(prompt: str) -> str:
    """The first line of a prompt, cut to a line's length."""
    line = prompt.strip().splitlines()[0].strip() if prompt.strip() else ""
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"


def budget_object(budget: Budget, usage: Usage, cost_usd: float | None) -> dict[str, Any]:
    """The limits, and under `left` what remains of each; null is "no limit", and for dollars also "not known"."""
    spent_usd = 0.0 if cost_usd is None and usage.model_calls == 0 else cost_usd
    return {
        "usd": budget.usd,
        "tokens": budget.tokens,
        "modelCalls": budget.model_calls,
        "toolCalls": budget.tool_calls,
        "left": {
            "usd": None if budget.usd is None or spent_usd is None else max(0.0, round(budget.usd - spent_usd, 6)),
            "tokens": _left(budget.tokens, usage.tokens),
            "modelCalls": _left(budget.model_calls, usage.model_calls),
            "toolCalls": _left(budget.tool_calls, usage.tool_calls),
        },
    }


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def changes_object(changes: Changes | None, patch_url: str, pull_request_url: str | None) -> dict[str, Any] | None:
    """A run without changes of its own may still have brought a pull request up to date."""
    if changes is None and pull_request_url is None:
        return None
    told = changes or Changes(0, 0, 0, None)
    return {**told.as_wire(), "patchUrl": patch_url if changes else None, "pullRequestUrl": pull_request_url}
