"""The gate gives its descriptors back to the system, and the event loop with them."""

from __future__ import annotations

import asyncio
import os

from mogplex.sandboxes.gate import Gate


def test_a_gate_that_closes_is_no_longer_watched() -> None:
    async def story() -> None:
        gate = Gate()
        waiting = asyncio.create_task(gate.wait_ready())
        await asyncio.sleep(0)
        watched = gate._block_write
        gate.close()
        assert asyncio.get_running_loop().remove_writer(watched) is False
        reader, writer = os.pipe()  # gets a number that the gate had
        try:
            async with asyncio.timeout(10):
                await waiting
        finally:
            os.close(reader)
            os.close(writer)
            gate.detach()

    asyncio.run(story())


def test_who_stops_waiting_leaves_nothing_watched() -> None:
    async def story() -> None:
        gate = Gate()
        waiting = asyncio.create_task(gate.wait_ready())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert asyncio.get_running_loop().remove_writer(gate._block_write) is False
        gate.close()
        gate.detach()

    asyncio.run(story())


def test_the_wait_ends_when_the_packet_is_read() -> None:
    async def story() -> None:
        gate = Gate()
        waiting = asyncio.create_task(gate.wait_ready())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        os.read(gate.block_fd, 1)
        async with asyncio.timeout(10):
            await waiting
        assert gate.is_ready()
        gate.close()
        gate.detach()

    asyncio.run(story())
