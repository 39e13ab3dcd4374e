"""What must be true after a storm: every run ended once and truthfully, and nothing is lost, doubled or left."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mogplex.client import ApiError
from tests.acceptance.house import git
from tests.soak.house import SoakHouse
from tests.soak.kinds import MAY_SUCCEED

END_STATUSES = ("success", "failed", "cancelled")


@dataclass
class Figures:
    """What is counted. Everything below `runs` and the counters has to be 0."""

    runs: int = 0
    contenders: int = 0
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
    stuck: list[str] = field(default_factory=list)

    def wrongs(self) -> dict[str, list[str]]:
        names = ("untruthful", "gaps", "duplicates", "lost_patches", "wrong_successes", "orphans", "stuck")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


class Judge:
    """`kinds`: run id -> what it does, of all runs that were asked for."""

    def __init__(self, figures: Figures, houses: list[SoakHouse], kinds: dict[str, str]) -> None:
        self.figures = figures
        self.houses = houses
        self.first = houses[0]
        self.kinds = kinds

    def judge(self, open_runs: list[str]) -> None:
        """Look at every run; `open_runs` are those that haven't ended although it is time."""
        figures, client = self.figures, self.first.client
        figures.stuck += [f"{run_id} {self.kinds[run_id]}" for run_id in open_runs]
        figures.runs = len(self.kinds)
        listed = self._list_runs()
        contenders = {each["runId"]: each["contenderOf"] for each in listed if each["contenderOf"] in self.kinds}
        figures.contenders = len(contenders)
        asked = set(self.kinds) | set(contenders)
        figures.duplicates += [f"{each['runId']} was never asked for" for each in listed if each["runId"] not in asked]
        numbers = Counter((each["contenderOf"], each["contender"]) for each in listed if each["runId"] in contenders)
        figures.duplicates += [
            f"contender {told} is there {count} times" for told, count in numbers.items() if count > 1
        ]
        branches = git(self.first.folder("demo/soak"), "for-each-ref", "--format=%(refname:short) %(objectname)")
        tips = dict(line.split() for line in branches.splitlines())
        for run_id, kind in self.kinds.items():
            self._judge_run(client.get_run(run_id), kind, self.first.events(run_id), tips)
        for run_id, whole in contenders.items():
            self._judge_run(client.get_run(run_id), self.kinds[whole], self.first.events(run_id), None)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(house.left_processes() for house in self.houses):
            time.sleep(0.2)
        figures.orphans += [line for house in self.houses for line in house.left_processes()]

    def _list_runs(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.first.client.list_runs(limit=200, cursor=cursor)
            listed += page["runs"]
            cursor = page.get("nextCursor")
            if not cursor:
                return listed

    def _judge_run(
        self, run: dict[str, Any], kind: str, events: list[dict[str, Any]], tips: dict[str, str] | None
    ) -> None:
        """`tips`: the branches of the remote; None for a contender, which delivers nothing."""
        figures, run_id = self.figures, run["runId"]
        if run["status"] not in END_STATUSES:
            if tips is None:
                figures.stuck.append(f"{run_id} contender of {kind}")
            return
        if tips is not None:
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
        if types.count("delivered") > (tips is not None):
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

    def _judge_success(self, run: dict[str, Any], kind: str, tips: dict[str, str] | None) -> None:
        delivered = tips is None or run["outcome"] == "no_changes" or run["branch"]["working"] in tips
        if kind not in MAY_SUCCEED or not delivered:
            told = f"{run['runId']} {kind} {run['outcome']} delivered={delivered} after {run['timing']['runningMs']} ms"
            self.figures.wrong_successes.append(told)
