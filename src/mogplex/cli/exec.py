"""`mogplex exec`: one run on a checkout at hand, without a server."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import click

from mogplex.cli import exit_codes
from mogplex.cli.options import check_options, examples, read_pairs
from mogplex.cli.output import note, write_json, write_line
from mogplex.cli.run import read_prompt, read_schema
from mogplex.cli.run_view import format_event, print_ending
from mogplex.cli.start import given
from mogplex.domain.errors import MogplexError
from mogplex.record import Record
from mogplex.settings import Settings
from mogplex.solo import execute


@click.command(
    "exec",
    epilog=examples(
        'mogplex exec --check "pytest -q" "Fix the failing test"',
        "mogplex exec --repo . --delivery patch --output mogplex-run --prompt-file task.md --json",
    ),
)
@click.argument("prompt", required=False)
@click.option("--repo", default=".", metavar="PATH", help="The checkout [this folder].")
@click.option("--prompt-file", metavar="FILE|-", help="Read the prompt from a file; - is stdin.")
@click.option("--harness", metavar="NAME", help="Who does the work [the first that can run here].")
@click.option("--model", metavar="MODEL", help="Model, as provider/model or as its name alone.")
@click.option("--base-branch", metavar="BRANCH", help="Branch to start from [the one that is checked out].")
@click.option("--branch", metavar="BRANCH", help="New branch for the result [a made-up name].")
@click.option("--root", metavar="DIR", help="Folder of the repo to work in.")
@click.option("--check", "checks", metavar="CMD", multiple=True, help="Command that must pass; can be repeated.")
@check_options
@click.option("--delivery", type=click.Choice(["branch", "patch"]), default="branch", help="What to make [branch].")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="End the run after S seconds.")
@click.option("--output-schema", metavar="FILE", help="JSON Schema that the run's result has to match.")
@click.option(
    "--env", metavar="K=V", multiple=True, help="Variable for the sandbox; K alone takes its value from here."
)
@click.option("--output", metavar="DIR", help="Keep run.json and events.jsonl there.")
@click.option("--json", "as_json", is_flag=True, help="Print events as NDJSON; the last line is the run.")
def execute_run(**flags: Any) -> int:
    """Run a task on a local checkout in this process: no server, no key; the exit code tells the outcome.

    Uncommitted changes are not seen: the run starts from the last commit. The result is a new branch of the repo.
    """
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, frame: stopping.append(got))
    as_json: bool = flags["as_json"]
    body = _body(flags)
    try:
        record = Record(Path(flags["output"]) if flags["output"] else None)
    except OSError as fault:
        note(f"error: --output {flags['output']} can't be written: {fault.strerror}")
        return exit_codes.FAILURE
    try:
        folder = Path(flags["repo"]).expanduser().resolve()
        repo = given(name="local/checkout", cloneUrl=str(folder), defaultBranch=_branch(folder, flags["base_branch"]))
        run = execute(
            Settings.read(),
            repo,
            body,
            on_event=write_json if as_json else lambda event: write_line(format_event(event)),
            stop_requested=lambda: bool(stopping),
            record=record,
        )
    except MogplexError as fault:
        record.keep_refusal(fault)
        note(f"error: {fault.message} ({fault.code})")
        return exit_codes.of_error(fault.code)
    if as_json:
        write_json(run)
    else:
        print_ending(run)
    if (wrong := record.settle()) is not None:
        note(f"error: the record of the run is not whole: {wrong}")
        return exit_codes.of_run(run) or exit_codes.FAILURE
    return exit_codes.of_run(run)


def _body(flags: dict[str, Any]) -> dict[str, object]:
    schema = read_schema(flags["output_schema"])
    return given(
        prompt=read_prompt(flags["prompt"], flags["prompt_file"]),
        harness=flags["harness"],
        model=flags["model"],
        workingBranch=flags["branch"],
        createBranch=flags["delivery"] == "branch" or None,
        rootDirectory=flags["root"],
        checks=list(flags["checks"]) or None,
        checkPolicy=flags["check_policy"],
        protectTests=flags["protect_tests"],
        delivery=flags["delivery"],
        timeoutSeconds=flags["timeout"],
        outputSchema=schema,
        env=read_pairs(flags["env"], "--env", dict(os.environ)),
    )


def _branch(folder: Path, named: str | None) -> str | None:
    """The branch that is checked out; None (so that the repo is asked) for what is no checkout."""
    if named:
        return named
    asked = subprocess.run(
        ["git", "-C", str(folder), "symbolic-ref", "--quiet", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None
