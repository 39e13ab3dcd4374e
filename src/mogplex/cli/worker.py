"""`mogplex worker`: play runs for the servers on the same PostgreSQL database."""

from __future__ import annotations

from typing import Any

import click

from mogplex import __version__, wiring
from mogplex.cli import exit_codes
from mogplex.cli.log_format import begin_logging
from mogplex.cli.options import examples
from mogplex.cli.output import note, write_line
from mogplex.cli.worker_labels import read_labels
from mogplex.domain.errors import MogplexError
from mogplex.settings import Settings


@click.command(
    "worker",
    epilog=examples(
        "MOGPLEX_DATABASE_URL=postgresql://mogplex@db/mogplex mogplex worker",
        "mogplex worker --database-url postgresql://mogplex@db/mogplex --slots 8 --labels gpu,arm64",
    ),
)
@click.option(
    "--slots", type=click.IntRange(1), metavar="N", help="How many runs it executes at once [MOGPLEX_SLOTS, 2]."
)
@click.option(
    "--labels",
    "worker_labels",
    multiple=True,
    callback=read_labels,
    metavar="A,B",
    help="What it has that others may not, such as gpu,arm64 [MOGPLEX_WORKER_LABELS].",
)
@click.option("--database-url", metavar="URL", help="The database of the servers [MOGPLEX_DATABASE_URL].")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="How much to log on stderr [MOGPLEX_LOG_LEVEL, info].",
)
def work(**flags: Any) -> int:
    """Start a worker on this machine, without an API: it plays runs of the servers on the same database.

    SIGTERM lets running attempts go on for MOGPLEX_DRAIN_SECONDS, then hands them back; a second one ends it at once.
    """
    try:
        settings = Settings.read(**flags)
        begin_logging(settings)
        wiring.work(settings, on_start=_greet)
    except MogplexError as fault:
        note(f"error: {fault.message}")
        return exit_codes.FAILURE
    return exit_codes.OK


def _greet(worker_id: str) -> None:
    write_line(f"mogplex {__version__} works as {worker_id}")
