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
from mogplex.gateway.recording import Recorder
from mogplex.gateway.replay import Replay
from mogplex.gateway.session import Session
from mogplex.service.model_calls import ModelCalls
from mogplex.service.recordings import Recordings

log = logging.getLogger(__name__)


class Gateway:
    """Behind the port `ModelGateway`."""

    def __init__(self, catalog: Catalog, calls: ModelCalls, recordings: Recordings) -> None:
        self._catalog = catalog
        self._calls = calls
        self._recordings = recordings

    @asynccontextmanager
    async def open(
        self, run: Run, protocols: Sequence[ModelProtocol], ear: ModelEar, url: str
    ) -> AsyncIterator[ModelDoor]:
        replay = await self._replay_of(run, ear)
        plan = self._catalog.resolve(run.model, protocols) if replay is None else replay.plan(protocols)
        await asyncio.to_thread(prices.load)
        endpoint = ModelEndpoint(url, plan.protocol, plan.model, prices.context_of(plan.targets[0]))
        totals = await asyncio.to_thread(self._calls.totals_of, run.id)
        meter = Meter(run.budget, totals, await self._key_limit(run))
        recorder = await self._recorder_of(run, ear)
        keep = None if recorder is None else recorder.keep
        session = Session(plan, endpoint, meter, ear, keep=keep, replay=replay)
        await session.open()
        try:
            yield session
        finally:
            await session.close()
            if recorder is not None:
                await recorder.close()
            if replay is not None:
                replay.sum_up()

    async def _recorder_of(self, run: Run, ear: ModelEar) -> Recorder | None:
        if not run.record or run.replay_of is not None:
            return None
        sanitiser = await asyncio.to_thread(self._recordings.open_sanitiser_of, run)
        last = await asyncio.to_thread(self._recordings.last_number, run)
        return Recorder(run, self._recordings, sanitiser, ear, last)

    async def _replay_of(self, run: Run, ear: ModelEar) -> Replay | None:
        """Raises BadRequest when there is no recording any more."""
        if run.replay_of is None:
            return None
        calls = await asyncio.to_thread(self._recordings.load, run.replay_of)
        sanitiser = await asyncio.to_thread(self._recordings.open_sanitiser_of, run)
        return Replay(run.replay_of, calls, sanitiser, ear)

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
