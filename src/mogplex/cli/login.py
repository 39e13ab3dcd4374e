"""`mogplex login`: keep a server's URL and an API key for later commands."""

from __future__ import annotations

import os
import sys

import click

from mogplex.cli.options import examples
from mogplex.cli.output import can_ask, is_terminal, note, show, write_json, write_line
from mogplex.client import Client
from mogplex.credentials import (
    API_KEY_VARIABLE,
    DEFAULT_URL,
    URL_VARIABLE,
    Credentials,
    CredentialsError,
    read_credentials,
    require_key,
    save_credentials,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@click.command(
    "login",
    epilog=examples(
        "mogplex login --url https://mogplex.example.org",
        "pass show mogplex | mogplex login --with-token",
    ),
)
@click.option("--url", metavar="URL", help="The server [MOGPLEX_URL, auth.json, http://127.0.0.1:7433].")
@click.option("--api-key", metavar="KEY", help="The API key; other users of this machine can see it while it runs.")
@click.option("--with-token", is_flag=True, help="Read the API key from stdin.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def login(url: str | None, api_key: str | None, with_token: bool, as_json: bool) -> None:
    """Store a server's URL and an API key in auth.json, after asking the server whether the key is good."""
    if api_key and with_token:
        raise click.UsageError("give the key with --api-key or --with-token, not both")
    target = _find_url(url)
    key = require_key(Credentials(target, "--url", _read_key(api_key, with_token, target), "what you gave"))
    me = Client(target, key).me()
    path = save_credentials(target, key)
    if as_json:
        write_json({"url": target, **me})
    else:
        write_line(f"logged in to {target} as {_describe(me)}")
    note(f"kept in {path}")
    for variable in (API_KEY_VARIABLE, URL_VARIABLE):
        if os.environ.get(variable):
            note(f"warning: {variable} is set and goes before this file")


def _find_url(flag: str | None) -> str:
    try:
        return read_credentials(flag, None).url.rstrip("/")
    except CredentialsError:  # auth.json is broken: logging in is what mends it
        return (flag or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")


def _read_key(flag: str | None, with_token: bool, url: str) -> str:
    if flag:
        return flag.strip()
    if with_token:
        if is_terminal(sys.stdin):
            note("reading the API key from the terminal; end it with Ctrl-D")
        return sys.stdin.read().strip()
    if not can_ask():
        raise click.UsageError("no terminal to ask for the API key: use --with-token and give it on stdin")
    answer: str = click.prompt(f"API key for {url}", hide_input=True, err=True)
    return answer.strip()


def _describe(me: dict[str, Any]) -> str:
    inner = me.get("key")
    key = inner if isinstance(inner, dict) else me
    scopes = ", ".join(key.get("scopes") or [])
    return show(f"{key.get('name')} ({key.get('prefix')}…), scopes {scopes or 'none'}")
