"""A request to start a run: trimmed, checked, and hashed so that the same request is known again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.branch import branch_fault, clean_root_directory, root_directory_fault
from mogplex.domain.budget import Budget
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import (
    ENVIRONMENT_NAME,
    LABEL_NAME,
    is_storable,
    kind_of,
    read_budget,
    read_commands,
    read_pairs,
    show,
)
from mogplex.domain.run import Delivery

MAX_PROMPT_CHARACTERS = 100_000
MAX_IDEMPOTENCY_KEY_CHARACTERS = 200
MAX_SCHEMA_BYTES = 64 * 1024
MAX_TEXT_CHARACTERS = 200
MAX_TIMEOUT_SECONDS = 24 * 3600.0
PRIORITIES = range(-100, 101)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The body of a start, as the caller gave it: None means left out. Build it with `RunRequest.of`."""

    repo_id: str
    prompt: str
    harness: str | None = None
    base_branch: str | None = None
    working_branch: str | None = None
    create_branch: bool = False
    root_directory: str | None = None
    conversation_id: str | None = None
    workspace_session_id: str | None = None
    mode: str | None = None
    model: str | None = None
    title: str | None = None
    timeout_seconds: float | None = None
    budget: Budget = Budget()
    checks: tuple[str, ...] | None = None
    output_schema: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    delivery: Delivery | None = None
    commit: str | None = None

    @staticmethod
    def of(body: Mapping[str, Any]) -> RunRequest:
        """From a decoded JSON object. Raises BadRequest that names every field at fault, unknown ones included."""
        return _Reader(body).read()

    def canonical(self) -> str:
        """The same text for the same request, whatever the order of its fields and the space around its values."""
        wire = {
            "repoId": self.repo_id,
            "prompt": self.prompt,
            "harness": self.harness,
            "baseBranch": self.base_branch,
            "workingBranch": self.working_branch,
            "createBranch": self.create_branch or None,
            "rootDirectory": self.root_directory,
            "conversationId": self.conversation_id,
            "workspaceSessionId": self.workspace_session_id,
            "mode": self.mode,
            "model": self.model,
            "title": self.title,
            "timeoutSeconds": self.timeout_seconds,
            "budget": self.budget.as_wire() or None,
            "checks": None if self.checks is None else list(self.checks),
            "outputSchema": self.output_schema,
            "labels": dict(self.labels) or None,
            "env": dict(self.environment) or None,
            "priority": self.priority or None,
            "delivery": self.delivery,
            "commit": self.commit,
        }
        given = {name: value for name, value in wire.items() if value is not None}
        return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        return hashlib.sha256(self.canonical().encode("utf-8", "surrogatepass")).hexdigest()


def clean_idempotency_key(value: str | None) -> str:
    """The trimmed key. Raises BadRequest when it is missing, blank or too long."""
    key = (value or "").strip()
    if not key:
        raise BadRequest("Idempotency-Key is required: send a header with a value of your choice, new for each run.")
    if len(key) > MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise BadRequest(
            f"Idempotency-Key exceeds maximum length of {MAX_IDEMPOTENCY_KEY_CHARACTERS} characters: it has {len(key)}."
        )
    return key


_FIELDS = frozenset(
    {"repoId", "prompt", "harness", "baseBranch", "workingBranch", "createBranch", "rootDirectory", "conversationId"}
    | {"workspaceSessionId", "mode", "model", "title", "timeoutSeconds", "budget", "checks", "outputSchema", "labels"}
    | {"env", "priority", "delivery", "commit"}
)


