"""How much goes through: starts and events a second, how long a start takes, and until a death is noticed.

    python benchmarks/many.py [--workers 1,2,4] [--slots 4] [--runs 40] [--lines 300] [--database sqlite|postgresql]

Each line has a server of its own. SQLite belongs to one process, so there "workers" are slots of it: the same number of
runs at once as that many workers would have. Without `--database` both are measured, in less than five minutes on two
idle cores.

"noticed" is from kill -9 of a worker to the event that says so. On PostgreSQL others notice, DEAD_AFTER_SECONDS after
its last sign of life (one worker alone is started anew, as a supervisor would); on SQLite the process is started anew,
and notices at once.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.acceptance.house import SUCCESS, House, say
from tests.acceptance.worker_host import WorkerHost
from tests.soak.postgres import Postgres

CALLERS = 4
DEAD_AFTER_SECONDS = 5
QUOTAS = {f"MOGPLEX_STARTS_PER_{window}": "1000000" for window in ("MINUTE", "HOUR", "DAY")}


@contextmanager
def opened(database: str, workers: int, slots: int) -> Iterator[tuple[House, list[WorkerHost], Callable[[], object]]]:
    """The server, its workers on PostgreSQL, and what kills one of them and puts another in its place."""
    with ExitStack() as house:
        settings = {**QUOTAS, "MOGPLEX_QUEUE_LIMIT": "1000000", "MOGPLEX_DEAD_AFTER_SECONDS": str(DEAD_AFTER_SECONDS)}
        if database == "sqlite":
            server = House(**settings, MOGPLEX_SLOTS=str(workers * slots))
            house.callback(server.close)
            server.start()

            def start_anew() -> None:
                server.kill()
                server.start()

            yield server, [], start_anew
            return
        postgres = Postgres()
        house.callback(postgres.close)
        postgres.start()
        server = House(**settings, MOGPLEX_DATABASE_URL=postgres.url)
        house.callback(server.close)
        server.start("--no-worker")
        hosts: list[WorkerHost] = []

        def add() -> None:
            hosts.append(WorkerHost.start(server, f"worker-{len(hosts)}", postgres.url, slots))
            house.callback(hosts[-1].close)

        def replace_first() -> None:
            hosts[0].process.kill()
            if workers == 1:
                add()

        for _ in range(workers):
            add()
        yield server, hosts, replace_first


def measure_latency(house: House, repo_id: str, rounds: int) -> list[float]:
    """Accepted → the harness's first instruction, in ms, with free slots."""
    delays = []
    for number in range(rounds):
        script = f'printf \'{{"type":"message","text":"%s"}}\\n\' $(date +%s.%N)\n{SUCCESS}'
        run = house.run_script(repo_id, script, delivery="patch", title=f"start {number}")
        accepted = time.time()
        house.wait(run["runId"])
        said = next(each for each in house.events(run["runId"]) if each["type"] == "assistant_message")
        delays.append((float(said["message"]) - accepted) * 1000)
    return delays


def measure_starts(house: House, repo_id: str, count: int) -> tuple[float, list[str]]:
    """Starts a second that CALLERS callers reach, each waiting for its answer."""

    def start(number: int) -> str:
        return str(house.run_script(repo_id, SUCCESS, delivery="patch", title=f"load {number}")["runId"])

    begun = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as pool:
        run_ids = list(pool.map(start, range(count)))
    return count / (time.monotonic() - begun), run_ids


def measure_events(house: House, repo_id: str, runs: int, lines: int) -> float:
    """Events a second, from the first that is said to the last that is kept, of runs that say all they can at once."""
    script = 'i=0; while [ $i -lt LINES ]; do echo \'{"type":"message","text":"x"}\'; i=$((i+1)); done\n'
    script = script.replace("LINES", str(lines)) + SUCCESS
    run_ids = [house.run_script(repo_id, script, delivery="patch", title=str(n))["runId"] for n in range(runs)]
    begun, ended, total = [], [], 0
    for run_id in run_ids:
        house.wait(run_id, 600)
        events = house.events(run_id)
        times = [each["createdAt"] for each in events if each["type"] == "assistant_message"]
        begun.append(times[0])
        ended.append(events[-1]["createdAt"])
        total += len(events)
    return total / max(seconds_of(max(ended)) - seconds_of(min(begun)), 0.001)


def measure_notice(house: House, repo_id: str, hosts: list[WorkerHost], kill: Callable[[], object], runs: int) -> float:
    """Seconds from the death of a worker until one of its runs is told to have lost it."""
    script = say({"type": "message", "text": "at it"}) + f"\nsleep 60\n{SUCCESS}"
    run_ids = [house.run_script(repo_id, script, delivery="patch", title=f"lost {n}")["runId"] for n in range(runs)]

    def worker_of(run_id: str) -> str:
        begun = [each for each in house.events(run_id) if each["type"] == "attempt_started"]
        return str(begun[0]["payload"]["worker"]) if begun else ""

    house.until(lambda: all(map(worker_of, run_ids)), 120, "runs to be lost")
    victims = [run_id for run_id in run_ids if not hosts or worker_of(run_id) == hosts[0].worker_id]
    begun = time.time()
    kill()

    def losses() -> list[str]:
        events = (each for run_id in victims for each in house.events(run_id))
        return [each["createdAt"] for each in events if each["type"] == "attempt_lost"]

    house.until(lambda: bool(losses()), 120, "the loss to be noticed")
    noticed = seconds_of(min(losses())) - begun
    for run_id in run_ids:
        house.client.cancel_run(run_id)
    return noticed


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def measure(database: str, workers: int, options: argparse.Namespace) -> dict[str, Any]:
    with opened(database, workers, options.slots) as (house, hosts, kill):
        repo_id = house.add_repo()["id"]
        house.wait(house.run_script(repo_id, SUCCESS)["runId"])  # mirrors are made, modules are loaded
        delays = measure_latency(house, repo_id, options.rounds)
        events = measure_events(house, repo_id, workers * options.slots, options.lines)
        begun = time.monotonic()
        starts, run_ids = measure_starts(house, repo_id, options.runs)
        for run_id in run_ids:
            house.wait(run_id, 600)
        ended = options.runs / (time.monotonic() - begun)
        noticed = measure_notice(house, repo_id, hosts, kill, workers * options.slots)
    return {
        "p50": statistics.median(delays),
        "p95": percentile(delays, 0.95),
        "starts": starts,
        "ended": ended,
        "events": events,
        "noticed": noticed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--slots", type=int, default=4, help="of each worker")
    parser.add_argument("--rounds", type=int, default=10, help="of the latency")
    parser.add_argument("--runs", type=int, default=40, help="for starts a second")
    parser.add_argument("--lines", type=int, default=300, help="that each run says, for events a second")
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    print("database    workers   start p50 ms   p95 ms   starts/s   runs ended/s   events/s   noticed s")
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        for workers in map(int, options.workers.split(",")):
            found = measure(database, workers, options)
            print(
                f"{database:<12}{workers:>7}{found['p50']:>15.0f}{found['p95']:>9.0f}{found['starts']:>11.1f}"
                f"{found['ended']:>15.1f}{found['events']:>11,.0f}"
                f"{found['noticed']:>12.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
