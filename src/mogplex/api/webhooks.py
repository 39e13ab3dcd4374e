"""`/webhooks`: who is told of what over HTTP, and what was sent."""

from __future__ import annotations

from starlette.types import ASGIApp

from mogplex.api.envelope import succeed
from mogplex.api.query import Parameter
from mogplex.api.route import Call, Route, Success
from mogplex.api.vocabulary import BASE, DEFAULT_LIMIT, LIMIT, read_id
from mogplex.domain.access import Scope
from mogplex.domain.webhook_view import delivery_object, webhook_object


def create(call: Call) -> ASGIApp:
    webhook, secret = call.services.webhooks.create(call.caller, call.json_object())
    return succeed({"webhook": {**webhook_object(webhook), "secret": secret}}, 201)


def list_webhooks(call: Call) -> ASGIApp:
    return succeed({"webhooks": [webhook_object(each) for each in call.services.webhooks.list(call.caller)]})


def update(call: Call) -> ASGIApp:
    webhook = call.services.webhooks.update(call.caller, _id(call), call.json_object())
    return succeed({"webhook": webhook_object(webhook)})


def remove(call: Call) -> ASGIApp:
    call.services.webhooks.remove(call.caller, _id(call))
    return succeed({"id": _id(call), "removed": True})


def rotate(call: Call) -> ASGIApp:
    webhook, secret = call.services.webhooks.rotate(call.caller, _id(call))
    return succeed({"webhook": {**webhook_object(webhook), "secret": secret}})


def test(call: Call) -> ASGIApp:
    return succeed({"delivery": delivery_object(call.services.webhooks.test(call.caller, _id(call)))}, 202)


def list_deliveries(call: Call) -> ASGIApp:
    found = call.services.webhooks.deliveries(call.caller, _id(call), call.query.get("limit", DEFAULT_LIMIT))
    return succeed({"deliveries": [delivery_object(each) for each in found]})


def redeliver(call: Call) -> ASGIApp:
    delivery_id = read_id(call.path["delivery_id"], "delivery")
    return succeed({"delivery": delivery_object(call.services.webhooks.redeliver(call.caller, _id(call), delivery_id))})


def _id(call: Call) -> str:
    return read_id(call.path["webhook_id"], "webhook")


_ALL = f"{BASE}/webhooks"
_ONE = f"{_ALL}/{{webhook_id}}"
_ID = Parameter("webhookId", "The webhook's id.", where="path", required=True)

ROUTES = (
    Route(
        "GET",
        _ALL,
        "listWebhooks",
        "List webhooks, without their secrets",
        Scope.ADMIN,
        list_webhooks,
        (Success(200, "The newest first.", "WebhookList"),),
    ),
    Route(
        "POST",
        _ALL,
        "createWebhook",
        "Register a webhook; its secret is shown this once",
        Scope.ADMIN,
        create,
        (Success(201, "The webhook and its secret.", "CreatedWebhook"),),
        body="WebhookRequest",
        refusals=(404, 409),
    ),
    Route(
        "PATCH",
        _ONE,
        "updateWebhook",
        "Change where it goes, what it tells, or whether it is on",
        Scope.ADMIN,
        update,
        (Success(200, "The webhook as it is now.", "WebhookAnswer"),),
        parameters=(_ID,),
        body="WebhookChange",
        refusals=(404, 409),
    ),
    Route(
        "DELETE",
        _ONE,
        "removeWebhook",
        "Remove a webhook, and what it still had to tell",
        Scope.ADMIN,
        remove,
        (Success(200, "Removed.", "RemovedWebhook"),),
        parameters=(_ID,),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/rotate",
        "rotateWebhook",
        "Give it a new secret; the old one signs too for a day",
        Scope.ADMIN,
        rotate,
        (Success(200, "The webhook and its new secret.", "CreatedWebhook"),),
        parameters=(_ID,),
        body_optional=True,
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        "testWebhook",
        "Send something now",
        Scope.ADMIN,
        test,
        (Success(202, "What will be sent.", "WebhookDeliveryAnswer"),),
        parameters=(_ID,),
        body_optional=True,
        refusals=(404,),
    ),
    Route(
        "GET",
        f"{_ONE}/deliveries",
        "listWebhookDeliveries",
        "List what was sent, and how it was taken",
        Scope.ADMIN,
        list_deliveries,
        (Success(200, "The newest first.", "WebhookDeliveryList"),),
        parameters=(_ID, LIMIT),
        refusals=(404,),
    ),
    Route(
        "POST",
        f"{_ONE}/deliveries/{{delivery_id}}/redeliver",
        "redeliverWebhook",
        "Send it again, with the same id",
        Scope.ADMIN,
        redeliver,
        (Success(200, "What will be sent.", "WebhookDeliveryAnswer"),),
        parameters=(_ID, Parameter("deliveryId", "The delivery's id.", where="path", required=True)),
        body_optional=True,
        refusals=(404,),
    ),
)
