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
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mogplex.client import ApiError, Client, ConnectionFailed
from tests.acceptance.house import SUCCESS, House, git, say
from tests.soak.postgres import Postgres

CHECK = "python -m pytest -q"
EDIT = "printf 'def clamp(v, low, high):\\n    return max(low, min(v, high))\\n' > clamp.py"
MARK = "echo $$ > mark.txt"
SAID = say({"type": "message", "text": "at it"})
FAILURE = say({"type": "end", "success": False, "summary": "gave up", "session": "talk"})
AT_ONCE = 12
# What a run does -> script, fields of the start. A storm kills any process: without `|| exit 3` a script whose `sleep`
# was killed would go on, and truthfully succeed in less time than it was meant to take.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "good": (f"{EDIT}\n{SUCCESS}", {"checks": [CHECK]}),
    "slow": (f"{EDIT}\n{SAID}\nsleep 2 || exit 3\n{SUCCESS}", {"checks": [CHECK]}),
    "unchecked": (f"{MARK}\n{SUCCESS}", {}),
    "lying": (f"{MARK}\n{SUCCESS}", {"checks": [CHECK]}),
    "failing": (f"{MARK}\n{FAILURE}", {"deliverPartial": True}),
    "dying": (f"{MARK}\n{SAID}\nkill -9 $$", {}),
    "silent": (MARK, {}),
    "late": (f"{MARK}\n{SAID}\nsleep 60 || exit 3\n{SUCCESS}", {"timeoutSeconds": 4}),
    "flooding": ("yes all is well | head -c 5000000; echo\n" + SUCCESS, {}),
    "filling": (f"{SAID}\nhead -c 300000000 /dev/zero > big; sleep 30 || exit 3\n{SUCCESS}", {}),
    "spending": (
        "i=0; while [ $i -lt 30 ]; do " + say({"type": "tool_call", "id": "1", "name": "sh", "arguments": {}})
        + f"; i=$((i+1)); done; sleep 20 || exit 3\n{SUCCESS}",
        {"budget": {"toolCalls": 5}},
    ),
    "daemons": (f"{MARK}\nfor i in 1 2 3; do (setsid sleep 300 &); done\n{SUCCESS}", {}),
    "cancelled": (f"{MARK}\n{SAID}\nsleep 60 || exit 3\n{SUCCESS}", {}),
}  # fmt: skip


@dataclass
class Figures:
    """What is counted. Everything below `runs` and the counters has to be 0."""

    runs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    extra_attempts: int = 0
    seconds: float = 0.0
    untruthful: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    lost_patches: list[str] = field(default_factory=list)
    wrong_successes: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    def wrongs(self) -> dict[str, list[str]]:
        names = ("untruthful", "gaps", "duplicates", "lost_patches", "wrong_successes", "orphans")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


