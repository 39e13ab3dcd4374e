"""Do list, get, tail, start and take stay quick in a full house? Beside an empty one, in one run.

    python benchmarks/rows.py --runs 1000000 --database sqlite|postgresql

`--events` (20) is of each run: 1,000,000 runs of 20 are 20,000,000 events. The rows are made in SQL from one real run,
in minutes; they take some 8 GB in the folder for temporary files, and are gone at the end.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mogplex.domain.repo import Repo
from mogplex.domain.run import Run
from mogplex.domain.worker import WorkerInfo
from mogplex.service.run_filter import RunFilter
from mogplex.store.database import Database
from mogplex.store.migrations import upgrade
from tests.crowd import analyze, fill
from tests.house import House, ending, said
from tests.soak.postgres import Postgres

ROUNDS = 40
WORKER = WorkerInfo("bench", "host", 1, 100_000)


@contextmanager
def opened(kind: str) -> Iterator[tuple[Database, Database, Callable[[], object]]]:
    """An empty database and one to be filled, of the same server; and what makes it as durable as it should be, once it
    is filled."""
    with ExitStack() as house:
        settle: Callable[[], object] = int
        if kind == "sqlite":
            folder = Path(house.enter_context(tempfile.TemporaryDirectory(prefix="mogplex-rows-")))
            urls = [f"sqlite:///{folder / name}.db" for name in ("empty", "full")]
        else:
            postgres = Postgres()
            house.callback(postgres.close)
            postgres.start("fsync=off", "full_page_writes=off", "max_wal_size=8GB", "shared_buffers=512MB")
            settle = partial(postgres.restart, "shared_buffers=512MB")
            urls = [postgres.url, postgres.url.rsplit("/", 1)[0] + "/filled"]
            admin = sa.create_engine(
                postgres.url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
            )
            with admin.connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE filled")
            admin.dispose()
        databases = [Database(url) for url in urls]
        for database in databases:
            house.callback(database.close)
            upgrade(database)
        yield databases[0], databases[1], settle


def play(house: House, repo: Repo, key: str, count: int) -> Run:
    """One ended run with `count` events."""
    run = house.claim(house.start(repo, key, createBranch=True).run)
    house.attempts.record(run, [said(f"line {number} of what it had to say") for number in range(count - 3)]).result(60)
    house.attempts.finish(run, ending())
    return house.runs.get(house.admin, run.id)


def timed(calls: Sequence[Callable[[int], object]]) -> list[tuple[float, float]]:
    """(median, least) of each in ms, asked by turns and each first in every second turn, so that whatever else the
    machine does harms all alike. On a busy machine the least says more."""
    found: list[list[float]] = [[] for _ in calls]
    for number in range(ROUNDS + 1):
        order = list(zip(calls, found, strict=True))
        for call, times in order if number % 2 else reversed(order):
            begun = time.perf_counter()
            call(number)
            times.append((time.perf_counter() - begun) * 1000)
    return [(statistics.median(times[1:]), min(times[1:])) for times in found]


def questions(house: House, repo: Repo, run: Run) -> dict[str, Callable[[int], object]]:
    admin, page = house.admin, RunFilter(limit=50)
    return {
        "list": lambda _: house.runs.list(admin, page),
        "list of a repo": lambda _: house.runs.list(admin, replace(page, repo=repo.id)),
        "list by status": lambda _: house.runs.list(admin, replace(page, status="success")),
        "get": lambda _: house.runs.get(admin, run.id),
        "events of a run": lambda _: house.events.page(admin, run.id, 5, 100),
        "tail": lambda _: house.events.since(run.id, run.last_seq - 1, 100),
        "pressure": lambda _: house.report.pressure(admin),
        "start": lambda number: house.start(repo, f"timed {number}", createBranch=True),
        "take": lambda _: house.seating.take(WORKER),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=20, help="of each run")
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
        with opened(kind) as (*databases, settle):
            asked = []
            for database, count in zip(databases, (0, options.runs), strict=True):
                house = House(database)
                repo = house.add_repo()
                run = play(house, repo, "first", options.events)
                for number in range(60):
                    play(house, repo, f"more {number}", 3)
                begun = time.monotonic()
                if count:
                    fill(database, run, count)
                    analyze(database, tidy=True)
                    print(
                        f"{kind}: {count:,} runs, {count * options.events:,} events in {time.monotonic() - begun:.0f} s"
                    )
                house.workers.register(WORKER)
                asked.append(questions(house, repo, run))
            settle()
            for name in asked[0]:
                (empty, least_empty), (full, least_full) = timed([each[name] for each in asked])
                print(
                    f"  {name:<18} empty {empty:8.2f} ms   full {full:8.2f} ms   ratio {full / empty:5.2f}   "
                    f"of the least: {least_empty:7.2f} {least_full:7.2f} {least_full / least_empty:5.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
