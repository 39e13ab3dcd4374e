"""`mogplex serve`: API, dashboard and worker in one process."""

from __future__ import annotations

import os

import click

from mogplex import wiring
from mogplex.cli.options import examples

_DATABASE_VARIABLE = "MOGPLEX_DATABASE_URL"


@click.command(
    "serve",
    epilog=examples("mogplex serve", "mogplex serve --host 0.0.0.0 --port 8080 --slots 4 --log-level debug"),
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7433, show_default=True, metavar="N", help="Port.")
@click.option(
    "--slots",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    metavar="N",
    help="How many runs may execute at once [one per processor].",
)
@click.option("--database-url", metavar="URL", help=f"Database [{_DATABASE_VARIABLE}, SQLite in MOGPLEX_HOME].")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="How much to log on stderr.",
)
def serve(host: str, port: int, slots: int, database_url: str | None, log_level: str) -> int:
    """Start the server on this machine: API, dashboard and worker.

    The first start prints an admin key once and keeps it in auth.json, so that the other commands work at once.
    """
    if database_url:
        os.environ[_DATABASE_VARIABLE] = database_url  # settings are read once, from the environment
    return wiring.serve(host=host, port=port, slots=slots, log_level=log_level)
