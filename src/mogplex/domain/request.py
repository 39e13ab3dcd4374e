"""A request to start a run: trimmed, checked, and hashed so that the same request is known again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mogplex.domain.body_reader import BodyReader
from mogplex.domain.budget import Budget
from mogplex.domain.contest import MOST_CONTENDERS, ContestMode
from mogplex.domain.errors import BadRequest
from mogplex.domain.fields import ENVIRONMENT_NAME, LABEL_NAME, kind_of
from mogplex.domain.mode import Mode
from mogplex.domain.run import CheckPolicy, Delivery

MAX_PROMPT_CHARACTERS = 100_000
MAX_IDEMPOTENCY_KEY_CHARACTERS = 200
OWN_KEY_PREFIXES = ("contender:", "schedule:", "github:")  # of the keys that we make ourselves
MAX_NOTIFY_CHARACTERS = 2000
MAX_SCHEMA_BYTES = 64 * 1024
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
    check_policy: CheckPolicy | None = None
    protect_tests: bool | None = None
    output_schema: Mapping[str, Any] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    needs: tuple[str, ...] = ()
    delivery: Delivery | None = None
    deliver_partial: bool = False
    supersede: bool = False
    resume: bool = False
    attempts: int | None = None
    attempts_mode: ContestMode | None = None
    harnesses: tuple[str, ...] = ()
    commit: str | None = None
    record: bool = False
    replay_of: str | None = None
    notify: str | None = None

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
            "checkPolicy": self.check_policy,
            "protectTests": self.protect_tests,
            "outputSchema": self.output_schema,
            "labels": dict(self.labels) or None,
            "env": dict(self.environment) or None,
            "priority": self.priority or None,
            "needs": list(self.needs) or None,
            "delivery": self.delivery,
            "deliverPartial": self.deliver_partial or None,
            "supersede": self.supersede or None,
            "resume": self.resume or None,
            "attempts": self.attempts,
            "attemptsMode": self.attempts_mode,
            "harnesses": list(self.harnesses) or None,
            "commit": self.commit,
            "record": self.record or None,
            "replayOf": self.replay_of,
            "notify": self.notify,
        }
        given = {name: value for name, value in wire.items() if value is not None}
        return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        return hashlib.sha256(self.canonical().encode("utf-8", "surrogatepass")).hexdigest()


def clean_idempotency_key(value: str | None, *, own: bool = False) -> str:
    """The trimmed key. `own`: it is one that we made ourselves, so it may begin as only ours do.

    Raises BadRequest when it is missing, blank, too long, or begins as one of ours.
    """
    key = (value or "").strip()
    if not key:
        raise BadRequest("Idempotency-Key is required: send a header with a value of your choice, new for each run.")
    if len(key) > MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise BadRequest(
            f"Idempotency-Key exceeds maximum length of {MAX_IDEMPOTENCY_KEY_CHARACTERS} characters: it has {len(key)}."
        )
    if not own and key.startswith(OWN_KEY_PREFIXES):
        begin = " or ".join(OWN_KEY_PREFIXES)
        raise BadRequest(f"Idempotency-Key {key!r} begins with {begin}, which is kept for Mogplex. Choose another one.")
    return key


_FIELDS = frozenset(
    {"repoId", "prompt", "harness", "baseBranch", "workingBranch", "createBranch", "rootDirectory", "conversationId"}
    | {"workspaceSessionId", "mode", "model", "title", "timeoutSeconds", "budget", "checks", "outputSchema", "labels"}
    | {"deliverPartial", "supersede", "attempts", "attemptsMode", "harnesses"}
    | {"env", "priority", "delivery", "commit", "checkPolicy", "protectTests", "record", "replayOf", "needs", "notify"}
)


class _Reader(BodyReader):
    """The fields of a start."""

    def read(self) -> RunRequest:
        self.refuse_unknown(_FIELDS)
        request = RunRequest(
            repo_id=self.text("repoId", required=True) or "",
            prompt=self.prompt(),
            harness=self.text("harness"),
            base_branch=self.branch("baseBranch"),
            working_branch=self.branch("workingBranch"),
            create_branch=self.flag("createBranch"),
            root_directory=self.root_directory("rootDirectory"),
            conversation_id=self.text("conversationId"),
            workspace_session_id=self.text("workspaceSessionId"),
            mode=self.choice("mode", Mode),
            model=self.text("model"),
            title=self.text("title"),
            timeout_seconds=self.number("timeoutSeconds", low=1, high=MAX_TIMEOUT_SECONDS),
            budget=self.budget("budget"),
            checks=self.commands("checks"),
            check_policy=self.choice("checkPolicy", CheckPolicy),
            protect_tests=self.maybe("protectTests"),
            output_schema=self.output_schema(),
            labels=self.pairs("labels", LABEL_NAME, 64, 200),
            environment=self.pairs("env", ENVIRONMENT_NAME, 100, 8192),
            priority=self.whole("priority", PRIORITIES, 0),
            needs=self.worker_labels("needs"),
            delivery=self.choice("delivery", Delivery),
            deliver_partial=self.flag("deliverPartial"),
            supersede=self.flag("supersede"),
            attempts=self.whole("attempts", range(1, MOST_CONTENDERS + 1), 0) or None,
            attempts_mode=self.choice("attemptsMode", ContestMode),
            harnesses=self.words("harnesses", MOST_CONTENDERS),
            commit=self.commit(),
            record=self.flag("record"),
            replay_of=self.text("replayOf"),
            notify=self.text("notify", limit=MAX_NOTIFY_CHARACTERS),
        )
        if request.create_branch and request.working_branch and request.working_branch == request.base_branch:
            self.fault("workingBranch", "must differ from baseBranch when createBranch is true")
        if request.harness and request.harnesses:
            self.fault("harnesses", "can't be given together with harness")
        if request.attempts is not None and request.attempts < len(request.harnesses):
            self.fault("attempts", f"must be at least {len(request.harnesses)}, one for each of harnesses")
        self.finish()
        return request

    def prompt(self) -> str:
        return self.text("prompt", required=True, limit=MAX_PROMPT_CHARACTERS) or ""

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

    def commit(self) -> str | None:
        value = self.text("commit")
        if value is not None and not _COMMIT.match(value):
            self.fault("commit", f"must be a full commit id of 40 or 64 lower-case hex digits, not {value!r}")
            return None
        return value
