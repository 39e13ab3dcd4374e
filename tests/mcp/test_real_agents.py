"""The real Codex and Claude Code with Mogplex among their tools; a scripted model makes them call one.

What an agent read is what its model is asked next: the scenario refuses a next question without the tool's answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mogplex.gateway.scripted.exchange import Exchange
from mogplex.gateway.scripted.scenario_file import parse_scenario
from mogplex.gateway.scripted.thread import ScriptedModelThread
from mogplex.harnesses.claude_code import binary as claude_binary
from mogplex.harnesses.claude_code.launch import ENVIRONMENT
from mogplex.harnesses.codex import binary as codex_binary
from mogplex.harnesses.codex.launch import KEY_VARIABLE, settings, toml
from tests.api.door import Door
from tests.harnesses.programs import MODELS, installed

pytest.importorskip("mcp", reason="the MCP library is not installed: pip install '.[mcp]' in Mogplex's checkout")

SCENARIO = """
turns:
- text: I ask Mogplex which repos there are.
  tools:
  - {tool}: {{query: widg}}
- text: There is acme/widgets.
  expect: acme/widgets
"""
PATIENCE_SECONDS = 100


def run_codex(door: Door, model_url: str, folder: Path) -> str:
    """On stdio, as after `codex mcp add mogplex -- mogplex mcp`."""
    program = codex_binary.find(None)
    assert program is not None
    server = {"MOGPLEX_URL": f"http://{door.host}:{door.port}", "MOGPLEX_API_KEY": door.key}
    options = {
        **settings(model_url, [str(folder)]),
        "mcp_servers.mogplex": {
            "command": sys.executable,
            "args": ["-m", "mogplex", "mcp"],
            "required": True,
            "startup_timeout_sec": 60,
            "env": {**server, "PYTHONPATH": os.environ.get("PYTHONPATH", str(Path("src").resolve()))},
        },
    }
    words = [
        str(program.path),
        "exec",
        "--json",
        "--skip-git-repo-check",
        "-m",
        "another-model",
    ]  # with its own it looks for tools first
    words += ["--dangerously-bypass-approvals-and-sandbox"]
    for name, value in options.items():
        words += ["-c", f"{name}={toml(value)}"]
    return run([*words, "Which repos are there?"], folder, {"CODEX_HOME": str(folder), KEY_VARIABLE: "any"})


def run_claude(door: Door, model_url: str, folder: Path) -> str:
    """Over HTTP, as after `claude mcp add --transport http mogplex URL --header …`."""
    program = claude_binary.find(None)
    assert program is not None
    server = {
        "type": "http",
        "url": f"http://{door.host}:{door.port}/mcp",
        "headers": {"Authorization": f"Bearer {door.key}"},
    }
    words = [str(program.path), "-p", "--output-format", "stream-json", "--verbose", "--setting-sources", "user"]
    words += ["--strict-mcp-config", "--mcp-config", json.dumps({"mcpServers": {"mogplex": server}})]
    words += ["--allowedTools", "mcp__mogplex__list_repos", "--model", MODELS["claude-code"]]
    environment = {**ENVIRONMENT, "CLAUDE_CONFIG_DIR": str(folder), "ANTHROPIC_BASE_URL": model_url}
    return run([*words, "Which repos are there?"], folder, environment)


def run(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    done = subprocess.run(
        words, cwd=folder, env=known, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


AGENTS = {"codex": (run_codex, "mcp__mogplex__list_repos"), "claude-code": (run_claude, "mcp__mogplex__list_repos")}


@pytest.mark.parametrize("name", [installed(name) for name in AGENTS])
def test_a_real_agent_reads_what_a_tool_answers(door: Door, name: str, tmp_path: Path) -> None:
    door.house.add_repo()
    play, tool = AGENTS[name]
    with ScriptedModelThread(parse_scenario(SCENARIO.format(tool=tool))) as model:
        output = play(door, model.url, tmp_path)
        exchanges: list[Exchange] = [each for each in model.exchanges if each.turn is not None]
    assert [each.turn for each in exchanges][-1] == 2, output[-4000:]
    assert [each.missing for each in exchanges if each.missing] == [], output[-4000:]
    assert output.startswith("exit 0\n"), output[-4000:]
    assert "There is acme/widgets." in output
