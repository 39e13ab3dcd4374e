"""A worker that was taken for lost comes back, from a frost or a cut network: one delivery, one ending."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful, git, say
from tests.acceptance.link import Link
from tests.acceptance.worker_host import WorkerHost
from tests.databases import PostgresServer, postgres_server  # noqa: F401  # a fixture


@pytest.fixture
def house(postgres_server: PostgresServer) -> Iterator[House]:  # noqa: F811
    """A server without a worker."""
    name = postgres_server.create(empty=True)
    with ExitStack() as opened:
        opened.callback(postgres_server.drop, name)
        made = House(MOGPLEX_DATABASE_URL=postgres_server.url_of(name), MOGPLEX_DEAD_AFTER_SECONDS="3")
        opened.callback(made.close)
        yield made.start("--no-worker")


@pytest.mark.parametrize("how", ["frozen", "cut off"])
def test_who_comes_back_delivers_nothing_and_works_on(house: House, how: str) -> None:
    database_url = house.settings["MOGPLEX_DATABASE_URL"]
    repo = house.add_repo()
    with ExitStack() as opened:
        link = Link(database_url)
        opened.callback(link.close)
        lost = WorkerHost.start(house, "lost", link.url)
        opened.callback(lost.close)
        at_work = say({"type": "message", "text": "at work"})  # first: a stream starts with what a harness says first
        run_id = house.run_script(repo["id"], f"{at_work}\nsleep 4\necho done > done.txt\n{SUCCESS}")["runId"]
        house.wait_for_event(run_id, "stream_started")
        link.cut() if how == "cut off" else lost.freeze()
        other = WorkerHost.start(house, "other", database_url)
        opened.callback(other.close)
        ended = house.wait(run_id, 90)
        assert (ended["status"], ended["attempt"]) == ("success", 2), ended["error"]
        link.mend() if how == "cut off" else lost.thaw()
        house.until(lambda: "belongs to another worker now" in lost.log.read_text(), 60, "it to learn of its loss")
        assert_truthful(house, run_id)
        delivered = [event for event in house.events(run_id) if event["type"] == "delivered"]
        assert [event["attempt"] for event in delivered] == [2]
        commits = git(house.folder(), "log", "--all", "--format=%(trailers:key=Mogplex-Attempt,valueonly)")
        assert commits.split() == ["2"], "one commit of ours, and it is the second attempt's"
        pair = [house.run_script(repo["id"], f"sleep 2\n{SUCCESS}", title=str(n))["runId"] for n in range(2)]
        assert [house.wait(each, 90)["status"] for each in pair] == ["success", "success"]
        workers = {house.events(each)[1]["payload"]["worker"] for each in pair}
        assert workers == {lost.worker_id, other.worker_id}, "both take runs again"
