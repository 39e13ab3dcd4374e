"""The command that runs Codex: nothing of the repo's or anybody's settings, nothing sent home, one model endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mogplex.domain.ports import Task

PROVIDER = "mogplex"
# Codex wants a key. The gateway knows a run by its listener, so this one opens nothing; tools don't get to see it.
KEY_VARIABLE, KEY = "MOGPLEX_RUN_KEY", "no-key-needed"
RETRIES = 2  # the default of 5 x 5 hides a dead provider for half a minute
IDLE_MS = 600_000  # the gateway's own time limits are shorter and say more

# CODEX_HOME must exist and must not lie in /tmp. The session files in it are what a resume needs.
_START = 'CODEX_HOME="$HOME/.codex"; export CODEX_HOME; mkdir -p "$CODEX_HOME" && exec "$@"'
_START_WITH_SCHEMA = (
    'CODEX_HOME="$HOME/.codex"; export CODEX_HOME; mkdir -p "$CODEX_HOME" && '
    'printf %s "$1" >/tmp/output-schema.json && shift && exec "$@"'
)
_SCHEMA_FILE = "/tmp/output-schema.json"


def command(binary: str, task: Task, model: str, url: str) -> tuple[str, ...]:
    """argv for `task`; the prompt goes to stdin. `url` is the endpoint's, without a path."""
    schema = None if task.output_schema is None else json.dumps(task.output_schema)
    start = (
        ("/bin/sh", "-c", _START, "codex") if schema is None else ("/bin/sh", "-c", _START_WITH_SCHEMA, "codex", schema)
    )
    options = [
        "--json", "--skip-git-repo-check", "--strict-config",
        # Codex's own sandbox inside ours would only take features away from tests; ours is the one that holds.
        "--dangerously-bypass-approvals-and-sandbox",
        "-m", model,
    ]  # fmt: skip
    for name, value in settings(url).items():
        options += ["-c", f"{name}={toml(value)}"]
    if schema is not None:
        options += ["--output-schema", _SCHEMA_FILE]
    resume = [] if task.session is None else ["resume"]
    thread = [] if task.session is None else [task.session]
    return (*start, binary, "exec", *resume, *options, *thread, "-")


def settings(url: str) -> Mapping[str, Any]:
    """Every `-c` option. `--strict-config` turns one that a later Codex renamed into an error at once."""
    provider = f"model_providers.{PROVIDER}"
    return {
        "model_provider": PROVIDER,
        f"{provider}.name": "Mogplex",
        f"{provider}.base_url": f"{url}/v1",
        f"{provider}.env_key": KEY_VARIABLE,
        f"{provider}.wire_api": "responses",
        f"{provider}.supports_websockets": False,
        f"{provider}.request_max_retries": RETRIES,
        f"{provider}.stream_max_retries": RETRIES,
        f"{provider}.stream_idle_timeout_ms": IDLE_MS,
        # Nothing is sent home: there is no way out, and each try would cost seconds.
        "analytics.enabled": False,
        "feedback.enabled": False,
        "check_for_update_on_startup": False,
        "otel.exporter": "none",
        "otel.trace_exporter": "none",
        "otel.metrics_exporter": "none",
        "history.persistence": "none",
        "web_search": "disabled",
        "features.plugins": False,
        "features.apps": False,
        # Else a refused connection is tried for ever.
        "features.unbounded_connection_retries": False,
        # Calls of agents within the agent would be counted, but nobody could tell whose they are.
        "features.multi_agent": False,
        "features.goals": False,
        "skills.bundled.enabled": False,
        # A login shell resets PATH, and the repo's environment is lost.
        "allow_login_shell": False,
        "shell_environment_policy.exclude": [KEY_VARIABLE],
    }


def toml(value: bool | int | str | list[str]) -> str:
    """A value as TOML; for these kinds JSON is the same."""
    return json.dumps(value)
