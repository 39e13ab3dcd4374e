"""`mogplex top`: what runs, what waits and how busy the workers are, drawn anew every few seconds."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import STATUS_COLOURS, is_terminal, show, write_json
from mogplex.cli.run_view import find_duration_seconds, format_duration, name_repo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

_EVERY_SECONDS = 5.0  # three requests each: a key has 60 a minute
_SHOWN_ENDED = 8


@click.command("top", epilog=examples("mogplex top", "mogplex top --every 10", "mogplex top --once"))
@click.option(
    "--every",
    type=click.FloatRange(1.0),
    default=_EVERY_SECONDS,
    metavar="S",
    help="Look again after so many seconds [5].",
)
@click.option("--once", is_flag=True, help="Print it once and end; so without a terminal.")
@server_options
def show_top(server: Server, *, every: float, once: bool) -> None:
    """Draw what runs and what waits, until Ctrl-C. With --json: one object, once."""
    if server.as_json:
        write_json(_look(server))
        return
    console = Console(highlight=False)
    if once or not is_terminal(sys.stdout):
        console.print(_draw(_look(server)))
        return
    with Live(_draw(_look(server)), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(_draw(_look(server)), refresh=True)


def _look(server: Server) -> Json:
    client = server.client
    return {
        "pressure": client.get_pressure(),
        "streaming": client.list_runs(status="streaming", limit=50).get("runs") or [],
        "latest": client.list_runs(limit=50).get("runs") or [],
    }


def _draw(seen: Json) -> Group:
    slots, queue = seen["pressure"]["slots"], seen["pressure"]["queue"]
    oldest = queue.get("oldestWaitSeconds")
    wait = f", the oldest for {format_duration(oldest)}" if oldest else ""
    head = Text.assemble(
        ("mogplex top", "bold"),
        f"   slots {slots['busy']} of {slots['total']} busy   queue {queue['depth']} waiting{wait}",
    )
    workers = Table("WORKER", "HOST", "BUSY", "VERSION", box=None, header_style="bold", pad_edge=False)
    for worker in seen["pressure"]["workers"]:
        busy = f"{worker['busy']}/{worker['slots']}"
        workers.add_row(show(worker["id"]), show(worker.get("host")), busy, show(worker.get("version")))
    waiting = [run for run in seen["latest"] if run["status"] == "pending"]
    ended = [run for run in seen["latest"] if run["status"] not in ("pending", "streaming")][:_SHOWN_ENDED]
    return Group(head, "", workers, "", _table("RUNNING", seen["streaming"]), "", _table("WAITING", waiting), "",
                 _table("ENDED", ended))  # fmt: skip


def _table(title: str, runs: list[Json]) -> Table:
    table = Table(title, "STATUS", "REPO", "HARNESS", "TIME", "COST", "TITLE", box=None, header_style="bold")
    table.pad_edge = False
    for run in runs:
        table.add_row(
            str(run["runId"])[:12],
            Text(str(run.get("outcome") or run["status"]), style=STATUS_COLOURS.get(str(run["status"]), "")),
            show(name_repo(run)),
            show(run.get("harness")),
            format_duration(find_duration_seconds(run)) or "-",
            f"${run['costUsd']:.2f}" if run.get("costUsd") else "-",
            show(run.get("title"))[:60],
        )
    return table
