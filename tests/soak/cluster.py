"""Several servers and workers on one PostgreSQL, as on as many machines, and what is asked of every run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mogplex.client import ApiError, Client, ConnectionFailed
from tests.acceptance.house import SUCCESS, House, git, say
from tests.acceptance.link import Link
from tests.acceptance.worker_host import WorkerHost
from tests.soak.cable import Cable
from tests.soak.postgres import Postgres

DEAD_AFTER_SECONDS = 5


def speaking(count: int, pause_seconds: float) -> str:
    """A script that says its numbers, one after the other, and changes a file."""
    line = say({"type": "message", "text": "N"}).replace('"N"', "\"'$i'\"")
    return f"i=1; while [ $i -le {count} ]; do {line}; sleep {pause_seconds}; i=$((i+1)); done\necho x > x\n{SUCCESS}"


@dataclass
class Findings:
    """Counts to show, and what must not be: a show is good when there is no fault."""

    figures: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Cluster:
    def __init__(self, postgres: Postgres, servers: list[House], workers: list[WorkerHost]) -> None:
        self.postgres = postgres
        self.servers = servers
        self.workers = workers
        self.line: Cable | Link | None = None
        self.repo_id: str = servers[0].add_repo("demo/many")["id"]

    @staticmethod
    @contextmanager
    def open(servers: int, workers: int, slots: int, *, cuttable: bool = False) -> Iterator[Cluster]:
        """`cuttable`: the first worker reaches the database by `line` only."""
        with ExitStack() as opened:
            cable = Cable.lay() if cuttable else None
            if cable is not None:
                opened.callback(cable.close)
            postgres = Postgres(*([cable.near] if cable else []))
            opened.callback(postgres.close)
            postgres.start()
            made: list[House] = []
            for _ in range(servers):
                house = House(
                    MOGPLEX_DATABASE_URL=postgres.url,
                    MOGPLEX_DEAD_AFTER_SECONDS=str(DEAD_AFTER_SECONDS),
                    MOGPLEX_STARTS_PER_MINUTE="100000",
                    MOGPLEX_STARTS_PER_HOUR="100000",
                    MOGPLEX_STARTS_PER_DAY="100000",
                    MOGPLEX_QUEUE_LIMIT="100000",
                )
                opened.callback(house.close)
                if made:
                    house.home.mkdir(parents=True)
                    (house.home / "auth.json").write_text((made[0].home / "auth.json").read_text())
                made.append(house.start("--no-worker"))
            cluster = Cluster(postgres, made, [])
            opened.callback(cluster._close_workers)
            if cuttable:
                cluster.line = cable or Link(postgres.url)
                opened.callback(cluster.line.close)
                url = postgres.url_at(cable.near) if cable else cluster.line.url
                prefix = cable.prefix if cable else ()
                cluster.workers.append(WorkerHost.start(made[0], "worker-0", url, slots, prefix=prefix))
            for number in range(len(cluster.workers), workers):
                cluster.workers.append(WorkerHost.start(made[0], f"worker-{number}", postgres.url, slots))
            yield cluster

    def _close_workers(self) -> None:
        for worker in self.workers:
            worker.close()

    def client(self, number: int = 0) -> Client:
        house = self.servers[number % len(self.servers)]
        return Client(house.url, self.servers[0].api_key, timeout_seconds=30)

    def start_run(self, script: str, number: int = 0, **fields: Any) -> str:
        body = {"repoId": self.repo_id, "prompt": script, "harness": "scripted", "createBranch": True, **fields}
        run_id: str = self.client(number).start_run(body)["runId"]
        return run_id

    def await_streaming(self, run_ids: list[str], count: int) -> None:
        self.servers[0].until(lambda: self.statuses(run_ids)["streaming"] >= count, 120, f"{count} runs in flight")

    def statuses(self, run_ids: list[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        wanted, cursor = set(run_ids), None
        while True:
            page = self.client().list_runs(limit=200, cursor=cursor)
            found.update(run["status"] for run in page["runs"] if run["runId"] in wanted)
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    def await_endings(self, run_ids: list[str], seconds: float) -> None:
        def over() -> bool:
            time.sleep(0.3)  # each look reads all of them
            try:
                found = self.statuses(run_ids)
            except (ApiError, ConnectionFailed):
                return False  # the database or the server is away: asked again
            return not found["pending"] and not found["streaming"]

        self.servers[0].until(over, seconds, "all runs to end")

    def judge(self, run_ids: list[str], spoken: int = 0) -> Findings:
        """Each run once and truthfully ended, delivered at most once, in two attempts at most; with `spoken`, every
        number that its last attempt said is there, once and in order."""
        findings = Findings()
        outcomes: Counter[str] = Counter()
        again = 0
        for run_id in run_ids:
            run, events = self.client().get_run(run_id), self.servers[0].events(run_id)
            outcomes[run["outcome"]] += 1
            again += run["attempt"] > 1
            findings.faults += [f"{run_id}: {fault}" for fault in _faults_of(run, events, spoken)]
        listed = sum(self.statuses(run_ids).values())
        if listed != len(run_ids):
            findings.faults.append(f"{len(run_ids)} runs were started and {listed} are there")
        findings.figures |= {"runs": len(run_ids), "outcomes": dict(outcomes), "in a second attempt": again}
        return findings

    def judge_branches(self, run_ids: list[str]) -> list[str]:
        """The remote has each run's branch with one commit, of the attempt that counts: nobody else has pushed."""
        remote, faults = self.servers[0].folder("demo/many"), []
        for run_id in run_ids:
            run = self.client().get_run(run_id)
            told = git(
                remote, "log", "--format=%(trailers:key=Mogplex-Attempt,valueonly)", f"main..{run['branch']['working']}"
            )
            if told.split() != [str(run["attempt"])]:
                faults.append(f"{run_id}: its branch bears the attempts {told.split()} instead of {run['attempt']}")
        return faults


def _faults_of(run: dict[str, Any], events: list[dict[str, Any]], spoken: int) -> Iterator[str]:
    types = [event["type"] for event in events]
    if [event["seq"] for event in events] != list(range(1, len(events) + 1)) or run["lastSeq"] != len(events):
        yield "its numbers have gaps"
    if types.count("finished") != 1 or types[-1] != "finished":
        yield f"it does not end with one `finished`: {types[-3:]}"
    elif (events[-1]["payload"]["status"], events[-1]["payload"]["outcome"]) != (run["status"], run["outcome"]):
        yield "its ending and its last event differ"
    if types.count("delivered") > 1:
        yield f"it was delivered {types.count('delivered')} times"
    if run["attempt"] > 2 or types.count("attempt_started") != run["attempt"]:
        yield f"it had {types.count('attempt_started')} attempts"
    if run["status"] != "success":
        yield f"it ended as {run['outcome']}: {run['error']}"
    elif spoken:
        said = [e["message"] for e in events if e["type"] == "assistant_message" and e["attempt"] == run["attempt"]]
        if said != [str(number) for number in range(1, spoken + 1)]:
            yield f"it said {spoken} numbers and {len(said)} are there"


def seconds_between(run: list[dict[str, Any]], first: Callable[[dict[str, Any]], bool], kind: str) -> float | None:
    """From the first event that meets `first` to the next one of `kind`."""
    times = {event["seq"]: parse_time(event["createdAt"]) for event in run}
    begin = next((event["seq"] for event in run if first(event)), None)
    end = next((event["seq"] for event in run if begin and event["seq"] > begin and event["type"] == kind), None)
    return None if begin is None or end is None else times[end] - times[begin]


def parse_time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
