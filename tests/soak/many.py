"""What must hold on many machines: `python -m tests.soak.many [SHOW …]`. Each show has its own cluster.

kill      kill -9 one of the workers with all slots busy
frost     freeze one until its runs have gone on elsewhere, then thaw it
cut       cut the database off from one, until its runs have gone on elsewhere, then mend the line
outage    stop PostgreSQL for a while
rolling   restart every server and every worker, one after the other, under load
race      twenty starts with one key at once, over two servers
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mogplex.client import ApiError, ConnectionFailed
from tests.acceptance.worker_host import WorkerHost
from tests.soak.cable import Cable
from tests.soak.cluster import DEAD_AFTER_SECONDS, Cluster, Findings, parse_time, seconds_between, speaking

SPOKEN = 20
NOTICED_SECONDS = DEAD_AFTER_SECONDS + 10  # a death, on a machine that is busy with all this
REQUESTS_AT_ONCE = 4
BETWEEN_SECONDS = 0.25  # or more runs are asked for than the workers can play


def show_kill(options: argparse.Namespace) -> Findings:
    with Cluster.open(1, options.workers, options.slots) as cluster:
        runs = [cluster.start_run(speaking(SPOKEN, options.pause)) for _ in range(options.runs)]
        cluster.await_streaming(runs, min(options.runs, options.workers * options.slots))
        victim = cluster.workers[0]
        victim.process.kill()
        killed_at = time.time()
        cluster.await_endings(runs, options.patience)
        findings = cluster.judge(runs, SPOKEN)
        _judge_losses(cluster, runs, victim, killed_at, findings)
    return findings


def show_frost(options: argparse.Namespace) -> Findings:
    with Cluster.open(1, options.workers, options.slots) as cluster:
        runs = [cluster.start_run(speaking(SPOKEN, options.pause)) for _ in range(options.workers * options.slots)]
        cluster.await_streaming(runs, len(runs))
        victim = cluster.workers[0]
        victim.freeze()
        frozen_at = time.time()
        cluster.await_endings(runs, options.patience)
        victim.thaw()
        thawed_at = time.monotonic()
        lost = cluster.judge(runs).figures["in a second attempt"]
        cluster.servers[0].until(
            lambda: victim.log.read_text().count("belongs to another worker now") >= lost, 120, "it to learn of losses"
        )
        findings = cluster.judge(runs, SPOKEN)
        findings.figures["seconds until the thawed one knew"] = round(time.monotonic() - thawed_at, 1)
        _judge_losses(cluster, runs, victim, frozen_at, findings)
        again = [cluster.start_run(speaking(3, 0.5)) for _ in range(options.workers * options.slots)]
        cluster.await_endings(again, options.patience)
        findings.faults += cluster.judge(again, 3).faults
    return findings


def show_cut(options: argparse.Namespace) -> Findings:
    """The worker plays on while it is cut off, and wants to deliver what is others' by then."""
    with Cluster.open(1, options.workers, options.slots, cuttable=True) as cluster:
        assert cluster.line is not None
        runs = [cluster.start_run(speaking(SPOKEN, options.pause)) for _ in range(options.workers * options.slots)]
        cluster.await_streaming(runs, len(runs))
        victim = cluster.workers[0]
        cluster.line.cut()
        cut_at = time.time()
        cluster.await_endings(runs, options.patience)
        cluster.line.mend()
        mended_at = time.monotonic()
        lost = cluster.judge(runs).figures["in a second attempt"]
        cluster.servers[0].until(
            lambda: victim.log.read_text().count("belongs to another worker now") >= lost, 180, "it to learn of losses"
        )
        findings = cluster.judge(runs, SPOKEN)
        findings.figures["line"] = "a cable of its own" if isinstance(cluster.line, Cable) else "a stand-in on TCP"
        findings.figures["seconds until the mended one knew"] = round(time.monotonic() - mended_at, 1)
        _judge_losses(cluster, runs, victim, cut_at, findings)
        findings.faults += cluster.judge_branches(runs)
        again = [cluster.start_run(speaking(3, 0.5)) for _ in range(options.workers * options.slots)]
        cluster.await_endings(again, options.patience)
        findings.faults += cluster.judge(again, 3).faults + cluster.judge_branches(again)
    return findings


def show_outage(options: argparse.Namespace) -> Findings:
    with Cluster.open(1, options.workers, options.slots) as cluster:
        runs = [cluster.start_run(speaking(SPOKEN, options.pause)) for _ in range(options.runs)]
        cluster.await_streaming(runs, min(options.runs, options.workers * options.slots))
        cluster.postgres.stop()
        time.sleep(options.outage)
        cluster.postgres.start()
        cluster.await_endings(runs, options.patience)
        findings = cluster.judge(runs, SPOKEN)
        if findings.figures["in a second attempt"]:
            findings.faults.append("an outage of the database was taken for the death of workers")
    return findings


