"""Calls about webhooks, and about messages of forges."""

from __future__ import annotations

from mogplex.client.sender import Sender, inner, segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mogplex.client.sender import Body, Json


class WebhookCalls(Sender):
    async def create_webhook(self, body: Body) -> Json:
        """The new webhook, with the `secret` it signs with: it is shown this once. `url`, `events`, `repos`."""
        return inner(await self._send("POST", "/webhooks", body), "webhook")

    async def list_webhooks(self) -> Json:
        """{"webhooks": [{id, url, events, …}]}, newest first."""
        return await self._get("/webhooks")

    async def update_webhook(self, webhook_id: str, body: Body) -> Json:
        """Change `url`, `events`, `repos` (None: all) and `enabled`, as far as `body` names them."""
        return inner(await self._send("PATCH", f"/webhooks/{segment(webhook_id)}", body), "webhook")

    async def remove_webhook(self, webhook_id: str) -> Json:
        return await self._send("DELETE", f"/webhooks/{segment(webhook_id)}")

    async def rotate_webhook(self, webhook_id: str) -> Json:
        """A new `secret`; the old one signs too for a day."""
        return inner(await self._send("POST", f"/webhooks/{segment(webhook_id)}/rotate"), "webhook")

    async def test_webhook(self, webhook_id: str) -> Json:
        """Send something now; the delivery."""
        return inner(await self._send("POST", f"/webhooks/{segment(webhook_id)}/test"), "delivery")

    async def list_webhook_deliveries(self, webhook_id: str, limit: int | None = None) -> Json:
        """{"deliveries": [{id, event, status, tries, lastStatus, …}]}, newest first."""
        return await self._get(f"/webhooks/{segment(webhook_id)}/deliveries", limit=limit)

    async def list_hook_deliveries(
        self,
        *,
        repo: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Json:
        """What forges asked for, newest first: {"deliveries": [{id, repoId, status, runId, …}], "nextCursor"}."""
        return await self._get("/hooks/deliveries", repo=repo, status=status, limit=limit, cursor=cursor)

    async def redeliver_webhook(self, webhook_id: str, delivery_id: str) -> Json:
        """Send it again, with the same id."""
        path = f"/webhooks/{segment(webhook_id)}/deliveries/{segment(delivery_id)}/redeliver"
        return inner(await self._send("POST", path), "delivery")
