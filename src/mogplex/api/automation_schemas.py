"""JSON Schemas of what is answered about schedules and webhooks."""

from __future__ import annotations

from mogplex.api.shapes import ANYTHING, FLAG, TEXT, TIME, URL, WHOLE, Schema, either_null, list_of, ref, shape
from mogplex.domain.hook import Trigger
from mogplex.domain.hook_delivery import HookStatus
from mogplex.domain.schedule import AlarmKind, Overlap, TickResult
from mogplex.domain.webhook import DeliveryStatus, Topic

_NEXT = either_null(TEXT)

SCHEDULE = shape(
    id=TEXT,
    name=TEXT,
    repoId=TEXT,
    cron=TEXT,
    timeZone=TEXT,
    overlap={"enum": list(Overlap)},
    catchUp=FLAG,
    alarmAfter=WHOLE,
    run=ANYTHING,
    owner=TEXT,
    paused=FLAG,
    pausedAt=either_null(TIME),
    nextTickAt=either_null(TIME),
    nextTicks=list_of(TIME),
    lastTickAt=either_null(TIME),
    lastRunId=either_null(TEXT),
    failuresInRow=WHOLE,
    unchangedInRow=WHOLE,
    missedTicks=WHOLE,
    alarm=either_null(shape(kind={"enum": list(AlarmKind)}, message=TEXT, since=TIME)),
    createdAt=TIME,
    updatedAt=TIME,
)

TICK = shape(
    dueAt=TIME,
    at=TIME,
    result={"enum": list(TickResult)},
    runId=either_null(TEXT),
    note=TEXT,
)

WEBHOOK = shape(
    id=TEXT,
    url=URL,
    events=list_of({"enum": list(Topic)}),
    repos=either_null(list_of(TEXT)),
    secrets=WHOLE,
    createdAt=TIME,
    disabledAt=either_null(TIME),
)

WEBHOOK_DELIVERY = shape(
    id=TEXT,
    event={"enum": list(Topic)},
    status={"enum": list(DeliveryStatus)},
    tries=WHOLE,
    nextTryAt=either_null(TIME),
    lastTryAt=either_null(TIME),
    lastStatus=either_null(WHOLE),
    lastError=either_null(TEXT),
    url=either_null(TEXT),
    payload=shape(type=TEXT, timestamp=TIME, data=ANYTHING),
    createdAt=TIME,
)

HOOK_DELIVERY = shape(
    id=TEXT,
    repoId=TEXT,
    trigger={"enum": list(Trigger)},
    by=TEXT,
    number=either_null(WHOLE),
    status={"enum": list(HookStatus)},
    runId=either_null(TEXT),
    refusal=either_null(TEXT),
    tries=WHOLE,
    lastError=either_null(TEXT),
    receivedAt=TIME,
)

AUTOMATION: dict[str, Schema] = {
    "Schedule": SCHEDULE,
    "ScheduleAnswer": shape(schedule=ref("Schedule")),
    "SchedulePage": shape(schedules=list_of(ref("Schedule")), nextCursor=_NEXT),
    "RemovedSchedule": shape(id=TEXT, removed=FLAG),
    "TickList": shape(ticks=list_of(TICK)),
    "Webhook": WEBHOOK,
    "WebhookAnswer": shape(webhook=ref("Webhook")),
    "HookReceipt": shape(status={"enum": ["accepted", "ignored", "duplicate", "pong"]}, reason=TEXT),
    "HookDelivery": HOOK_DELIVERY,
    "HookDeliveryPage": shape(deliveries=list_of(ref("HookDelivery")), nextCursor=_NEXT),
    "WebhookList": shape(webhooks=list_of(ref("Webhook"))),
    "CreatedWebhook": shape(webhook={"allOf": [ref("Webhook"), shape(secret=TEXT)]}),
    "RemovedWebhook": shape(id=TEXT, removed=FLAG),
    "WebhookDelivery": WEBHOOK_DELIVERY,
    "WebhookDeliveryAnswer": shape(delivery=ref("WebhookDelivery")),
    "WebhookDeliveryList": shape(deliveries=list_of(ref("WebhookDelivery"))),
}