def show_rolling(options: argparse.Namespace) -> Findings:
    with Cluster.open(2, options.workers, options.slots) as cluster:
        callers = _Callers(cluster)
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            calling = [pool.submit(callers.call, options.runs // REQUESTS_AT_ONCE) for _ in range(REQUESTS_AT_ONCE)]
            while sum(callers.answers.values()) < 10:
                time.sleep(0.1)
            for server in cluster.servers:
                server.stop(signal.SIGTERM)
                server.start("--no-worker")
            for number, worker in enumerate(cluster.workers):
                worker.stop()
                name = f"worker-{number}"
                cluster.workers[number] = WorkerHost.start(
                    cluster.servers[0], name, cluster.postgres.url, options.slots, MOGPLEX_DRAIN_SECONDS="60"
                )
            callers.may_end.set()
            for each in calling:
                each.result()
        cluster.await_endings(callers.runs, options.patience)
        findings = cluster.judge(callers.runs)
        findings.figures["answers"] = dict(callers.answers)
        findings.faults += callers.faults
    return findings


def show_race(options: argparse.Namespace) -> Findings:
    with Cluster.open(2, 1, 2) as cluster:
        gate = threading.Barrier(20)
        body = {"repoId": cluster.repo_id, "prompt": speaking(1, 0), "harness": "scripted", "createBranch": True}

        def start(number: int) -> dict[str, Any]:
            client = cluster.client(number)
            gate.wait(30)
            started: dict[str, Any] = client.start_run(body, idempotency_key="the same")
            return started

        with ThreadPoolExecutor(20) as pool:
            started = list(pool.map(start, range(20)))
        runs = sorted({each["runId"] for each in started})
        cluster.await_endings(runs, options.patience)
        findings = cluster.judge(runs, 1)
        findings.figures["answers that say replayed"] = sum(each["replayed"] for each in started)
        if len(runs) != 1 or findings.figures["answers that say replayed"] != 19:
            findings.faults.append(f"twenty starts with one key made {len(runs)} runs")
    return findings


class _Callers:
    """Start runs and read them, at whichever server answers, as behind a load balancer."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self.may_end = threading.Event()
        self.runs: list[str] = []
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []

    def call(self, least: int) -> None:
        count = 0
        while count < least or not self.may_end.is_set():
            key = f"{threading.get_ident()}-{count}"
            body = {"repoId": self._cluster.repo_id, "prompt": speaking(2, 0.2), "harness": "scripted"}
            body |= {"createBranch": True}
            run = self._ask(lambda client, b=body, k=key: client.start_run(b, idempotency_key=k))
            with self._lock:
                self.runs.append(run["runId"])
            for _ in range(5):
                self._ask(lambda client, run_id=run["runId"]: client.get_run(run_id))
                time.sleep(BETWEEN_SECONDS)
            count += 1

    def _ask(self, call: Callable[[Any], Any]) -> Any:
        number = random.randrange(2)
        for turn in range(600):
            try:
                answer = call(self._cluster.client(number + turn))
            except ApiError as fault:
                told = f"{fault.http_status}"
                if fault.http_status != 503 or fault.retry_after_seconds is None:
                    self._note(f"{fault.http_status}: {fault}", fault=True)
            except ConnectionFailed as fault:
                told = "no connection, so asked another server"
                if fault.sent:
                    self._note(f"a request was cut: {fault}", fault=True)
            else:
                self._note("2xx")
                return answer
            self._note(told)
            time.sleep(0.1)
        raise AssertionError("nobody answers any more")

    def _note(self, told: str, *, fault: bool = False) -> None:
        with self._lock:
            if fault:
                self.faults.append(told)
            else:
                self.answers[told] += 1


def _judge_losses(cluster: Cluster, runs: list[str], victim: WorkerHost, lost_at: float, findings: Findings) -> None:
    """The victim's runs, which it had at `lost_at`, were missed soon and went on elsewhere."""
    waits, noticed = [], []
    for run_id in runs:
        events = cluster.servers[0].events(run_id)
        begun = [event["payload"]["worker"] for event in events if event["type"] == "attempt_started"]
        if len(begun) == 2:
            if begun[0] != victim.worker_id or begun[1] == victim.worker_id:
                findings.faults.append(f"{run_id} went from {begun[0]} to {begun[1]}")
            wait = seconds_between(events, lambda event: event["type"] == "attempt_lost", "attempt_started")
            waits.append(wait or 0.0)
            noticed += [parse_time(event["createdAt"]) - lost_at for event in events if event["type"] == "attempt_lost"]
    if not waits:
        findings.faults.append("the victim had no run: the show shows nothing")
        return
    findings.figures["seconds until the loss was noticed, at most"] = round(max(noticed), 1)
    findings.figures["seconds from then to the next attempt, at most"] = round(max(waits), 1)
    if max(noticed) > NOTICED_SECONDS:
        findings.faults.append(f"the loss was noticed after {max(noticed):.1f} s")


SHOWS = {
    "kill": show_kill,
    "frost": show_frost,
    "cut": show_cut,
    "outage": show_outage,
    "rolling": show_rolling,
    "race": show_race,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shows", nargs="*", choices=[*SHOWS, []], help="which ones [all]")
    parser.add_argument("--runs", type=int, default=80)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--slots", type=int, default=5, help="of each worker")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two events of a run")
    parser.add_argument("--outage", type=float, default=10.0, help="seconds without PostgreSQL")
    parser.add_argument(
        "--patience", type=float, default=900.0, help="seconds until all runs of a show must have ended"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # leaves processes behind otherwise
    failed = False
    for name in options.shows or SHOWS:
        begun = time.monotonic()
        findings = SHOWS[name](options)
        told = {"show": name, "seconds": round(time.monotonic() - begun), **findings.figures, "faults": findings.faults}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        failed = failed or bool(findings.faults)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
