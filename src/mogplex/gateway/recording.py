"""Keeps the model traffic of runs that asked for it. A call that can't be kept is told of, and harms nothing."""

from __future__ import annotations

import asyncio
import logging

from mogplex.domain.errors import MogplexError
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model_call import ModelCall
from mogplex.domain.ports import ModelEar
from mogplex.domain.recording import RecordedCall
from mogplex.domain.run import Run
from mogplex.domain.sanitiser import Sanitiser
from mogplex.gateway.exchange import Exchange
from mogplex.service.recordings import MAX_RUN_BYTES, MAX_RUN_CALLS, Recordings, clean_recorded

log = logging.getLogger(__name__)


class Recorder:
    """`keep` after each call; `close` before the door is closed for good, so that all of it is written."""

    def __init__(self, run: Run, recordings: Recordings, sanitiser: Sanitiser, ear: ModelEar, last_number: int) -> None:
        self._run = run
        self._recordings = recordings
        self._sanitiser = sanitiser
        self._ear = ear
        self._number = last_number
        self._size_bytes = 0
        self._full = False
        self._writing: set[asyncio.Task[None]] = set()

    def keep(self, call: ModelCall, exchange: Exchange) -> None:
        """Whole answers and those of an error status; an answer that broke off can't be played again."""
        recorded = exchange.as_recorded()
        if recorded is None or self._full:
            return
        self._size_bytes += len(recorded.request) + len(recorded.answer)
        if self._size_bytes > MAX_RUN_BYTES or self._number >= MAX_RUN_CALLS:
            self._full = True
            self._note(f"The recording is full after {self._number:,} calls: later ones are not kept.")
            return
        self._number += 1
        task = asyncio.create_task(self._write(self._number, recorded), name="recording")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        await asyncio.gather(*self._writing)

    async def _write(self, number: int, recorded: RecordedCall) -> None:
        try:
            cleaned = await asyncio.to_thread(clean_recorded, recorded, self._sanitiser)
            await asyncio.to_thread(self._recordings.keep, self._run, number, cleaned)
        except MogplexError as fault:
            log.warning("model call %d of %s could not be kept: %s", number, self._run.id, fault.message)
            self._note(f"Model call {number} could not be kept for a replay.")
            return
        if cleaned.withheld:
            self._note(f"The answer to model call {number} was not kept for a replay: it spells out a secret.")

    def _note(self, text: str) -> None:
        self._ear.tell(EventDraft(EventType.LOG, text, payload={"stream": "mogplex"}))
