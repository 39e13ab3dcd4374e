"""Many runs under random faults, and what must be true afterwards. The long one: `python -m tests.soak.storm`."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mogplex.client import ApiError, Client, ConnectionFailed
from tests.contracts.model_house import Providers
from tests.soak.house import SoakHouse
from tests.soak.judge import END_STATUSES, Figures, Judge
from tests.soak.kinds import KINDS, SCENARIOS
from tests.soak.postgres import Postgres

AT_ONCE = 12
# A storm that isn't over by then has found something: what still runs is told as stuck.
SECONDS_FOR_ALL, SECONDS_A_RUN, CALM_SECONDS = 240, 8, 240


class Storm:
    """One server and worker on SQLite; on PostgreSQL two of them on one database, which is stopped as well."""

    def __init__(self, runs: int, seed: int, postgres: Postgres | None) -> None:
        self.dice = random.Random(seed)
        self.wanted = runs
        self.postgres = postgres
        settings = {"MOGPLEX_SLOTS": "3", "MOGPLEX_DEAD_AFTER_SECONDS": "4", "MOGPLEX_SANDBOX_DISK_MIB": "64"}
        if postgres is not None:
            settings["MOGPLEX_DATABASE_URL"] = postgres.url
        self.providers = Providers(SCENARIOS)
        self.houses = [SoakHouse(self.providers, **settings) for _ in range(1 if postgres is None else 2)]
        self.deadline = time.monotonic() + SECONDS_FOR_ALL + SECONDS_A_RUN * runs
        self.kinds: dict[str, str] = {}  # run id -> what it does
        self.keys: dict[str, str] = {}  # idempotency key -> run id
        self.figures = Figures()
        self.repo_id = ""

    @property
    def first(self) -> SoakHouse:
        return self.houses[0]

    def play(self) -> Figures:
        begun = time.monotonic()
        try:
            self._open()
            caller = threading.Thread(target=self._call, name="caller", daemon=True)
            caller.start()
            while caller.is_alive() and time.monotonic() < self.deadline:
                self._pass_time()
                if len(self.kinds) > self.wanted * 0.05:
                    self._break_something()
            self.deadline = min(self.deadline, time.monotonic() + CALM_SECONDS)
            while self._open_runs() and time.monotonic() < self.deadline:
                self._pass_time()
            caller.join(30)
            Judge(self.figures, self.houses, self.kinds).judge(self._open_runs())
        finally:
            for house in self.houses:
                house.close()
            self.providers.close()
        self.figures.seconds = time.monotonic() - begun
        return self.figures

    def _pass_time(self) -> None:
        time.sleep(self.dice.uniform(1.0, 4.0))
        self._cancel_some()

    def _open(self) -> None:
        self.first.start()
        for other in self.houses[1:]:
            (other.home / "auth.json").write_text((self.first.home / "auth.json").read_text())
            other.start()
        self.repo_id = self.first.add_repo("demo/soak")["id"]

    # --- callers -------------------------------------------------------------------------------------------------

    def _patiently(self, call: Callable[[Client], Any]) -> Any:
        """As a good client does: the same request again while the server is away or busy."""
        while time.monotonic() < self.deadline + CALM_SECONDS:
            house = self.dice.choice(self.houses)
            try:
                return call(Client(house.url, self.first.api_key, timeout_seconds=20))
            except (ConnectionFailed, ApiError) as fault:
                if isinstance(fault, ApiError) and fault.http_status not in (429, 500, 502, 503):
                    raise
                time.sleep(0.3)
        raise AssertionError("no server answered for minutes")

    def _call(self) -> None:
        for number in range(self.wanted):
            while len(self._open_runs()) >= AT_ONCE and time.monotonic() < self.deadline:
                time.sleep(0.3)
            kind = self.dice.choice(list(KINDS))
            body = {"repoId": self.repo_id, "createBranch": True, **KINDS[kind]}
            key = f"soak-{number}"
            self._start(key, kind, lambda client, b=body, k=key: client.start_run(b, idempotency_key=k))
            if self.dice.random() < 0.15:
                self._retry_one(number)

    def _retry_one(self, number: int) -> None:
        ended = [run_id for run_id in list(self.kinds) if run_id not in self._open_runs()]
        if not ended:
            return
        run = self._patiently(lambda client: client.get_run(self.dice.choice(ended)))
        if run["status"] in ("failed", "cancelled"):
            resume = {"resume": self.dice.random() < 0.5}
            key, old = f"soak-retry-{number}", run["runId"]
            self._start(key, self.kinds[old], lambda client: client.retry_run(old, resume, idempotency_key=key))

    def _start(self, key: str, kind: str, send: Callable[[Client], Any]) -> None:
        """Start under a key, and now and then once more: it has to be the same run."""
        run_id = self._patiently(send)["runId"]
        self.keys[key] = run_id
        self.kinds[run_id] = kind
        if self.dice.random() < 0.3:
            again = self._patiently(send)
            self.figures.replays += 1
            if again["runId"] != run_id or again["replayed"] is not True:
                self.figures.duplicates.append(f"{key}: {run_id} and {again['runId']}")

    def _open_runs(self) -> list[str]:
        known = getattr(self, "_ended", set())
        for run_id in [each for each in list(self.kinds) if each not in known]:
            with suppress(ConnectionFailed, ApiError):  # asked again at the next look
                run = Client(self.first.url, self.first.api_key, timeout_seconds=10).get_run(run_id)
                if run["status"] in END_STATUSES:
                    known.add(run_id)
        self._ended: set[str] = known
        return [each for each in list(self.kinds) if each not in known]

    def _cancel_some(self) -> None:
        for run_id in self._open_runs():
            if self.kinds[run_id] == "cancelled" or self.dice.random() < 0.02:
                with suppress(ConnectionFailed, ApiError):  # the next round asks again
                    Client(self.first.url, self.first.api_key).cancel_run(run_id)

    # --- faults --------------------------------------------------------------------------------------------------

    def _break_something(self) -> None:
        faults: list[Callable[[], None]] = [
            self._kill_server,
            self._stop_server,
            self._kill_harness,
            self._kill_harness,
        ]
        if self.first.disk:
            faults.append(self._fill_disk)
        if self.postgres is not None:
            faults += [self._stop_database, self._kill_worker]
        fault = self.dice.choice(faults)
        self.figures.faults[fault.__name__.lstrip("_")] += 1
        fault()

    def _kill_server(self) -> None:
        self.first.kill()
        time.sleep(self.dice.uniform(0, 1))
        self.first.start()

    def _stop_server(self) -> None:
        self.first.stop(signal.SIGTERM)
        self.first.start()

    def _kill_worker(self) -> None:
        other = self.houses[-1]
        other.kill()
        time.sleep(self.dice.uniform(0, 6))  # sometimes long enough to be taken for lost
        other.start()

    def _stop_database(self) -> None:
        assert self.postgres is not None
        self.postgres.stop()
        time.sleep(self.dice.uniform(0.5, 4))
        self.postgres.start()

    def _fill_disk(self) -> None:
        """To the last byte, or just so far that nothing new may begin; and whatever else breaks, it is free again."""
        house = self.dice.choice(self.houses)
        house.fill_disk(self.dice.choice([0, 0, 100 * 1024 * 1024]))
        time.sleep(self.dice.uniform(0.5, 4))
        house.empty_disk()

    def _kill_harness(self) -> None:
        """Any process of any sandbox, as the kernel does when memory is short."""
        found = [line.split()[0] for house in self.houses for line in house.left_processes()]
        if found:
            with suppress(ProcessLookupError):
                os.kill(int(self.dice.choice(found)), signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # leaves servers and database behind otherwise
    postgres = Postgres() if options.database == "postgresql" else None
    if postgres is not None:
        postgres.start()
    try:
        figures = Storm(options.runs, options.seed, postgres).play()
    finally:
        if postgres is not None:
            postgres.close()
    told = {**vars(figures), "outcomes": dict(figures.outcomes), "faults": dict(figures.faults)}
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 1 if figures.wrongs() else 0


if __name__ == "__main__":
    raise SystemExit(main())
