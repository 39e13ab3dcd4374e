"""`mogplex db prune`."""

from __future__ import annotations

import click

from mogplex import wiring
from mogplex.cli import exit_codes
from mogplex.cli.database import database_command
from mogplex.cli.options import examples
from mogplex.cli.output import write_json, write_line
from mogplex.domain.retention import Retention
from mogplex.settings import Settings, kinds

_TOLD = {
    "runs": "runs",
    "events": "runs' events",
    "logs": "runs' logs and check output",
    "patches": "runs' patches",
    "deliveries": "webhook messages",
    "workers": "workers that are gone",
    "blobs": "blobs that nothing names",
}


class Age(click.ParamType[float]):
    """Seconds, written as `90d`, `36h` or `30m`."""

    name = "age"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return kinds.duration(value)
        except ValueError as fault:
            self.fail(f"{value!r} {fault}", param, ctx)


@click.command("prune", epilog=examples("mogplex db prune --older-than 90d --dry-run", "mogplex db prune"))
@click.option("--older-than", type=Age(), metavar="AGE", help="Age such as 90d or 36h [MOGPLEX_KEEP_*, for each kind].")
@click.option("--runs", is_flag=True, help="With --older-than: the records of runs too, and all that belongs to them.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@database_command
def prune(settings: Settings, as_json: bool, older_than: float | None, runs: bool, dry_run: bool) -> int:
    """Take away events, logs, patches and webhook messages that are old; runs that are not over are left alone.

    A server may be running meanwhile.
    """
    wanted = None if older_than is None else Retention.older_than(older_than, runs=runs)
    if wanted is None and runs:
        raise click.UsageError("--runs needs --older-than (or set MOGPLEX_KEEP_RUNS)")
    if wanted is None and wiring.retention_of(settings).is_empty:
        raise click.UsageError("nothing says how old: give --older-than AGE, or set MOGPLEX_KEEP_EVENTS and the like")
    counts = wiring.prune(settings, wanted, dry_run=dry_run)
    if as_json:
        write_json({"dryRun": dry_run, **counts})
        return exit_codes.OK
    told = [f"{count:,} {_TOLD[kind]}" for kind, count in counts.items() if count]
    write_line(f"{'would prune' if dry_run else 'pruned'}: {', '.join(told) or 'nothing is old enough'}")
    return exit_codes.OK
