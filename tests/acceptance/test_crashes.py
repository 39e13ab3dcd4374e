"""kill -9 and SIGTERM in every phase of a run: it goes on or ends truthfully, and nothing is left running."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful, free_port

SIGNALS = pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])


def die_and_come_back(house: House, number: int) -> None:
    house.stop(number)
    house.until(lambda: not house.left_processes(), 5, "the sandboxes to be gone")
    house.start()


def assert_goes_on(house: House, run_id: str, events_before: int) -> None:
    ended = house.wait(run_id)
    assert_truthful(house, run_id)
    assert ended["status"] == "success", ended["error"]
    assert len(house.events(run_id)) >= events_before


@SIGNALS
def test_the_server_dies_while_runs_wait_run_and_are_checked(fragile: House, number: int) -> None:
    fragile.settings["MOGPLEX_SLOTS"] = "3"
    fragile.start()
    repo = fragile.add_repo()
    running = fragile.run_script(repo["id"], f"echo begun\nsleep 3\n{SUCCESS}", workingBranch="one")["runId"]
    checking = fragile.run_script(repo["id"], f"echo x >> notes.txt\n{SUCCESS}", checks=["sleep 3"])["runId"]
    fragile.wait_for_event(running, "stream_started")
    same_branch = {"createBranch": True, "workingBranch": "one"}
    pending = fragile.run_script(repo["id"], f"sleep 0\n{SUCCESS}", **same_branch)["runId"]
    fragile.wait_for_event(checking, "check_started")
    assert fragile.client.get_run(pending)["status"] == "pending"
    assert fragile.left_processes(), "what must be gone afterwards is there now"
    before = {run_id: len(fragile.events(run_id)) for run_id in (running, checking, pending)}
    die_and_come_back(fragile, number)
    for run_id, count in before.items():
        assert_goes_on(fragile, run_id, count)


@SIGNALS
def test_the_server_dies_while_a_run_is_prepared(fragile: House, number: int) -> None:
    fragile.start()
    repo = fragile.add_repo()
    run_id = fragile.run_script(repo["id"], f"echo x >> notes.txt\nsleep 0.5\n{SUCCESS}")["runId"]
    fragile.wait_for_event(run_id, "attempt_started")
    before = len(fragile.events(run_id))
    die_and_come_back(fragile, number)
    assert_goes_on(fragile, run_id, before)


@SIGNALS
def test_the_server_dies_while_a_run_is_delivered(fragile: House, number: int) -> None:
    fragile.start()
    repo = fragile.add_repo()
    hook = fragile.folder() / ".git" / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntouch {fragile.root}/pushing\nsleep 2\n")
    hook.chmod(0o755)
    run_id = fragile.run_script(repo["id"], f"echo x >> notes.txt\n{SUCCESS}")["runId"]
    fragile.until((fragile.root / "pushing").exists, 60, "the push")
    die_and_come_back(fragile, number)
    ended = fragile.wait(run_id)
    assert_truthful(fragile, run_id)
    # Once the push has begun, a lost run is not played again, so an orderly end lets it come to its own.
    expected = "completed" if number == signal.SIGTERM else "interrupted"
    assert (ended["outcome"], ended["attempt"]) == (expected, 1), ended["error"]


def test_a_run_that_loses_its_worker_too_often_is_interrupted(fragile: House) -> None:
    fragile.start()
    repo = fragile.add_repo()
    run_id = fragile.run_script(repo["id"], "sleep 300")["runId"]
    for attempt in (1, 2):
        fragile.until(lambda n=attempt: _attempts(fragile, run_id) == n, 30, f"attempt {attempt} to run")
        fragile.kill()
        fragile.start()
    ended = fragile.wait(run_id)
    assert (ended["status"], ended["outcome"]) == ("failed", "interrupted")
    assert ended["failure"]["retryable"] is True
    assert_truthful(fragile, run_id)
    assert fragile.events(run_id)[-1]["payload"]["synthesized"] is True


def _attempts(house: House, run_id: str) -> int:
    return [event["type"] for event in house.events(run_id)].count("sandbox_ready")


def test_sigterm_waits_for_no_open_tail(fragile: House) -> None:
    fragile.start()
    repo = fragile.add_repo()
    run_id = fragile.run_script(repo["id"], "sleep 300")["runId"]
    fragile.wait_for_event(run_id, "sandbox_ready")
    tail = subprocess.Popen(
        [sys.executable, "-m", "mogplex", "runs", "events", run_id, "--follow", "--timeout", "600"],
        env=fragile.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert tail.stdout is not None
        assert tail.stdout.readline()
        fragile.stop()
        assert tail.poll() is None, "the tail waits for a server to come back"
        assert fragile.left_processes() == []
    finally:
        tail.kill()
        tail.communicate()


def test_draining_lets_a_run_end(fragile: House) -> None:
    fragile.settings["MOGPLEX_DRAIN_SECONDS"] = "60"
    fragile.start()
    repo = fragile.add_repo()
    run_id = fragile.run_script(repo["id"], f"echo begun\nsleep 2\n{SUCCESS}")["runId"]
    fragile.wait_for_event(run_id, "stream_started")
    fragile.stop()
    fragile.start()
    ended = assert_truthful(fragile, run_id)
    assert (ended["status"], ended["attempt"]) == ("success", 1)


def test_a_follower_survives_a_restart(fragile: House) -> None:
    fragile.start()
    repo = fragile.add_repo()
    run_id = fragile.run_script(repo["id"], f"echo begun\nsleep 2\n{SUCCESS}")["runId"]
    tail = subprocess.Popen(
        [sys.executable, "-m", "mogplex", "runs", "events", run_id, "--follow", "--timeout", "60", "--json"],
        env=fragile.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        fragile.wait_for_event(run_id, "stream_started")
        fragile.kill()
        fragile.start()
        out, err = tail.communicate(timeout=60)
    finally:
        tail.kill()
    assert tail.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-1]["status"] == "success"


def test_a_second_server_on_the_same_home_is_refused(house: House) -> None:
    second = house.cli("serve", "--port", str(free_port()), check=False)
    assert second.returncode == 1
    assert "already" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_second_server_on_the_same_database_is_refused(house: House) -> None:
    other = House()
    try:
        url = f"sqlite:///{house.home / 'mogplex.db'}"
        second = other.cli("serve", "--port", str(other.port), "--database-url", url, check=False)
        assert second.returncode == 1
        assert f"already served by pid {house.process.pid if house.process else None}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        other.close()


def test_a_taken_port_is_told(house: House) -> None:
    other = House()
    try:
        taken = other.cli("serve", "--port", str(house.port), check=False)
        assert taken.returncode == 1
        assert str(house.port) in taken.stderr
        assert "Traceback" not in taken.stderr
    finally:
        other.close()


def test_twenty_at_once_make_one_run(house: House) -> None:
    repo = house.add_repo()
    answers: list[dict[str, object]] = []

    def start() -> None:
        body = {"repoId": repo["id"], "prompt": SUCCESS, "harness": "scripted", "createBranch": True}
        answers.append(house.client.start_run(body, idempotency_key="one"))

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len({answer["runId"] for answer in answers}) == 1
    assert [answer["replayed"] for answer in answers].count(False) == 1


def test_the_cli_finds_a_server_that_moved_to_another_port(fragile: House) -> None:
    fragile.start()
    fragile.stop()
    fragile.port = free_port()
    fragile.start()
    fragile.until(lambda: str(fragile.port) in (fragile.home / "auth.json").read_text(), 10, "the new address")
    environment = {name: value for name, value in fragile.environment.items() if name != "MOGPLEX_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "mogplex", "harnesses", "list", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
