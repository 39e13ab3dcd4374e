"""The same work as a command and as a request, to be copied."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from mogplex.domain.run import Run
from mogplex.domain.view import API_PATH

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FLAGS = {
    "harness": "--harness",
    "model": "--model",
    "mode": "--mode",
    "baseBranch": "--base-branch",
    "workingBranch": "--branch",
    "commit": "--commit",
    "rootDirectory": "--root",
    "delivery": "--delivery",
    "timeoutSeconds": "--timeout",
    "title": "--title",
    "priority": "--priority",
}


def body_of(run: Run) -> dict[str, Any]:
    """The body that would start a run like this one. Variables are secrets: they are left out."""
    named = {
        "repoId": run.repo_full_name,
        "prompt": run.prompt,
        "harness": run.harness,
        "model": run.model,
        "mode": run.mode,
        "baseBranch": run.base_branch,
        "createBranch": run.create_branch or None,
        "workingBranch": None if run.create_branch else run.working_branch,
        "commit": run.commit,
        "rootDirectory": run.root_directory or None,
        "delivery": str(run.delivery),
        "checks": list(run.checks) or None,
        "timeoutSeconds": run.timeout_seconds,
        "budget": run.budget.as_wire() or None,
        "labels": dict(run.labels) or None,
        "priority": run.priority or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def cli_line(body: Mapping[str, Any]) -> str:
    """`mogplex run …` for a body of `POST /runs`."""
    words = ["mogplex", "run", "--repo", str(body.get("repoId") or "OWNER/NAME")]
    if body.get("createBranch"):
        words.append("--create-branch")
    for name, flag in _FLAGS.items():
        if body.get(name) is not None:
            words += [flag, f"{body[name]:g}" if isinstance(body[name], float) else str(body[name])]
    for command in body.get("checks") or ():
        words += ["--check", command]
    budget = body.get("budget") or {}
    for name, flag in (("usd", "--budget-usd"), ("tokens", "--budget-tokens")):
        if budget.get(name) is not None:
            words += [flag, f"{budget[name]:g}" if isinstance(budget[name], float) else str(budget[name])]
    for name, value in (body.get("labels") or {}).items():
        words += ["--label", f"{name}={value}"]
    prompt = str(body.get("prompt") or "PROMPT")
    words += ["--", prompt] if prompt.startswith("-") else [prompt]
    return " ".join(_quote(word) for word in words)


def _quote(word: str) -> str:
    """For a shell. Control characters are written out, lest the command does something while it is pasted."""
    if not _CONTROLS.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "$'" + _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", escaped) + "'"


def curl_line(url: str, body: Mapping[str, Any]) -> str:
    """The same as a request, with the key taken from the environment and a new idempotency key each time."""
    return " \\\n  ".join(
        [
            f"curl -sS -X POST {shlex.quote(f'{url}{API_PATH}/runs')}",
            '-H "Authorization: Bearer $MOGPLEX_API_KEY"',
            '-H "Idempotency-Key: $(uuidgen)"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        ]
    )
