"""The same promises as the state machine's, with everybody at it at the same time."""

from __future__ import annotations

import random
import threading
from concurrent.futures import Future

import pytest

from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Run
from tests.house import House, ending, said
from tests.properties.test_run_machine import check_log


@pytest.mark.parametrize("seed", [1, 2])
def test_callers_workers_and_reapers_at_once_leave_whole_logs(house: House, repo: Repo, seed: int) -> None:
    run_ids = [house.start(repo, str(number)).run.id for number in range(4)]
    finished: list[tuple[str, Outcome]] = []
    recorded: list[Future[bool]] = []
    faults: list[BaseException] = []

    def play(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        handles: list[Run] = []
        try:
            for _ in range(25):
                _act(house, chance, f"w{number}", run_ids, handles, finished, recorded)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=play, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []
    for written in recorded:
        written.result(30)  # `record` returns before its events are in the log: nothing may come between the two reads
    for run_id in run_ids:
        run = house.runs.get(house.admin, run_id)
        check_log(run, house.events.since(run_id, 0, 10_000))
        ends = [outcome for ended, outcome in finished if ended == run_id]
        assert len(ends) <= 1
        if ends:
            assert run.outcome is ends[0]


def _act(
    house: House,
    chance: random.Random,
    worker: str,
    run_ids: list[str],
    handles: list[Run],
    finished: list[tuple[str, Outcome]],
    recorded: list[Future[bool]],
) -> None:
    match chance.choices(("claim", "record", "finish", "cancel", "reap"), (5, 10, 1, 1, 1))[0]:
        case "claim":
            claimed = house.attempts.claim(chance.choice(run_ids), worker)
            handles += [claimed] if claimed else []
        case "record" if handles:
            run = chance.choice(handles)
            recorded.append(house.attempts.record(run, [said(f"attempt {run.attempt} of {worker}")]))
        case "finish" if handles:
            run, outcome = chance.choice(handles), chance.choice([Outcome.COMPLETED, Outcome.TIMED_OUT])
            if house.attempts.finish(run, ending(outcome)):
                finished.append((run.id, outcome))
        case "cancel":
            house.runs.cancel(house.admin, chance.choice(run_ids))
        case "reap":
            house.workers.reap(only_me=worker)
