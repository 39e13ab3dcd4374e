"""`mogplex runs`: list, get, cancel, retry, patch."""

from __future__ import annotations

from pathlib import Path

import click

from mogplex.cli.follow import DEFAULT_TIMEOUT_SECONDS, show_waited_run, stay_with_run, wait_for_run
from mogplex.cli.options import Server, examples, raw_server_options, server_options
from mogplex.cli.output import note, paint_status, write_bytes, write_json, write_line
from mogplex.cli.run_view import print_run_table
from mogplex.cli.start import choose_key, given, make_budget, start_under

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LARGEST_PAGE = 200


@click.command(
    "list",
    epilog=examples(
        "mogplex runs list",
        "mogplex runs list --repo acme/web --status failed --limit 5",
        "mogplex runs list --label ticket=42 --json | jq -r .runId",
    ),
)
@click.option("--repo", metavar="ID", help="Only of this repo: its id, or owner/name.")
@click.option(
    "--status",
    type=click.Choice(["pending", "streaming", "success", "failed", "cancelled"]),
    help="Only with this status.",
)
@click.option("--outcome", metavar="OUTCOME", help="Only with this outcome, as in checks_failed.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Only with this label; can be repeated.")
@click.option("--retry-of", metavar="ID", help="Only retries of this run.")
@click.option("--contender-of", metavar="ID", help="Only contenders of this run.")
@click.option("--since", metavar="TIME", help="Only created since this ISO time.")
@click.option("--limit", type=click.IntRange(1), default=30, metavar="N", help="At most so many [30].")
@server_options
def list_runs(server: Server, *, labels: tuple[str, ...], limit: int, **filters: Any) -> None:
    """List runs, newest first. With --json one run a line."""
    runs: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(runs) < limit:
        page = server.client.list_runs(
            label=labels, limit=min(limit - len(runs), _LARGEST_PAGE), cursor=cursor, **filters
        )
        runs += page.get("runs") or []
        cursor = page.get("nextCursor")
        if not cursor:
            break
    if server.as_json:
        for run in runs[:limit]:
            write_json(run)
    elif runs:
        print_run_table(runs[:limit])
    else:
        note('no runs found. Start one: mogplex run --repo ID "what to do"')


@click.command("get", epilog=examples("mogplex runs get 3f2a91bc", "mogplex runs get ID --wait --exit-status --json"))
@click.argument("run_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Wait until the run is terminal.")
@click.option("--exit-status", is_flag=True, help="Let the exit code tell the run's outcome.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_SECONDS,
    metavar="S",
    help="With --wait: stop waiting after S seconds [1800]; the run goes on.",
)
@server_options
def get_run(server: Server, *, run_id: str, wait: bool, exit_status: bool, timeout: float) -> int:
    """Show one run. ID may be the unique beginning of one."""
    if exit_status and not wait:
        raise click.UsageError("--exit-status needs --wait: before its end a run has no outcome")
    run = wait_for_run(server, run_id, timeout) if wait else server.on_run(run_id, server.client.get_run)
    return show_waited_run(server, run, exit_status)


@click.command("cancel", epilog=examples("mogplex runs cancel 3f2a91bc"))
@click.argument("run_id", metavar="ID")
@server_options
def cancel_run(server: Server, *, run_id: str) -> None:
    """Ask for a run's end. Safe to repeat; what is done so far is kept as a patch."""
    answer = server.on_run(run_id, server.client.cancel_run)
    found_id = (answer.get("run") or {}).get("runId", run_id)
    if server.as_json:
        write_json({"runId": found_id, **answer})
        return
    if answer.get("alreadyTerminal"):
        write_line(f"run {found_id} had already ended")
    else:
        write_line(f"cancellation requested for run {found_id}")
    write_line(f"status: {paint_status(str(answer.get('status')))}")


@click.command(
    "retry", epilog=examples("mogplex runs retry 3f2a91bc --wait", "mogplex runs retry ID --harness codex --follow")
)
@click.argument("run_id", metavar="ID")
@click.option("--harness", metavar="NAME", help="Take another harness.")
@click.option("--model", metavar="MODEL", help="Take another model.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="End the run after S seconds.")
@click.option("--budget-usd", type=click.FloatRange(0, min_open=True), metavar="USD", help="End it at this cost.")
@click.option("--budget-tokens", type=click.IntRange(1), metavar="N", help="End it after this many tokens.")
@click.option("--resume", is_flag=True, help="Go on from the work that was kept, and the conversation if there is one.")
@click.option("--idempotency-key", metavar="KEY", help="The same key never starts a second retry [random].")
@click.option("--wait", is_flag=True, help="Wait for the end; the exit code tells the outcome.")
@click.option("--follow", is_flag=True, help="Print events until the end.")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_SECONDS,
    metavar="S",
    help="Stop waiting after S seconds [1800]; the run goes on.",
)
@server_options
def retry_run(
    server: Server,
    *,
    run_id: str,
    harness: str | None,
    model: str | None,
    timeout: float | None,
    budget_usd: float | None,
    budget_tokens: int | None,
    resume: bool,
    idempotency_key: str | None,
    wait: bool,
    follow: bool,
    wait_timeout: float,
) -> int:
    """Start a new run from a failed or cancelled one, on the same branch."""
    key = choose_key(idempotency_key)
    server.explain(f"idempotency key {key}")
    budget = make_budget(budget_usd, budget_tokens)
    body = given(harness=harness, model=model, timeoutSeconds=timeout, budget=budget, resume=resume or None)
    with start_under(key):
        run = server.on_run(
            run_id,
            lambda found: server.client.retry_run(found, body, idempotency_key=key),
        )
    return stay_with_run(server, run, wait, follow, wait_timeout)


@click.command(
    "patch", epilog=examples("mogplex runs patch 3f2a91bc | git apply", "mogplex runs patch ID --output fix.diff")
)
@click.argument("run_id", metavar="ID")
@click.option("-o", "--output", metavar="FILE", help="Write to a file instead of stdout.")
@raw_server_options
def get_patch(server: Server, *, run_id: str, output: str | None) -> None:
    """Print what a run changed; it applies with `git apply` to the run's base commit."""
    patch = server.on_run(run_id, server.client.get_patch)
    if not patch:
        note(f"run {run_id} changed nothing")
    if output:
        Path(output).write_bytes(patch)
    else:
        write_bytes(patch)
