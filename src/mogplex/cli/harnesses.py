"""`mogplex harnesses` and `mogplex models`: what can drive a run."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, write_json, write_table


@click.command("list", epilog=examples("mogplex harnesses list", "mogplex harnesses list --json | jq -r .name"))
@server_options
def list_harnesses(server: Server) -> None:
    """List harnesses, and why one can't run. With --json one harness a line."""
    harnesses = server.client.list_harnesses().get("harnesses") or []
    if server.as_json:
        for harness in harnesses:
            write_json(harness)
        return
    rows = [
        (
            str(harness.get("name")),
            str(harness.get("version") or "-"),
            "yes" if harness.get("available") else "no",
            str((None if harness.get("available") else harness.get("remedy")) or harness.get("reason") or ""),
        )
        for harness in harnesses
    ]
    write_table(("HARNESS", "VERSION", "READY", "DETAIL"), rows, flexible=3)


@click.command("list", epilog=examples("mogplex models list", "mogplex models list --json | jq -r .id"))
@server_options
def list_models(server: Server) -> None:
    """List models with their prices in dollars per million tokens. With --json one model a line."""
    models = server.client.list_models().get("models") or []
    if server.as_json:
        for model in models:
            write_json(model)
        return
    if not models:
        note("no models can be reached: `mogplex doctor` tells why. The harness `repair` needs none.")
        return
    rows = []
    for model in models:
        pricing = model.get("pricing") or {}
        prices = [str(pricing[name]) if pricing.get(name) is not None else "?" for name in ("input", "output")]
        rows.append((str(model.get("id")), str(model.get("provider") or "-"), *prices))
    write_table(("MODEL", "PROVIDER", "INPUT", "OUTPUT"), rows, flexible=0)
