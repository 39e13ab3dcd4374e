"""`mogplex runs watch`: a live view of one run. The only module that imports rich."""

from __future__ import annotations

import sys
import time
from collections import deque

import click
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mogplex.cli import exit_codes
from mogplex.cli.follow import DEFAULT_TIMEOUT_SECONDS, ctrl_c_leaves_run, follow_run, patience_ends_with
from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import STATUS_COLOURS, is_terminal, show
from mogplex.cli.run_view import describe_branch, explain_ending, format_duration, name_repo, print_ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEPT_EVENTS = 200
_LINES_AROUND_EVENTS = 8
_COLOUR_OF_TYPE = {
    "tool_call": "cyan",
    "tool_result": "dim cyan",
    "assistant_message": "bold",
    "reasoning": "dim",
    "model_retry": "yellow",
    "budget_warning": "yellow",
    "check_finished": "magenta",
    "attempt_lost": "red",
    "finished": "bold",
}


class RunView:
    """What is known of a run so far, drawn anew at each refresh."""

    def __init__(self, console: Console, run: dict[str, Any]) -> None:
        self._console = console
        self._run = dict(run)
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT_EVENTS)
        self._counts = {"model_call": 0, "tool_call": 0}
        self._cost_usd = 0.0
        self._started = time.monotonic()

    def add(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        kind = str(event.get("type"))
        payload = event.get("payload") or {}
        if kind in self._counts:
            self._counts[kind] += 1
            self._cost_usd += payload.get("costUsd") or 0.0
        elif kind == "stream_started":
            self._run["status"] = "streaming"
        elif kind == "finished":
            self._run["status"] = payload.get("status", self._run.get("status"))

    def __rich__(self) -> Group:
        return Group(self._draw_head(), *self._draw_events())

    def _draw_head(self) -> Panel:
        status = str(self._run.get("status"))
        table = Table.grid(padding=(0, 2))
        table.add_row("repo", Text(show(name_repo(self._run))), "harness", Text(show(self._run.get("harness"))))
        table.add_row("branch", Text(describe_branch(self._run)), "watched", self._elapsed())
        calls = f"{self._counts['model_call']} model calls, {self._counts['tool_call']} tool calls"
        table.add_row("used", calls, "cost", f"${self._cost_usd:.4f}" if self._cost_usd else "-")
        title = Text.assemble(f"run {self._run['runId']} ", (status, STATUS_COLOURS.get(status, "")))
        return Panel(table, title=title, title_align="left")

    def _draw_events(self) -> list[Text]:
        room = max(self._console.height - _LINES_AROUND_EVENTS, 3)
        return [self._draw_event(event) for event in list(self._events)[-room:]]

    def _draw_event(self, event: dict[str, Any]) -> Text:
        kind = str(event.get("type"))
        tool = f"[{show(event['toolName'])}] " if event.get("toolName") else ""
        return Text.assemble(
            (str(event.get("createdAt") or "")[11:19], "dim"),
            "  ",
            (f"{kind:<18}", _COLOUR_OF_TYPE.get(kind, "")),
            f"{tool}{show(event.get('message') or '')}",
            no_wrap=True,
            overflow="ellipsis",
        )

    def _elapsed(self) -> str:
        return format_duration(time.monotonic() - self._started) or ""


@click.command("watch", epilog=examples("mogplex runs watch 3f2a91bc"))
@click.argument("run_id", metavar="ID")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_SECONDS,
    metavar="S",
    help="Stop watching after S seconds [1800]; the run goes on.",
)
@server_options
def watch_run(server: Server, *, run_id: str, timeout: float) -> int:
    """Draw a live view of a run until it ends; the exit code tells its outcome.

    Without a terminal, or with --json, it prints events line by line instead.
    """
    if server.as_json or not is_terminal(sys.stdout):
        ending = follow_run(server, run_id, 0, timeout, outcome_as_code=True)
    else:
        ending = _draw(server, run_id, timeout)
        print_ending(ending)
    if not server.as_json:
        explain_ending(ending)
    return exit_codes.of_run(ending)


def _draw(server: Server, run_id: str, timeout_seconds: float) -> dict[str, Any]:
    console = Console()
    run = server.on_run(run_id, server.client.get_run)
    found_id = str(run["runId"])
    view = RunView(console, run)
    with ctrl_c_leaves_run(server, found_id), patience_ends_with(timeout_seconds, found_id, True, "watch"):
        with Live(view, console=console, refresh_per_second=8, vertical_overflow="crop"):
            for event in server.client.stream_events(found_id, 0, timeout_seconds):
                view.add(event)
    return server.client.get_run(found_id)
