"""Times of a running server, end to end: start, events, cancel, idle. Run it on a quiet machine.

    python benchmarks/serve.py [--rounds 20] [--large] [--work-dir FOLDER]

Each figure stands beside its goal; `--large` adds a generated repo of 5,000 files and 100 MB. Its figure is the file
system's more than ours: an ext4 without a journal looks through all inodes removed in the last minutes at each new
file, which takes several times as long as the whole checkout does. `--work-dir` measures another disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.acceptance.house import SUCCESS, House

IDLE_SECONDS = 20


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def show(name: str, values: list[float], goal: str, unit: str = "ms") -> None:
    p50, p95, least = statistics.median(values), percentile(values, 0.95), min(values)
    print(f"{name:<58} p50 {p50:7.0f}  p95 {p95:7.0f}  min {least:7.0f} {unit}   goal {goal}")


def measure_start(house: House, repo_id: str, rounds: int) -> tuple[list[float], list[float]]:
    """202 received → first instruction of the harness, and the part of it that is checkout + sandbox, in ms."""
    totals, preparing = [], []
    for number in range(rounds):
        script = f'printf \'{{"type":"message","text":"%s"}}\\n\' $(date +%s.%N)\n{SUCCESS}'
        run = house.run_script(repo_id, script, delivery="patch", title=f"start {number}")
        accepted = time.time()
        house.wait(run["runId"])
        events = house.events(run["runId"])
        first = float(next(each["message"] for each in events if each["type"] == "assistant_message"))
        ready = next(each["payload"] for each in events if each["type"] == "sandbox_ready")
        totals.append((first - accepted) * 1000)
        preparing.append(float(ready["checkoutMs"] + ready["sandboxMs"]))
    return totals, preparing


def measure_events(house: House, repo_id: str, count: int) -> list[float]:
    """Harness stdout → a follower over SSE, in ms."""
    line = 'printf \'{"type":"message","text":"%s"}\\n\' $(date +%s.%N)'
    script = f"i=0; while [ $i -lt {count} ]; do {line}; sleep 0.03; i=$((i+1)); done\n{SUCCESS}"
    run = house.run_script(repo_id, script, delivery="patch")
    delays = []
    for event in house.client.stream_events(run["runId"], after=0):
        if event["type"] == "assistant_message":
            delays.append((time.time() - float(event["message"])) * 1000)
    return delays


def measure_cancel(house: House, repo_id: str, rounds: int) -> tuple[list[float], list[float]]:
    """Cancel sent → no process left, and → the run is terminal, in ms."""
    gone, terminal = [], []
    for _ in range(rounds):
        script = "for i in 1 2 3 4 5; do (setsid sleep 300 &) ; done; echo begun; sleep 300"
        run = house.run_script(repo_id, script, delivery="patch")
        house.wait_for_event(run["runId"], "stream_started")
        assert len(house.left_processes()) >= 5
        asked = time.monotonic()
        house.client.cancel_run(run["runId"])
        while house.left_processes():
            time.sleep(0.005)
        gone.append((time.monotonic() - asked) * 1000)
        while house.client.get_run(run["runId"], wait_seconds=5)["status"] != "cancelled":
            time.sleep(0.005)
        terminal.append((time.monotonic() - asked) * 1000)
    return gone, terminal


def measure_idle(house: House) -> tuple[float, float]:
    """Per cent of one core, and MiB of proportional memory, over IDLE_SECONDS without any request."""
    assert house.process is not None
    time.sleep(5)
    before = _cpu_seconds(house.process.pid)
    time.sleep(IDLE_SECONDS)
    used = _cpu_seconds(house.process.pid) - before
    rollup = Path(f"/proc/{house.process.pid}/smaps_rollup").read_text()
    pss_kib = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return 100 * used / IDLE_SECONDS, pss_kib / 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def large_files() -> dict[str, str]:
    """5,000 files, 100 MB, in 250 folders: the size of CPython's tree."""
    body = "".join(f"value_{line} = {line}\n" for line in range(1150))[:20_000]
    return {f"package_{number % 250}/module_{number}.py": f"# {number}\n{body}" for number in range(5000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--work-dir", type=Path, help="where the server works; an existing folder that all may enter")
    options = parser.parse_args()
    house = House(**({"MOGPLEX_WORK_DIR": str(options.work_dir.resolve())} if options.work_dir else {}))
    try:
        house.start()
        repo: dict[str, Any] = house.add_repo()
        house.wait(house.run_script(repo["id"], SUCCESS)["runId"])
        cpu, memory = measure_idle(house)
        print(f"idle serve: {cpu:.1f} % of a core (goal ≤ 6), {memory:.0f} MiB proportional (goal ≤ 120)")
        totals, preparing = measure_start(house, repo["id"], options.rounds)
        show("small repo: accepted → first harness instruction", totals, "p50 ≤ 350")
        show("small repo:   of which checkout + sandbox", preparing, "p50 ≤ 100")
        show("harness stdout → follower", measure_events(house, repo["id"], options.rounds * 5), "p95 ≤ 100")
        gone, terminal = measure_cancel(house, repo["id"], options.rounds)
        show("cancel → no process left", gone, "p95 ≤ 500")
        show("cancel → run terminal", terminal, "p95 ≤ 2000")
        if options.large:
            big = house.add_repo("demo/large", large_files())
            house.wait(house.run_script(big["id"], SUCCESS)["runId"], 300)
            totals, preparing = measure_start(house, big["id"], max(5, options.rounds // 2))
            show("5,000 files, 100 MB: accepted → first instruction", totals, "p50 ≤ 1300")
            show("5,000 files, 100 MB:   of which checkout + sandbox", preparing, "")
    finally:
        house.close()


if __name__ == "__main__":
    main()
