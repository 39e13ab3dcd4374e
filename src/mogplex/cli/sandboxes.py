"""`mogplex sandboxes`: list, logs, stop."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, show, write_fields, write_json, write_line, write_table
from mogplex.cli.run_view import format_event


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
            str(sandbox.get("repo_full_name") or sandbox.get("repo_id") or "-"),
            str(sandbox.get("run_id") or "-"),
            str(sandbox.get("created_at") or "-")[:16],
        )
        for sandbox in sandboxes
    ]
    write_table(("ID", "STATUS", "REPO", "RUN", "CREATED"), rows, flexible=2)


@click.command("logs", epilog=examples("mogplex sandboxes logs ID"))
@click.argument("sandbox_id", metavar="ID")
@server_options
def get_logs(server: Server, *, sandbox_id: str) -> None:
    """Print what a sandbox was, what happened to it and what it printed."""
    answer = server.client.get_sandbox_logs(sandbox_id)
    if server.as_json:
        write_json(answer)
        return
    sandbox = answer.get("sandbox") or {}
    write_fields((name.replace("_", " "), show(value)) for name, value in sandbox.items() if value not in (None, {}))
    for event in answer.get("lifecycle_events") or []:
        write_line(format_event(event))
    for line in str(answer.get("log") or "").splitlines():
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
