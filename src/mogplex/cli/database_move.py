"""`mogplex db export` and `mogplex db import`."""

from __future__ import annotations

from pathlib import Path

import click

from mogplex import wiring
from mogplex.cli import exit_codes
from mogplex.cli.database import database_command
from mogplex.cli.options import examples
from mogplex.cli.output import note, write_json, write_line
from mogplex.settings import Settings

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command("export", epilog=examples("mogplex db export mogplex.export.gz"))
@_FILE
@click.option("--running", is_flag=True, help="Let a server go on; what happens meanwhile is not in the file.")
@database_command
def export(settings: Settings, as_json: bool, file: Path, running: bool) -> int:
    """Write the whole database to a new file, to move it to another one, of whichever kind. Stop the server first."""
    moved = wiring.export(settings, file, running=running)
    _tell("exported", moved, file, as_json)
    if moved.pending:
        note(f"{moved.pending} runs are not over: the database that this is imported into will begin them again")
    return exit_codes.OK


@click.command(
    "import", epilog=examples("mogplex db import mogplex.export.gz --database-url postgresql://mogplex@db/mogplex")
)
@_FILE
@database_command
def take_in(settings: Settings, as_json: bool, file: Path) -> int:
    """Take an export into an empty database: all of it, or nothing. Do it before a server has started there."""
    moved = wiring.take_in(settings, file)
    _tell("imported", moved, file, as_json)
    if moved.pending:
        note(f"{moved.pending} runs wait for a worker")
    return exit_codes.OK


def _tell(done: str, moved: wiring.Moved, file: Path, as_json: bool) -> None:
    if as_json:
        write_json({"rows": moved.rows, "sealed": moved.sealed, "pending": moved.pending})
    else:
        total, tables = sum(moved.rows.values()), sum(1 for count in moved.rows.values() if count)
        write_line(f"{done}: {total:,} rows of {tables} tables, {moved.rows.get('runs', 0):,} runs ({file})")
    if moved.sealed:
        note(
            f"{moved.sealed} secrets are sealed, and the key that opens them is not in the file: take secret.key of "
            "the old MOGPLEX_HOME along (or MOGPLEX_SECRET_KEY)"
        )
