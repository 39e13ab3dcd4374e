"""`mogplex audit list`."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, write_json, write_line, write_table


@click.command(
    "list",
    epilog=examples("mogplex audit list", "mogplex audit list --action key.created --since 2026-11-01 --json"),
)
@click.option("--action", metavar="NAME", help="Only such acts, as in key.created.")
@click.option("--key", metavar="ID", help="Only acts of this key.")
@click.option("--target", metavar="ID", help="Only acts on this run, repo, key or secret's name.")
@click.option("--since", metavar="TIME", help="Only acts since then (ISO-8601).")
@click.option("--limit", type=click.IntRange(1, 200), metavar="N", help="At most so many [50].")
@server_options
def list_audit(
    server: Server, *, action: str | None, key: str | None, target: str | None, since: str | None, limit: int | None
) -> None:
    """List who did what, when and from where, the newest first. With --json one entry a line. Needs admin."""
    page = server.client.list_audit(action=action, key=key, target=target, since=since, limit=limit)
    entries = page.get("entries") or []
    if server.as_json:
        for entry in entries:
            write_json(entry)
    elif entries:
        rows = [
            (
                str(each["at"]),
                str(each["action"]),
                f"{each['target']} ({each['count']} times)" if each["count"] > 1 else str(each["target"]),
                str(each["keyName"] or each["keyId"] or "-"),
                str(each["address"] or "-"),
            )
            for each in entries
        ]
        write_table(("WHEN", "ACTION", "TARGET", "KEY", "FROM"), rows, flexible=2)
        if page.get("nextCursor"):
            note("there are more: --limit, --since")
    else:
        write_line("nothing is written down")
