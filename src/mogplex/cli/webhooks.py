"""`mogplex webhooks`: who is told of what, and what was sent."""

from __future__ import annotations

import click

from mogplex.cli.options import Server, examples, server_options
from mogplex.cli.output import note, show, write_json, write_line, write_table
from mogplex.cli.start import given

TOPICS = ["run.started", "run.finished", "schedule.alarm"]


@click.command(
    "create",
    epilog=examples(
        "mogplex webhooks create https://example.org/hooks/mogplex",
        "mogplex webhooks create https://example.org/hooks --event run.started --event run.finished --repo acme/web",
    ),
)
@click.argument("receiver", metavar="URL")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(TOPICS),
    help="What to tell; can be repeated [run.finished and schedule.alarm].",
)
@click.option("--repo", "repos", metavar="ID", multiple=True, help="Only of this repo; can be repeated [all].")
@server_options
def create_webhook(server: Server, *, receiver: str, events: tuple[str, ...], repos: tuple[str, ...]) -> None:
    """Have URL told by POST. The secret that signs is printed this once, alone on stdout."""
    body = given(url=receiver, events=list(events) or None, repos=list(repos) or None)
    _tell_secret(server, server.client.create_webhook(body))


@click.command("list", epilog=examples("mogplex webhooks list", "mogplex webhooks list --json | jq -r .url"))
@server_options
def list_webhooks(server: Server) -> None:
    """List webhooks, newest first. With --json one webhook a line."""
    found = server.client.list_webhooks().get("webhooks") or []
    if server.as_json:
        for webhook in found:
            write_json(webhook)
    elif found:
        rows = [
            (
                str(each["id"]),
                str(each["url"]),
                ",".join(each["events"]),
                "disabled" if each["disabledAt"] else "on",
            )
            for each in found
        ]
        write_table(("ID", "URL", "EVENTS", "STATE"), rows, flexible=1)
    else:
        note("no webhooks. Make one: mogplex webhooks create https://…")


@click.command(
    "set",
    epilog=examples(
        "mogplex webhooks set hook_01 --receiver https://example.org/hooks --event run.finished",
        "mogplex webhooks set hook_01 --disable",
    ),
)
@click.argument("webhook_id", metavar="ID")
@click.option("--receiver", "receiver", metavar="URL", help="Another URL; what waits goes there too.")
@click.option("--event", "events", multiple=True, type=click.Choice(TOPICS), help="What to tell; can be repeated.")
@click.option("--repo", "repos", metavar="ID", multiple=True, help="Only of this repo; can be repeated.")
@click.option("--all-repos", is_flag=True, help="Tell of every repo.")
@click.option("--enable/--disable", "enabled", default=None, help="Send again; or send nothing.")
@server_options
def update_webhook(
    server: Server,
    *,
    webhook_id: str,
    receiver: str | None,
    events: tuple[str, ...],
    repos: tuple[str, ...],
    all_repos: bool,
    enabled: bool | None,
) -> None:
    """Change a webhook, or switch it off and on; what is not named stays, the secret too."""
    if repos and all_repos:
        raise click.UsageError("--repo and --all-repos can't go together")
    changes = given(url=receiver, events=list(events) or None, repos=list(repos) or None, enabled=enabled)
    if all_repos:
        changes["repos"] = None
    if not changes:
        raise click.UsageError("nothing to change: name at least one setting")
    webhook = server.client.update_webhook(webhook_id, changes)
    if server.as_json:
        write_json(webhook)
    else:
        write_line(
            f"webhook {webhook['id']} to {show(webhook['url'])}: {'disabled' if webhook['disabledAt'] else 'on'}"
        )


@click.command("delete", epilog=examples("mogplex webhooks delete hook_01"))
@click.argument("webhook_id", metavar="ID")
@server_options
def remove_webhook(server: Server, *, webhook_id: str) -> None:
    """Remove a webhook, and what it still had to tell."""
    answer = server.client.remove_webhook(webhook_id)
    if server.as_json:
        write_json(answer)
    else:
        write_line(f"removed webhook {webhook_id}")


@click.command("rotate", epilog=examples("mogplex webhooks rotate hook_01"))
@click.argument("webhook_id", metavar="ID")
@server_options
def rotate_webhook(server: Server, *, webhook_id: str) -> None:
    """Give a webhook a new secret, printed alone on stdout. The old one signs too for a day."""
    _tell_secret(server, server.client.rotate_webhook(webhook_id))


@click.command("test", epilog=examples("mogplex webhooks test hook_01 && mogplex webhooks deliveries hook_01"))
@click.argument("webhook_id", metavar="ID")
@server_options
def test_webhook(server: Server, *, webhook_id: str) -> None:
    """Send something now; `webhooks deliveries` tells whether it arrived."""
    delivery = server.client.test_webhook(webhook_id)
    if server.as_json:
        write_json(delivery)
    else:
        write_line(f"sending {delivery['id']}; see: mogplex webhooks deliveries {webhook_id}")


@click.command(
    "deliveries",
    epilog=examples(
        "mogplex webhooks deliveries hook_01",
        "mogplex webhooks deliveries hook_01 --json | jq 'select(.status == \"failed\")'",
    ),
)
@click.argument("webhook_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 200), default=30, metavar="N", help="At most so many [30].")
@server_options
def list_deliveries(server: Server, *, webhook_id: str, limit: int) -> None:
    """List what was sent, newest first, and how it was taken. With --json one delivery a line."""
    found = server.client.list_webhook_deliveries(webhook_id, limit).get("deliveries") or []
    if server.as_json:
        for delivery in found:
            write_json(delivery)
        return
    rows = [
        (
            str(each["id"]),
            str(each["event"]),
            str(each["status"]),
            str(each["tries"]),
            str(each["lastError"] or each["lastStatus"] or "-"),
            str(each["createdAt"])[:16],
        )
        for each in found
    ]
    write_table(("ID", "EVENT", "STATUS", "TRIES", "ANSWER", "CREATED"), rows, flexible=4)


@click.command("redeliver", epilog=examples("mogplex webhooks redeliver hook_01 msg_01"))
@click.argument("webhook_id", metavar="ID")
@click.argument("delivery_id", metavar="DELIVERY")
@server_options
def redeliver_webhook(server: Server, *, webhook_id: str, delivery_id: str) -> None:
    """Send a delivery again, with the same id."""
    delivery = server.client.redeliver_webhook(webhook_id, delivery_id)
    if server.as_json:
        write_json(delivery)
    else:
        write_line(f"sending {delivery['id']} again")


def _tell_secret(server: Server, webhook: dict[str, object]) -> None:
    if server.as_json:
        write_json(webhook)
        return
    write_line(str(webhook["secret"]))
    note(f"webhook {webhook['id']} to {show(webhook['url'])}. Its secret is shown only now: keep it safe.")
