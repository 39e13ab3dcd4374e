"""`mogplex config show`: every setting, its value, and where that comes from."""

from __future__ import annotations

import os

import click

from mogplex.cli import exit_codes
from mogplex.cli.options import examples
from mogplex.cli.output import note, show, write_json, write_line
from mogplex.credentials import HOME_VARIABLE, CredentialsError, find_auth_file, read_credentials
from mogplex.domain.redact import Redactor
from mogplex.settings.sources import trace_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]  # name, value, source, means, problem

_HIDDEN = "[hidden]"
_HOME_SOURCE = ("default", "environment")
_KEY_CHARACTERS = 12  # the prefix that `mogplex keys list` shows


@click.command(
    "show",
    epilog=examples(
        "mogplex config show",
        "mogplex config show --all",
        "mogplex config show --json | jq -r '.settings[] | select(.source != \"default\") | .name'",
    ),
)
@click.option("--all", "everything", is_flag=True, help="Also what is as it comes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: client[], settings[].")
def show_config(everything: bool, as_json: bool) -> int:
    """Show the settings in force here and where each comes from. Secrets stay hidden.

    Exit code 1 when one can't be used. What a server runs with is decided where it is started.
    """
    client, settings = _read_client(), _read_settings()
    problems = [row for row in (*client, *settings) if row["problem"]]
    if as_json:
        write_json({"client": client, "settings": settings})
    else:
        shown = settings if everything else [row for row in settings if row["source"] != "default"]
        _print_rows([*client, *shown])
        if not everything:
            note(f"{len(settings) - len(shown)} more settings are as they come: mogplex config show --all")
    for row in problems:
        note(f"{row['name']} from {row['source']} can't be used: {show(row['problem'])}")
    return exit_codes.FAILURE if problems else exit_codes.OK


def _read_client() -> list[Row]:
    """What the commands speak to a server with."""
    try:
        found = read_credentials(None, None)
    except CredentialsError as error:
        return [_row("auth.json", None, "MOGPLEX_HOME", "The file that `login` writes.", error.message)]
    key = f"{found.api_key[:_KEY_CHARACTERS]}… {_HIDDEN}" if found.api_key else None
    if found.warning:
        note(f"warning: {found.warning}")
    return [
        _row(
            "auth.json",
            str(find_auth_file()),
            _HOME_SOURCE[HOME_VARIABLE in os.environ],
            "The file that `login` writes.",
        ),
        _row(
            "server", Redactor().text(found.url), _name_source(found.url_source), "The server that commands speak to."
        ),
        _row("API key", key, _name_source(found.key_source) if key else "nowhere", "The key they show it."),
    ]


def _name_source(source: str) -> str:
    return {"the default": "default", str(find_auth_file()): "auth.json"}.get(source, source)


def _read_settings() -> list[Row]:
    """What a server or worker would run with that is started here."""
    rows = []
    for each in trace_settings(os.environ):
        value = each.value and (_HIDDEN if each.is_secret else Redactor().text(each.value))
        source = "default" if each.is_default else "environment"
        rows.append(_row(each.name, value, source, each.meaning, each.problem))
    return rows


def _print_rows(rows: list[Row]) -> None:
    """Not as a table that fits the terminal: a value that is cut can't be compared."""
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        write_line(f"{row['name']:<{width}}  {show(row['value'] or '-')}  ({row['source']})")


def _row(name: str, value: str | None, source: str, means: str, problem: str | None = None) -> Row:
    return {"name": name, "value": value, "source": source, "means": means, "problem": problem}
