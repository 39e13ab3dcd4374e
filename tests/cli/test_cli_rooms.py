"""Repos, keys, sandboxes, harnesses, models, login: what is sent and what is shown."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scripted_api import KEY, Cli, ScriptedApi, make_event, make_key, ok, refuse

REPO = {"id": "repo_1", "full_name": "acme/web", "default_branch": "main", "checks": ["a", "b"], "env": {}}


def test_repos_list_and_its_filters(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/repos", ok({"repos": [REPO, {**REPO, "id": "repo_2"}]}))
    done = cli("repos", "list", "--query", "web", "--limit", "2")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["ID", "REPO", "BRANCH"],
        ["repo_1", "acme/web", "main"],
        ["repo_2", "acme/web", "main"],
    ]
    assert api.requests[0].query == {"q": "web", "limit": "2"}
    lines = cli("repos", "list", "--json").stdout.splitlines()
    assert json.loads(lines[0]) == REPO


def test_repos_add_makes_a_path_absolute_and_sends_settings(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    api.script("POST", "/repos", ok({"repo": REPO}))
    flags = (
        "--name acme/web --default-branch main --root web --setup s1 --setup s2 --check c1 --allow-host h1 --env A=1 "
        "--push-branch mogplex/* --harness repair --timeout 9 --budget-usd 2 --budget-tokens 3"
    )
    done = cli("repos", "add", f"{tmp_path}/../{tmp_path.name}", *flags.split())
    assert done.stdout.splitlines()[:2] == ["id              repo_1", "repo            acme/web"]
    assert "checks          a, b" in done.stdout
    assert api.requests[0].body == {
        "cloneUrl": str(tmp_path),
        "name": "acme/web",
        "defaultBranch": "main",
        "rootDirectory": "web",
        "setup": ["s1", "s2"],
        "checks": ["c1"],
        "allowHosts": ["h1"],
        "env": {"A": "1"},
        "pushBranches": ["mogplex/*"],
        "harness": "repair",
        "timeoutSeconds": 9.0,
        "budget": {"usd": 2.0, "tokens": 3},
    }


@pytest.mark.parametrize("source", ["https://git.example/acme/web.git", "git@git.example:acme/web.git", "file:///x"])
def test_repos_add_keeps_urls(api: ScriptedApi, cli: Cli, source: str) -> None:
    api.script("POST", "/repos", ok(REPO))
    assert json.loads(cli("repos", "add", source, "--json").stdout) == REPO
    assert api.requests[0].body == {"cloneUrl": source}


def test_repos_are_found_by_name_too(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/repos", ok({"repos": [{**REPO, "id": "other", "full_name": "acme/website"}, REPO]}))
    api.script("GET", "/repos/repo_1", ok(REPO))
    api.script("PATCH", "/repos/repo_1", ok(REPO))
    api.script("DELETE", "/repos/repo_1", ok({}))
    assert cli("repos", "get", "acme/web").returncode == 0
    assert cli("repos", "get", "repo_1", "--json").stdout == json.dumps(REPO, separators=(",", ":")) + "\n"
    flags = ["--check", "new", "--clear", "budget", "--clear", "root", "--name", "acme/site"]
    assert cli("repos", "set", "acme/web", *flags).returncode == 0
    sent = api.asked("PATCH", "/repos/repo_1")[0].body
    assert sent == {"checks": ["new"], "budget": None, "rootDirectory": None, "name": "acme/site"}
    assert cli("repos", "remove", "acme/web").stdout == "removed repo repo_1\n"
    assert json.loads(cli("repos", "remove", "repo_1", "--json").stdout) == {"id": "repo_1"}
    assert cli("repos", "set", "acme/web").returncode == 2
    done = cli("repos", "get", "acme/nothing")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "next: mogplex repos list")


def test_keys(api: ScriptedApi, cli: Cli) -> None:
    made = {"id": "key_1", "name": "ci", "prefix": KEY[:12], "scopes": ["read"], "secret": KEY}
    api.script("POST", "/keys", ok({"key": made}))
    done = cli("keys", "create", "ci", "--scope", "read", "--repo", "r1", "--expires-in-days", "3")
    assert done.stdout == f"{KEY}\n"
    assert "shown only now" in done.stderr
    body = api.requests[0].body
    assert body.pop("expiresAt").endswith("Z")
    assert body == {"name": "ci", "scopes": ["read"], "repos": ["r1"]}
    assert json.loads(cli("keys", "create", "ci", "--json").stdout) == made
    assert api.requests[1].body == {"name": "ci", "scopes": ["read", "write"]}
    listed: list[dict[str, Any]] = [{**made, "secret": None}, {"id": "k2", "revokedAt": "2026"}]
    api.script("GET", "/keys", ok({"keys": listed}))
    assert [line.split()[0] for line in cli("keys", "list").stdout.splitlines()] == ["ID", "key_1", "k2"]
    assert len(cli("keys", "list", "--json").stdout.splitlines()) == 2
    api.script("DELETE", "/keys/key_1", ok({}))
    assert cli("keys", "revoke", "key_1").stdout == "revoked key key_1\n"
    assert json.loads(cli("keys", "revoke", "key_1", "--json").stdout) == {"id": "key_1"}


def test_sandboxes(api: ScriptedApi, cli: Cli) -> None:
    sandbox = {"id": "sb_1", "status": "running", "run_id": "run_1", "repo_full_name": "acme/web", "killed_by": None}
    sandbox["created_at"] = "2026-01-02T03:04:05Z"
    api.script("GET", "/sandboxes", ok({"sandboxes": [sandbox]}))
    done = cli("sandboxes", "list", "--repo", "r", "--status", "running", "--limit", "1")
    assert done.stdout.splitlines()[1].split() == ["sb_1", "running", "acme/web", "run_1", "2026-01-02T03:04"]
    assert api.requests[0].query == {"repo_id": "r", "status": "running", "limit": "1"}
    assert json.loads(cli("sandboxes", "list", "--json").stdout) == sandbox
    logs = {"sandbox": sandbox, "log": "one\ntwo\x1b", "lifecycle_events": [make_event(1, "sandbox_ready", "made")]}
    api.script("GET", "/sandboxes/sb_1/logs", ok(logs))
    told = cli("sandboxes", "logs", "sb_1").stdout.splitlines()
    assert told[0].split() == ["id", "sb_1"]
    assert told[-3:] == ["2026-01-02T03:04:01.000Z  sandbox_ready  made", "one", "two\\x1b"]
    assert json.loads(cli("sandboxes", "logs", "sb_1", "--json").stdout) == logs
    api.script("POST", "/sandboxes/sb_1/stop", ok({"sandbox": sandbox}))
    assert cli("sandboxes", "stop", "sb_1").stdout == "stopped sandbox sb_1\n"
    assert json.loads(cli("sandboxes", "stop", "sb_1", "--json").stdout) == sandbox


def test_harnesses_and_models(api: ScriptedApi, cli: Cli) -> None:
    ready = {"name": "repair", "version": "1", "available": True, "reason": "fine", "remedy": None}
    missing = {"name": "codex", "version": None, "available": False, "reason": "absent", "remedy": "install it"}
    api.script("GET", "/harnesses", ok({"harnesses": [ready, missing]}))
    lines = [line.split() for line in cli("harnesses", "list").stdout.splitlines()]
    assert lines[1:] == [["repair", "1", "yes", "fine"], ["codex", "-", "no", "install", "it"]]
    assert json.loads(cli("harnesses", "list", "--json").stdout.splitlines()[1]) == missing
    model = {"id": "m", "provider": "p", "pricing": {"input": 1.5, "output": None}}
    api.script("GET", "/models", ok({"models": [model]}))
    assert cli("models", "list").stdout.splitlines()[1].split() == ["m", "p", "1.5", "?"]
    assert json.loads(cli("models", "list", "--json").stdout) == model


def test_login_leaves_the_mode_of_a_folder_that_was_there(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    api.script("GET", "/me", ok({"id": "k", "name": "me", "prefix": KEY[:12], "scopes": ["read"]}))
    home = tmp_path / "home"
    home.mkdir(mode=0o755, exist_ok=True)
    home.chmod(0o755)
    assert cli("login", "--url", api.url, "--with-token", stdin=f"{KEY}\n", MOGPLEX_API_KEY=None).returncode == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "auth.json").stat().st_mode) == 0o600


def test_login_keeps_a_key_that_works(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    api.script("GET", "/me", ok({"id": "k", "name": "me", "prefix": KEY[:12], "scopes": ["read", "write"]}))
    bare: dict[str, Any] = {"MOGPLEX_API_KEY": None, "MOGPLEX_URL": None}
    done = cli("login", "--url", api.url, "--with-token", stdin=f"{KEY}\n", **bare)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"logged in to {api.url} as me ({KEY[:12]}…), scopes read, write\n"
    file = tmp_path / "home" / "auth.json"
    assert json.loads(file.read_text()) == {"url": api.url, "apiKey": KEY}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["auth.json"]
    assert KEY not in done.stdout + done.stderr
    api.script("GET", "/repos", ok({"repos": []}))
    assert cli("repos", "list", **bare).returncode == 0
    assert api.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(cli("login", "--api-key", KEY, "--json", MOGPLEX_API_KEY=None).stdout)["url"] == api.url


@pytest.mark.parametrize("key", [KEY[:-1], make_key("z" * 40)])
def test_login_keeps_nothing_that_does_not_work(api: ScriptedApi, cli: Cli, tmp_path: Path, key: str) -> None:
    api.script("GET", "/me", refuse(401, "UNAUTHORIZED", "unknown key"))
    assert cli("login", "--with-token", stdin=key, MOGPLEX_API_KEY=None).returncode == 64
    assert not (tmp_path / "home").exists()


def test_login_never_asks_a_script(cli: Cli) -> None:
    done = cli("login")
    assert done.returncode == 2
    assert "--with-token" in done.stderr
    assert cli("login", "--with-token", "--api-key", KEY).returncode == 2


def test_login_mends_a_broken_file(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "auth.json").write_text("{")
    api.script("GET", "/me", ok({"name": "me", "prefix": KEY[:12], "scopes": []}))
    done = cli("login", "--with-token", stdin=KEY, MOGPLEX_API_KEY=None)
    assert done.returncode == 0, done.stderr


SCHEDULE = {
    "id": "sch_1", "name": "Tidy", "repoId": "repo_1", "cron": "0 12 * * 1", "timeZone": "UTC", "overlap": "skip",
    "paused": False, "nextTickAt": "2026-11-30T12:00:00.000Z", "nextTicks": ["2026-11-30T12:00:00.000Z"],
    "lastRunId": None, "missedTicks": 0, "run": {"prompt": "Tidy up"},
    "alarm": {"kind": "failing", "message": "3 runs failed in a row", "since": "2026-11-23T12:00:00.000Z"},
}  # fmt: skip


def test_schedules_create_sends_what_was_said(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    api.script("POST", "/schedules", ok({"schedule": SCHEDULE}))
    more = tmp_path / "run.json"
    more.write_text('{"priority": 5, "prompt": "from the file"}')
    flags = "--repo acme/web --tz Europe/Berlin --overlap queue --catch-up --alarm-after 2 --create-branch --check c1"
    done = cli(
        "schedules", "create", "--cron", "0 12 * * 1", "--run", str(more), *flags.split(), "--label", "a=b", "Tidy up"
    )
    assert api.requests[0].body == {
        "repoId": "acme/web",
        "cron": "0 12 * * 1",
        "timeZone": "Europe/Berlin",
        "overlap": "queue",
        "catchUp": True,
        "alarmAfter": 2,
        "run": {"priority": 5, "prompt": "Tidy up", "createBranch": True, "checks": ["c1"], "labels": {"a": "b"}},
    }
    assert "next     2026-11-30T12:00Z" in done.stdout
    assert "alarm    failing: 3 runs failed in a row" in done.stdout


def test_schedules_list_names_alarms(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/schedules", ok({"schedules": [SCHEDULE], "nextCursor": None}))
    assert "failing: 3 runs" in cli("schedules", "list").stdout


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_schedules_are_paused_and_resumed(api: ScriptedApi, cli: Cli, verb: str) -> None:
    api.script("POST", f"/schedules/sch_1/{verb}", ok({"schedule": {**SCHEDULE, "paused": verb == "pause"}}))
    done = cli("schedules", verb, "sch_1")
    assert ("next     paused" in done.stdout) == (verb == "pause")


SUMS = {"runs": 4, "success": 3, "failed": 1, "cancelled": 0, "successRate": 0.75}
STATS = {
    "window": {"from": "2026-01-01T00:00:00.000Z", "to": "2026-01-02T00:00:00.000Z", "bucketSeconds": 3600},
    "runs": {"total": 6, "pending": 1, "running": 1, "stalePending": 0, "interrupted": 0, "recovered": 2, **SUMS},
    "by": {"harness": [{"name": "repair", **SUMS}], "model": [{"name": None, **SUMS}], "repo": [], "outcome": []},
    "starts": {"accepted": 6, "deferred": 1, "suppressed": 2, "refused": 3},
    "models": {"calls": 1234, "tokens": {"input": 1000, "output": 1}, "costUsd": 1.5, "costUnknownRuns": 1},
    "tools": {"calls": 9, "errors": 1, "errorRate": 0.1111, "byTool": []},
    "durationsMs": {
        name: {"count": 4, "p50": 1500, "p95": None} for name in ("queued", "preparing", "running", "checking", "total")
    },
}


def test_stats(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/observability/stats", ok(STATS))
    told = cli("stats", "--from", "2026-01-01", "--to", "2026-01-02").stdout
    assert api.requests[0].query == {"from": "2026-01-01", "to": "2026-01-02"}
    for text in ("75.0 %", "$1.50 and 1 runs of unknown cost", "2 recovered", "1.50 s", "3 refused", "1,234, 1,001"):
        assert text in told
    assert [line.split() for line in told.splitlines() if line.startswith("repair")] == [["repair", "4", "75.0", "%"]]
    assert json.loads(cli("stats", "--json").stdout) == STATS


def test_pressure(api: ScriptedApi, cli: Cli) -> None:
    queue = {"depth": 3, "oldestWaitSeconds": 61.5, "estimatedWaitSeconds": None, "byPriority": []}
    waiting = {"repoId": "r", "fullName": "acme/web\x1b", "depth": 3, "oldestWaitSeconds": 61.5}
    pressure = {
        "slots": {"total": 2, "busy": 2, "free": 0},
        "workers": [{"id": "w1", "busy": 2, "slots": 2, "labels": ["gpu"], "draining": True}],
        "queue": {**queue, "byRepo": [waiting], "byNeeds": [{"needs": ["arm64"], "depth": 3, "slots": 0, "free": 0}]},
        "limits": {},
    }
    api.script("GET", "/observability/pressure", ok(pressure))
    told = cli("pressure").stdout
    for text in ("2 of 2 busy", "3 waiting", "61.5 s", "unknown", "acme/web\\x1b", "2/2", "gpu, (stopping)", "arm64"):
        assert text in told
    assert json.loads(cli("pressure", "--json").stdout) == pressure


WEBHOOK = {
    "id": "hook_1",
    "url": "https://example.org/h",
    "events": ["run.finished"],
    "disabledAt": None,
    "secret": "whsec_x",
}


def test_webhooks_create_prints_the_secret_alone(api: ScriptedApi, cli: Cli) -> None:
    api.script("POST", "/webhooks", ok({"webhook": WEBHOOK}))
    done = cli("webhooks", "create", "https://example.org/h", "--event", "run.finished", "--repo", "acme/web")
    assert done.stdout == "whsec_x\n"
    assert "hook_1" in done.stderr and "whsec_x" not in done.stderr
    assert api.requests[0].body == {"url": "https://example.org/h", "events": ["run.finished"], "repos": ["acme/web"]}


def test_webhooks_deliveries_say_how_they_were_taken(api: ScriptedApi, cli: Cli) -> None:
    delivery = {"id": "msg_1", "event": "run.finished", "status": "pending", "tries": 2, "lastStatus": 500}
    told = {**delivery, "lastError": "answered 500", "createdAt": "2026-11-23T12:00:00.000Z"}
    api.script("GET", "/webhooks/hook_1/deliveries", ok({"deliveries": [told]}))
    assert "answered 500" in cli("webhooks", "deliveries", "hook_1").stdout
    api.script("POST", "/webhooks/hook_1/deliveries/msg_1/redeliver", ok({"delivery": told}))
    assert cli("webhooks", "redeliver", "hook_1", "msg_1").stdout == "sending msg_1 again\n"
