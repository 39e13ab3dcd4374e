"""What the start of a sandbox costs with each driver that works here: from the call to the command's first byte, and to
the moment when nothing of it is left.

    PYTHONPATH=src python benchmarks/sandboxes.py [--rounds 20]

The drivers take turns, so that whatever else the machine does harms all alike. A plain process stands beside them. What
the proxy costs is measured by egress.py. docker counts when a daemon answers (DOCKER_HOST).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any

from mogplex.domain.ports import SandboxSpec
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.watchdog import DiskRules

COMMAND = ("/bin/sh", "-c", "echo ready")
PORTS = (3128, 8081)
WARM_UPS = 2

Measure = Callable[[], Awaitable[tuple[float, float]]]


async def start_plain() -> tuple[float, float]:
    """Seconds to the first byte, and to the end."""
    began = time.perf_counter()
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - nothing else runs here
        assert process.stdout is not None
        process.stdout.read(1)
        first = time.perf_counter() - began
        process.wait()
    return first, time.perf_counter() - began


def starter(driver: Any, listeners: tuple[int, ...]) -> Measure:
    async def start() -> tuple[float, float]:
        began = time.perf_counter()
        process = await driver.start(SandboxSpec("bench", COMMAND, directory="/", listeners=listeners))
        try:
            await anext(aiter(process.stdout))
            first = time.perf_counter() - began
            async for _ in process.stdout:
                pass
            await process.wait()
        finally:
            process.kill()
        return first, time.perf_counter() - began

    return start


async def find_ways() -> dict[str, Measure]:
    ways: dict[str, Measure] = {"plain process": start_plain}
    for name in ("unconfined", "bubblewrap", "podman", "docker"):
        driver: Any = DRIVERS[name](**({} if name == "unconfined" else {"disk_rules": DiskRules(free_bytes=0)}))
        probe = await driver.probe()
        if not probe.ok:
            print(f"{name}: left out, {probe.detail}")
            continue
        ways[name] = starter(driver, ())
        if driver.can_listen:
            ways[f"{name}, two doors"] = starter(driver, PORTS)
    return ways


async def main(rounds: int) -> None:
    ways = await find_ways()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + WARM_UPS):
        for name, start in ways.items():
            seconds = await start()
            if number >= WARM_UPS:
                taken[name].append(seconds)
    print(f"{'':<24} {'first byte, ms':>24} {'nothing left, ms':>24}")
    for name, pairs in taken.items():
        columns = [[pair[which] * 1000 for pair in pairs] for which in (0, 1)]
        shown = [f"p50 {statistics.median(each):7.1f} min {min(each):7.1f}" for each in columns]
        print(f"{name:<24} {shown[0]:>24} {shown[1]:>24}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    asyncio.run(main(parser.parse_args().rounds))
