"""`mogplex keys`: create, list, revoke."""

from __future__ import annotations

import datetime

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, show, write_json, write_line, write_table
from mogplex.cli.start import given


@click.command(
    "create",
    epilog=examples(
        "mogplex keys create ci",
        "MOGPLEX_API_KEY=$(mogplex keys create dashboard --scope read --expires-in-days 90)",
        "mogplex keys create web-bot --scope read --scope write --repo acme/web",
    ),
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "write", "admin"]),
    default=("read", "write"),
    help="What it may do; can be repeated [read and write].",
)
@click.option("--repo", "repos", metavar="ID", multiple=True, help="Only for this repo; can be repeated [all].")
@click.option("--expires-in-days", type=click.IntRange(1), metavar="N", help="Refuse it after so many days [never].")
@server_options
def create_key(
    server: Server, *, name: str, scopes: tuple[str, ...], repos: tuple[str, ...], expires_in_days: int | None
) -> None:
    """Make an API key called NAME. Its secret is printed this once, alone on stdout."""
    expires_at = None
    if expires_in_days is not None:
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=expires_in_days)
        expires_at = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = given(name=name, scopes=list(scopes), repos=list(repos) or None, expiresAt=expires_at)
    key = server.client.create_key(body)
    if server.as_json:
        write_json(key)
        return
    write_line(str(key["secret"]))
    note(f"key {key.get('id')} ({show(name)}), scopes {', '.join(scopes)}. It is shown only now: keep it safe.")


@click.command("list", epilog=examples("mogplex keys list", "mogplex keys list --json | jq -r .prefix"))
@server_options
def list_keys(server: Server) -> None:
    """List API keys, never their secrets. With --json one key a line."""
    keys = server.client.list_keys().get("keys") or []
    if server.as_json:
        for key in keys:
            write_json(key)
        return
    rows = [
        (
            str(key.get("id")),
            str(key.get("name") or "-"),
            str(key.get("prefix") or "-"),
            ",".join(key.get("scopes") or []),
            "revoked" if key.get("revokedAt") else str(key.get("lastUsedAt") or "never")[:16],
        )
        for key in keys
    ]
    write_table(("ID", "NAME", "PREFIX", "SCOPES", "LAST USED"), rows, flexible=1)


@click.command("revoke", epilog=examples("mogplex keys revoke key_01"))
@click.argument("key_id", metavar="ID")
@server_options
def revoke_key(server: Server, *, key_id: str) -> None:
    """Refuse an API key from now on, in open streams too."""
    answer = server.client.revoke_key(key_id)
    if server.as_json:
        write_json({"id": key_id, **answer})
    else:
        write_line(f"revoked key {key_id}")
