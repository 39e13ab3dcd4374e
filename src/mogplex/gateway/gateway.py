"""Doors to the models, one an attempt: the gateway as the worker knows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mogplex.domain.errors import ServiceUnavailable
from mogplex.domain.model import ModelEndpoint, ModelProtocol
from mogplex.domain.ports import ModelDoor, ModelEar
from mogplex.domain.run import Run
from mogplex.gateway import prices
from mogplex.gateway.catalog import Catalog
from mogplex.gateway.meter import KeyLimit, Meter
from mogplex.gateway.session import Session
from mogplex.service.model_calls import ModelCalls

log = logging.getLogger(__name__)


class Gateway:
    """Behind the port `ModelGateway`."""

    def __init__(self, catalog: Catalog, calls: ModelCalls) -> None:
        self._catalog = catalog
        self._calls = calls

    @asynccontextmanager
    async def open(
        self, run: Run, protocols: Sequence[ModelProtocol], ear: ModelEar, url: str
    ) -> AsyncIterator[ModelDoor]:
        plan = self._catalog.resolve(run.model, protocols)
        await asyncio.to_thread(prices.load)
        endpoint = ModelEndpoint(url, plan.protocol, plan.model, prices.context_of(plan.targets[0]))
        totals = await asyncio.to_thread(self._calls.totals_of, run.id)
        session = Session(plan, endpoint, Meter(run.budget, totals, await self._key_limit(run)), ear)
        await session.open()
        try:
            yield session
        finally:
            await session.close()

    async def _key_limit(self, run: Run) -> KeyLimit | None:
        usd = await asyncio.to_thread(self._calls.daily_limit_of, run)
        if usd is None:
            return None
        known = 0.0

        async def ask_others() -> float:
            nonlocal known
            try:
                known = await asyncio.to_thread(self._calls.spent_elsewhere, run)
            except ServiceUnavailable as fault:
                # The run may go on while the database is away; what it spends itself is counted all the same.
                log.warning("cannot look for what a key has spent: %s", fault.message)
            return known

        return KeyLimit(usd, ask_others)