class _Reader:
    """Reads one body, collecting every fault instead of stopping at the first."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.faults: list[Detail] = []

    def read(self) -> RunRequest:
        for name in self.body:
            if name not in _FIELDS:
                self.fault(str(name), "is not a known field")
        request = RunRequest(
            repo_id=self.text("repoId", required=True) or "",
            prompt=self.prompt(),
            harness=self.text("harness"),
            base_branch=self.branch("baseBranch"),
            working_branch=self.branch("workingBranch"),
            create_branch=self.flag("createBranch"),
            root_directory=self.root_directory(),
            conversation_id=self.text("conversationId"),
            workspace_session_id=self.text("workspaceSessionId"),
            mode=self.text("mode"),
            model=self.text("model"),
            title=self.text("title"),
            timeout_seconds=self.number("timeoutSeconds", low=1, high=MAX_TIMEOUT_SECONDS),
            budget=self.budget(),
            checks=self.checks(),
            output_schema=self.output_schema(),
            labels=self.pairs("labels", LABEL_NAME, 64, 200),
            environment=self.pairs("env", ENVIRONMENT_NAME, 100, 8192),
            priority=self.priority(),
            delivery=self.delivery(),
            commit=self.commit(),
        )
        if request.create_branch and request.working_branch and request.working_branch == request.base_branch:
            self.fault("workingBranch", "must differ from baseBranch when createBranch is true")
        if self.faults:
            listed = "; ".join(f"{each.field} {each.reason}" for each in self.faults)
            raise BadRequest(f"Invalid request: {listed}", self.faults)
        return request

    def fault(self, field_name: str, reason: str) -> None:
        self.faults.append(Detail(field_name[:100], reason))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT_CHARACTERS) -> str | None:
        value = self.body.get(name)
        if value is None:
            if required:
                self.fault(name, "is required")
            return None
        if not isinstance(value, str):
            self.fault(name, f"must be a string, not {kind_of(value)}")
            return None
        value = value.strip()
        if not value:
            if required:
                self.fault(name, "is required and may not be blank")
            return None
        if len(value) > limit:
            self.fault(name, f"is too long: {len(value):,} characters, at most {limit:,}")
            return None
        if not is_storable(value):
            self.fault(name, "holds a NUL or half a surrogate pair, which is no text")
            return None
        return value

    def prompt(self) -> str:
        return self.text("prompt", required=True, limit=MAX_PROMPT_CHARACTERS) or ""

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {kind_of(value)}")
            return False
        return value

    def number(self, name: str, *, low: float, high: float) -> float | None:
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fault(name, f"must be a number from {low:g} to {high:g}, not {show(value)}")
            return None
        return float(value)

    def branch(self, name: str) -> str | None:
        value = self.text(name, limit=1000)
        if value is None:
            return None
        fault = branch_fault(value)
        if fault:
            self.fault(name, f"{value!r} is no branch name: it {fault}")
            return None
        return value

    def root_directory(self) -> str | None:
        value = self.body.get("rootDirectory")
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault("rootDirectory", f"must be a string, not {kind_of(value)}")
            return None
        fault = root_directory_fault(value.strip())
        if fault is None and not is_storable(value):
            fault = "is not valid Unicode"
        if fault:
            self.fault("rootDirectory", f"{value[:200]!r} {fault}")
            return None
        return clean_root_directory(value.strip())

    def budget(self) -> Budget:
        value = self.body.get("budget")
        if value is None:
            return Budget()
        if not isinstance(value, Mapping):
            self.fault("budget", f"must be an object, not {kind_of(value)}")
            return Budget()
        return read_budget(value, self.fault)

    def checks(self) -> tuple[str, ...] | None:
        value = self.body.get("checks")
        return None if value is None else read_commands("checks", value, self.fault)

    def output_schema(self) -> Mapping[str, Any] | None:
        value = self.body.get("outputSchema")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fault("outputSchema", f"must be a JSON Schema object, not {kind_of(value)}")
            return None
        try:
            size_bytes = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
        except ValueError:  # NaN, infinity, half a surrogate pair: Python reads them, no database stores them
            self.fault("outputSchema", "holds a number or a text that JSON cannot carry (NaN, half a surrogate pair)")
            return None
        if size_bytes > MAX_SCHEMA_BYTES:
            self.fault("outputSchema", f"is too large: {size_bytes:,} bytes, at most {MAX_SCHEMA_BYTES:,}")
            return None
        return value

    def pairs(self, name: str, key_pattern: re.Pattern[str], most: int, longest: int) -> dict[str, str]:
        value = self.body.get(name)
        if value is None:
            return {}
        return read_pairs(name, value, key_pattern, most, longest, self.fault)

    def priority(self) -> int:
        value = self.body.get("priority")
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value not in PRIORITIES:
            self.fault(
                "priority", f"must be a whole number from {PRIORITIES[0]} to {PRIORITIES[-1]}, not {show(value)}"
            )
            return 0
        return value

    def delivery(self) -> Delivery | None:
        value = self.text("delivery")
        if value is None:
            return None
        try:
            return Delivery(value)
        except ValueError:
            self.fault("delivery", f"must be one of {', '.join(Delivery)}, not {value!r}")
            return None

    def commit(self) -> str | None:
        value = self.text("commit")
        if value is not None and not _COMMIT.match(value):
            self.fault("commit", f"must be a full commit id of 40 or 64 lower-case hex digits, not {value!r}")
            return None
        return value