class Storm:
    """One server and worker on SQLite; on PostgreSQL two of them on one database, which is stopped as well."""

    def __init__(self, runs: int, seed: int, postgres: Postgres | None) -> None:
        self.dice = random.Random(seed)
        self.wanted = runs
        self.postgres = postgres
        settings = {"MOGPLEX_SLOTS": "3", "MOGPLEX_DEAD_AFTER_SECONDS": "4", "MOGPLEX_SANDBOX_DISK_MIB": "64"}
        if postgres is not None:
            settings["MOGPLEX_DATABASE_URL"] = postgres.url
        self.houses = [House(**settings) for _ in range(1 if postgres is None else 2)]
        self.kinds: dict[str, str] = {}  # run id -> what it does
        self.keys: dict[str, str] = {}  # idempotency key -> run id
        self.figures = Figures()
        self._stop_calling = threading.Event()
        self._lock = threading.Lock()  # of who starts and stops servers
        self.repo_id = ""

    @property
    def first(self) -> House:
        return self.houses[0]

    def play(self) -> Figures:
        begun = time.monotonic()
        try:
            self._open()
            caller = threading.Thread(target=self._call, name="caller")
            caller.start()
            while caller.is_alive() or self._open_runs():
                time.sleep(self.dice.uniform(1.0, 4.0))
                if len(self.kinds) > self.wanted * 0.05 and (caller.is_alive() or self.dice.random() < 0.5):
                    self._break_something()
                self._cancel_some()
            caller.join()
            self._judge()
        finally:
            for house in self.houses:
                house.close()
        self.figures.seconds = time.monotonic() - begun
        return self.figures

    def _open(self) -> None:
        self.first.start()
        for other in self.houses[1:]:
            other.home.mkdir(parents=True)
            (other.home / "auth.json").write_text((self.first.home / "auth.json").read_text())
            other.start()
        self.repo_id = self.first.add_repo("demo/soak")["id"]

    # --- callers -------------------------------------------------------------------------------------------------

    def _patiently(self, call: Callable[[Client], Any]) -> Any:
        """As a good client does: the same request again while the server is away or busy."""
        while True:
            house = self.dice.choice(self.houses)
            try:
                return call(Client(house.url, self.first.api_key, timeout_seconds=20))
            except (ConnectionFailed, ApiError) as fault:
                if isinstance(fault, ApiError) and fault.http_status not in (429, 500, 502, 503):
                    raise
                time.sleep(0.3)

    def _call(self) -> None:
        for number in range(self.wanted):
            while len(self._open_runs()) >= AT_ONCE:
                time.sleep(0.3)
            kind = self.dice.choice(list(KINDS))
            script, fields = KINDS[kind]
            body = {"repoId": self.repo_id, "prompt": script, "harness": "scripted", "createBranch": True, **fields}
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
                if run["status"] in ("success", "failed", "cancelled"):
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

    def _kill_harness(self) -> None:
        """Any process of any sandbox, as the kernel does when memory is short."""
        found = [line.split()[0] for house in self.houses for line in house.left_processes()]
        if found:
            with suppress(ProcessLookupError):
                os.kill(int(self.dice.choice(found)), signal.SIGKILL)

    # --- what must be true ---------------------------------------------------------------------------------------

    def _judge(self) -> None:
        figures, client = self.figures, self.first.client
        figures.runs = len(self.kinds)
        listed: list[str] = []
        cursor = None
        while True:
            page = client.list_runs(limit=200, cursor=cursor)
            listed += [run["runId"] for run in page["runs"]]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        figures.duplicates += [f"{run_id} was never asked for" for run_id in set(listed) - set(self.kinds)]
        branches = git(self.first.folder("demo/soak"), "for-each-ref", "--format=%(refname:short) %(objectname)")
        tips = dict(line.split() for line in branches.splitlines())
        for run_id in self.kinds:
            self._judge_run(client.get_run(run_id), self.first.events(run_id), tips)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(house.left_processes() for house in self.houses):
            time.sleep(0.2)
        figures.orphans += [line for house in self.houses for line in house.left_processes()]

    def _judge_run(self, run: dict[str, Any], events: list[dict[str, Any]], tips: dict[str, str]) -> None:
        figures, run_id, kind = self.figures, run["runId"], self.kinds[run["runId"]]
        figures.outcomes[run["outcome"]] += 1
        figures.extra_attempts += max(run["attempt"] - 1, 0)
        if [event["seq"] for event in events] != list(range(1, len(events) + 1)) or run["lastSeq"] != len(events):
            figures.gaps.append(run_id)
        types = [event["type"] for event in events]
        last = events[-1]["payload"]
        truthful = types.count("finished") == 1 and types[-1] == "finished"
        truthful = truthful and (last["status"], last["outcome"]) == (run["status"], run["outcome"])
        if not truthful:
            figures.untruthful.append(f"{run_id} {kind} {types[-3:]}")
        if types.count("delivered") > 1:
            figures.duplicates.append(f"{run_id} was delivered {types.count('delivered')} times")
        if run["status"] == "success":
            self._judge_success(run, kind, tips)
        if "changes" in types or run["changes"]:
            try:
                kept = self.first.client.get_patch(run_id)
            except ApiError:
                kept = b""
            if not kept:
                figures.lost_patches.append(f"{run_id} {kind} {run['outcome']}")

    def _judge_success(self, run: dict[str, Any], kind: str, tips: dict[str, str]) -> None:
        good = kind in ("good", "slow", "unchecked", "flooding", "daemons")
        delivered = run["outcome"] == "no_changes" or run["branch"]["working"] in tips
        if not good or not delivered:
            told = f"{run['runId']} {kind} {run['outcome']} delivered={delivered} after {run['timing']['runningMs']} ms"
            self.figures.wrong_successes.append(told)


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
