"""`mogplex help`: on a command, or on the exit codes."""

from __future__ import annotations

import click

from mogplex.cli import exit_codes
from mogplex.cli.commands import load
from mogplex.cli.output import write_line
from mogplex.credentials import CredentialsError, read_credentials

_EXIT_CODES, _MAN = "exit-codes", "man"


@click.command(
    "help", epilog="\b\nExamples:\n  mogplex help exit-codes\n  mogplex help runs events\n  mogplex help man | man -l -"
)
@click.argument("words", nargs=-1, metavar="[COMMAND… | exit-codes | man]")
@click.pass_context
def help_on(context: click.Context, words: tuple[str, ...]) -> None:
    """Help on a command or on what exit codes mean; `man` prints the manual page of all, as `man` reads it."""
    place = context.parent or context
    if words == (_EXIT_CODES,):
        _print_exit_codes()
        return
    if words == (_MAN,):
        write_line(load("mogplex.cli.manual", "write_manual")(place.command))
        return
    command = place.command
    for word in words:
        found = command.get_command(place, word) if isinstance(command, click.Group) else None
        if found is None:
            raise click.UsageError(f"no help on {' '.join(words)!r}: name a command, {_EXIT_CODES} or {_MAN}", context)
        command = found
        place = click.Context(command, info_name=word, parent=place)
    write_line(command.get_help(place))


def _print_exit_codes() -> None:
    write_line("code  meaning")
    for code, (_, meaning) in exit_codes.MEANINGS.items():
        write_line(f"{code:>4}  {meaning}")
    write_line("")
    write_line("20 to 25 and 124 are given only where a run's outcome is asked for: run --wait, runs watch,")
    write_line("runs get --wait --exit-status and runs events --follow --exit-status.")


def suggest_next() -> str:
    """What to type next, from what this machine knows without asking the server."""
    try:
        credentials = read_credentials(None, None)
    except CredentialsError as error:
        return error.remedy
    if credentials.api_key:
        return "`mogplex repos add .` in a git repo, or `mogplex runs list`"
    return "`mogplex serve` to start a server here, or `mogplex login --url URL` to use one"
