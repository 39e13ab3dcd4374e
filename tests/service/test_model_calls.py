"""A run's usage and cost are the sums of its model calls, whoever ends it and however often it was tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, ModelCall
from mogplex.domain.repo import Repo
from mogplex.domain.usage import Usage
from mogplex.service.model_calls import ModelCalls
from tests.house import House, ending


def test_a_run_has_used_what_its_model_calls_used_in_all_attempts(house: House, repo: Repo) -> None:
    """Whatever an ending says about tokens and money: their sum is what is told, from the first call on."""
    run = house.claim(house.start(repo).run)
    first = make_call(Usage(100, 20, 7, 3, 5, model_calls=1), cost_usd=0.25)
    assert house.attempts.record_call(run, first).result(10)
    so_far = house.runs.get(house.admin, run.id)
    assert (so_far.usage, so_far.cost_usd, so_far.cost_known) == (first.usage, 0.25, True)
    second = make_call(Usage(1, 2, 0, 0, 0, model_calls=1), cost_usd=None, fault=CallFault.CUT, estimated=True)
    assert house.attempts.record_call(run, second).result(10)
    assert house.attempts.finish(run, ending(usage=Usage(9, 9, 9, 9, 9, 9, tool_calls=4, tool_errors=1)))
    ended = house.runs.get(house.admin, run.id)
    assert ended.usage == Usage(101, 22, 7, 3, 5, model_calls=2, tool_calls=4, tool_errors=1)
    assert (ended.cost_usd, ended.cost_known) == (0.25, False)
    stored = ModelCalls(house.database).list(house.admin, run.id)
    assert [each.call for each in stored] == [first, second]
    events = {event.seq: event for event in house.events.since(run.id, 0, 100)}
    assert [events[each.seq].payload["usage"]["inputTokens"] for each in stored] == [100, 1]
    assert events[ended.last_seq].payload["usage"] == ended.usage.as_wire()
    assert events[ended.last_seq].payload["costKnown"] is False


def test_a_call_of_who_lost_the_run_is_not_counted(house: House, repo: Repo) -> None:
    run = house.claim(house.start(repo).run)
    assert house.attempts.finish(run, ending())
    assert not house.attempts.record_call(run, make_call(Usage(5, model_calls=1), 1.0)).result(10)
    assert ModelCalls(house.database).list(house.admin, run.id) == []
    assert house.runs.get(house.admin, run.id).usage.model_calls == 0


def test_what_runs_like_one_cost_usually_is_known_from_those_that_asked_a_model(house: House, repo: Repo) -> None:
    asked = Usage(input_tokens=5, model_calls=1)
    calls_of = {"a": [0.2, 0.2], "b": [0.2], "asked none": [], "unknown": [0.1, None]}
    for key, calls in calls_of.items():
        run = house.claim(house.start(repo, key).run)
        for cost in calls:
            assert house.attempts.record_call(run, make_call(asked, cost)).result(10)
        assert house.attempts.finish(run, ending())
    like = house.claim(house.start(repo, "e").run)
    assert house.attempts.usual_cost(like) == (pytest.approx(0.3), 2)
    for other in (replace(like, harness="another"), replace(like, model="another"), replace(like, repo_id="another")):
        assert house.attempts.usual_cost(other) == (None, 0)


def make_call(usage: Usage, cost_usd: float | None, **others: Any) -> ModelCall:
    return ModelCall("anthropic", "claude-opus-5-5", ModelProtocol.MESSAGES, usage, cost_usd, 12, **others)
