"""The same server on PostgreSQL, and two of them on one database."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful
from tests.databases import PostgresServer, postgres_server  # noqa: F401  # a fixture


@pytest.fixture
def pair(postgres_server: PostgresServer) -> Iterator[tuple[House, House]]:  # noqa: F811
    """Two servers with a home each on one database; the second uses the first one's key."""
    name = postgres_server.create(empty=True)
    settings = {"MOGPLEX_DATABASE_URL": postgres_server.url_of(name), "MOGPLEX_DEAD_AFTER_SECONDS": "3"}
    first, second = House(**settings), House(**settings)
    try:
        first.start()
        second.home.mkdir(parents=True)
        (second.home / "auth.json").write_text((first.home / "auth.json").read_text())
        second.start()
        yield first, second
    finally:
        for house in (first, second):
            house.close()
        postgres_server.drop(name)


def test_a_lost_worker_s_run_goes_on_at_another(pair: tuple[House, House]) -> None:
    first, second = pair
    repo = first.add_repo()
    run_ids = [first.run_script(repo["id"], f"sleep 6\n{SUCCESS}", title=str(n))["runId"] for n in range(4)]
    for run_id in run_ids:
        first.wait_for_event(run_id, "sandbox_ready")
    workers = {event["payload"]["worker"] for run_id in run_ids for event in first.events(run_id)[1:2]}
    assert len(workers) == 2, "both took their share"
    first.kill()
    second.until(lambda: not first.left_processes(), 5, "the sandboxes of the lost worker to be gone")
    for run_id in run_ids:
        ended = second.wait(run_id, 60)
        assert_truthful(second, run_id)
        assert ended["status"] == "success", ended["error"]
        assert ended["attempt"] <= 2
    assert any(second.client.get_run(run_id)["attempt"] == 2 for run_id in run_ids)


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[House]:  # noqa: F811
    """A server that plays no runs itself, on a database where nothing was before."""
    name = postgres_server.create(empty=True)
    house = House(MOGPLEX_DATABASE_URL=postgres_server.url_of(name), MOGPLEX_DEAD_AFTER_SECONDS="3")
    try:
        yield house.start("--no-worker")
    finally:
        house.close()
        postgres_server.drop(name)


def test_a_server_queues_what_workers_that_come_later_play(server: House) -> None:
    repo = server.add_repo()
    run_ids = [server.run_script(repo["id"], SUCCESS, title=str(n))["runId"] for n in range(3)]
    assert server.client.get_run(run_ids[-1])["queue"]["position"] == 3
    environment = {**server.environment, "MOGPLEX_HOME": str(server.root / "worker"), "MOGPLEX_SLOTS": "1"}
    environment["MOGPLEX_WORK_DIR"] = str(server.root / "worker-work")
    worker = subprocess.Popen([sys.executable, "-m", "mogplex", "worker"], env=environment, stdout=subprocess.PIPE)
    try:
        assert worker.stdout is not None
        assert b"works as" in worker.stdout.readline()
        for run_id in run_ids:
            assert server.wait(run_id, 60)["status"] == "success"
            assert_truthful(server, run_id)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize("command", [["worker"], ["serve", "--no-worker", "--port", "0"]])
def test_a_worker_and_a_server_apart_need_a_database_to_meet_in(command: list[str]) -> None:
    house = House()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mogplex", *command],
            env=house.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert "postgresql://" in done.stderr and "is SQLite" in done.stderr
    finally:
        house.close()
