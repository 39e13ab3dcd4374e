"""Calls about schedules."""

from __future__ import annotations

from mogplex.client.sender import Sender, inner, segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mogplex.client.sender import Body, Json


class ScheduleCalls(Sender):
    async def create_schedule(self, body: Body) -> Json:
        """A run at every tick of `cron` (in `timeZone`): `repoId`, and `run` as for `start_run` without its repo."""
        return inner(await self._send("POST", "/schedules", body), "schedule")

    async def list_schedules(
        self, repo: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Json:
        """{"schedules": [{id, name, cron, nextTickAt, alarm, …}]}, newest first."""
        return await self._get("/schedules", repo=repo, limit=limit, cursor=cursor)

    async def get_schedule(self, schedule_id: str) -> Json:
        return inner(await self._get(f"/schedules/{segment(schedule_id)}"), "schedule")

    async def update_schedule(self, schedule_id: str, body: Body) -> Json:
        """Change what `body` names."""
        return inner(await self._send("PATCH", f"/schedules/{segment(schedule_id)}", body), "schedule")

    async def remove_schedule(self, schedule_id: str) -> Json:
        """Its runs stay."""
        return await self._send("DELETE", f"/schedules/{segment(schedule_id)}")

    async def pause_schedule(self, schedule_id: str) -> Json:
        return inner(await self._send("POST", f"/schedules/{segment(schedule_id)}/pause"), "schedule")

    async def resume_schedule(self, schedule_id: str) -> Json:
        """Ticks come again from now on."""
        return inner(await self._send("POST", f"/schedules/{segment(schedule_id)}/resume"), "schedule")

    async def trigger_schedule(self, schedule_id: str, *, idempotency_key: str | None = None) -> Json:
        """Start its run now; the run object, with `replayed`."""
        return await self._post_once(f"/schedules/{segment(schedule_id)}/trigger", {}, idempotency_key)

    async def list_ticks(self, schedule_id: str, limit: int | None = None) -> Json:
        """{"ticks": [{dueAt, at, result, runId, note}]}: what became of its ticks, newest first."""
        return await self._get(f"/schedules/{segment(schedule_id)}/ticks", limit=limit)
