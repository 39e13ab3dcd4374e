"""Lists of runs: the newest first, filtered, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex.domain.errors import BadRequest
from mogplex.domain.repo import Repo
from mogplex.domain.run import Outcome
from mogplex.service.run_filter import RunFilter
from tests.house import House, ending


def ids(house: House, **fields: Any) -> list[str]:
    return [run.id for run in house.runs.list(house.admin, RunFilter(**fields)).items]


def test_pages_hold_every_run_once_the_newest_first(house: House, repo: Repo) -> None:
    made = [house.start(repo, str(number)).run for number in range(11)]
    found, cursor = [], None
    while True:
        page = house.runs.list(house.admin, RunFilter(limit=4, cursor=cursor))
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        house.start(repo, f"meanwhile {cursor}")  # what comes in on top moves no page
    assert [run.id for run in found] == [
        run.id for run in sorted(made, key=lambda r: (r.created_at, r.id), reverse=True)
    ]


def test_filters_let_through_what_they_name(house: House, repo: Repo) -> None:
    other = house.add_repo(cloneUrl="/srv/git/acme/other")
    plain = house.start(repo, "a").run
    labelled = house.start(repo, "b", labels={"team": "core", "pr": "7"}).run
    elsewhere = house.start(other, "c", labels={"team": "web"}).run
    failed = house.claim(house.start(repo, "d").run)
    house.attempts.finish(failed, ending(Outcome.TIMED_OUT))
    retried = house.runs.retry(house.admin, failed.id, {}).run
    assert ids(house, repo=other.id) == ids(house, repo="acme/other") == [elsewhere.id]
    assert ids(house, repo="acme/nothing") == []
    assert ids(house, status="failed") == ids(house, outcome="timed_out") == [failed.id]
    assert ids(house, labels={"team": "core"}) == ids(house, labels={"team": "core", "pr": "7"}) == [labelled.id]
    assert ids(house, labels={"team": "core", "pr": "8"}) == []
    assert ids(house, retry_of=failed.id) == [retried.id]
    assert set(ids(house, since=failed.created_at)) >= {failed.id, retried.id}
    assert ids(house, since=retried.created_at + 1) == []
    assert ids(house, prefix=plain.id[:20]) == [plain.id]
    assert len(ids(house, prefix="run_")) == 5
    bound = house.caller("read", repo_ids=[other.id])
    assert [run.id for run in house.runs.list(bound, RunFilter()).items] == [elsewhere.id]


REFUSED: list[dict[str, Any]] = [
    {"status": "running"},
    {"outcome": "won"},
    {"limit": 0},
    {"cursor": "x"},
    {"cursor": "WyJhIiwiYiJd"},
    {"prefix": "run%"},
    {"repo": "a\x00"},
    {"labels": {"a": "\x00"}},
    {"retry_of": "\x00"},
]


def test_filters_that_cannot_be_are_refused(house: House) -> None:
    for fields in REFUSED:
        with pytest.raises(BadRequest):
            house.runs.list(house.admin, RunFilter(**fields))
