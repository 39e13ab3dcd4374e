"""`mogplex repos secrets`: set, list, remove. A value never stands on a command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mogplex.cli.commands import CommandGroup
from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, write_json, write_line, write_table
from mogplex.cli.repo_id import find_repo_id

_MODULE = "mogplex.cli.secrets"
_VERBS = {
    "set": (_MODULE, "set_secret", "Set a secret: its value comes from a file, stdin or a prompt."),
    "list": (_MODULE, "list_secrets", "List a repo's secrets and who gets them, never their values."),
    "remove": (_MODULE, "remove_secret", "Remove a secret."),
}
_PHASES = ("setup", "agent", "checks", "git", "forge", "hook")
group = CommandGroup("secrets", "Set and remove a repo's secrets.", _VERBS)


@click.command(
    "set",
    epilog=examples(
        "mogplex repos secrets set acme/web DATABASE_PASSWORD --for checks",
        "mogplex repos secrets set acme/web INDEX_TOKEN --for setup --value-file - < token.txt",
        "mogplex repos secrets set acme/web GIT_CREDENTIAL --for git --value-file ~/.ssh/deploy_key",
    ),
)
@click.argument("repo", metavar="ID")
@click.argument("name")
@click.option(
    "--for",
    "phases",
    multiple=True,
    required=True,
    type=click.Choice(_PHASES),
    help="Who gets it; repeatable. `git`, `forge` and `hook` go alone: no sandbox gets them.",
)
@click.option("--value-file", metavar="FILE", help="Where the value is; `-` is stdin [asked for on a terminal].")
@server_options
def set_secret(server: Server, *, repo: str, name: str, phases: tuple[str, ...], value_file: str | None) -> None:
    """Set secret NAME of a repo. Setting it again replaces value and phases. ID is the repo's id, or owner/name."""
    value = read_value(value_file, f"Value of {name}")
    answer = server.client.set_secret(find_repo_id(server, repo), name, {"value": value, "phases": list(phases)})
    if server.as_json:
        write_json(answer)
    else:
        write_line(f"{'set' if answer.get('created') else 'replaced'} secret {name}, for {', '.join(phases)}")


@click.command("list", epilog=examples("mogplex repos secrets list acme/web"))
@click.argument("repo", metavar="ID")
@server_options
def list_secrets(server: Server, *, repo: str) -> None:
    """List a repo's secrets. With --json one a line. ID is the repo's id, or owner/name."""
    found = server.client.get_repo(find_repo_id(server, repo)).get("secrets") or []
    if server.as_json:
        for each in found:
            write_json(each)
    elif found:
        rows = [(str(each["name"]), ", ".join(each["phases"]), str(each["updated_at"])) for each in found]
        write_table(("NAME", "FOR", "SET"), rows, flexible=0)
    else:
        note("no secrets. Set one: mogplex repos secrets set ID NAME --for checks")


@click.command("remove", epilog=examples("mogplex repos secrets remove acme/web DATABASE_PASSWORD"))
@click.argument("repo", metavar="ID")
@click.argument("name")
@server_options
def remove_secret(server: Server, *, repo: str, name: str) -> None:
    """Remove secret NAME of a repo. ID is the repo's id, or owner/name."""
    answer = server.client.remove_secret(find_repo_id(server, repo), name)
    if server.as_json:
        write_json(answer)
    else:
        write_line(f"removed secret {name}")


def read_value(file: str | None, question: str) -> str:
    """A secret's text without the line end that editors and `echo` add. Raises UsageError when there is none."""
    if file is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "stdin is no terminal to ask on: give the value with --value-file FILE, or - for stdin"
            )
        return str(click.prompt(question, hide_input=True, err=True))
    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise click.UsageError(f"{file} can't be read as text: {error}") from error
    value = text[:-1] if text.endswith("\n") and text.count("\n") == 1 else text
    if not value.strip():
        raise click.UsageError(f"{'stdin' if file == '-' else file} is empty")
    return value
