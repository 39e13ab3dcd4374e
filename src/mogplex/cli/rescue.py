"""`mogplex keys reset-admin`: a new admin key, made on the server's machine."""

from __future__ import annotations

import click

from mogplex import wiring
from mogplex.cli import exit_codes
from mogplex.cli.options import examples
from mogplex.cli.output import note, write_line
from mogplex.credentials import CredentialsError, read_auth_file, save_credentials
from mogplex.domain.errors import MogplexError
from mogplex.settings import Settings


@click.command(
    "reset-admin",
    epilog=examples(
        "mogplex keys reset-admin", "MOGPLEX_DATABASE_URL=postgresql://mogplex@db/mogplex mogplex keys reset-admin"
    ),
)
@click.option("--database-url", metavar="URL", help="Database [MOGPLEX_DATABASE_URL, SQLite in MOGPLEX_HOME].")
def reset_admin(database_url: str | None) -> int:
    """Make a new admin key without one, with access to the server's database. Older keys stay as they are.

    The key is printed alone on stdout. auth.json of this home takes it when it names a server already.
    """
    try:
        api_key = wiring.reset_admin(Settings.read(database_url=database_url))
    except MogplexError as fault:
        note(f"error: {fault.message}")
        return exit_codes.FAILURE
    write_line(api_key)
    _keep(api_key)
    return exit_codes.OK


def _keep(api_key: str) -> None:
    try:
        url = read_auth_file().get("url")
        if url:
            note(f"kept in {save_credentials(str(url), api_key)}, for {url}")
    except CredentialsError as fault:
        note(f"it could not be kept for the CLI: {fault.message}")
