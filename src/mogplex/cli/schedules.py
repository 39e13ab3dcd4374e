"""`mogplex schedules`: runs at every tick of a cron line."""

from __future__ import annotations

import json

import click

from mogplex.cli.options import Server, examples, read_pairs, server_options
from mogplex.cli.output import note, paint, show, write_fields, write_json, write_line, write_table
from mogplex.cli.run import read_prompt, read_text
from mogplex.cli.start import choose_key, given, make_budget, start_under

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


@click.command(
    "create",
    epilog=examples(
        'mogplex schedules create --repo acme/web --cron "0 12 * * 1" --tz Europe/Berlin --create-branch'
        ' "Update the dependencies"',
        'mogplex schedules create --repo acme/web --cron "30 2 * * *" --run nightly.json "Tidy up"',
    ),
)
@click.argument("prompt", required=False)
@click.option("--repo", metavar="ID", required=True, help="Repo to work in: its id, or owner/name.")
@click.option("--cron", metavar="LINE", required=True, help='When: five fields, as in "0 12 * * 1".')
@click.option("--tz", metavar="ZONE", help="Whose clock --cron means, as in Europe/Berlin [UTC].")
@click.option("--name", metavar="TEXT", help="Name of the schedule [the prompt's first line].")
@click.option(
    "--overlap",
    type=click.Choice(["skip", "queue", "cancel_older"]),
    help="At a tick while its last run goes on [skip].",
)
@click.option("--catch-up", is_flag=True, help="Start the newest tick that was missed, late.")
@click.option("--alarm-after", type=click.IntRange(1, 1000), metavar="N", help="Alarm after so many bad runs [3].")
@click.option("--prompt-file", metavar="FILE|-", help="Read the prompt from a file; - is stdin.")
@click.option("--harness", metavar="NAME", help="Who does the work.")
@click.option("--model", metavar="MODEL", help="Model for the harness.")
@click.option("--branch", metavar="BRANCH", help="Branch to deliver to [the base branch, or a made-up name].")
@click.option("--create-branch", is_flag=True, help="Create the branch.")
@click.option("--check", "checks", metavar="CMD", multiple=True, help="Command that must pass; can be repeated.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="End a run after S seconds.")
@click.option("--budget-usd", type=click.FloatRange(0, min_open=True), metavar="USD", help="End a run at this cost.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Label of its runs; can be repeated.")
@click.option("--run", "run_file", metavar="FILE|-", help="JSON object with more fields, as POST /runs takes them.")
@server_options
def create_schedule(
    server: Server,
    *,
    prompt: str | None,
    repo: str,
    cron: str,
    tz: str | None,
    name: str | None,
    overlap: str | None,
    catch_up: bool,
    alarm_after: int | None,
    prompt_file: str | None,
    run_file: str | None,
    labels: tuple[str, ...],
    checks: tuple[str, ...],
    budget_usd: float | None,
    timeout: float | None,
    branch: str | None,
    create_branch: bool,
    **flags: str | None,
) -> None:
    """Make a schedule: PROMPT is worked on at every tick of the cron line."""
    more = _read_run(run_file)
    if prompt is not None or prompt_file is not None or "prompt" not in more:
        more["prompt"] = read_prompt(prompt, prompt_file)
    run = {
        **more,
        **given(
            **flags,
            workingBranch=branch,
            createBranch=create_branch or None,
            checks=list(checks) or None,
            timeoutSeconds=timeout,
            budget=make_budget(budget_usd, None),
            labels=read_pairs(labels, "--label"),
        ),
    }
    body = given(
        repoId=repo,
        cron=cron,
        timeZone=tz,
        name=name,
        overlap=overlap,
        catchUp=catch_up or None,
        alarmAfter=alarm_after,
        run=run,
    )
    _show(server, server.client.create_schedule(body))


@click.command("list", epilog=examples("mogplex schedules list", "mogplex schedules list --repo acme/web --json"))
@click.option("--repo", metavar="ID", help="Only of this repo: its id, or owner/name.")
@server_options
def list_schedules(server: Server, *, repo: str | None) -> None:
    """List schedules, newest first. With --json one schedule a line."""
    found: list[Json] = []
    cursor: str | None = None
    while True:
        page = server.client.list_schedules(repo, 200, cursor)
        found += page.get("schedules") or []
        cursor = page.get("nextCursor")
        if not cursor:
            break
    if server.as_json:
        for schedule in found:
            write_json(schedule)
        return
    if not found:
        note('no schedules. Make one: mogplex schedules create --repo ID --cron "0 12 * * 1" "what to do"')
        return
    rows = [
        (str(each["id"]), str(each["name"]), str(each["cron"]), _next_of(each), _alarm_of(each) or "-")
        for each in found
    ]
    write_table(("ID", "NAME", "CRON", "NEXT", "ALARM"), rows, flexible=1)


@click.command("get", epilog=examples("mogplex schedules get sch_01", "mogplex schedules get sch_01 --json"))
@click.argument("schedule_id", metavar="ID")
@server_options
def get_schedule(server: Server, *, schedule_id: str) -> None:
    """Show a schedule, its next ticks and what became of the last ones."""
    schedule = server.client.get_schedule(schedule_id)
    ticks = server.client.list_ticks(schedule_id, 10).get("ticks") or []
    if server.as_json:
        write_json({**schedule, "ticks": ticks})
        return
    _show(server, schedule)
    for tick in ticks:
        line = f"{tick['dueAt'][:16]}  {tick['result']:<8} {tick['runId'] or '-'}  {show(tick['note'])}"
        write_line(line.rstrip())


@click.command("pause", epilog=examples("mogplex schedules pause sch_01"))
@click.argument("schedule_id", metavar="ID")
@server_options
def pause_schedule(server: Server, *, schedule_id: str) -> None:
    """Let no tick come until it is resumed."""
    _show(server, server.client.pause_schedule(schedule_id))


@click.command("resume", epilog=examples("mogplex schedules resume sch_01"))
@click.argument("schedule_id", metavar="ID")
@server_options
def resume_schedule(server: Server, *, schedule_id: str) -> None:
    """Let ticks come again from now on; what would have come meanwhile counts as nothing."""
    _show(server, server.client.resume_schedule(schedule_id))


@click.command(
    "trigger", epilog=examples("mogplex schedules trigger sch_01", "mogplex schedules trigger sch_01 --json")
)
@click.argument("schedule_id", metavar="ID")
@click.option("--idempotency-key", metavar="KEY", help="The same key never starts a second run [random].")
@server_options
def trigger_schedule(server: Server, *, schedule_id: str, idempotency_key: str | None) -> None:
    """Start the schedule's run now, besides its ticks."""
    key = choose_key(idempotency_key)
    with start_under(key):
        run = server.client.trigger_schedule(schedule_id, idempotency_key=key)
    if server.as_json:
        write_json(run)
    else:
        write_line(f"started run {run['runId']} ({run['status']})")
        write_line(f"tail events: mogplex runs events {run['runId']} --follow")


@click.command("delete", epilog=examples("mogplex schedules delete sch_01"))
@click.argument("schedule_id", metavar="ID")
@server_options
def remove_schedule(server: Server, *, schedule_id: str) -> None:
    """Remove a schedule; its runs stay."""
    answer = server.client.remove_schedule(schedule_id)
    if server.as_json:
        write_json(answer)
    else:
        write_line(f"removed schedule {schedule_id}")


def _read_run(run_file: str | None) -> Json:
    if run_file is None:
        return {}
    try:
        run = json.loads(read_text(run_file, "--run"))
    except ValueError as error:
        raise click.UsageError(f"--run: {run_file} is not JSON: {error}") from error
    if not isinstance(run, dict):
        raise click.UsageError(f"--run: {run_file} holds no JSON object")
    return run


def _show(server: Server, schedule: Json) -> None:
    if server.as_json:
        write_json(schedule)
        return
    run = schedule.get("run") or {}
    alarm = _alarm_of(schedule)
    write_fields(
        (
            ("id", schedule.get("id")),
            ("name", show(schedule.get("name"))),
            ("repo", schedule.get("repoId")),
            ("cron", f"{schedule.get('cron')} ({schedule.get('timeZone')})"),
            ("overlap", schedule.get("overlap")),
            ("next", "paused" if schedule.get("paused") else ", ".join(t[:16] + "Z" for t in schedule["nextTicks"])),
            ("last run", schedule.get("lastRunId")),
            ("missed", schedule.get("missedTicks") or None),
            ("alarm", paint(alarm, "red") if alarm else None),
            ("prompt", show(run.get("prompt"))),
        )
    )


def _next_of(schedule: Json) -> str:
    return "paused" if schedule.get("paused") else str(schedule.get("nextTickAt") or "never")[:16]


def _alarm_of(schedule: Json) -> str | None:
    alarm = schedule.get("alarm")
    return f"{alarm['kind']}: {show(alarm['message'])}" if alarm else None
