"""`mogplex replay`: play a recorded run's model answers again, against the repo as it is now."""

from __future__ import annotations

import click

from mogplex.cli.follow import DEFAULT_TIMEOUT_SECONDS, stay_with_run
from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.start import choose_key, given, start_under

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@click.command("replay", epilog=examples("mogplex replay ID", "mogplex replay ID --base-branch next --json"))
@click.argument("run_id", metavar="ID")
@click.option("--base-branch", metavar="BRANCH", help="Branch to start from [that of the recorded run].")
@click.option("--idempotency-key", metavar="KEY", help="The same key never starts a second replay [random].")
@click.option(
    "--wait-timeout",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_SECONDS,
    metavar="S",
    help="Stop waiting after S seconds [1800]; the replay goes on.",
)
@server_options
def replay_run(
    server: Server, *, run_id: str, base_branch: str | None, idempotency_key: str | None, wait_timeout: float
) -> int:
    """Run the same task again with the recorded answers in place of the model, and say where requests differ.

    Needs a run that was started with --record. No model is asked and nothing is spent. Nothing is pushed: the patch is
    kept. Follows the new run to its end; the exit code tells the outcome.
    """
    recorded = server.on_run(run_id, server.client.get_run)
    key = choose_key(idempotency_key)
    server.explain(f"idempotency key {key}")
    with start_under(key):
        run = server.client.start_run(_body_of(recorded, base_branch), idempotency_key=key)
    return stay_with_run(server, run, True, True, wait_timeout)


def _body_of(recorded: dict[str, Any], base_branch: str | None) -> dict[str, Any]:
    branch = recorded.get("branch") or {}
    return given(
        repoId=recorded["repoId"],
        prompt=recorded["prompt"],
        harness=recorded["harness"],
        mode=recorded.get("mode"),
        baseBranch=base_branch or branch.get("base"),
        rootDirectory=recorded.get("rootDirectory"),
        checks=recorded.get("checks") or None,
        checkPolicy=recorded.get("checkPolicy"),
        delivery="patch",
        title=f"Replay of {recorded['runId']}",
        timeoutSeconds=recorded.get("timeoutSeconds"),
        replayOf=recorded["runId"],
    )
