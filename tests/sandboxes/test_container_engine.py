"""The engine's command: what it does to others when it hangs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mogplex.sandboxes.container_engine import MOST_CALLS, ContainerEngine


def test_an_engine_that_hangs_takes_no_thread_from_others(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    program = tmp_path / "hanging"
    program.write_text(f"#!/bin/sh\nwhile [ ! -e {go_on} ]; do sleep 0.1; done\necho gone on\n")
    program.chmod(0o755)
    engine = ContainerEngine("docker", str(program))

    async def look() -> list[str]:
        most = MOST_CALLS + 2  # and some wait for their turn
        calls = [asyncio.create_task(engine.in_thread(engine.call, "info")) for _ in range(most)]
        await asyncio.to_thread(lambda: None)  # else it would wait for ever: nothing lets the calls end before
        go_on.touch()
        return await asyncio.gather(*calls)

    assert asyncio.run(look()) == ["gone on\n"] * (MOST_CALLS + 2)
