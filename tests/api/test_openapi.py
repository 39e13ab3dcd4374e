"""The document: whole, valid, and true of what is really answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from mogplex.api.app import ROUTES
from mogplex.api.openapi import document_path
from mogplex.api.schemas import ANSWERS
from mogplex.api.services import HarnessInfo
from mogplex.domain import request
from mogplex.domain.bodies import BODIES, REPO_CHANGE, REPO_REQUEST, RETRY_REQUEST, RUN_REQUEST
from mogplex.domain.check import CheckRecord, CheckTarget
from mogplex.domain.errors import ErrorCode
from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.fields import ENVIRONMENT_NAME, LABEL_NAME
from mogplex.domain.model import ModelInfo, ModelProtocol
from mogplex.domain.model_call import ModelCall
from mogplex.domain.recording import RecordedCall
from mogplex.domain.repo import full_name_fault
from mogplex.domain.run import Changes, Outcome, Status, Verdict
from mogplex.domain.sandbox import SandboxFacts
from mogplex.domain.usage import Usage
from mogplex.service import repo_settings
from mogplex.service.recordings import Recordings
from mogplex.service.repos import CREDENTIAL_FIELD
from mogplex.service.retries import RETRY_FIELDS
from tests.api.conformity import faults
from tests.api.door import Door, Reply
from tests.house import ending, said

HOOK_PATH = "/api/v1/mogplex/hooks/github"  # open to all, who must sign
OPEN_PATHS = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}


@pytest.fixture(scope="module")
def document(shared_door: Door) -> dict[str, Any]:
    found: dict[str, Any] = shared_door.get("//openapi.json", key=None).json
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, each) for path, of in document["paths"].items() for method, each in of.items()]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        inner = set().union(*(references(each) for each in node.values())) if node else set()
        return inner | ({node["$ref"]} if "$ref" in node else set())
    return set().union(*(references(each) for each in node)) if isinstance(node, list) and node else set()


def test_documents_exactly_what_is_served(shared_door: Door, document: dict[str, Any]) -> None:
    served = {document_path(route.path) for route in shared_door.app.routes}  # type: ignore[attr-defined]
    assert set(document["paths"]) == served
    documented = {(method.upper(), path) for path, method, _ in operations(document) if path not in OPEN_PATHS}
    documented.discard(("POST", HOOK_PATH))
    neighbours = {("POST", "/mcp"), ("POST", "/api/v1/mogplex/mcp")}
    assert documented == {(route.method, document_path(route.path)) for route in ROUTES} | neighbours
    assert served > OPEN_PATHS


def test_every_documented_method_is_the_one_that_answers(shared_door: Door, document: dict[str, Any]) -> None:
    """Methods that are not documented are refused with those that are."""
    for path, methods in document["paths"].items():
        concrete = re.sub(r"\{\w+\}", "x_0", path)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"):
            if method.lower() in methods:
                continue
            reply = shared_door.send(method, "/" + concrete)
            reply.refused(405, "BAD_REQUEST")
            allowed = set(reply.headers["allow"].split(", "))
            assert allowed - {"HEAD"} == {each.upper() for each in methods}, (method, path)


def test_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for name in references(document):
        node: Any = document
        for part in name.removeprefix("#/").split("/"):
            node = node[part]
        assert node
    used = references(document)
    unused = [name for name in document["components"]["schemas"] if f"#/components/schemas/{name}" not in used]
    assert unused == []
    ids = [each["operationId"] for _, _, each in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_operation_says_all_it_takes_and_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), path
        for each in operation.get("parameters", ()):
            assert each["description"] and each["schema"], path
            assert each["required"] or each["in"] != "path", path
        answers = set(operation["responses"])
        if path in (*OPEN_PATHS, HOOK_PATH):
            assert operation["security"] == []
            continue
        assert {"400", "401", "405", "429", "500", "503"} <= answers, path
        assert ("413" in answers) == (method in ("post", "patch", "put")), path
        assert ("404" in answers) or "{" not in path, path
        assert any(status.startswith("2") for status in answers), path


def test_every_word_of_the_vocabulary_appears(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["Event"]["properties"]["type"]["enum"]) == set(EventType)
    assert set(schemas["Error"]["properties"]["error"]["properties"]["code"]["enum"]) == set(ErrorCode)
    assert set(schemas["Run"]["properties"]["outcome"]["enum"]) == {*Outcome, None}
    assert set(schemas["Run"]["properties"]["status"]["enum"]) == set(Status)
    for outcome in Outcome:
        assert f"`{outcome}`" in schemas["Run"]["properties"]["outcome"]["description"]


def test_bodies_have_the_fields_that_are_read() -> None:
    assert set(RUN_REQUEST["properties"]) == request._FIELDS
    assert set(RETRY_REQUEST["properties"]) == set(RETRY_FIELDS)
    assert set(REPO_REQUEST["properties"]) == {*repo_settings._READERS, CREDENTIAL_FIELD}
    assert set(REPO_CHANGE["properties"]) == set(repo_settings._READERS) - {"cloneUrl"}
    assert all(body["additionalProperties"] is False for body in BODIES.values())


def test_patterns_of_names_are_those_that_are_checked() -> None:
    fields = RUN_REQUEST["properties"]
    for pattern, checked in [
        (fields["env"]["propertyNames"]["pattern"], ENVIRONMENT_NAME),
        (fields["labels"]["propertyNames"]["pattern"], LABEL_NAME),
    ]:
        assert pattern.removeprefix("^").removesuffix("$") == checked.pattern.removesuffix("\\Z")
    name = re.compile(REPO_REQUEST["properties"]["name"]["pattern"])
    for text in ("a/b", "a", "a/b/c", "a b/c", "A.b-c_/d", "x" * 101 + "/y"):
        assert bool(name.match(text)) == (full_name_fault(text) is None), text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/runs", {"repoId": "a/b", "prompt": "x"}),
        ("POST", "/runs/run_000000000000000000000000/retry", {}),
        ("POST", "/repos", {"cloneUrl": "/srv/x"}),
        ("POST", "/keys", {"name": "x"}),
        ("POST", "/runs/run_000000000000000000000000/cancel", {}),
        ("POST", "/sandboxes/sbx_000000000000000000000000/stop", {}),
    ],
)
def test_unknown_fields_are_refused_by_name(shared_door: Door, method: str, path: str, body: dict[str, Any]) -> None:
    reply = shared_door.send(method, path, {**body, "surprise": 1}, {"Idempotency-Key": "k"})
    assert "surprise" in reply.refused(400, "BAD_REQUEST")
    assert [each["field"] for each in reply.error["details"]] == ["surprise"]


def test_a_documented_run_request_is_accepted(door: Door) -> None:
    repo = door.house.add_repo()
    recorded = door.house.start(repo, "recorded").run
    kept = RecordedCall(ModelProtocol.CHAT, "m", "{}", 200, "application/json", b"{}")
    Recordings(door.house.database, door.house.known_secrets).keep(recorded, 1, kept)
    whole = {
        "repoId": repo.id,
        "prompt": "Mend it",
        "harness": "repair",
        "model": "m",
        "mode": "repair-first",
        "title": "t",
        "baseBranch": "main",
        "workingBranch": "work",
        "createBranch": True,
        "commit": "a" * 40,
        "rootDirectory": "src",
        "delivery": "patch",
        "checks": ["pytest -q"],
        "checkPolicy": "no-regression",
        "protectTests": True,
        "attempts": 2,
        "attemptsMode": "side-by-side",
        "harnesses": ["repair", "codex"],
        "deliverPartial": True,
        "supersede": True,
        "record": True,
        "replayOf": recorded.id,
        "outputSchema": {"type": "object"},
        "timeoutSeconds": 60,
        "budget": {"usd": 1.5, "tokens": 10, "modelCalls": 2, "toolCalls": 3},
        "labels": {"a": "b"},
        "env": {"A": "b"},
        "priority": 5,
        "needs": ["gpu"],
        "notify": "https://example.org/told",
        "conversationId": "c",
        "workspaceSessionId": "w",
    }
    assert set(whole) == set(RUN_REQUEST["properties"])
    assert faults(whole, RUN_REQUEST, {}) == []
    # `harness` goes without `harnesses`, and `notify` only where the server lets callers.
    one_of_both = {name: value for name, value in whole.items() if name not in ("harness", "notify")}
    reply = door.send("POST", "/runs", one_of_both, {"Idempotency-Key": "k"})
    assert reply.status == 202
    nothing = {name: None for name in whole if name not in RUN_REQUEST["required"]}
    bare = {"repoId": repo.id, "prompt": "Mend it", **nothing}
    assert faults(bare, RUN_REQUEST, {}) == []
    assert door.send("POST", "/runs", bare, {"Idempotency-Key": "l"}).status == 202


def _use_schedules(ask: Callable[..., Any], repo_id: str) -> None:
    run = {"prompt": "Tidy up", "createBranch": True}
    body = {"repoId": repo_id, "cron": "0 0 1 1 *", "run": run}
    made = ask("POST", "/schedules", "/schedules", 201, body)["schedule"]
    one, path = f"/schedules/{made['id']}", "/schedules/{scheduleId}"
    assert len(made["nextTicks"]) == 5 and made["nextTicks"][0] == made["nextTickAt"]
    assert [each["id"] for each in ask("GET", "/schedules", "/schedules", 200)["schedules"]] == [made["id"]]
    assert ask("PATCH", one, path, 200, {"overlap": "queue"})["schedule"]["overlap"] == "queue"
    assert ask("POST", f"{one}/pause", f"{path}/pause", 200)["schedule"]["nextTickAt"] is None
    assert ask("POST", f"{one}/resume", f"{path}/resume", 200)["schedule"]["paused"] is False
    started = ask("POST", f"{one}/trigger", f"{path}/trigger", 202)
    assert ask("GET", one, path, 200)["schedule"]["lastRunId"] == started["runId"]
    ticks = ask("GET", f"{one}/ticks", f"{path}/ticks", 200)["ticks"]
    assert [(each["result"], each["runId"]) for each in ticks] == [("started", started["runId"])]
    ask("POST", f"/runs/{started['runId']}/cancel", "/runs/{runId}/cancel", 200)
    assert ask("DELETE", one, path, 200)["removed"] is True


def _use_webhooks(ask: Callable[..., Any], repo_id: str) -> None:
    body = {"url": "https://example.org/hooks", "events": ["run.finished"], "repos": [repo_id]}
    made = ask("POST", "/webhooks", "/webhooks", 201, body)["webhook"]
    one, path = f"/webhooks/{made['id']}", "/webhooks/{webhookId}"
    listed = ask("GET", "/webhooks", "/webhooks", 200)["webhooks"]
    assert [(each["id"], "secret" in each) for each in listed] == [(made["id"], False)]
    changed = ask("PATCH", one, path, 200, {"enabled": False, "repos": None})["webhook"]
    assert changed["disabledAt"] is not None and changed["repos"] is None
    rotated = ask("POST", f"{one}/rotate", f"{path}/rotate", 200)["webhook"]
    assert rotated["secret"] != made["secret"] and rotated["secrets"] == 2
    sent = ask("POST", f"{one}/test", f"{path}/test", 202)["delivery"]
    assert ask("GET", f"{one}/deliveries", f"{path}/deliveries", 200)["deliveries"] == [sent]
    again = f"{one}/deliveries/{sent['id']}/redeliver"
    assert ask("POST", again, f"{path}/deliveries/{{deliveryId}}/redeliver", 200)["delivery"]["id"] == sent["id"]
    assert ask("DELETE", one, path, 200)["removed"] is True


def test_every_answer_is_as_documented(door: Door) -> None:
    """Every operation is asked once, in a story that leaves no field of the objects untouched."""
    document: dict[str, Any] = door.get("//openapi.json", key=None).json
    seen: set[tuple[str, str]] = set()

    def ask(method: str, path: str, template: str, status: int, body: Any = None, **headers: str) -> Any:
        reply = door.send(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        assert reply.status == status, reply.body
        seen.add((method, template))
        check(document, method, template, reply)
        return reply.data if reply.headers["content-type"] == "application/json" else reply.body

    door.harnesses.append(HarnessInfo("codex", False, None, "not installed", "install it"))
    clone = {
        "cloneUrl": "/srv/git/acme/widgets",
        "checks": ["pytest -q"],
        "env": {"TOKEN": "hush"},
        "budget": {"usd": 5},
    }
    added = ask("POST", "/repos", "/repos", 201, clone)
    assert ask("POST", "/repos", "/repos", 200, clone)["created"] is False
    repo_id = added["repo"]["id"]
    assert "hush" not in json.dumps(added)
    assert ask("GET", f"/repos/{repo_id}", "/repos/{repoId}", 200) == {"repo": added["repo"]}
    assert ask("GET", "/repos/acme/widgets", "/repos/{repoId}", 200)["repo"]["id"] == repo_id
    assert ask("GET", "/repos/acme%2Fwidgets", "/repos/{repoId}", 200)["repo"]["id"] == repo_id
    changed = ask("PATCH", f"/repos/{repo_id}", "/repos/{repoId}", 200, {"timeoutSeconds": 60, "setup": ["true"]})
    assert changed["repo"]["timeout_seconds"] == 60
    secret = {"value": "hush-hush-hush", "phases": ["setup", "checks"]}
    template = "/repos/{repoId}/secrets/{name}"
    for repo, status in ((repo_id, 201), ("acme/widgets", 200), ("acme%2Fwidgets", 200)):
        told = ask("PUT", f"/repos/{repo}/secrets/TOKEN", template, status, secret)
        assert (told["secret"]["name"], told["secret"]["phases"]) == ("TOKEN", ["setup", "checks"])
        assert "hush" not in json.dumps(told)
    assert ask("GET", f"/repos/{repo_id}", "/repos/{repoId}", 200)["repo"]["secrets"] == [told["secret"]]
    assert ask("GET", "/repos?q=WIDGETS", "/repos", 200)["repos"][0]["full_name"] == "acme/widgets"

    start = {"repoId": repo_id, "prompt": "Mend it\nplease", "labels": {"a": "b"}, "delivery": "patch"}
    run_id = ask("POST", "/runs", "/runs", 202, start, Idempotency_Key="one")["runId"]
    doomed = ask("POST", "/runs", "/runs", 202, start, Idempotency_Key="two")["runId"]
    assert ask("POST", f"/runs/{doomed}/cancel", "/runs/{runId}/cancel", 200)["status"] == "cancelled"
    assert ask("POST", f"/runs/{doomed}/cancel", "/runs/{runId}/cancel", 200)["alreadyTerminal"] is True
    again = ask("POST", f"/runs/{doomed}/retry", "/runs/{runId}/retry", 202, {"budget": {"usd": 1}})
    assert again["retryOf"] == doomed
    door.send("POST", f"/runs/{again['runId']}/retry").refused(409, "CONFLICT")

    run = door.house.claim(door.house.runs.get(door.house.admin, run_id))
    door.house.attempts.record(run, [said("hello", number=1)]).result(10)
    arguments = {"callId": "1", "arguments": {"command": ["true"]}}
    failed = {"callId": "1", "ok": False, "exitCode": 1, "summary": "no", "durationMs": 3}
    used_tools = [
        EventDraft(EventType.TOOL_CALL, "shell", "shell", arguments),
        EventDraft(EventType.TOOL_RESULT, "no", "shell", failed),
        EventDraft(EventType.TOOL_CALL, "shell", "shell", {**arguments, "callId": "2"}),
    ]
    door.house.attempts.record(run, used_tools).result(10)
    model_call = ModelCall("acme", "m", ModelProtocol.CHAT, Usage(5, 6, model_calls=1), 0.5, 7)
    door.house.attempts.record_call(run, model_call).result(10)
    check_record = CheckRecord("pytest -q", CheckTarget.PATCH, Verdict.VERIFIED, 0, "1 passed", 12, 1, 0)
    assert door.house.attempts.save_check(run, check_record)
    assert door.house.attempts.save_patch(run, b"diff --git a/x b/x\n")
    ask("GET", f"/runs/{run_id}", "/runs/{runId}", 200)
    sandbox_id = ask("GET", "/sandboxes", "/sandboxes", 200)["sandboxes"][0]["id"]
    assert ask("GET", f"/runs/{run_id}", "/runs/{runId}", 200)["run"]["sandboxRecordId"] == sandbox_id
    ask("POST", f"/sandboxes/{sandbox_id}/stop", "/sandboxes/{sandboxId}/stop", 200)
    changes = Changes(1, 2, 3, "c" * 40, ("x",))
    facts = SandboxFacts(
        name="n", driver="d", limits={"memory_bytes": 1}, enforced={"memory_bytes": "cgroup"}, log="text"
    )
    assert door.house.attempts.finish(run, ending(Outcome.COMPLETED, changes=changes, result={"a": 1}), facts)
    over = ask("GET", f"/runs/{run_id}?wait=5", "/runs/{runId}", 200)["run"]
    assert (over["status"], over["verdict"], over["changes"]["patchUrl"]) == ("success", "verified", over["patchUrl"])
    assert ask("GET", f"/runs/{run_id}/patch", "/runs/{runId}/patch", 200) == b"diff --git a/x b/x\n"
    assert ask("GET", f"/runs/{run_id}/checks", "/runs/{runId}/checks", 200)["checks"][0]["tests"]["passed"] == 1
    called = ask("GET", f"/runs/{run_id}/calls?after=0&limit=10", "/runs/{runId}/calls", 200)
    assert [each["costUsd"] for each in called["calls"]] == [0.5]
    used = ask("GET", f"/runs/{run_id}/tools?after=0&limit=10", "/runs/{runId}/tools", 200)
    assert [(each["toolName"], each["ok"]) for each in used["tools"]] == [("shell", False), ("shell", None)]
    ask("GET", f"/runs/{run_id}/events", "/runs/{runId}/events", 200)
    streamed = ask("GET", f"/runs/{run_id}/stream", "/runs/{runId}/stream", 200)
    assert b'"type":"finished"' in streamed
    assert "text" in ask("GET", f"/sandboxes/{sandbox_id}/logs", "/sandboxes/{sandboxId}/logs", 200)["log"]
    filters = (
        f"repo={repo_id}&status=success&outcome=completed&label=a%3Db&since=2020-01-01&prefix={run_id[:8]}&limit=1"
    )
    listed = ask("GET", f"/runs?{filters}", "/runs", 200)
    assert [each["runId"] for each in listed["runs"]] == [run_id]
    assert [each["runId"] for each in ask("GET", f"/runs?retryOf={doomed}", "/runs", 200)["runs"]] == [again["runId"]]
    door.send("POST", f"/runs/{again['runId']}/cancel")

    made = ask(
        "POST", "/keys", "/keys", 201, {"name": "k", "repos": ["acme/widgets"], "expiresAt": "2999-01-01T00:00:00Z"}
    )
    assert made["key"]["repos"] == [repo_id] and made["key"]["scopes"] == ["read", "write"]
    assert door.get("/me", key=made["key"]["secret"]).data["id"] == made["key"]["id"]
    assert all("secret" not in each for each in ask("GET", "/keys", "/keys", 200)["keys"])
    ask("DELETE", f"/keys/{made['key']['id']}", "/keys/{keyId}", 200)
    audited = ask("GET", "/audit?limit=200", "/audit", 200)["entries"]
    assert {"key.created", "key.revoked", "repo.added", "secret.set", "run.cancelled"} <= {e["action"] for e in audited}
    assert audited[0]["address"] == "127.0.0.1" and audited[0]["requestId"].startswith("req_")
    assert (
        ask("GET", f"/hooks/deliveries?repo={repo_id}&status=done&limit=1", "/hooks/deliveries", 200)["deliveries"]
        == []
    )
    _use_schedules(ask, repo_id)
    _use_webhooks(ask, repo_id)
    ask("GET", "/me", "/me", 200)
    ask("GET", "/harnesses", "/harnesses", 200)
    door.models.append(ModelInfo("m", "acme", (ModelProtocol.CHAT,), 1000, 1.5, 2.5, is_default=True))
    assert ask("GET", "/models", "/models", 200)["models"][0]["pricing"]["output"] == 2.5
    assert ask("DELETE", f"/repos/{repo_id}/secrets/TOKEN", template, 200) == {"name": "TOKEN", "removed": True}
    door.send("DELETE", f"/repos/{repo_id}/secrets/TOKEN").refused(404, "NOT_FOUND")
    door.house.register("w1")
    stats = ask("GET", "/observability/stats?to=2999-01-01", "/observability/stats", 200)
    assert stats["runs"]["total"] == 0
    asked = "/observability/calls?sort=cost&status=ok&limit=5"
    assert ask("GET", asked, "/observability/calls", 200)["calls"][0]["runId"] == run_id
    stats = ask("GET", "/observability/stats", "/observability/stats", 200)
    assert (stats["runs"]["total"], stats["tools"]["errors"], len(stats["by"]["repo"])) == (4, 1, 1)
    waiting = ask("POST", "/runs", "/runs", 202, start, Idempotency_Key="three")["runId"]
    pressure = ask("GET", "/observability/pressure", "/observability/pressure", 200)
    assert (pressure["queue"]["depth"], len(pressure["workers"])) == (1, 1)
    door.send("POST", f"/runs/{waiting}/cancel")
    assert ask("DELETE", f"/repos/{repo_id}", "/repos/{repoId}", 200) == {"id": repo_id, "removed": True}
    assert seen == {(route.method, document_path(route.path).removeprefix("/api/v1/mogplex")) for route in ROUTES}


def check(document: dict[str, Any], method: str, template: str, reply: Reply) -> None:
    operation = document["paths"]["/api/v1/mogplex" + template][method.lower()]
    described = operation["responses"][str(reply.status)]
    kind = reply.headers["content-type"].partition(";")[0]
    schema = described["content"][kind]["schema"]
    if kind == "application/json":
        assert faults(reply.json, schema, document["components"]["schemas"]) == [], (method, template)


def test_refusals_are_as_documented(shared_door: Door) -> None:
    for reply in (shared_door.get("/me", key=None), shared_door.get("/x"), shared_door.get("/runs?limit=0&x=1")):
        assert faults(reply.json, ANSWERS["Error"], ANSWERS) == []


def test_the_page_shows_every_operation_and_loads_nothing(shared_door: Door, document: dict[str, Any]) -> None:
    reply = shared_door.get("//docs", key=None)
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    for path, _, operation in operations(document):
        assert f"<code>{path}</code>" in page and operation["summary"] in page.replace("&#x27;", "'")
    assert not re.search(r"<script|<link|<img|src=|https?://", re.sub(r"<pre>.*?</pre>", "", page, flags=re.S))
    assert "default-src 'none'" in reply.headers["content-security-policy"]
