"""`mogplex doctor`: what works here, what doesn't, and what to type about it."""

from __future__ import annotations

import click

from mogplex import wiring
from mogplex.cli import exit_codes
from mogplex.cli.options import examples
from mogplex.cli.output import paint, show, write_json, write_line
from mogplex.client import ApiError, Client, ClientError, UnusableValue
from mogplex.credentials import CredentialsError, key_checksum_ok, read_credentials
from mogplex.domain.errors import MogplexError
from mogplex.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]  # name, ok, detail, remedy


@click.command(
    "doctor", epilog=examples("mogplex doctor", "mogplex doctor --json | jq '.findings[] | select(.ok | not)'")
)
@click.option("--url", metavar="URL", help="The server [MOGPLEX_URL, auth.json, http://127.0.0.1:7433].")
@click.option("--api-key", metavar="KEY", help="The API key [MOGPLEX_API_KEY, auth.json].")
@click.option("--local", is_flag=True, help="Only this machine: ask no server.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: ok, findings[].")
def doctor(url: str | None, api_key: str | None, local: bool, as_json: bool) -> int:
    """Check what can run here, and say what to do about the rest. Exit code 1 when something is wrong."""
    rows = [] if local else _check_server(url, api_key)
    rows += _check_machine()
    healthy = all(row["ok"] for row in rows)
    if as_json:
        write_json({"ok": healthy, "findings": rows})
    else:
        _print_rows(rows)
    return exit_codes.OK if healthy else exit_codes.FAILURE


def _check_machine() -> list[Row]:
    try:
        findings = wiring.diagnose(Settings.read())
    except MogplexError as fault:  # a setting that can't be used: what it says is the finding
        return [_row("settings", False, fault.message, None)]
    return [
        {**_row(finding.name, finding.ok, finding.detail, finding.remedy), "warning": finding.warning}
        for finding in findings
    ]


def _check_server(url: str | None, api_key: str | None) -> list[Row]:
    try:
        credentials = read_credentials(url, api_key)
    except CredentialsError as error:
        return [_row("credentials", False, error.message, error.remedy)]
    key_ok = bool(credentials.api_key) and key_checksum_ok(credentials.api_key or "")
    if not credentials.api_key:
        key_row = _row("api key", False, "none in a flag, the environment or auth.json", "mogplex login")
    elif not key_ok:
        key_row = _row("api key", False, f"the one from {credentials.key_source} is mistyped", "mogplex login")
    else:
        key_row = _row("api key", True, f"from {credentials.key_source}", None)
    try:
        client = Client(credentials.url, credentials.api_key if key_ok else "", timeout_seconds=5.0, retry_seconds=0)
        me = client.me()
    except UnusableValue as error:
        return [
            _row("server", False, f"{error.message} (from {credentials.url_source})", "mogplex login --url URL"),
            key_row,
        ]
    except ApiError as error:
        reached = _row("server", error.http_status in (401, 403), f"{client.url}: {error.code}", None)
        if key_ok and error.http_status in (401, 403):
            key_row = _row("api key", False, f"refused by the server: {error.message}", "mogplex login")
        return [reached, key_row]
    except ClientError as error:
        return [_row("server", False, error.message, "mogplex serve, or mogplex login --url URL"), key_row]
    scopes = ", ".join((me.get("key") or me).get("scopes") or [])
    return [
        _row("server", True, f"{client.url} (from {credentials.url_source})", None),
        _row("api key", True, f"from {credentials.key_source}, scopes {scopes or 'none'}", None),
    ]


def _row(name: str, ok: bool, detail: str, remedy: str | None) -> Row:
    return {"name": name, "ok": ok, "detail": detail, "remedy": remedy, "warning": False}


def _print_rows(rows: list[Row]) -> None:
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = paint("ok  ", "green") if row["ok"] else paint("FAIL", "red")
        if row["warning"]:
            mark = paint("WARN", "yellow")
        write_line(f"{mark}  {row['name']:<{width}}  {show(row['detail'])}")
        if row["remedy"] and not row["ok"]:
            write_line(f"{'':<{width + 8}}-> {show(row['remedy'])}")
