"""`mogplex runs calls`: what a run asked of language models, and what it cost."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, write_json, write_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@click.command("calls", epilog=examples("mogplex runs calls ID", "mogplex runs calls ID --json | jq .usage"))
@click.argument("run_id", metavar="ID")
@server_options
def list_calls(server: Server, *, run_id: str) -> None:
    """List a run's model calls in order. With --json one call a line."""
    calls = server.on_run(run_id, lambda found: _all_calls(server, found))
    if server.as_json:
        for call in calls:
            write_json(call)
        return
    if not calls:
        note(f"run {run_id} has called no model")
        return
    headings = ("SEQ", "MODEL", "IN", "CACHED", "OUT", "USD", "MS", "STATUS")
    write_table(headings, [_row(call) for call in calls], flexible=1)


def _all_calls(server: Server, run_id: str) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    more, after = True, 0
    while more:
        page = server.client.list_calls(run_id, after)
        calls += page.get("calls") or []
        after, more = int(page.get("nextAfter") or 0), bool(page.get("hasMore"))
    return calls


def _row(call: dict[str, Any]) -> tuple[str, ...]:
    usage, about = call.get("usage") or {}, "~" if call.get("estimated") else ""
    cost, status = call.get("costUsd"), call.get("status")
    state = str(status if status is not None else "-")
    return (
        str(call.get("seq")),
        str(call.get("model")),
        f"{about}{int(usage.get('inputTokens') or 0) + int(usage.get('cacheWriteTokens') or 0):,}",
        f"{int(usage.get('cacheReadTokens') or 0):,}",
        f"{about}{int(usage.get('outputTokens') or 0):,}",
        "?" if cost is None else f"{cost:.4f}",
        f"{int(call.get('durationMs') or 0):,}",
        f"{state} {call['fault']}" if call.get("fault") else state,
    )
