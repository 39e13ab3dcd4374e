"""Webhooks: who is told of what; make, change, switch off and on, rotate the secret, and what was sent."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from mogplex.domain.access import Scope
from mogplex.domain.errors import MogplexError
from mogplex.domain.webhook import DEFAULT_TOPICS, DeliveryStatus, Webhook
from mogplex.service.webhook_request import CHOICES
from mogplex.web.answers import redirect
from mogplex.web.page import Page
from mogplex.web.visit import Form, Visit

SHOWN_DELIVERIES = 50
TOPIC_HINTS = {
    "run.started": "a worker took a run",
    "run.finished": "a run has its ending",
    "schedule.alarm": "a schedule wants to be looked at",
}


def show(visit: Visit) -> Response:
    webhooks = visit.rooms.webhooks.list(visit.caller)
    return visit.show("webhooks.html", webhooks=webhooks, repo_names=_repo_names(visit))


def show_new(visit: Visit) -> Response:
    return _form(visit, None, Form({"event": list(DEFAULT_TOPICS)}), None, 200)


def create(visit: Visit) -> Response:
    try:
        webhook, secret = visit.rooms.webhooks.create(visit.caller, _body(visit.form))
    except MogplexError as fault:
        return _form(visit, None, visit.form, fault, 400)
    return visit.show("webhook_made.html", webhook=webhook, secret=secret, rotated=False)


def show_one(visit: Visit) -> Response:
    webhook = _webhook(visit)
    return _form(visit, webhook, Form(_values(webhook)), None, 200)


def update(visit: Visit) -> Response:
    webhook = _webhook(visit)
    body = {"events": None, "repos": None, **_body(visit.form)}
    try:
        visit.rooms.webhooks.update(visit.caller, webhook.id, body)
    except MogplexError as fault:
        return _form(visit, webhook, visit.form, fault, 400)
    return redirect(f"/webhooks/{webhook.id}")


def enable(visit: Visit) -> Response:
    visit.rooms.webhooks.update(visit.caller, visit.path("webhook_id"), {"enabled": True})
    return _back(visit)


def disable(visit: Visit) -> Response:
    visit.rooms.webhooks.update(visit.caller, visit.path("webhook_id"), {"enabled": False})
    return _back(visit)


def rotate(visit: Visit) -> Response:
    webhook, secret = visit.rooms.webhooks.rotate(visit.caller, visit.path("webhook_id"))
    return visit.show("webhook_made.html", webhook=webhook, secret=secret, rotated=True)


def send_test(visit: Visit) -> Response:
    visit.rooms.webhooks.test(visit.caller, visit.path("webhook_id"))
    return _back(visit)


def redeliver(visit: Visit) -> Response:
    visit.rooms.webhooks.redeliver(visit.caller, visit.path("webhook_id"), visit.path("delivery_id"))
    return _back(visit)


def remove(visit: Visit) -> Response:
    visit.rooms.webhooks.remove(visit.caller, visit.path("webhook_id"))
    return redirect("/webhooks")


def show_deliveries(visit: Visit) -> Response:
    """The part of the page that is renewed while something is on its way."""
    webhook = _webhook(visit)
    return visit.show("webhook_deliveries.html", webhook=webhook, **_deliveries(visit, webhook))


def _webhook(visit: Visit) -> Webhook:
    return visit.rooms.webhooks.get(visit.caller, visit.path("webhook_id"))


def _back(visit: Visit) -> Response:
    return redirect(f"/webhooks/{visit.path('webhook_id')}")


def _repo_names(visit: Visit) -> dict[str, str]:
    return {repo.id: repo.full_name for repo in visit.rooms.repos.list(visit.caller, limit=200).items}


def _form(visit: Visit, webhook: Webhook | None, form: Form, fault: MogplexError | None, status: int) -> Response:
    return visit.show(
        "webhook.html",
        status,
        webhook=webhook,
        form=form,
        fault=fault,
        choices=[(topic, TOPIC_HINTS.get(topic, "")) for topic in CHOICES],
        repo_names=_repo_names(visit),
        **({} if webhook is None else _deliveries(visit, webhook)),
    )


def _deliveries(visit: Visit, webhook: Webhook) -> dict[str, Any]:
    found = visit.rooms.webhooks.deliveries(visit.caller, webhook.id, SHOWN_DELIVERIES)
    waiting = any(each.status is DeliveryStatus.PENDING for each in found)
    return {"deliveries": [(each, json.loads(each.body)) for each in found], "waiting": waiting}


def _values(webhook: Webhook) -> dict[str, list[str]]:
    return {"url": [webhook.url], "event": list(webhook.topics), "repo": list(webhook.repo_ids or ())}


def _body(form: Form) -> dict[str, Any]:
    body = {"url": form.get("url") or "", "events": form.all("event"), "repos": form.all("repo")}
    return {name: value for name, value in body.items() if value or name == "url"}


_ONE = "/webhooks/{webhook_id}"
PAGES = (
    Page("GET", "/webhooks", show, needs=Scope.ADMIN),
    Page("GET", "/webhooks/new", show_new, needs=Scope.ADMIN),
    Page("POST", "/webhooks/new", create, needs=Scope.ADMIN),
    Page("GET", _ONE, show_one, needs=Scope.ADMIN),
    Page("POST", _ONE, update, needs=Scope.ADMIN),
    Page("GET", f"{_ONE}/deliveries", show_deliveries, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/enable", enable, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/disable", disable, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/rotate", rotate, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/test", send_test, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/remove", remove, needs=Scope.ADMIN),
    Page("POST", f"{_ONE}/deliveries/{{delivery_id}}/redeliver", redeliver, needs=Scope.ADMIN),
)
