"""`mogplex run`: start a run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from mogplex.cli.follow import DEFAULT_TIMEOUT_SECONDS, stay_with_run
from mogplex.cli.label_list import split_labels
from mogplex.cli.options import Server, check_options, examples, read_pairs, server_options
from mogplex.cli.output import is_terminal, note
from mogplex.cli.start import choose_harnesses, choose_key, given, make_budget, start_under

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STDIN = "-"


@click.command(
    "run",
    epilog=examples(
        'mogplex run --repo acme/web "Fix the failing test"',
        'mogplex run --repo acme/web --create-branch --check "pytest -q" --wait "Add a test for login"',
        "mogplex run --repo acme/web --follow --prompt-file task.md",
        'RUN_ID=$(mogplex run --repo acme/web --idempotency-key "$CI_JOB_ID" --json "Update docs" | jq -r .runId)',
    ),
)
@click.argument("prompt", required=False)
@click.option("--repo", metavar="ID", help="Repo to work in: its id, or owner/name.")
@click.option("--prompt-file", metavar="FILE|-", help="Read the prompt from a file; - is stdin.")
@click.option("--harness", metavar="NAME[,NAME…]", help="Who does the work: see `mogplex harnesses list`.")
@click.option("--attempts", type=click.IntRange(1, 8), metavar="N", help="Best of N: deliver the best one's work.")
@click.option(
    "--attempts-mode",
    type=click.Choice(["in-order", "side-by-side"]),
    help="Until one is verified [in-order], or all at once.",
)
@click.option("--model", metavar="MODEL", help="Model for the harness.")
@click.option("--mode", metavar="MODE", help="`repair-first`: try without a model before one is asked.")
@click.option("--base-branch", metavar="BRANCH", help="Branch to start from [the repo's default].")
@click.option("--branch", metavar="BRANCH", help="Branch to deliver to [the base branch, or a made-up name].")
@click.option("--create-branch", is_flag=True, help="Create the branch.")
@click.option("--commit", metavar="SHA", help="Start at this exact commit.")
@click.option("--root", metavar="DIR", help="Folder of the repo to work in.")
@click.option("--check", "checks", metavar="CMD", multiple=True, help="Command that must pass; can be repeated.")
@check_options
@click.option("--delivery", type=click.Choice(["branch", "pull_request", "patch"]), help="How to hand over the result.")
@click.option("--deliver-partial", is_flag=True, help="Push what was done even when it fails, marked as partial.")
@click.option("--supersede", is_flag=True, help="Cancel older runs of the same repo and branch.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="End the run after S seconds.")
@click.option("--budget-usd", type=click.FloatRange(0, min_open=True), metavar="USD", help="End it at this cost.")
@click.option("--budget-tokens", type=click.IntRange(1), metavar="N", help="End it after this many tokens.")
@click.option("--output-schema", metavar="FILE", help="JSON Schema that the run's result has to match.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Label to find it by; can be repeated.")
@click.option(
    "--env", metavar="K=V", multiple=True, help="Variable for the sandbox; K alone takes its value from here."
)
@click.option("--record", is_flag=True, help="Keep the model traffic, to play it again with `mogplex replay`.")
@click.option("--notify", metavar="URL", help="Tell this URL of the ending, signed as webhooks are.")
@click.option("--priority", type=int, metavar="N", help="Place in the queue, -100 to 100; greater goes earlier.")
@click.option(
    "--needs",
    metavar="A,B",
    multiple=True,
    callback=split_labels,
    help="Labels that the worker must have, such as gpu.",
)
@click.option("--title", metavar="TEXT", help="Name of the run in lists.")
@click.option("--idempotency-key", metavar="KEY", help="The same key never starts a second run [random].")
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
def start_run(
    server: Server,
    *,
    prompt: str | None,
    repo: str | None,
    prompt_file: str | None,
    harness: str | None,
    attempts: int | None,
    attempts_mode: str | None,
    model: str | None,
    mode: str | None,
    title: str | None,
    base_branch: str | None,
    branch: str | None,
    create_branch: bool,
    commit: str | None,
    root: str | None,
    delivery: str | None,
    deliver_partial: bool,
    notify: str | None,
    supersede: bool,
    priority: int | None,
    needs: tuple[str, ...] | None,
    record: bool,
    checks: tuple[str, ...],
    check_policy: str | None,
    protect_tests: bool | None,
    timeout: float | None,
    budget_usd: float | None,
    budget_tokens: int | None,
    output_schema: str | None,
    labels: tuple[str, ...],
    env: tuple[str, ...],
    idempotency_key: str | None,
    wait: bool,
    follow: bool,
    wait_timeout: float,
) -> int:
    """Start a run: have an agent do what PROMPT says in a repo.

    Prints the run and returns at once, unless --wait or --follow is given.
    """
    if not repo or not repo.strip():
        raise click.UsageError("--repo <id> is required (find IDs via `mogplex repos list`)")
    key = choose_key(idempotency_key)
    server.explain(f"idempotency key {key}")
    text = read_prompt(prompt, prompt_file)
    schema = read_schema(output_schema)
    body = given(
        repoId=repo.strip(),
        prompt=text,
        **choose_harnesses(harness),
        attempts=attempts,
        attemptsMode=attempts_mode,
        model=model,
        mode=mode,
        title=title,
        baseBranch=base_branch,
        workingBranch=branch,
        createBranch=create_branch or None,
        commit=commit,
        rootDirectory=root,
        checks=list(checks) or None,
        checkPolicy=check_policy,
        protectTests=protect_tests,
        delivery=delivery,
        deliverPartial=deliver_partial or None,
        notify=notify,
        supersede=supersede or None,
        timeoutSeconds=timeout,
        budget=make_budget(budget_usd, budget_tokens),
        outputSchema=schema,
        labels=read_pairs(labels, "--label"),
        env=read_pairs(env, "--env", dict(os.environ)),
        priority=priority,
        needs=list(needs) if needs else None,
        record=record or None,
    )
    with start_under(key):
        run = server.client.start_run(body, idempotency_key=key)
    return stay_with_run(server, run, wait, follow, wait_timeout)


def read_prompt(prompt: str | None, prompt_file: str | None) -> str:
    if prompt is not None and prompt_file is not None:
        raise click.UsageError("give the prompt as an argument or with --prompt-file, not both")
    source = prompt_file or (_STDIN if prompt == _STDIN else None)
    if source is not None:
        prompt = read_text(source, "--prompt-file")
    if prompt is None:
        raise click.UsageError(
            'a prompt is required: "what to do", or --prompt-file FILE, or --prompt-file - for stdin'
        )
    if not prompt.strip():
        raise click.UsageError("the prompt is empty")
    return prompt


def read_text(source: str, flag: str) -> str:
    """A file as text; `-` is stdin. Raises UsageError that names `flag`."""
    try:
        if source == _STDIN:
            if is_terminal(sys.stdin):
                note("reading the prompt from the terminal; end it with Ctrl-D")
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{flag}: can't read {source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{flag}: {source} is not UTF-8 text (byte {error.start})") from error


def read_schema(path: str | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        schema = json.loads(read_text(path, "--output-schema"))
    except ValueError as error:
        raise click.UsageError(f"--output-schema: {path} is not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise click.UsageError(f"--output-schema: {path} holds no JSON object")
    return schema
