"""Whatever is sent however often by how many at once: one key of one owner makes one run."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mogplex.domain.errors import IdempotencyConflict
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Run
from tests.house import House

BODIES = st.fixed_dictionaries(
    {"prompt": st.sampled_from(["Mend it", "Break it", "  Mend it "])},
    optional={
        "title": st.sampled_from(["a", "b"]),
        "priority": st.integers(-2, 2),
        "labels": st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]), max_size=2),
        "createBranch": st.booleans(),
        "budget": st.sampled_from([{"usd": 1}, {"usd": 1.0}, {"tokens": 5}]),
    },
)
STARTS = st.lists(st.tuples(st.sampled_from(["k1", "k2"]), BODIES), min_size=2, max_size=8)


@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(starts=STARTS)
def test_racing_starts_make_one_run_a_key(house: House, repo: Repo, starts: list[Any]) -> None:
    round_ = uuid.uuid4()  # examples share the database, so each needs keys of its own

    def start(each: tuple[str, dict[str, Any]]) -> tuple[str, str, Run | None, bool]:
        key, body = each
        request = RunRequest.of({"repoId": repo.id, **body})
        try:
            started = house.runs.start(house.admin, request, f"{round_} {key}")
        except IdempotencyConflict:
            return key, request.digest(), None, False
        return key, request.digest(), started.run, started.replayed

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(start, starts))
    for key in {key for key, _ in starts}:
        mine = [result for result in results if result[0] == key]
        runs = {run.id: run for _, _, run, _ in mine if run is not None}
        assert len(runs) == 1  # however they raced, one run
        (run,) = runs.values()
        made = [digest for _, digest, found, replayed in mine if found is not None and not replayed]
        assert made == [run.request_hash]  # one of them made it
        for _, digest, found, _ in mine:
            assert (found is not None) == (digest == run.request_hash)  # the same body replays, another is refused
