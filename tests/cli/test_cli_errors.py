"""Errors: exit codes, what is said where, and settings that are wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.scripted_api import KEY, Answer, Cli, ScriptedApi, make_key, make_run, ok, refuse

REFUSALS = [
    (400, "BAD_REQUEST", 1),
    (401, "UNAUTHORIZED", 64),
    (403, "FORBIDDEN", 65),
    (404, "NOT_FOUND", 1),
    (409, "CONFLICT", 1),
    (409, "IDEMPOTENCY_CONFLICT", 1),
    (429, "RATE_LIMITED", 75),
    (500, "INTERNAL_ERROR", 1),
    (503, "SERVICE_UNAVAILABLE", 69),
]


@pytest.mark.parametrize(("status", "code", "exit_code"), REFUSALS)
def test_a_refusal_has_its_exit_code_and_one_clear_line(
    api: ScriptedApi, cli: Cli, status: int, code: str, exit_code: int
) -> None:
    details = [{"field": "q", "reason": "is too long"}]
    api.script("GET", "/repos", refuse(status, code, "No way.", details))
    done = cli("repos", "list")
    assert (done.returncode, done.stdout) == (exit_code, "")
    lines = done.stderr.splitlines()
    assert lines[:3] == [f"error: No way. ({code})", "  q: is too long", "request id: req_42"]


@pytest.mark.parametrize("message", ["Run not found", "There is no run 'x'."])
def test_what_is_not_found_is_to_be_looked_up(api: ScriptedApi, cli: Cli, message: str) -> None:
    api.script("GET", "/runs/x", refuse(404, "NOT_FOUND", message))
    assert cli("runs", "get", "x").stderr.splitlines()[-1] == "next: mogplex runs list"


def test_json_errors_are_one_object_on_stderr(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/repos", refuse(429, "RATE_LIMITED", "Slow.", Retry_After="6.2"))
    done = cli("repos", "list", "--json")
    assert (done.returncode, done.stdout) == (75, "")
    assert json.loads(done.stderr) == {
        "error": {
            "code": "RATE_LIMITED",
            "message": "Slow.",
            "exitCode": 75,
            "next": "try again in 7 s",
            "requestId": "req_42",
            "httpStatus": 429,
            "retryAfterSeconds": 6.2,
        }
    }
    usage = cli("repos", "list", "--json", "--nope")
    assert (usage.returncode, json.loads(usage.stderr)["error"]["code"]) == (2, "USAGE")


def test_nobody_listening_is_unavailable(cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = cli("repos", "list", "--url", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert done.returncode == 69
    assert "can't reach http://127.0.0.1" in done.stderr
    assert "Connection refused" in done.stderr
    assert "mogplex serve" in done.stderr


@pytest.mark.parametrize(
    ("answer", "exit_code"),
    [
        (Answer(502, b"<html>bad gateway</html>", "text/html"), 69),
        (Answer(401, b"<html>who?</html>", "text/html"), 64),
        (Answer(200, b"<html>portal</html>", "text/html"), 69),
        (Answer(200, b'{"ok": true, "da'), 69),
        (Answer(cut=True), 69),
    ],
    ids=["502", "401", "portal", "half", "cut"],
)
def test_what_a_proxy_says_is_no_traceback(api: ScriptedApi, cli: Cli, answer: Answer, exit_code: int) -> None:
    api.script("GET", "/repos", answer)
    done = cli("repos", "list")
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_foreign_text_in_errors_is_harmless(api: ScriptedApi, cli: Cli) -> None:
    api.script("GET", "/repos", refuse(400, "BAD_REQUEST", "evil \x1b]0;title\x07 text"))
    assert "\x1b" not in cli("repos", "list").stderr


def test_no_key_at_all_is_unauthorized(api: ScriptedApi, cli: Cli) -> None:
    done = cli("repos", "list", MOGPLEX_API_KEY=None)
    assert done.returncode == 64
    assert "mogplex login" in done.stderr
    assert api.requests == []


@pytest.mark.parametrize("key", [KEY[:-1], KEY[:-1] + "_", "mog_short", KEY.replace("k", "j", 1), "sk-" + KEY, "ключ"])
def test_a_mistyped_key_is_told_before_any_request(api: ScriptedApi, cli: Cli, key: str) -> None:
    done = cli("repos", "list", "--api-key", key)
    assert done.returncode == 64
    assert "--api-key" in done.stderr
    assert KEY[12:] not in done.stderr
    assert api.requests == []


def test_flag_beats_environment_beats_file(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    keys = {name: make_key(name * 40) for name in "abc"}
    (home / "auth.json").write_text(json.dumps({"url": api.url, "apiKey": keys["c"]}))
    (home / "auth.json").chmod(0o600)
    api.script("GET", "/repos", ok({"repos": []}))
    cli("repos", "list", "--api-key", keys["a"], MOGPLEX_API_KEY=keys["b"])
    cli("repos", "list", MOGPLEX_API_KEY=keys["b"])
    quiet = cli("repos", "list", MOGPLEX_API_KEY=None, MOGPLEX_URL=None)
    cli("repos", "list", MOGPLEX_API_KEY=" ", MOGPLEX_URL="")
    sent = [request.headers["authorization"].removeprefix("Bearer ") for request in api.requests]
    assert sent == [keys["a"], keys["b"], keys["c"], keys["c"]]
    assert "warning" not in quiet.stderr


def test_a_readable_secret_is_warned_of_and_a_broken_one_told(api: ScriptedApi, cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home / "auth.json"
    file.write_text(json.dumps({"apiKey": KEY}))
    file.chmod(0o644)
    api.script("GET", "/repos", ok({"repos": []}))
    done = cli("repos", "list", MOGPLEX_API_KEY=None)
    assert done.returncode == 0
    assert f"chmod 600 {file}" in done.stderr
    file.write_text("{")
    done = cli("repos", "list", MOGPLEX_API_KEY=None)
    assert done.returncode == 64
    assert "not valid JSON" in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "ftp://x"])
def test_a_wrong_url_says_where_it_came_from(cli: Cli, url: str) -> None:
    done = cli("repos", "list", MOGPLEX_URL=url)
    assert done.returncode == 2
    assert "from MOGPLEX_URL" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnus"], "did you mean 'runs'?"),
        (["runs", "gett", "x"], "did you mean 'get'?"),
        (["runs", "get", "x", "--jsom"], "--json"),
        (["runs", "get"], "Missing argument 'ID'"),
        (["qqq"], "there are: run, runs"),
        (["help", "nope"], "no help on 'nope'"),
        (["keys", "create", "x", "--scope", "root"], "root"),
    ],
)
def test_wrong_commands_and_flags_are_usage_errors(cli: Cli, arguments: list[str], said: str) -> None:
    done = cli(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "--help" in done.stderr


def test_a_reader_that_leaves_is_no_error(api: ScriptedApi, environment: dict[str, str]) -> None:
    runs = [make_run(run_id=f"run-{number}", prompt="x" * 2000) for number in range(200)]
    api.script("GET", "/runs", ok({"runs": runs, "nextCursor": None}))
    command = f'{sys.executable} -m mogplex runs list --limit 200 --json | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
    first, code = done.stdout.splitlines()
    assert json.loads(first)["runId"] == "run-0"
    assert (code, done.stderr) == ("141", "")


def test_the_exit_code_table_is_printed(cli: Cli) -> None:
    codes = [
        line.split()[0] for line in cli("help", "exit-codes").stdout.splitlines()[1:] if line[:4].strip().isdigit()
    ]
    assert codes == ["0", "1", "2", "20", "21", "22", "23", "24", "25", "64", "65", "69", "75", "124", "130", "141"]


def test_alone_it_shows_what_to_type_next(cli: Cli) -> None:
    done = cli(MOGPLEX_API_KEY=None)
    assert done.returncode == 0
    assert "Next: `mogplex serve`" in done.stdout
    assert "mogplex repos add" in cli().stdout.splitlines()[-1]
    assert cli("runs").returncode == 0
    assert cli("--version").stdout.startswith("mogplex ")
    assert cli("help", "runs", "get").stdout == cli("runs", "get", "-h").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.returncode == 0
    assert "_MOGPLEX_COMPLETE" in done.stdout


def test_completion_answers_a_tab(cli: Cli) -> None:
    done = cli(COMP_WORDS="mogplex runs ca", COMP_CWORD="2", _MOGPLEX_COMPLETE="bash_complete")
    assert done.stdout == "plain,cancel\nplain,calls\n"
    done = cli(COMP_WORDS="mogplex runs events --fo", COMP_CWORD="3", _MOGPLEX_COMPLETE="bash_complete")
    assert done.stdout == "plain,--follow\n"
