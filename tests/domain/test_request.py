from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mogplex.domain.bodies import RUN_REQUEST
from mogplex.domain.budget import Budget
from mogplex.domain.errors import BadRequest
from mogplex.domain.request import MAX_PROMPT_CHARACTERS, RunRequest, clean_idempotency_key
from mogplex.domain.run import Delivery

MINIMAL: dict[str, Any] = {"repoId": "owner/name", "prompt": "Fix it."}
FULL: dict[str, Any] = {
    **MINIMAL,
    "harness": "repair",
    "baseBranch": "main",
    "workingBranch": "fix/it",
    "createBranch": True,
    "rootDirectory": "./packages//core/",
    "conversationId": "c1",
    "workspaceSessionId": "w1",
    "mode": "repair-first",
    "model": "some/model",
    "title": "Fix",
    "timeoutSeconds": 90,
    "budget": {"usd": 1.5, "tokens": 1000, "modelCalls": 10, "toolCalls": 20},
    "checks": ["pytest -q", " ruff check . "],
    "outputSchema": {"type": "object", "properties": {"b": {}, "a": {}}},
    "labels": {"team": "core", "ci/run": "1"},
    "env": {"MODE": "x", "_A1": ""},
    "priority": -3,
    "delivery": "pull_request",
    "commit": "a" * 40,
}
LIMITED_TEXTS = ["repoId", "harness", "conversationId", "workspaceSessionId", "model", "title"]


def refusal(**changes: Any) -> str:
    with pytest.raises(BadRequest) as refused:
        RunRequest.of({**MINIMAL, **changes})
    assert refused.value.http_status == 400
    for detail in refused.value.details:
        assert detail.field in refused.value.message
        assert detail.reason in refused.value.message
    return refused.value.message


class TestReading:
    def test_everything_that_may_be_said(self) -> None:
        request = RunRequest.of(FULL)
        assert request.root_directory == "packages/core"
        assert request.checks == ("pytest -q", "ruff check .")
        assert request.budget == Budget(1.5, 1000, 10, 20)
        assert request.timeout_seconds == 90.0
        assert request.delivery is Delivery.PULL_REQUEST
        assert request.environment == {"MODE": "x", "_A1": ""}
        assert set(json.loads(request.canonical())) == set(FULL)

    def test_what_is_left_out_null_or_blank_is_the_same(self) -> None:
        optional = {name: None for name in FULL if name not in MINIMAL}
        assert RunRequest.of({**MINIMAL, **optional}) == RunRequest.of(MINIMAL)
        assert (
            RunRequest.of({**MINIMAL, "model": "  ", "labels": {}, "budget": {}}).digest()
            == RunRequest.of(MINIMAL).digest()
        )

    def test_every_fault_is_told_at_once(self) -> None:
        with pytest.raises(BadRequest) as refused:
            RunRequest.of({"prompt": " ", "promt": "x", "createBranch": "yes", "budget": {"eur": 1, "tokens": 0}})
        assert [detail.field for detail in refused.value.details] == [
            "promt", "repoId", "prompt", "createBranch", "budget.eur", "budget.tokens",
        ]  # fmt: skip

    @given(name=st.text(max_size=200).filter(lambda name: name not in RUN_REQUEST["properties"]))
    @example(name="superseded")
    def test_an_unknown_field_is_refused_by_name(self, name: str) -> None:
        assert f"{name[:100]} is not a known field" in refusal(**{name: 1})


