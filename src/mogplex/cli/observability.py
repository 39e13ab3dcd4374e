"""`mogplex stats` and `mogplex pressure`: how runs went lately, and what waits now."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import show, write_fields, write_json, write_line, write_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DURATIONS = ("queued", "preparing", "running", "checking", "total")


@click.command(
    "stats", epilog=examples("mogplex stats", "mogplex stats --from 2026-11-01 --json | jq .runs.successRate")
)
@click.option("--from", "since", metavar="TIME", help="Runs made at or after this time, ISO-8601 [24 hours ago].")
@click.option("--to", "until", metavar="TIME", help="Runs made before this time [now].")
@server_options
def show_stats(server: Server, since: str | None, until: str | None) -> None:
    """Show how runs went: success rate, durations, cost and tools."""
    stats = server.client.get_stats(since, until)
    if server.as_json:
        write_json(stats)
        return
    runs, models, tools = stats["runs"], stats["models"], stats["tools"]
    starts = stats["starts"]
    write_fields(
        [
            ("window", f"{stats['window']['from']} to {stats['window']['to']}"),
            ("runs", f"{runs['total']:,} ({runs['running']:,} running, {runs['pending']:,} pending)"),
            ("success rate", _percent(runs["successRate"])),
            ("ended", ", ".join(f"{runs[name]:,} {name}" for name in ("success", "failed", "cancelled"))),
            ("lost workers", f"{runs['recovered']:,} recovered, {runs['interrupted']:,} interrupted"),
            ("starts", ", ".join(f"{starts[name]:,} {name}" for name in ("deferred", "suppressed", "refused"))),
            ("model calls", f"{models['calls']:,}, {sum(models['tokens'].values()):,} tokens"),
            ("cost", _cost(models)),
            ("tool calls", f"{tools['calls']:,}, {_percent(tools['errorRate'])} failed"),
        ]
    )
    write_line("")
    durations = [(name, *_row(stats["durationsMs"][name])) for name in _DURATIONS]
    write_table(("DURATION", "RUNS", "P50", "P95"), durations, flexible=0)
    for group in ("harness", "model", "repo", "outcome"):
        found = stats["by"][group]
        if found:
            write_line("")
            rows = [(str(each["name"] or "-"), f"{each['runs']:,}", _percent(each["successRate"])) for each in found]
            write_table((group.upper(), "RUNS", "SUCCESS"), rows, flexible=0)


@click.command("pressure", epilog=examples("mogplex pressure", "mogplex pressure --json | jq .queue.depth"))
@server_options
def show_pressure(server: Server) -> None:
    """Show what is busy, what waits and how long a run started now would wait."""
    pressure = server.client.get_pressure()
    if server.as_json:
        write_json(pressure)
        return
    slots, queue = pressure["slots"], pressure["queue"]
    write_fields(
        [
            ("slots", f"{slots['busy']} of {slots['total']} busy"),
            ("queue", f"{queue['depth']:,} waiting"),
            ("oldest wait", _seconds(queue["oldestWaitSeconds"])),
            ("wait now", _seconds(queue["estimatedWaitSeconds"]) or ("unknown" if slots["total"] else "no worker")),
        ]
    )
    if pressure["workers"]:
        write_line("")
        workers = [
            (
                show(each["id"]),
                f"{each['busy']}/{each['slots']}",
                show(_labels(each.get("labels", []), each.get("draining", False))),
            )
            for each in pressure["workers"]
        ]
        write_table(("WORKER", "BUSY", "LABELS"), workers, flexible=0)
    needed = queue.get("byNeeds", [])  # an older server does not tell
    if any(each["needs"] for each in needed):
        write_line("")
        needs = [(show(_labels(each["needs"])), f"{each['depth']:,}", str(each["slots"])) for each in needed]
        write_table(("NEEDS", "WAITING", "SLOTS"), needs, flexible=0)
    if queue["byRepo"]:
        write_line("")
        rows = [
            (show(each["fullName"]), f"{each['depth']:,}", _seconds(each["oldestWaitSeconds"]) or "")
            for each in queue["byRepo"]
        ]
        write_table(("REPO", "WAITING", "OLDEST"), rows, flexible=0)


def _labels(labels: list[str], draining: bool = False) -> str:
    return ", ".join(labels + ["(stopping)"] * draining) or "-"


def _row(duration: dict[str, Any]) -> tuple[str, str, str]:
    return f"{duration['count']:,}", _milliseconds(duration["p50"]), _milliseconds(duration["p95"])


def _milliseconds(value: int | None) -> str:
    return "-" if value is None else f"{value / 1000:,.2f} s"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:,.1f} s"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _cost(models: dict[str, Any]) -> str:
    unknown = models["costUnknownRuns"]
    return f"${models['costUsd']:,.2f}" + (f" and {unknown:,} runs of unknown cost" if unknown else "")
