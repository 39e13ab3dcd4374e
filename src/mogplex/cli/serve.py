"""`mogplex serve`: API and worker in one process."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import click

from mogplex import __version__, wiring
from mogplex.cli import exit_codes
from mogplex.cli.log_format import begin_logging
from mogplex.cli.options import examples
from mogplex.cli.output import note, write_line
from mogplex.cli.worker_labels import read_labels
from mogplex.credentials import CredentialsError, read_auth_file, save_credentials
from mogplex.domain.errors import MogplexError
from mogplex.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command(
    "serve",
    epilog=examples("mogplex serve", "mogplex serve --host 0.0.0.0 --port 8080 --slots 4 --log-level debug"),
)
@click.option("--host", metavar="ADDRESS", help="Address to listen on [MOGPLEX_HOST, 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port, 0 for any [MOGPLEX_PORT, 7433].")
@click.option(
    "--slots", type=click.IntRange(1), metavar="N", help="How many runs may execute at once [MOGPLEX_SLOTS, 2]."
)
@click.option(
    "--labels",
    "worker_labels",
    multiple=True,
    callback=read_labels,
    metavar="A,B",
    help="What it has that others may not, such as gpu,arm64 [MOGPLEX_WORKER_LABELS].",
)
@click.option("--database-url", metavar="URL", help="Database [MOGPLEX_DATABASE_URL, SQLite in MOGPLEX_HOME].")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="How much to log on stderr [MOGPLEX_LOG_LEVEL, info].",
)
@click.option(
    "--no-worker", is_flag=True, help="API and schedules only; runs are played by `mogplex worker` (PostgreSQL)."
)
def serve(no_worker: bool, **flags: Any) -> int:
    """Start the server on this machine: API and worker.

    The first start prints an admin key once and keeps it in auth.json, so that the other commands work at once.
    """
    try:
        settings = Settings.read(**flags)
        begin_logging(settings)
        wiring.serve(settings, with_worker=not no_worker, on_first_key=_keep_key, on_start=_greet)
    except MogplexError as fault:
        note(f"error: {fault.message}")
        return exit_codes.FAILURE
    return exit_codes.OK


def _keep_address(url: str) -> None:
    """The key of this home stays; where its server listens may have changed since it was stored. A login to a server
    elsewhere is left alone."""
    try:
        stored = read_auth_file()
        is_ours = urlsplit(str(stored.get("url", ""))).hostname in LOOPBACK
        if is_ours and stored.get("apiKey") and stored["url"] != url:
            save_credentials(url, str(stored["apiKey"]))
    except (CredentialsError, ValueError) as fault:
        note(f"the address of this server could not be kept for the CLI: {fault}")


def _keep_key(url: str, api_key: str) -> None:
    path = save_credentials(url, api_key)
    write_line(f"admin API key (shown once, kept in {path}): {api_key}")


def _greet(url: str) -> None:
    _keep_address(url)
    write_line(f"mogplex {__version__} serves {url} (API docs at {url}/docs)")
    write_line('next: mogplex repos add PATH, then mogplex run --repo ID "what to do"')