class TestLimits:
    @pytest.mark.parametrize("name", LIMITED_TEXTS)
    def test_short_texts(self, name: str) -> None:
        RunRequest.of({**MINIMAL, name: "x" * 200})
        assert f"{name} is too long: 201 characters, at most 200" in refusal(**{name: "x" * 201})
        assert f"{name} must be a string, not a number" in refusal(**{name: 5})
        assert f"{name} holds a NUL or half a surrogate pair" in refusal(**{name: "a\x00b"})
        assert f"{name} holds a NUL or half a surrogate pair" in refusal(**{name: "a\ud800b"})

    def test_prompt(self) -> None:
        assert len(RunRequest.of({**MINIMAL, "prompt": "é" * MAX_PROMPT_CHARACTERS}).prompt) == 100_000
        assert "at most 100,000" in refusal(prompt="x" * 100_001)
        for empty in ("", " \n\t", None):
            assert "prompt is required" in refusal(prompt=empty)

    @pytest.mark.parametrize("seconds", [1, 1.5, 86_400])
    def test_timeout(self, seconds: float) -> None:
        assert RunRequest.of({**MINIMAL, "timeoutSeconds": seconds}).timeout_seconds == seconds

    @pytest.mark.parametrize("seconds", [0, 0.9, 86_401, -1, True, "60", float("nan"), float("inf"), [], 10**400])
    def test_other_timeouts(self, seconds: Any) -> None:
        assert "timeoutSeconds must be a number from 1 to 86400" in refusal(timeoutSeconds=seconds)

    @pytest.mark.parametrize("priority", [-100, 0, 100])
    def test_priority(self, priority: int) -> None:
        assert RunRequest.of({**MINIMAL, "priority": priority}).priority == priority

    @pytest.mark.parametrize("priority", [-101, 101, 1.5, True, "1"])
    def test_other_priorities(self, priority: Any) -> None:
        assert "priority must be a whole number from -100 to 100" in refusal(priority=priority)

    @pytest.mark.parametrize("name", ["baseBranch", "workingBranch"])
    def test_branches(self, name: str) -> None:
        assert "no branch name: it begins with '-'" in refusal(**{name: "--force"})
        assert "must be a string" in refusal(**{name: ["main"]})

    def test_a_new_branch_is_not_its_own_base(self) -> None:
        assert "must differ from baseBranch" in refusal(baseBranch="main", workingBranch="main", createBranch=True)
        RunRequest.of({**MINIMAL, "baseBranch": "main", "workingBranch": "main"})

    @pytest.mark.parametrize("path", ["../x", "/x", "a/.git", "a\\b", "a\x00b", "a\ud800", 5])
    def test_root_directory(self, path: Any) -> None:
        assert "rootDirectory" in refusal(rootDirectory=path)

    @pytest.mark.parametrize("commit", ["a" * 39, "a" * 41, "A" * 40, "main", "a" * 40 + "\n;", 5])
    def test_commit(self, commit: Any) -> None:
        assert "commit must be" in refusal(commit=commit)
        assert RunRequest.of({**MINIMAL, "commit": "0" * 64}).commit == "0" * 64

    def test_delivery(self) -> None:
        assert "delivery must be one of branch, pull_request, patch, not 'email'" in refusal(delivery="email")

    def test_output_schema(self) -> None:
        room = 64 * 1024 - len(json.dumps({"a": ""}))
        RunRequest.of({**MINIMAL, "outputSchema": {"a": "x" * room}})
        assert "65,537 bytes, at most 65,536" in refusal(outputSchema={"a": "x" * (room + 1)})
        assert "must be a JSON Schema object, not a list" in refusal(outputSchema=[])
        for value in (float("nan"), "\ud800", {"\udc00": 1}):
            assert "outputSchema holds a number or a text that JSON cannot carry" in refusal(
                outputSchema={"const": value}
            )

    @pytest.mark.parametrize("body", [None, 0, -1, True, "5", float("nan"), float("inf"), 10**13, [], {}])
    def test_budget_amounts(self, body: Any) -> None:
        if body is None:
            assert RunRequest.of({**MINIMAL, "budget": {"usd": None}}).budget == Budget()
        else:
            assert "budget.usd must be a number above 0" in refusal(budget={"usd": body})
        assert "budget.tokens must be a whole number, not 1.5" in refusal(budget={"tokens": 1.5})
        assert "budget must be an object, not a list" in refusal(budget=[])

    def test_checks(self) -> None:
        assert RunRequest.of({**MINIMAL, "checks": []}).checks == ()
        assert len(RunRequest.of({**MINIMAL, "checks": ["x" * 4096] * 20}).checks or ()) == 20
        assert "at most 20 commands, not 21" in refusal(checks=["x"] * 21)
        assert "checks[1] must be a command" in refusal(checks=["ok", "x" * 4097])
        assert "checks[0] must be a command" in refusal(checks=[" "])
        assert "checks[0] must be a command" in refusal(checks=["a\x00b"])
        assert "checks must be a list of commands, not a string" in refusal(checks="pytest")

    def test_labels(self) -> None:
        assert len(RunRequest.of({**MINIMAL, "labels": {f"l{n}": "x" * 200 for n in range(64)}}).labels) == 64
        assert "at most 64 entries, not 65" in refusal(labels={f"l{n}": "" for n in range(65)})
        assert "at most 200 characters" in refusal(labels={"a": "x" * 201})
        assert "labels.b must be a string" in refusal(labels={"b": 1})
        for name in ("", "-a", "a b", "é", "x" * 64, "a\n"):
            assert "is no valid name" in refusal(labels={name: "x"})

    def test_environment(self) -> None:
        assert len(RunRequest.of({**MINIMAL, "env": {f"V{n}": "x" * 8192 for n in range(100)}}).environment) == 100
        assert "at most 100 entries, not 101" in refusal(env={f"V{n}": "" for n in range(101)})
        assert "at most 8,192 characters" in refusal(env={"A": "x" * 8193})
        assert "env must be an object of strings, not a list" in refusal(env=["A=1"])
        for name in ("", "1A", "A-B", "A=B", "é", "A\n"):
            assert "is no valid name" in refusal(env={name: "x"})

    def test_the_message_of_a_refusal_does_not_repeat_a_value_of_the_environment(self) -> None:
        assert "hunter2" not in refusal(env={"PASSWORD": "hunter2" * 2000})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=8,
)


