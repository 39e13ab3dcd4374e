"""The event loop lets go of the gate's descriptor before the system may give its number away again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mogplex.sandboxes.gate import Gate


@asynccontextmanager
async def waiting_at_a_gate() -> AsyncIterator[tuple[Gate, asyncio.Task[None]]]:
    gate = Gate()
    waiting = asyncio.create_task(gate.wait_ready())
    await asyncio.sleep(0)  # until it waits
    try:
        async with asyncio.timeout(10):
            yield gate, waiting
    finally:
        gate.close()
        gate.detach()


def test_a_gate_that_closes_is_no_longer_watched() -> None:
    async def story() -> None:
        async with waiting_at_a_gate() as (gate, waiting):
            watched = gate._block_write
            gate.close()
            assert asyncio.get_running_loop().remove_writer(watched) is False
            await waiting

    asyncio.run(story())


def test_who_stops_waiting_leaves_nothing_watched() -> None:
    async def story() -> None:
        async with waiting_at_a_gate() as (gate, waiting):
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert asyncio.get_running_loop().remove_writer(gate._block_write) is False

    asyncio.run(story())


def test_the_wait_ends_when_the_packet_is_read() -> None:
    async def story() -> None:
        async with waiting_at_a_gate() as (gate, waiting):
            await asyncio.sleep(0.05)
            assert not waiting.done()
            os.read(gate.block_fd, 1)
            await waiting
            assert gate.is_ready()

    asyncio.run(story())
