"""One message for one run: to the URL that its caller gave, signed with the secret of a webhook that an admin chose.

The message is a delivery of that webhook, so that it is signed, tried again, listed and repeated like any other.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.run import Run
from mogplex.domain.webhook import Topic
from mogplex.service.outbox import make_delivery
from mogplex.service.webhook_request import url_fault
from mogplex.store import webhooks as webhook_table
from mogplex.store.database import Transaction

_log = logging.getLogger(__name__)


def require_notify(tx: Transaction, url: str | None, webhook_id: str) -> None:
    """Raises BadRequest when the server lets nobody ask for it, or the URL can't be one. `webhook_id` "": no."""
    if url is None:
        return
    webhook = webhook_table.get(tx, webhook_id) if webhook_id else None
    if webhook is None or webhook.disabled_at is not None:
        raise BadRequest(
            "notify is not available on this server: its operator names the webhook whose secret signs such messages "
            "(MOGPLEX_NOTIFY_WEBHOOK), and that must be there and enabled. Follow the run instead, or use a webhook.",
            [Detail("notify", "is switched off")],
        )
    fault = url_fault(url)
    if fault is not None:
        raise BadRequest(f"Invalid request: notify {fault}", [Detail("notify", fault)])


def notify_ending(tx: Transaction, run: Run, told: dict[str, Any]) -> None:
    """Queue the message of a run that has ended, if its caller wanted one."""
    if run.notify_url is None or run.notify_webhook is None:
        return
    webhook = webhook_table.get(tx, run.notify_webhook)
    if webhook is None:
        host = urlsplit(run.notify_url).hostname
        _log.warning("%s: %s is not told, since the webhook %s is gone", run.id, host, run.notify_webhook)
        return
    delivery = make_delivery(tx, webhook, Topic.RUN_FINISHED, {**told, "repoId": run.repo_id}, url=run.notify_url)
    webhook_table.insert_deliveries(tx, [delivery])
