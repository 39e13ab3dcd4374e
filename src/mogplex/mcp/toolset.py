"""The tools: few, named like the API's calls, with errors that an agent can act on.

The library is an extra and takes a second to import, so it is imported when the first server is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from mogplex.client.errors import ClientError
from mogplex.domain.errors import ErrorCode, MogplexError
from mogplex.mcp.calls import Calls, Json

if TYPE_CHECKING:
    from mcp.server import MCPServer

LOOK_SECONDS = 1.0
ENDED = ("success", "failed", "cancelled")
LONGEST_WAIT_SECONDS = 50.0  # clients give a tool call a minute, as a rule
MAX_PATCH_CHARACTERS = 200_000
DEFAULT_EVENTS = 50
INSTRUCTIONS = (
    "Mogplex runs coding agents in sandboxes. Start a run in a repo with a task in plain words, wait for it, then read "
    "its outcome: only status `success` means that the work was done, checked on a clean checkout and delivered. "
    "A run takes minutes: call wait_for_run again while it is pending or streaming."
)
_SUGGESTIONS = {
    ErrorCode.UNAUTHORIZED: "The API key is not accepted: ask whoever runs this server for another.",
    ErrorCode.FORBIDDEN: "This key may not do that: ask for one with the scope that is named.",
    ErrorCode.NOT_FOUND: "Look it up with list_repos or list_runs.",
    ErrorCode.CONFLICT: "Read the run with get_run: it is in another state than this needs.",
    ErrorCode.IDEMPOTENCY_CONFLICT: "Leave idempotency_key out, or take a new one.",
    ErrorCode.RATE_LIMITED: "Wait, then try again.",
    ErrorCode.SERVICE_UNAVAILABLE: "Try again in a moment.",
}
_READ: dict[str, Any] = {"read_only_hint": True, "open_world_hint": False}
_WRITE: dict[str, Any] = {"read_only_hint": False, "destructive_hint": False, "open_world_hint": True}
_CANCEL: dict[str, Any] = {
    "read_only_hint": False,
    "destructive_hint": True,
    "idempotent_hint": True,
    "open_world_hint": False,
}
T = TypeVar("T")


def build_server(current: Callable[[], Calls], version: str, look_seconds: float = LOOK_SECONDS) -> MCPServer:
    """A server whose tools ask `current()` at each call for whom they work. ModuleNotFoundError without `mcp`."""
    from mcp.server import MCPServer
    from mcp_types import ToolAnnotations

    server: MCPServer = MCPServer("mogplex", version=version, instructions=INSTRUCTIONS)
    tools = Toolset(current, look_seconds)
    for function, hints in (
        (tools.list_repos, _READ),
        (tools.start_run, _WRITE),
        (tools.list_runs, _READ),
        (tools.get_run, _READ),
        (tools.wait_for_run, _READ),
        (tools.list_events, _READ),
        (tools.get_patch, _READ),
        (tools.cancel_run, _CANCEL),
        (tools.retry_run, _WRITE),
        (tools.get_pressure, _READ),
    ):
        server.add_tool(function, annotations=ToolAnnotations(**hints))
    return server


class Toolset:
    """Each method is a tool; its signature and docstring are what an agent reads."""

    def __init__(self, current: Callable[[], Calls], look_seconds: float) -> None:
        self._current = current
        self._look_seconds = look_seconds

    async def list_repos(self, query: str = "") -> dict[str, Any]:
        """List the repos that runs can work in. `query` is a part of owner/name."""
        return await self._ask(lambda calls: calls.list_repos(query or None, 100))

    async def start_run(
        self,
        repo: str,
        prompt: str,
        harness: str = "",
        model: str = "",
        checks: list[str] | None = None,
        create_branch: bool = True,
        base_branch: str = "",
        timeout_seconds: float = 0,
        budget_usd: float = 0,
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Start a run: have a coding agent do what `prompt` says in `repo` (an id, or owner/name).

        Returns at once with the runId; use wait_for_run. `checks` are commands that must pass on a clean checkout of
        the result (the repo's own when left out). The same idempotency_key never starts a second run.
        """
        wanted: dict[str, object] = {
            "repoId": repo,
            "prompt": prompt,
            "harness": harness,
            "model": model,
            "checks": checks,
            "createBranch": create_branch,
            "baseBranch": base_branch,
            "timeoutSeconds": timeout_seconds,
            "budget": {"usd": budget_usd} if budget_usd else None,
        }
        body = {name: value for name, value in wanted.items() if value}
        return await self._ask(lambda calls: calls.start_run(body, idempotency_key=idempotency_key or None), brief)

    async def list_runs(self, repo: str = "", status: str = "", limit: int = 20) -> dict[str, Any]:
        """List runs, newest first. `status`: pending, streaming, success, failed or cancelled."""
        listed = await self._ask(
            lambda calls: calls.list_runs(repo=repo or None, status=status or None, limit=max(1, min(limit, 100)))
        )
        return {**listed, "runs": [brief(run) for run in listed["runs"]]}

    async def get_run(self, run_id: str) -> dict[str, Any]:
        """Get a run: status, outcome, verdict of the checks, changes, cost, branch."""
        return await self._ask(lambda calls: calls.get_run(run_id), brief)

    async def wait_for_run(self, run_id: str, timeout_seconds: float = 45) -> dict[str, Any]:
        """Wait until a run has ended, at most 50 s, and get it. If it has not ended yet, call this again."""
        until = anyio.current_time() + max(0.0, min(timeout_seconds, LONGEST_WAIT_SECONDS))
        # In short looks: a thread that waited would be missing to everybody else who asks this server.
        while True:
            run = await self._ask(lambda calls: calls.get_run(run_id), brief)
            left_seconds = until - anyio.current_time()
            if run["status"] in ENDED or left_seconds <= 0:
                return run
            await anyio.sleep(min(self._look_seconds, left_seconds))

    async def list_events(self, run_id: str, after: int = 0, limit: int = DEFAULT_EVENTS) -> dict[str, Any]:
        """List what happened in a run after event number `after`; go on with `nextAfter` while `hasMore`."""
        page = await self._ask(lambda calls: calls.list_events(run_id, max(0, after), max(1, min(limit, 200))))
        return {name: page[name] for name in ("events", "nextAfter", "hasMore")}

    async def get_patch(self, run_id: str) -> dict[str, Any]:
        """Get what a run changed, as a unified diff that applies with `git apply` to its base commit."""
        patch = (await self._ask(lambda calls: calls.get_patch(run_id))).decode("utf-8", "replace")
        return {"patch": patch[:MAX_PATCH_CHARACTERS], "whole": len(patch) <= MAX_PATCH_CHARACTERS}

    async def cancel_run(self, run_id: str) -> dict[str, Any]:
        """Ask for a run's end. What was done so far is kept as a patch. Safe to repeat."""
        answer = await self._ask(lambda calls: calls.cancel_run(run_id))
        return {"status": answer["status"], "alreadyTerminal": answer["alreadyTerminal"]}

    async def retry_run(
        self,
        run_id: str,
        harness: str = "",
        model: str = "",
        timeout_seconds: float = 0,
        budget_usd: float = 0,
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Start a new run of the same work on the same branch, from one that failed or was cancelled.

        The same idempotency_key never starts a second one.
        """
        wanted: dict[str, object] = {
            "harness": harness,
            "model": model,
            "timeoutSeconds": timeout_seconds,
            "budget": {"usd": budget_usd} if budget_usd else None,
        }
        body = {name: value for name, value in wanted.items() if value}
        return await self._ask(
            lambda calls: calls.retry_run(run_id, body, idempotency_key=idempotency_key or None), brief
        )

    async def get_pressure(self) -> dict[str, Any]:
        """Get how busy the server is: slots, queue, waits, and the limits left for this key."""
        return await self._ask(lambda calls: calls.get_pressure())

    async def _ask(self, call: Callable[[Calls], T], view: Callable[[T], T] | None = None) -> T:
        from mcp.server.mcpserver.exceptions import ToolError

        calls = self._current()
        try:
            answer = await to_thread.run_sync(call, calls)
        except (MogplexError, ClientError) as fault:
            code = str(getattr(fault, "code", ErrorCode.SERVICE_UNAVAILABLE))
            suggestion = _SUGGESTIONS.get(ErrorCode(code), "") if code in list(ErrorCode) else ""
            raise ToolError(f"{code}: {fault.message} {suggestion}".strip()) from fault
        return answer if view is None else view(answer)


def brief(run: Json) -> Json:
    """What an agent needs of a run; the prompt it knows, and addresses it can't use, are left out."""
    names = (
        "runId", "status", "outcome", "verdict", "error", "failure", "title", "repo", "harness", "model", "branch",
        "checks", "retryOf", "retriedBy", "attempt", "createdAt", "usage", "costUsd", "costKnown", "timing", "changes",
        "result", "queue", "lastSeq", "replayed",
    )  # fmt: skip
    return {name: run[name] for name in names if name in run}
