"""`mogplex serve`: API, dashboard and worker in one process."""

from __future__ import annotations

import os

import click

from mogplex import wiring
from mogplex.cli.options import examples
from mogplex.domain.errors import MogplexError

_DATABASE_VARIABLE = "MOGPLEX_DATABASE_URL"


@click.command(
    "serve",
    epilog=examples("mogplex serve", "mogplex serve --host 0.0.0.0 --port 8080 --slots 4 --log-level debug"),
)
@click.option(
    "--host", envvar="MOGPLEX_HOST", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on [127.0.0.1]."
)
@click.option(
    "--port",
    envvar="MOGPLEX_PORT",
    type=click.IntRange(0, 65535),
    default=7433,
    metavar="N",
    help="Port, 0 for a free one [7433].",
)
@click.option(
    "--slots",
    type=click.IntRange(1),
    envvar="MOGPLEX_SLOTS",
    default=2,
    metavar="N",
    help="How many runs may execute at once [2].",
)
@click.option("--database-url", metavar="URL", help=f"Database [{_DATABASE_VARIABLE}, SQLite in MOGPLEX_HOME].")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    envvar="MOGPLEX_LOG_LEVEL",
    default="info",
    help="How much to log on stderr [info].",
)
def serve(host: str, port: int, slots: int, database_url: str | None, log_level: str) -> int:
    """Start the server on this machine: API, dashboard and worker.

    The first start prints an admin key once and keeps it in auth.json, so that the other commands work at once.
    """
    if database_url:
        os.environ[_DATABASE_VARIABLE] = database_url  # settings are read once, from the environment
    try:
        return wiring.serve(host=host, port=port, slots=slots, log_level=log_level)
    except MogplexError as error:
        raise click.ClickException(error.message) from error
