"""`GET /runs/{id}?wait=`: an answer that is held back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome, Verdict
from mogplex.domain.sandbox import SandboxFacts
from tests.api.door import Door
from tests.house import ending


def test_answers_once_the_run_is_over(door: Door, repo: Repo) -> None:
    run = door.house.claim(door.house.start(repo).run)
    with ThreadPoolExecutor(60) as pool:  # more than there are threads to hold
        waits = [pool.submit(door.get, f"/runs/{run.id}?wait=60") for _ in range(60)]
        time.sleep(0.5)
        assert not any(wait.done() for wait in waits)
        assert door.get("/me").status == 200
        assert door.house.attempts.finish(run, ending(Outcome.NO_CHANGES, Verdict.NOT_RUN), SandboxFacts())
        for wait in waits:
            assert wait.result(20).data["run"]["status"] == "success"


def test_answers_as_it_is_when_the_time_is_over(door: Door, repo: Repo) -> None:
    run = door.start(repo).data
    began = time.monotonic()
    assert door.get(f"/runs/{run['runId']}?wait=0.3").data["run"]["status"] == "pending"
    assert time.monotonic() - began >= 0.3


def test_answers_at_once_for_a_run_that_is_over(door: Door, repo: Repo) -> None:
    run = door.start(repo).data
    door.send("POST", f"/runs/{run['runId']}/cancel")
    began = time.monotonic()
    assert door.get(f"/runs/{run['runId']}?wait=60").data["run"]["outcome"] == "cancelled_by_caller"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("wait", ["-1", "61", "abc", "nan", "inf", "1e1", "1_0", "٣", "0x10"])
def test_refuses_a_wait_that_is_none(shared_door: Door, wait: str) -> None:
    path = "/runs/run_000000000000000000000000?wait=" + "".join(f"%{byte:02X}" for byte in wait.encode())
    assert "wait" in shared_door.get(path).refused(400, "BAD_REQUEST")


def test_a_key_revoked_while_it_waits_gets_no_answer(door: Door, repo: Repo) -> None:
    run = door.start(repo).data
    key, secret = door.house.keys.create(door.house.admin, name="short", scopes=["read"])
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(door.get, f"/runs/{run['runId']}?wait=60", key=secret)
        time.sleep(0.3)
        door.send("DELETE", f"/keys/{key.id}")
        wait.result(20).refused(401, "UNAUTHORIZED")


def test_the_end_of_the_server_ends_waits_with_an_answer(door: Door, repo: Repo) -> None:
    run = door.start(repo).data
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(door.get, f"/runs/{run['runId']}?wait=60")
        time.sleep(0.3)
        threading.Thread(target=door.server.stop).start()
        assert wait.result(20).data["run"]["status"] == "pending"
