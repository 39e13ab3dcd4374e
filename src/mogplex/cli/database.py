"""`mogplex db`: what is done with the database itself, on the server's machine and without the server."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mogplex import wiring
from mogplex.cli import exit_codes
from mogplex.cli.failures import CommandFailed
from mogplex.cli.options import examples
from mogplex.cli.output import write_json, write_line
from mogplex.domain.errors import MogplexError
from mogplex.settings import Settings


def database_command(command: Callable[..., int]) -> Callable[..., int]:
    """Adds --database-url and --json, hands over the settings, and tells faults as the other commands do."""

    @click.option("--database-url", metavar="URL", help="Database [MOGPLEX_DATABASE_URL, SQLite in MOGPLEX_HOME].")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    @functools.wraps(command)
    def run(database_url: str | None, **options: Any) -> int:
        try:
            return command(Settings.read(database_url=database_url), **options)
        except MogplexError as fault:
            raise CommandFailed(fault.message, fault.code, exit_codes.of_error(fault.code)) from fault

    return run


@click.command("current", epilog=examples("mogplex db current", "mogplex db current --json"))
@database_command
def show_current(settings: Settings, as_json: bool) -> int:
    """Show which tables the database has and which this version needs. Exit code 1: they are not the same."""
    state = wiring.table_state(settings)
    if as_json:
        write_json({"database": state.database, "current": state.current, "needed": state.needed})
    else:
        write_line(f"{state.database}: {_tell(state)}")
    return exit_codes.OK if state.up_to_date else exit_codes.FAILURE


@click.command("upgrade", epilog=examples("mogplex db upgrade", "mogplex db upgrade --database-url postgresql://db/x"))
@database_command
def upgrade(settings: Settings, as_json: bool) -> int:
    """Bring the database's tables up to date; all or nothing. Any number of processes may do it at once."""
    before, after = wiring.upgrade_tables(settings)
    if as_json:
        write_json({"database": after.database, "before": before.current, "current": after.current})
    elif before.up_to_date:
        write_line(f"{after.database}: {_tell(after)}")
    else:
        write_line(f"{after.database}: from {before.current or 'no tables'} to {after.current}")
    return exit_codes.OK


def _tell(state: wiring.TableState) -> str:
    if state.up_to_date:
        return f"up to date ({state.current})"
    return f"{state.current or 'no tables'}, and this version needs {state.needed}: mogplex db upgrade"
