"""The command that runs Claude Code: it obeys no settings of the repo, and speaks to one model endpoint only."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mogplex.domain.ports import Task
from mogplex.harnesses.prologue import DIRECT, GATHER, split_directory

TOOLS = ("Bash", "Read", "Edit", "Write", "Glob", "Grep")  # no agents within the agent, no web
RETRIES = 2
IDLE_MS = 600_000  # the gateway's own time limits are shorter and say more

# Variables that send the model's traffic elsewhere. A repo may have them for its own tests.
_ELSEWHERE = (
    "CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY "
    "ANTHROPIC_UNIX_SOCKET ANTHROPIC_AUTH_TOKEN ANTHROPIC_CUSTOM_HEADERS"
)
# Runs inside the sandbox. `--setting-sources user` keeps the repo's settings out, and with them CLAUDE.md and
# AGENTS.md: their text is passed on as Claude Code itself would read it (AGENTS.md only where there is no CLAUDE.md).
# Its settings folder is new for each attempt; only what was said is kept for a later one, in the state folder ($1).
_START = f"""{GATHER}{DIRECT}unset {_ELSEWHERE}
CLAUDE_CONFIG_DIR="$HOME/.claude"; export CLAUDE_CONFIG_DIR
mkdir -p "$CLAUDE_CONFIG_DIR" || exit 1
if [ -n "$1" ]; then mkdir -p "$1/projects" && ln -s "$1/projects" "$CLAUDE_CONFIG_DIR/projects" || exit 1; fi
told=$CLAUDE_CONFIG_DIR/told-by-the-repo.md
gather "$told" "$2" "$3" "CLAUDE.md AGENTS.md"
shift 3
[ ! -s "$told" ] || set -- "$@" --append-system-prompt-file "$told"
exec "$@"
"""

ENVIRONMENT: Mapping[str, str] = {
    # Claude Code wants a key. The gateway knows a run by its listener, so this one opens nothing.
    "ANTHROPIC_API_KEY": "no-key-needed",
    "IS_SANDBOX": "1",
    "CLAUDE_CODE_TMPDIR": "/tmp",
    # Nothing is sent home: there is no way out, and each try would cost seconds.
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_MAX_RETRIES": str(RETRIES),
    # A call that was cut is not asked again without a stream: that would be paid for twice.
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    # Work goes on in the background otherwise, after the result was told.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "API_TIMEOUT_MS": str(IDLE_MS),
    "CLAUDE_ENABLE_BYTE_WATCHDOG": "1",
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": str(IDLE_MS),
}


def command(binary: str, task: Task, model: str) -> tuple[str, ...]:
    """argv for `task`; the prompt goes to stdin."""
    options = [
        "-p", "--output-format", "stream-json", "--verbose",
        # Without these two a repo's .claude/settings.json replaces the model's address and starts hooks and servers.
        "--setting-sources", "user", "--strict-mcp-config",
        "--dangerously-skip-permissions",
        "--tools", ",".join(TOOLS),
        "--model", model,
    ]  # fmt: skip
    if task.model_calls is not None:
        # One more than the limit, so that it is the gateway who refuses the call beyond it and the run says so.
        options += ["--max-turns", str(task.model_calls + 1)]
    if task.output_schema is not None:
        options += ["--json-schema", json.dumps(task.output_schema)]
    if task.session is not None:
        options += ["--resume", task.session]
    top, below = split_directory(task.directory)
    return ("/bin/sh", "-c", _START, "claude", task.state_folder or "", top, below, binary, *options)
