"""`mogplex runs events`: what happened in a run."""

from __future__ import annotations

import click

from mogplex.cli import exit_codes
from mogplex.cli.follow import DEFAULT_TIMEOUT_SECONDS, follow_run
from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import write_json, write_line
from mogplex.cli.run_view import explain_ending, format_event

_PAGE_EVENTS = 200


@click.command(
    "events",
    epilog=examples(
        "mogplex runs events 3f2a91bc",
        "mogplex runs events ID --follow --exit-status",
        "mogplex runs events ID --follow --json | jq -c 'select(.type == \"tool_call\")'",
        "mogplex runs events ID --after 200 --limit 50",
    ),
)
@click.argument("run_id", metavar="ID")
@click.option("--follow", is_flag=True, help="Go on until the run is terminal.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Only events after this number [0].")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Without --follow: at most so many [all].")
@click.option("--raw", is_flag=True, help="With --json: add the harness's own line behind each event.")
@click.option("--exit-status", is_flag=True, help="With --follow: let the exit code tell the run's outcome.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_SECONDS,
    metavar="S",
    help="With --follow: stop after S seconds [1800]; the run goes on.",
)
@server_options
def list_events(
    server: Server,
    *,
    run_id: str,
    follow: bool,
    after: int,
    limit: int | None,
    raw: bool,
    exit_status: bool,
    timeout: float,
) -> int:
    """Print a run's events, one a line; live with --follow.

    Following survives cuts and restarts of the server without losing or repeating an event.
    """
    if raw and (follow or not server.as_json):
        raise click.UsageError("--raw needs --json, and does not go with --follow")
    if follow:
        if limit is not None:
            raise click.UsageError("--limit does not go with --follow")
        ending = follow_run(server, run_id, after, timeout, outcome_as_code=exit_status)
        if not exit_status:
            return exit_codes.OK
        if not server.as_json:
            explain_ending(ending)
        return exit_codes.of_run(ending)
    if exit_status:
        raise click.UsageError("--exit-status needs --follow: before its end a run has no outcome")
    _print_pages(server, run_id, after, limit, raw)
    return exit_codes.OK


def _print_pages(server: Server, run_id: str, after: int, limit: int | None, raw: bool) -> None:
    page = server.on_run(run_id, lambda found: server.client.list_events(found, after, _page_size(limit), raw))
    run_id = (page.get("run") or {}).get("runId", run_id)
    while True:
        events = page.get("events") or []
        for event in events:
            if server.as_json:
                write_json(event)
            else:
                write_line(format_event(event))
        limit = None if limit is None else limit - len(events)
        if not events or not page.get("hasMore") or limit == 0:
            return
        page = server.client.list_events(run_id, events[-1]["seq"], _page_size(limit), raw)


def _page_size(limit: int | None) -> int:
    return _PAGE_EVENTS if limit is None else min(limit, _PAGE_EVENTS)
