"""`/healthz` and `/readyz`: for supervisors and load balancers; no key needed, nothing secret told."""

from __future__ import annotations

import logging

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from mogplex.api.envelope import succeed
from mogplex.api.services import Readiness, Services
from mogplex.domain.errors import Detail, ServiceUnavailable

_log = logging.getLogger(__name__)


class Health:
    def __init__(self, services: Services, version: str) -> None:
        self._services = services
        self._version = version

    async def healthz(self, _: Request) -> Response:
        """The process answers: asks nothing else, so that a slow database does not get it restarted."""
        return succeed({"status": "ok", "version": self._version})

    async def readyz(self, _: Request) -> Response:
        """Whether work can be done, and what is weaker here than it should be.

        Raises ServiceUnavailable with a detail for each thing that is missing.
        """
        checks = await to_thread.run_sync(self._check)
        missing = [Detail(check.name, check.detail or "is not ready") for check in checks if not check.ok]
        if missing:
            refusal = ServiceUnavailable("Not ready: " + "; ".join(f"{each.field}: {each.reason}" for each in missing))
            refusal.details = tuple(missing)
            raise refusal
        shown = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        return succeed({"status": "ready", "checks": shown, "warnings": list(self._services.weaknesses())})

    def _check(self) -> list[Readiness]:
        try:
            return list(self._services.readiness())
        except Exception:  # noqa: BLE001 - whatever it is, the answer is that we are not ready
            _log.exception("The readiness check failed")
            return [Readiness("readiness", False, "the check itself failed; see the server's log")]
