"""How many durable event rows a second: the group-commit writer beside one transaction an event, in one run.

    PYTHONPATH=src python benchmarks/events.py [DATABASE_URL]

Without a URL a SQLite file in a temporary folder is used (put TMPDIR on the disk you mean to measure). Both ways write
the same rows with the same durability, in turns, so that whatever else the machine does harms both alike.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.run import Run, Status
from mogplex.service.ids import generate_id
from mogplex.store import events, runs
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from mogplex.store.writer import EventWriter, Fence

PRODUCERS = 8  # runs that speak at once
ROUNDS = 5
GROUPED_EVENTS = 4000
SINGLE_EVENTS = 400
PAYLOAD = {"text": "x" * 250, "callId": "call_0123456789", "durationMs": 12}
DRAFT = EventDraft(EventType.TOOL_RESULT, "pytest -q: 214 passed in 3.1 s", "shell", PAYLOAD)


def make_fences(database: Database) -> list[Fence]:
    fences = []
    for _ in range(PRODUCERS):
        run_id = generate_id("run")
        run = Run(
            id=run_id, repo_id="r", repo_full_name="o/n", status=Status.STREAMING, harness="h", prompt="p",
            base_branch="b", working_branch="w", create_branch=False, created_at=1.0, updated_at=1.0, key_owner="o",
            api_key_id="k", idempotency_key=run_id, request_hash="x", timeout_seconds=1.0, attempt=1, worker_id="w",
        )  # fmt: skip
        with database.write() as tx:
            runs.insert(tx, run)
        fences.append(Fence(run_id, 1, "w"))
    return fences


def write_singly(database: Database, fence: Fence) -> None:
    with database.write() as tx:
        last_seq = runs.take_numbers(tx, runs.owned(fence.run_id, 1, "w"), 1, delivered=False)
        assert last_seq is not None
        events.append(tx, fence.run_id, last_seq, 1, [DRAFT])


def in_threads(work: Callable[[Fence], None], fences: list[Fence]) -> float:
    """Seconds until every producer is done."""
    threads = [threading.Thread(target=work, args=(fence,)) for fence in fences]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def measure(database: Database) -> tuple[list[float], list[float]]:
    """Rows a second of each round: singly, grouped."""
    fences = make_fences(database)
    writer = EventWriter(database, lambda run_id, last_seq: None)

    def singly(fence: Fence) -> None:
        for _ in range(SINGLE_EVENTS // PRODUCERS):
            write_singly(database, fence)

    def grouped(fence: Fence) -> None:
        for _ in range(GROUPED_EVENTS // PRODUCERS):
            writer.put(fence, [DRAFT])
        writer.drain(fence.run_id, 60.0)  # the clock stops when all of it is on disk

    single_rates, grouped_rates = [], []
    for _ in range(ROUNDS):
        single_rates.append(SINGLE_EVENTS / in_threads(singly, fences))
        grouped_rates.append(GROUPED_EVENTS / in_threads(grouped, fences))
    writer.close()
    return single_rates, grouped_rates


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'events.db'}"
        database = Database(url)
        upgrade(database)
        single, grouped = measure(database)
        database.close()
    ratios = [b / a for a, b in zip(single, grouped, strict=True)]
    print(f"{database.url.get_backend_name()}, {PRODUCERS} producers, {ROUNDS} rounds, medians (lowest to highest)")
    for name, rates in (("one by one", single), ("group commit", grouped)):
        print(f"  {name:13} {statistics.median(rates):9,.0f} rows/s  ({min(rates):,.0f} to {max(rates):,.0f})")
    print(f"  ratio         {statistics.median(ratios):9.1f} x       ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
