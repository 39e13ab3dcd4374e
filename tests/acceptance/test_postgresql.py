"""The same server on PostgreSQL, and two of them on one database."""

from __future__ import annotations

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
    run_ids = [first.run_script(repo["id"], f"sleep 2\n{SUCCESS}", title=str(n))["runId"] for n in range(4)]
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