class TestCanonicalForm:
    @given(st.permutations(list(FULL)))
    def test_the_order_of_fields_does_not_matter(self, names: list[str]) -> None:
        assert RunRequest.of({name: FULL[name] for name in names}).digest() == RunRequest.of(FULL).digest()

    @given(st.sampled_from(["", " ", "\n", "\t "]), st.sampled_from(["", " ", "\r\n"]))
    def test_space_around_values_does_not_matter(self, before: str, after: str) -> None:
        spaced = {name: before + value + after if isinstance(value, str) else value for name, value in FULL.items()}
        assert RunRequest.of(spaced).digest() == RunRequest.of(FULL).digest()

    @pytest.mark.parametrize("name", FULL)
    def test_each_field_counts(self, name: str) -> None:
        other: dict[str, Any] = {
            "createBranch": False, "timeoutSeconds": 91, "budget": {"usd": 2}, "checks": [], "outputSchema": {},
            "labels": {"team": "web"}, "env": {"MODE": "y"}, "priority": 4, "delivery": "patch", "commit": "b" * 40,
            "mode": "auto",
        }  # fmt: skip
        assert RunRequest.of({**FULL, name: other.get(name, "else")}).digest() != RunRequest.of(FULL).digest()

    def test_it_is_json_with_sorted_keys_and_no_spaces(self) -> None:
        assert RunRequest.of({"prompt": " Größe ", "repoId": "o/n"}).canonical() == '{"prompt":"Größe","repoId":"o/n"}'

    def test_a_whole_number_of_seconds_is_the_same_however_it_is_written(self) -> None:
        first, second = ({**MINIMAL, "timeoutSeconds": value} for value in (60, 60.0))
        assert RunRequest.of(first).digest() == RunRequest.of(second).digest()

    @given(st.dictionaries(st.one_of(st.sampled_from(list(FULL)), st.text(max_size=5)), JSON, max_size=6))
    def test_any_json_object_is_read_or_refused_and_never_breaks(self, body: dict[str, Any]) -> None:
        try:
            request = RunRequest.of({**MINIMAL, **body})
        except BadRequest as refused:
            assert refused.details
        else:
            assert RunRequest.of(json.loads(request.canonical())).digest() == request.digest()
            assert request.canonical().encode()


class TestIdempotencyKey:
    def test_it_is_trimmed(self) -> None:
        assert clean_idempotency_key("  k 1 ") == "k 1"
        assert len(clean_idempotency_key("k" * 200)) == 200

    @pytest.mark.parametrize(
        ("key", "said"), [(None, "required"), ("", "required"), (" \t", "required"), ("k" * 201, "it has 201")]
    )
    def test_others_are_refused(self, key: str | None, said: str) -> None:
        with pytest.raises(BadRequest, match=said):
            clean_idempotency_key(key)


class TestMode:
    def test_case_does_not_matter(self) -> None:
        assert (
            RunRequest.of({**MINIMAL, "mode": "AUTO"}).digest() == RunRequest.of({**MINIMAL, "mode": "auto"}).digest()
        )

    def test_an_unknown_one_is_refused_with_those_that_are_known(self) -> None:
        assert "repair-first" in refusal(mode="repair-frist")
