"""The command that runs Codex: nothing of the repo's or anybody's settings, nothing sent home, one model endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mogplex.domain.ports import Task
from mogplex.harnesses.prologue import DIRECT, GATHER, split_directory

PROVIDER = "mogplex"
# Codex wants a key. The gateway knows a run by its listener, so this one opens nothing; tools don't get to see it.
KEY_VARIABLE, KEY = "MOGPLEX_RUN_KEY", "no-key-needed"
RETRIES = 2  # the default of 5 x 5 hides a dead provider for half a minute
IDLE_MS = 600_000  # the gateway's own time limits are shorter and say more

# Runs inside the sandbox. CODEX_HOME must exist, must not lie in /tmp and is new for each attempt; only what was said
# is kept for a later one, in the state folder ($1), so that no settings can be left behind for it. $2 is a JSON Schema.
# In a folder that is not trusted Codex does not read AGENTS.md: its text is passed on as that of its user.
_START = f"""{GATHER}{DIRECT}CODEX_HOME="$HOME/.codex"; export CODEX_HOME
mkdir -p "$CODEX_HOME" || exit 1
if [ -n "$1" ]; then mkdir -p "$1/sessions" && ln -s "$1/sessions" "$CODEX_HOME/sessions" || exit 1; fi
gather "$CODEX_HOME/AGENTS.md" "$3" "$4" "AGENTS.md CLAUDE.md"
if [ -n "$2" ]; then
  printf %s "$2" >"$CODEX_HOME/schema.json" || exit 1
  set -- "$@" --output-schema "$CODEX_HOME/schema.json"
fi
shift 4
exec "$@" -
"""


def command(binary: str, task: Task, model: str, url: str) -> tuple[str, ...]:
    """argv for `task`; the prompt goes to stdin. `url` is the endpoint's, without a path."""
    schema = "" if task.output_schema is None else json.dumps(task.output_schema)
    options = [
        "--json", "--skip-git-repo-check", "--strict-config",
        # Codex's own sandbox inside ours would only take features away from tests; ours is the one that holds.
        "--dangerously-bypass-approvals-and-sandbox",
        "-m", model,
    ]  # fmt: skip
    for name, value in settings(url, ("/work", task.directory)).items():
        options += ["-c", f"{name}={toml(value)}"]
    words = ["exec", *options] if task.session is None else ["exec", "resume", *options, task.session]
    top, below = split_directory(task.directory)
    return ("/bin/sh", "-c", _START, "codex", task.state_folder or "", schema, top, below, binary, *words)


def settings(url: str, folders: Iterable[str]) -> Mapping[str, Any]:
    """Every `-c` option; `folders` may belong to the repo. `--strict-config` turns an option that a later Codex renamed
    into an error at once."""
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
        # Else the repo's .codex/config.toml is obeyed: its servers and hooks are started, and its mistakes stop us.
        "projects": {folder: {"trust_level": "untrusted"} for folder in folders},
    }


def toml(value: Any) -> str:
    """A value as TOML. Texts, numbers, switches and lists of them are written as in JSON."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    return json.dumps(value)
