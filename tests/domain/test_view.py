"""Objects as callers see them: every field of the contract, and nothing that is secret."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.access import ApiKey, Scope
from mogplex.domain.budget import Budget
from mogplex.domain.event import Event, EventType
from mogplex.domain.repo import Repo
from mogplex.domain.repo_view import hide_password, repo_object
from mogplex.domain.run import Changes, Delivery, Run, Status
from mogplex.domain.run_view import budget_object, listed_run_object, make_title, run_object
from mogplex.domain.seating import QueuePlace, WaitReason
from mogplex.domain.usage import Usage
from mogplex.domain.view import event_object, format_time, key_object

RUN = Run(
    id="run_0123456789abcdef01234567",
    repo_id="repo_1",
    repo_full_name="acme/widgets",
    status=Status.PENDING,
    harness="repair",
    prompt="Mend it\nplease",
    base_branch="main",
    working_branch="mogplex/run/x",
    create_branch=True,
    created_at=0.0,
    updated_at=1700000000.1239,
    key_owner="admin",
    api_key_id="key_1",
    idempotency_key="hush-key",
    request_hash="hush-hash",
    timeout_seconds=60,
    environment={"TOKEN": "hush-value"},
    delivery=Delivery.PATCH,
)

DOCUMENTED = [
    "runId",
    "aiCallId",
    "sandboxRecordId",
    "sandboxId",
    "repoId",
    "harness",
    "status",
    "branch",
    "rootDirectory",
    "eventsUrl",
    "cancelUrl",
    "createdAt",
    "updatedAt",
    "error",
    "runtime",
    "outcome",
    "failure",
    "verdict",
    "baseline",
    "testsTouched",
    "prompt",
    "model",
    "mode",
    "title",
    "labels",
    "attempt",
    "retryOf",
    "retriedBy",
    "apiKeyId",
    "repo",
    "usage",
    "costUsd",
    "costKnown",
    "budget",
    "timing",
    "changes",
    "result",
    "queue",
    "streamUrl",
    "retryUrl",
    "patchUrl",
    "lastSeq",
]


def test_run_object_has_every_field_of_the_contract() -> None:
    place = QueuePlace(3, 2, WaitReason.SLOTS_BUSY, "All slots are busy.", 4.5)
    shown = run_object(RUN, place)
    assert set(DOCUMENTED) <= set(shown)
    assert shown["branch"] == {"base": "main", "working": "mogplex/run/x", "createBranch": True}
    assert shown["runtime"] == {"provider": "dbos", "runId": RUN.id}
    assert shown["aiCallId"] == "call_0123456789abcdef01234567"
    assert shown["queue"] == {
        "position": 3,
        "ahead": 2,
        "reason": "slots_busy",
        "detail": "All slots are busy.",
        "estimatedWaitSeconds": 4.5,
    }
    assert shown["eventsUrl"] == f"/api/v1/mogplex/runs/{RUN.id}/events"
    assert (shown["createdAt"], shown["updatedAt"]) == ("1970-01-01T00:00:00.000Z", "2023-11-14T22:13:20.123Z")
    assert shown["title"] == "Mend it"
    assert "hush" not in json.dumps(shown)


def test_a_run_that_does_not_wait_has_no_place_in_the_queue() -> None:
    place = QueuePlace(1, 0, WaitReason.NEXT, "It begins in a moment.", 0.0)
    assert run_object(replace(RUN, status=Status.STREAMING), place)["queue"] is None
    assert run_object(RUN)["queue"] is None


def test_sandbox_is_named_once_there_is_one() -> None:
    assert run_object(RUN)["sandboxId"] is None
    shown = run_object(replace(RUN, sandbox_record_id="sbx_1", attempt=2))
    assert (shown["sandboxRecordId"], shown["sandboxId"]) == ("sbx_1", f"{RUN.id}-2")


def test_changes_bear_where_to_get_them() -> None:
    changed = replace(RUN, changes=Changes(1, 2, 3, "c" * 40), pull_request_url="https://x/1")
    shown = run_object(changed)["changes"]
    assert shown["patchUrl"] == run_object(RUN)["patchUrl"]
    assert (shown["files"], shown["pullRequestUrl"]) == (1, "https://x/1")


def test_budget_tells_what_is_left() -> None:
    usage = Usage(
        input_tokens=10, output_tokens=5, cache_read_tokens=1, cache_write_tokens=1, reasoning_tokens=4, model_calls=2
    )
    shown = budget_object(Budget(usd=1.0, tokens=100, model_calls=1), usage, 0.25)
    assert shown["left"] == {"usd": 0.75, "tokens": 83, "modelCalls": 0, "toolCalls": None}
    assert (shown["usd"], shown["toolCalls"]) == (1.0, None)
    assert budget_object(Budget(usd=1.0), usage, None)["left"]["usd"] is None  # spent, but nobody knows how much
    assert budget_object(Budget(usd=1.0), Usage(), None)["left"]["usd"] == 1.0


def test_lists_cut_long_prompts() -> None:
    shown = listed_run_object(replace(RUN, prompt="x" * 2000))
    assert (len(shown["prompt"]), shown["promptCharacters"]) == (1000, 2000)
    assert set(shown) == set(run_object(RUN))


@pytest.mark.parametrize(("prompt", "title"), [("", ""), (" \n", ""), ("\n a \nb", "a"), ("x" * 81, "x" * 79 + "…")])
def test_title_is_the_first_line(prompt: str, title: str) -> None:
    assert make_title(prompt) == title


def test_event_object_names_the_event_across_runs() -> None:
    event = Event("run_1", 7, EventType.TOOL_CALL, "m", "shell", {"callId": "c"}, 0.5, 1)
    shown = event_object(event)
    assert (shown["id"], shown["seq"], shown["createdAt"]) == ("run_1.7", 7, "1970-01-01T00:00:00.500Z")
    assert list(shown) == ["id", "seq", "type", "toolName", "message", "payload", "createdAt", "attempt"]


def test_repo_and_key_objects_tell_no_secret() -> None:
    url = "https://me:hush@host/acme/widgets.git"
    repo = Repo("repo_1", "acme/widgets", url, "main", 0, 0, environment={"TOKEN": "hush"})
    shown = repo_object(repo)
    assert {"id", "full_name", "installation_id", "default_branch", "root_directory"} <= set(shown)
    assert shown["env_names"] == ["TOKEN"]
    key = key_object(ApiKey("key_1", "n", "o", "mog_12345678", (Scope.READ,), None, 0))
    assert key["repos"] is None and key["scopes"] == ["read"]
    assert "hush" not in json.dumps([shown, key])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:s3@host/x", "https://me:[redacted]@host/x"),
        ("https://me:p@ss@host/x", "https://me:[redacted]@host/x"),
        ("https://:s3@host/x", "https://:[redacted]@host/x"),
        ("https://me@host/x", "https://me@host/x"),
        ("https://host:8080/a@b:c", "https://host:8080/a@b:c"),
        ("git@host:acme/x.git", "git@host:acme/x.git"),
        ("/srv/git/x", "/srv/git/x"),
    ],
)
def test_passwords_in_urls_are_hidden(url: str, shown: str) -> None:
    assert hide_password(url) == shown


@given(st.floats(0, 4e9))
def test_times_are_utc_with_milliseconds(seconds: float) -> None:
    text = format_time(seconds)
    assert text is not None and text.endswith("Z") and len(text) == 24
