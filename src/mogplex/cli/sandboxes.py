"""`mogplex sandboxes`: list, logs, stop."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, show, write_fields, write_json, write_line, write_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOG_NAMES = ("install_log", "dev_log")


@click.command("list", epilog=examples("mogplex sandboxes list", "mogplex sandboxes list --status running --json"))
@click.option("--repo", metavar="ID", help="Only of this repo.")
@click.option("--status", metavar="STATUS", help="Only with this status.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@server_options
def list_sandboxes(server: Server, *, repo: str | None, status: str | None, limit: int | None) -> None:
    """List sandboxes, one per attempt of a run. With --json one sandbox a line."""
    sandboxes = server.client.list_sandboxes(repo_id=repo, status=status, limit=limit).get("sandboxes") or []
    if server.as_json:
        for sandbox in sandboxes:
            write_json(sandbox)
        return
    if not sandboxes:
        note("no sandboxes found")
        return
    rows = [
        (
            str(sandbox.get("id")),
            str(sandbox.get("status") or "-"),
            str(sandbox.get("working_branch") or "-"),
            str(sandbox.get("created_at") or "-")[:16],
        )
        for sandbox in sandboxes
    ]
    write_table(("ID", "STATUS", "BRANCH", "CREATED"), rows, flexible=2)


@click.command("logs", epilog=examples("mogplex sandboxes logs ID"))
@click.argument("sandbox_id", metavar="ID")
@server_options
def get_logs(server: Server, *, sandbox_id: str) -> None:
    """Print what a sandbox was, did and logged."""
    answer = server.client.get_sandbox_logs(sandbox_id)
    if server.as_json:
        write_json(answer)
        return
    sandbox = answer.get("sandbox") or {}
    write_fields(
        (name.replace("_", " "), show(value))
        for name, value in sandbox.items()
        if name not in _LOG_NAMES and value is not None
    )
    for event in answer.get("lifecycle_events") or []:
        write_line(_format_lifecycle(event))
    for name in _LOG_NAMES:
        if sandbox.get(name):
            write_line(f"--- {name.replace('_', ' ')} ---")
            for line in str(sandbox[name]).splitlines():
                write_line(show(line))


@click.command("stop", epilog=examples("mogplex sandboxes stop ID"))
@click.argument("sandbox_id", metavar="ID")
@server_options
def stop_sandbox(server: Server, *, sandbox_id: str) -> None:
    """End a sandbox; its run fails as sandbox_failed."""
    answer = server.client.stop_sandbox(sandbox_id)
    if server.as_json:
        write_json(answer)
    else:
        write_line(f"stopped sandbox {sandbox_id}")


def _format_lifecycle(event: dict[str, Any]) -> str:
    parts = (event.get("created_at"), event.get("event_type"), event.get("decision_code"))
    return show("  ".join(str(part) for part in parts if part))
