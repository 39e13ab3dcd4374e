"""`mogplex hooks list`."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, write_json, write_table

STATUSES = ["waiting", "started", "refused", "done"]


@click.command(
    "list",
    epilog=examples("mogplex hooks list --repo acme/web", "mogplex hooks list --status refused --json"),
)
@click.option("--repo", metavar="ID", help="Only of this repo: its id, or owner/name.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those that stand so.")
@click.option("--limit", type=click.IntRange(1, 200), metavar="N", help="At most so many [50].")
@server_options
def list_deliveries(server: Server, *, repo: str | None, status: str | None, limit: int | None) -> None:
    """List messages of forges that asked for a run, and what came of each, the newest first. Needs admin.

    With --json one message a line. What was ignored is not kept: the forge shows why beside its own delivery.
    """
    page = server.client.list_hook_deliveries(repo=repo, status=status, limit=limit)
    found = page.get("deliveries") or []
    if server.as_json:
        for each in found:
            write_json(each)
    elif found:
        rows = [
            (
                str(each["receivedAt"]),
                str(each["trigger"]),
                str(each["by"] or "-"),
                str(each["status"]),
                str(each["runId"] or each["refusal"] or each["lastError"] or "-"),
            )
            for each in found
        ]
        write_table(("RECEIVED", "TRIGGER", "BY", "STATUS", "RUN OR REASON"), rows, flexible=4)
        if page.get("nextCursor"):
            note("there are more: --limit, --repo, --status")
    else:
        note("no forge has asked for a run")
